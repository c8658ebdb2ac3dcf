//! One thread that has both ends: what an operation costs when nobody is in the way.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::CAPACITY;
use crate::ledger::{Ledger, tag};
use crate::payload::Payload;
use crate::roles::{TryPush, TryTake};

/// How many items a channel holds that is filled again and again.
pub const LARGE: usize = 65_536;

/// How many items are pushed, then taken, at a time.
pub const RUN: usize = 64;

/// Pushes into a channel with room, and nothing else.
pub fn pushes<T: Payload, S: TryPush<T>, R: TryTake<T>>(open: impl Fn(usize) -> (S, R), items: u64) -> Duration {
    let (mut sender, mut receiver) = open(LARGE);
    let mut fill = |count: u64| {
        let mut accepted = 0;
        let began = Instant::now();
        for number in 0..count {
            accepted += u64::from(sender.offer(T::new(tag(0, number))));
        }
        let took = began.elapsed();
        assert_eq!(accepted, count);
        settle::<T, R>(&mut receiver, 0, count);
        took
    };
    // Brings the memory in.
    fill(LARGE as u64);
    let mut took = Duration::ZERO;
    let mut left = items;
    while left > 0 {
        let count = left.min(LARGE as u64);
        took += fill(count);
        left -= count;
    }
    took
}

/// Pushes into a full channel that gives every item back.
pub fn refusals<T: Payload, S: TryPush<T>, R: TryTake<T>>(open: impl Fn(usize) -> (S, R), items: u64) -> Duration {
    let (mut sender, mut receiver) = full(open);
    let mut accepted = 0;
    let began = Instant::now();
    for number in 0..items {
        accepted += u64::from(sender.offer(T::new(tag(0, black_box(number)))));
    }
    let took = began.elapsed();
    assert_eq!(accepted, 0);
    settle::<T, R>(&mut receiver, 0, CAPACITY as u64);
    took
}

/// Pushes into a full channel that drops its oldest item for each.
pub fn evictions<T: Payload, S: TryPush<T>, R: TryTake<T>>(open: impl Fn(usize) -> (S, R), items: u64) -> Duration {
    let (mut sender, mut receiver) = full(open);
    let capacity = CAPACITY as u64;
    let mut accepted = 0;
    let began = Instant::now();
    for number in capacity..capacity + items {
        accepted += u64::from(sender.offer(T::new(tag(0, number))));
    }
    let took = began.elapsed();
    assert_eq!(accepted, items);
    settle::<T, R>(&mut receiver, items, capacity);
    took
}

/// Pushes an item and takes it, in turn.
pub fn pairs<T: Payload, S: TryPush<T>, R: TryTake<T>>(open: impl Fn(usize) -> (S, R), items: u64) -> Duration {
    let (mut sender, mut receiver) = open(CAPACITY);
    let mut ledger = Ledger::default();
    let mut accepted = 0;
    let began = Instant::now();
    for number in 0..items {
        accepted += u64::from(sender.offer(T::new(tag(0, number))));
        if let Some(item) = receiver.grab() {
            ledger.see(black_box(&item));
        }
    }
    let took = began.elapsed();
    assert_eq!(accepted, items);
    ledger.settle(items);
    took
}

/// Pushes a run of items and takes it, in turn, each by the best batch the channel has.
pub fn runs<T: Payload, S: TryPush<T>, R: TryTake<T>>(open: impl Fn(usize) -> (S, R), items: u64) -> Duration {
    assert!(items.is_multiple_of(RUN as u64));
    let (mut sender, mut receiver) = open(CAPACITY);
    let mut ledger = Ledger::default();
    let mut scratch = Vec::with_capacity(RUN);
    let mut out = Vec::with_capacity(RUN);
    let mut all = true;
    let began = Instant::now();
    for first in (0..items).step_by(RUN) {
        let run = first..first + RUN as u64;
        all &= sender.offer_all(run.map(|number| T::new(tag(0, number))), &mut scratch);
        receiver.grab_some(&mut out, RUN);
        black_box(&out);
        for item in out.drain(..) {
            ledger.see(&item);
        }
    }
    let took = began.elapsed();
    assert!(all);
    ledger.settle(items);
    took
}

fn full<T: Payload, S: TryPush<T>, R: TryTake<T>>(open: impl Fn(usize) -> (S, R)) -> (S, R) {
    let (mut sender, receiver) = open(CAPACITY);
    for number in 0..CAPACITY as u64 {
        assert!(sender.offer(T::new(tag(0, number))));
    }
    (sender, receiver)
}

/// Takes what is there, which must be `count` items from `first` on.
fn settle<T: Payload, R: TryTake<T>>(receiver: &mut R, first: u64, count: u64) {
    let mut ledger = Ledger::starting_at(first);
    while let Some(item) = receiver.grab() {
        ledger.see(&item);
    }
    ledger.settle(count);
}
