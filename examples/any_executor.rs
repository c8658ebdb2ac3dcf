//! The same async code on two executors, neither of them tokio: futures, a stream and a sink need nothing but a waker.
//!
//! ```text
//! cargo run --example any_executor
//! ```

use std::thread;

use futures::StreamExt;
use mpsc_ring::{BackPressurePolicy, channel};

const THREADS: u64 = 3;
const PUSHES: u64 = 5_000;

fn main() {
    let expected = THREADS * PUSHES * (PUSHES + 1) / 2;

    // A single future on this thread, which sleeps while there is nothing to do.
    let sum = futures::executor::block_on(sum_of_what_threads_push());
    println!("futures::executor: {sum}");
    assert_eq!(sum, expected);

    // Tasks on smol's executor.
    let sum = smol::block_on(async {
        let there = smol::spawn(sum_of_what_threads_push());
        let here = sum_of_what_threads_push().await;
        here + there.await
    });
    println!("smol: {sum}");
    assert_eq!(sum, 2 * expected);

    // A stream into a sink, as any other. The second channel has room for one item only: the sink waits for it.
    let doubled = smol::block_on(doubled_through_a_sink(100));
    println!("through a sink: {} items", doubled.len());
    assert!(doubled.iter().copied().eq((0..100).map(|n| n * 2)));
}

/// Plain threads push, a task takes: the pushers neither know nor care who runs the task.
async fn sum_of_what_threads_push() -> u64 {
    let (producer, consumer) = channel(128, BackPressurePolicy::Block);
    for _ in 0..THREADS {
        let producer = producer.clone();
        // The channel closes when the last of them is done and drops its producer.
        thread::spawn(move || (1..=PUSHES).all(|n| producer.push(n).is_ok()));
    }
    drop(producer);

    let mut batches = consumer.into_batches(64);
    let mut sum = 0;
    while let Some(batch) = batches.next().await {
        sum += batch.iter().sum::<u64>();
    }
    sum
}

/// Doubles numbers on their way from one channel to the next.
async fn doubled_through_a_sink(count: u64) -> Vec<u64> {
    let (numbers, to_double) = channel(8, BackPressurePolicy::Block);
    let (doubled, results) = channel(1, BackPressurePolicy::Block);

    let feeder = smol::spawn(async move {
        for n in 0..count {
            if numbers.push_async(n).await.is_err() {
                break;
            }
        }
    });
    let doubler = smol::spawn(async move {
        // The sink owns the producer and goes with it, which closes the second channel.
        let doubles = to_double.into_stream().map(|n| Ok(n * 2));
        doubles.forward(doubled.into_sink()).await
    });
    let collected = results.into_stream().collect().await;
    feeder.await;
    doubler.await.expect("the results were taken to the end");
    collected
}
