//! How old events are when they arrive: the time from where they were made to where they are written.
//!
//! ```text
//! cargo run --release --example aged
//! ```
//!
//! What a push takes is only the producer's side. An event that waits for a slow exporter is late all the same, and only its age
//! shows that.

use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mpsc_ring::{Aged, BackPressurePolicy, channel};

const EVENTS: u32 = 20_000;
const BATCH: usize = 256;

/// What happened, without the time: that is what [`Aged`] adds.
struct Event {
    n: u32,
}

fn main() {
    let (producer, consumer) = channel(1024, BackPressurePolicy::Block);
    let pusher = thread::spawn(move || {
        for n in 0..EVENTS {
            producer.push(Aged::new(Event { n })).expect("the consumer stays");
            if n % 100 == 0 {
                thread::sleep(Duration::from_micros(100)); // does something else
            }
        }
    });

    let mut ages = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 2).expect("these bounds are valid");
    let mut batch = Vec::with_capacity(BATCH);
    let mut next = 0;
    while consumer.take_batch_into(&mut batch, BATCH).taken > 0 {
        let now = Instant::now(); // one look at the clock for the batch
        for event in batch.drain(..) {
            ages.saturating_record(event.age_at(now).as_nanos() as u64);
            assert_eq!(event.into_inner().n, next);
            next += 1;
        }
    }
    pusher.join().expect("pushing does not panic");

    assert_eq!((next, ages.len()), (EVENTS, u64::from(EVENTS)));
    for quantile in [0.5, 0.99, 0.999, 1.0] {
        let age = Duration::from_nanos(ages.value_at_quantile(quantile));
        println!("{:>5} % of the events arrived within {age:?}", quantile * 100.0);
    }
}
