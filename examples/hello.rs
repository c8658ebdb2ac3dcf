//! Threads push, one consumer takes batches, and nothing gets lost on the way.
//!
//! ```text
//! cargo run --example hello
//! ```

use std::thread;

use mpsc_ring::{BackPressurePolicy, channel};

const THREADS: usize = 4;
const PUSHES: usize = 10_000;

fn main() {
    // Room for 1,024 items, exactly. `Block` lets a pusher wait while there is no room, so that nothing is lost.
    let (producer, consumer) = channel(1_024, BackPressurePolicy::Block);

    // Every thread gets a producer of its own; clones push into the same channel.
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let producer = producer.clone();
            thread::spawn(move || {
                for n in 0..PUSHES {
                    // Fails only if the channel is closed, and then gives the item back.
                    producer.push((thread, n)).expect("the consumer is there");
                }
            })
        })
        .collect();
    // The channel closes with its last producer, and ours is one of them.
    drop(producer);

    // A batch has what is there, up to 256 items; an empty one says that the channel is closed and drained. The same
    // `Vec` serves all batches, so taking allocates nothing.
    let mut batch = Vec::with_capacity(256);
    let (mut batches, mut next) = (0, [0; THREADS]);
    while consumer.take_batch_into(&mut batch, 256).taken > 0 {
        batches += 1;
        for (thread, n) in batch.drain(..) {
            assert_eq!(n, next[thread], "what a thread pushes stays in order");
            next[thread] += 1;
        }
    }

    for thread in threads {
        thread.join().expect("pushing does not panic");
    }
    let stats = consumer.stats();
    println!("took {} items in {batches} batches", stats.taken);
    assert_eq!(next, [PUSHES; THREADS]);
    assert_eq!(stats.taken, (THREADS * PUSHES) as u64);
    assert_eq!(stats.lost(), 0);
}
