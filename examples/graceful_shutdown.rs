//! A shutdown that loses nothing: stop accepting, drain, flush, and say where every item is.
//!
//! ```text
//! cargo run --example graceful_shutdown
//! ```
//!
//! `close` is the one signal for everybody. Threads that push get their item back, a thread that waits for room is
//! woken and gets its item back too, a task that awaits `closed` goes on, and the consumer still gets all that was
//! accepted.

use std::io::{self, BufWriter, Write};
use std::thread;
use std::time::Duration;

use mpsc_ring::{BackPressurePolicy, Consumer, Producer, PushError, WeakProducer, channel};

const THREADS: u64 = 3;

#[tokio::main]
async fn main() -> io::Result<()> {
    // Small, and with a slow writer: at shutdown, items are inside and threads wait for room.
    let (producer, consumer) = channel(64, BackPressurePolicy::Block);

    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let producer = producer.clone();
            thread::spawn(move || work(thread, &producer))
        })
        .collect();
    let writer = thread::spawn(move || write(&consumer, io::sink()));
    // A weak handle does not keep the channel open: if all threads ended by themselves, so would everything else.
    let heartbeat = tokio::spawn(beat(producer.downgrade()));

    // ... until somebody wants to stop. A service would await `tokio::signal::ctrl_c()` here.
    tokio::time::sleep(Duration::from_millis(200)).await;

    // 1. Stop accepting. From here on, pushes fail; whoever waits is woken.
    assert!(producer.close(), "nobody has closed it before");
    assert!(!producer.close(), "closing again changes nothing");

    // 2. Those who push learn of it by their next push, those who do not by `closed`. Joining blocks this thread, which
    // is fine with nothing else to do: tasks run on the runtime's own threads.
    let mut made = 0;
    let mut handed_back = Vec::new();
    for thread in threads {
        let (its, unsent) = thread.join().expect("a worker does not panic");
        made += its;
        handed_back.push(unsent);
    }
    let beats = heartbeat.await.expect("the heartbeat does not panic");

    // 3. Drain and flush: the writer takes what is left inside and ends.
    let written = writer.join().expect("the writer does not panic")?;

    // 4. Say what was lost.
    let stats = producer.stats();
    println!("{made} items made by threads, {beats} heartbeats");
    println!(
        "{written} written, {} handed back to those who made them: {handed_back:?}",
        handed_back.len()
    );
    println!("{} lost, {} left inside", stats.lost() + stats.discarded, stats.len);
    assert_eq!(made + beats, written + handed_back.len() as u64);
    assert_eq!((stats.lost(), stats.discarded, stats.len), (0, 0, 0));
    assert_eq!((stats.pushed, stats.taken), (written, written));
    Ok(())
}

/// Makes items until the channel is closed; returns how many, and the one that was not accepted.
fn work(thread: u64, producer: &Producer<String>) -> (u64, String) {
    for n in 1.. {
        match producer.push(format!("item {n} of thread {thread}")) {
            Ok(()) => {}
            // It could be stored for the next start; here it is just shown.
            Err(PushError::Closed(unsent)) => return (n, unsent),
            Err(error) => unreachable!("Block waits for room: {error}"),
        }
    }
    unreachable!("a thread has not made 2^64 items")
}

/// Pushes a sign of life now and then until the channel is closed; returns how many.
async fn beat(channel: WeakProducer<String>) -> u64 {
    let mut beats = 0;
    // A producer for the moment only, if there is a channel to push into.
    while let Some(producer) = channel.upgrade() {
        // Not lost if refused: it is not counted as a beat, and nobody misses a heartbeat of a service that stops.
        if producer.push_async("alive".to_owned()).await.is_ok() {
            beats += 1;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
            () = producer.closed() => break,
        }
    }
    beats
}

/// Writes all items, slowly, and flushes; returns how many.
fn write(consumer: &Consumer<String>, out: impl Write) -> io::Result<u64> {
    let mut out = BufWriter::new(out);
    let mut batch = Vec::with_capacity(16);
    let mut written = 0;
    while consumer.take_batch_into(&mut batch, 16).taken > 0 {
        thread::sleep(Duration::from_millis(1));
        for item in batch.drain(..) {
            writeln!(out, "{item}")?;
            written += 1;
        }
    }
    out.flush()?;
    Ok(written)
}
