//! A burst outruns the consumer: what the ring does not hold goes to disk and comes back in order.
//!
//! ```text
//! cargo run --release --features spill --example spill_to_disk
//! ```

use std::thread;
use std::time::{Duration, Instant};

use mpsc_ring::{BackPressurePolicy, Spill, SpillError, channel};
use serde::{Deserialize, Serialize};

const THREADS: usize = 4;
const EVENTS: u64 = 50_000;
const BATCH: usize = 512;

#[derive(Serialize, Deserialize)]
struct Event {
    thread: usize,
    /// Counts the thread's events.
    n: u64,
    what: String,
}

fn main() -> Result<(), SpillError> {
    // A service names a directory that stays: what is in it comes first after a restart.
    let dir = tempfile::tempdir().expect("a temporary directory");
    let spill = Spill::options().max_bytes(256 << 20).open(dir.path())?;
    let (producer, consumer) = channel(1_024, BackPressurePolicy::SpillToDisk(spill));

    let began = Instant::now();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let producer = producer.clone();
            thread::spawn(move || {
                for n in 0..EVENTS {
                    let what = format!("event {n} of thread {thread}");
                    if let Err(error) = producer.push(Event { thread, n, what }) {
                        panic!("{error}"); // The disk is full, or the channel closed: the error has the event.
                    }
                }
            })
        })
        .collect();

    // A backend that takes its time.
    let exporter = thread::spawn(move || {
        let mut next = [0; THREADS];
        let mut batch = Vec::with_capacity(BATCH);
        while consumer.take_batch_into(&mut batch, BATCH).taken > 0 {
            for event in batch.drain(..) {
                assert_eq!(event.n, next[event.thread], "events of one thread keep their order");
                assert!(event.what.ends_with(&event.thread.to_string()));
                next[event.thread] += 1;
            }
            thread::sleep(Duration::from_micros(300));
        }
        assert_eq!(next, [EVENTS; THREADS], "nothing is lost");
        consumer.stats()
    });

    for thread in threads {
        thread.join().expect("pushing succeeds");
    }
    let burst = began.elapsed();
    let stats = producer.stats();
    println!(
        "pushed {} events in {burst:.0?}: {} are in memory,",
        stats.pushed, stats.len
    );
    println!("{} on disk, {} have been taken", stats.on_disk, stats.taken);

    drop(producer);
    let stats = exporter.join().expect("the order is kept");
    println!(
        "all {} taken after {:.0?}, {} of them from disk",
        stats.taken,
        began.elapsed(),
        stats.spilled
    );
    assert_eq!((stats.taken, stats.lost()), (stats.pushed, 0));
    Ok(())
}
