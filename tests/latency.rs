//! Which pushes are timed, and what is told of them.
#![cfg(all(feature = "latency", not(loom)))]

mod common;

use std::cell::Cell;
use std::fmt::Debug;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use common::*;
use futures::executor::block_on;
use mpsc_ring::{Latencies, TimedProducer};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(TimedProducer<Cell<u8>>: Send, Sync, Clone, Debug, Unpin);
assert_not_impl_any!(TimedProducer<Rc<u8>>: Send, Sync);
assert_impl_all!(Latencies: Send, Sync, Clone, Debug, Unpin);

#[test]
fn one_push_in_so_many_is_timed() {
    for every in [1, 2, 7, 64] {
        let (producer, _consumer) = Policy::DropOldest.channel(4);
        let producer = producer.timed(every);
        for n in 1..=200 {
            producer.push(n).unwrap();
            assert_eq!(producer.latencies().count(), u64::from(n / every));
        }
    }
}

#[test]
fn one_in_none_panics() {
    let (producer, _consumer) = Policy::Block.channel::<u8>(1);
    assert!(panics(|| drop(producer.timed(0))));
}

#[test]
fn pushes_are_timed_whatever_comes_of_them() {
    let (producer, consumer) = Policy::DropNewest.channel(1);
    let producer = producer.timed(1);
    assert!(producer.push(1).is_ok());
    assert!(producer.push(2).unwrap_err().is_full());
    assert!(producer.try_push(3).unwrap_err().is_full());
    assert!(block_on(producer.push_async(4)).unwrap_err().is_full());
    drop(consumer);
    assert!(producer.push(5).unwrap_err().is_closed());
    assert_eq!(producer.latencies().count(), 5);
}

#[test]
fn all_ways_of_pushing_count_as_one() {
    let (producer, _consumer) = Policy::DropOldest.channel(1);
    let producer = producer.timed(4);
    producer.push(1).unwrap();
    _ = producer.try_push(2);
    block_on(producer.push_async(3)).unwrap();
    assert_eq!(producer.latencies().count(), 0);
    producer.push(4).unwrap();
    assert_eq!(producer.latencies().count(), 1);
}

#[test]
fn the_producer_inside_is_not_timed() {
    let (producer, consumer) = Policy::Block.channel(2);
    let producer = producer.timed(1);
    producer.producer().push(1).unwrap();
    producer.producer().clone().push(2).unwrap();
    assert_eq!(producer.latencies().count(), 0);
    assert_eq!(consumer.take_batch(2), [1, 2]);
}

#[test]
fn a_future_that_is_dropped_records_nothing() {
    let (producer, _consumer) = Policy::Block.channel(1);
    let producer = producer.timed(1);
    producer.push(1).unwrap();
    let task = Task::new();
    let mut push = Box::pin(producer.push_async(2));
    assert!(task.poll(&mut push).is_pending());
    drop(push);
    assert_eq!(producer.latencies().count(), 1);
}

#[test]
fn waiting_for_room_is_part_of_the_time() {
    let (producer, consumer) = Policy::Block.channel(1);
    let producer = producer.timed(1);
    const WAIT: Duration = Duration::from_millis(20);
    in_time(move || {
        producer.push(1).unwrap();
        let taker = thread::spawn(move || {
            while consumer.stats().pushers_parked == 0 {
                thread::yield_now();
            }
            thread::sleep(WAIT);
            consumer.take_batch(1);
            consumer
        });
        producer.push(2).unwrap();
        drop(taker.join().unwrap());
        let latencies = producer.latencies();
        assert!(latencies.max() >= WAIT && latencies.mean() <= latencies.max());
        assert!(latencies.quantile(0.0) <= latencies.quantile(0.5));
        assert!(latencies.quantile(0.5) <= latencies.quantile(1.0));
        assert_eq!(latencies.quantile(1.0), latencies.max());
        assert_eq!(latencies.quantile(7.0), latencies.max());
    });
}

#[test]
fn without_a_push_all_is_zero() {
    let (producer, _consumer) = Policy::Block.channel::<u8>(1);
    let latencies = producer.timed(1).latencies();
    assert_eq!((latencies.count(), latencies.missed()), (0, 0));
    for time in [latencies.max(), latencies.mean(), latencies.quantile(0.5)] {
        assert_eq!(time, Duration::ZERO);
    }
}

#[test]
fn clones_count_apart_and_record_together() {
    in_time(|| {
        const EVERY: usize = 8;
        let each = rounds(40_000);
        let (producer, _consumer) = Policy::DropOldest.channel(16);
        let producer = producer.timed(EVERY as u32);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let producer = producer.clone();
                thread::spawn(move || (0..each).for_each(|n| _ = producer.push(n)))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let latencies = producer.latencies();
        assert_eq!(latencies.count() + latencies.missed(), 4 * (each / EVERY) as u64);
        assert_eq!(producer.producer().stats().offered(), 4 * each as u64);
    });
}
