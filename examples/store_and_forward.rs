//! An exporter whose backend fails for a while: what cannot be delivered goes to a log on disk and is delivered later, in
//! order.
//!
//! ```text
//! cargo run --features spill --example store_and_forward
//! ```

use std::thread;
use std::time::Duration;

use mpsc_ring::{BackPressurePolicy, Consumer, Spill, SpillError, TakeTimeoutError, channel};
use serde::{Deserialize, Serialize};

const THREADS: usize = 3;
const EVENTS: u64 = 20_000;
const BATCH: usize = 256;
/// When to try the backend again, should nothing happen until then.
const RETRY: Duration = Duration::from_millis(5);

#[derive(Serialize, Deserialize)]
struct Event {
    thread: usize,
    /// Counts the thread's events.
    n: u64,
    what: String,
}

fn main() -> Result<(), SpillError> {
    // A service names a directory that stays: what is in it is delivered after a restart.
    let dir = tempfile::tempdir().expect("a temporary directory");
    let spill = Spill::options().max_bytes(256 << 20).open(dir.path())?;
    let (producer, consumer) = channel(1_024, BackPressurePolicy::Block);

    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let producer = producer.clone();
            thread::spawn(move || {
                for n in 0..EVENTS {
                    let what = format!("event {n} of thread {thread}");
                    producer.push(Event { thread, n, what }).expect("the consumer is there");
                }
            })
        })
        .collect();
    drop(producer);

    let mut backend = Backend::default();
    export(&consumer, &spill, &mut backend)?;
    for thread in threads {
        thread.join().expect("pushing does not panic");
    }

    let counts = spill.counts();
    println!("{} batches refused by the backend", backend.refused);
    println!(
        "{} events delivered, {} of them by way of the log",
        backend.received, counts.appended
    );
    assert!(backend.refused > 0 && counts.appended > 0, "the backend was down");
    assert_eq!((counts.read, counts.missing()), (counts.appended, 0));
    assert_eq!(backend.next, [EVENTS; THREADS], "everything has arrived");
    Ok(())
}

/// Delivers everything, until the channel is closed and drained and nothing is left in the log.
fn export(consumer: &Consumer<Event>, spill: &Spill<Event>, backend: &mut Backend) -> Result<(), SpillError> {
    let mut batch = Vec::with_capacity(BATCH);
    // Read from the log, but not delivered yet.
    let mut backlog = Vec::with_capacity(BATCH);
    loop {
        let taken = consumer.take_batch_timeout_into(&mut batch, BATCH, RETRY);

        // What is in the log is older. A few batches at a time, so that the channel is not left alone for long.
        for _ in 0..4 {
            if backlog.is_empty() && spill.read(&mut backlog, BATCH)?.count == 0 {
                break;
            }
            if backend.send(&mut backlog).is_err() {
                break;
            }
            spill.commit()?; // Should this be cut short, the batch is delivered again after a restart.
        }

        let is_behind = !backlog.is_empty() || !spill.is_empty();
        if !batch.is_empty() && (is_behind || backend.send(&mut batch).is_err()) {
            // If the disk fails or the cap is reached, what was not accepted is still in the batch. It could be kept, so that
            // the channel fills up and its policy decides; here it ends the exporter.
            spill.append(&mut batch)?;
        }
        match taken {
            Err(TakeTimeoutError::Closed) if !is_behind => return Ok(()),
            Err(TakeTimeoutError::Closed) => thread::sleep(RETRY), // Taking does not wait any more.
            _ => {}
        }
    }
}

/// Where events go. It checks that they come in order.
#[derive(Default)]
struct Backend {
    calls: u32,
    refused: u32,
    received: u64,
    next: [u64; THREADS],
}

impl Backend {
    /// Takes the whole batch, or leaves it.
    fn send(&mut self, batch: &mut Vec<Event>) -> Result<(), &'static str> {
        self.calls += 1;
        if (20..60).contains(&self.calls) {
            self.refused += 1;
            return Err("down");
        }
        for Event { thread, n, what } in batch.drain(..) {
            assert_eq!(n, self.next[thread], "not in order: {what}");
            self.next[thread] += 1;
            self.received += 1;
        }
        Ok(())
    }
}
