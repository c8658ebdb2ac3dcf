//! Threads that push, with nobody to take.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::CAPACITY;
use crate::ledger::{Ledger, tag};
use crate::payload::Payload;
use crate::roles::{TryPush, TryTake};

/// Pushes into a channel with room for all of them.
pub fn pushes<T, S, R>(open: impl Fn(usize) -> (S, R), producers: usize, items: u64) -> Duration
where
    T: Payload,
    S: TryPush<T> + Clone + Send,
    R: TryTake<T>,
{
    let (mut sender, mut receiver) = open(items as usize);
    // Brings the memory in.
    assert_eq!(push(&mut sender, 0, items), items);
    while receiver.grab().is_some() {}
    let (took, accepted) = race(sender, producers, items);
    assert_eq!(accepted, items);
    let mut ledger = Ledger::default();
    while let Some(item) = receiver.grab() {
        ledger.see(&item);
    }
    ledger.settle(items);
    took
}

/// Pushes into a full channel that drops its oldest item for each; the time is that of as many pushes as did not give their item
/// back.
pub fn evictions<T, S, R>(open: impl Fn(usize) -> (S, R), producers: usize, items: u64) -> Duration
where
    T: Payload,
    S: TryPush<T> + Clone + Send,
    R: TryTake<T>,
{
    let (mut sender, mut receiver) = open(CAPACITY);
    assert_eq!(push(&mut sender, producers, CAPACITY as u64), CAPACITY as u64);
    let (took, accepted) = race(sender, producers, items);
    let mut ledger = Ledger::default();
    while let Some(item) = receiver.grab() {
        assert!(item.tag() < tag(producers, 0), "an item was kept that is older");
        ledger.see_later(&item);
    }
    ledger.settle(CAPACITY as u64);
    took.mul_f64(items as f64 / accepted as f64)
}

/// From when the first of the threads starts to when the last one ends, and how many items went in.
fn race<T, S>(sender: S, producers: usize, items: u64) -> (Duration, u64)
where
    T: Payload,
    S: TryPush<T> + Clone + Send,
{
    let each = items / producers as u64;
    assert_eq!(each * producers as u64, items);
    let line = &Barrier::new(producers);
    thread::scope(|scope| {
        let pushing: Vec<_> = vec![sender; producers]
            .into_iter()
            .enumerate()
            .map(|(producer, mut sender)| {
                scope.spawn(move || {
                    line.wait();
                    let began = Instant::now();
                    let accepted = push(&mut sender, producer, each);
                    (began, Instant::now(), accepted)
                })
            })
            .collect();
        let (began, ended, accepted) = pushing
            .into_iter()
            .map(|thread| thread.join().expect("a producer that does not panic"))
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1), a.2 + b.2))
            .expect("a producer");
        (ended - began, accepted)
    })
}

/// Pushes so many items; returns how many went in.
fn push<T: Payload, S: TryPush<T>>(sender: &mut S, producer: usize, count: u64) -> u64 {
    let mut accepted = 0;
    for number in 0..count {
        accepted += u64::from(sender.offer(T::new(tag(producer, number))));
    }
    accepted
}
