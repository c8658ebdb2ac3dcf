//! Rings that keep the newest items, held by one thread: the drop-in types next to what they replace.

use std::collections::VecDeque;
use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use mpsc_ring::compat::{LockFreeRingBuffer, RingBuffer};

use crate::CAPACITY;
use crate::ledger::{Ledger, tag};
use crate::payload::Payload;
use crate::single::LARGE;

/// How many items a snapshot takes.
pub const SNAPSHOT: usize = 100_000;

/// A ring that is shared.
pub trait Shared<T> {
    fn with_capacity(capacity: usize) -> Self;

    /// Pushes `item` and returns what it displaced.
    fn displace(&self, item: T) -> Option<T>;

    fn pop(&self) -> Option<T>;

    /// All that is inside.
    fn drain(&self) -> Vec<T>;
}

impl<T: Payload> Shared<T> for LockFreeRingBuffer<T> {
    fn with_capacity(capacity: usize) -> Self {
        Self::new(capacity)
    }

    #[inline(always)]
    fn displace(&self, item: T) -> Option<T> {
        self.push(item).expect("one thread")
    }

    #[inline(always)]
    fn pop(&self) -> Option<T> {
        self.pop()
    }

    fn drain(&self) -> Vec<T> {
        self.take_snapshot()
    }
}

impl<T: Payload> Shared<T> for ArrayQueue<T> {
    fn with_capacity(capacity: usize) -> Self {
        Self::new(capacity)
    }

    #[inline(always)]
    fn displace(&self, item: T) -> Option<T> {
        self.force_push(item)
    }

    #[inline(always)]
    fn pop(&self) -> Option<T> {
        self.pop()
    }

    fn drain(&self) -> Vec<T> {
        let mut items = Vec::with_capacity(self.len());
        while let Some(item) = self.pop() {
            items.push(item);
        }
        items
    }
}

/// Pushes into a full ring and looks at what comes back.
pub fn displacements<T: Payload, R: Shared<T>>(items: u64) -> Duration {
    let ring = R::with_capacity(CAPACITY);
    let capacity = CAPACITY as u64;
    for number in 0..capacity {
        assert!(ring.displace(T::new(tag(0, number))).is_none());
    }
    let mut ledger = Ledger::default();
    let began = Instant::now();
    for number in capacity..capacity + items {
        if let Some(item) = ring.displace(T::new(tag(0, number))) {
            ledger.see(black_box(&item));
        }
    }
    let took = began.elapsed();
    ledger.settle(items);
    took
}

/// Pops until nothing is left.
pub fn pops<T: Payload, R: Shared<T>>(items: u64) -> Duration {
    let ring = R::with_capacity(LARGE);
    let mut ledger = Ledger::default();
    let mut took = Duration::ZERO;
    while ledger.seen() < items {
        fill(&ring, ledger.seen()..items.min(ledger.seen() + LARGE as u64));
        let began = Instant::now();
        while let Some(item) = ring.pop() {
            ledger.see(black_box(&item));
        }
        took += began.elapsed();
    }
    ledger.settle(items);
    took
}

/// Takes all that is inside at once.
pub fn snapshots<T: Payload, R: Shared<T>>(items: u64) -> Duration {
    let ring = R::with_capacity(SNAPSHOT);
    let mut ledger = Ledger::default();
    let mut took = Duration::ZERO;
    while ledger.seen() < items {
        fill(&ring, ledger.seen()..items.min(ledger.seen() + SNAPSHOT as u64));
        let began = Instant::now();
        let snapshot = black_box(ring.drain());
        took += began.elapsed();
        snapshot.iter().for_each(|item| ledger.see(item));
    }
    ledger.settle(items);
    took
}

fn fill<T: Payload, R: Shared<T>>(ring: &R, numbers: Range<u64>) {
    for number in numbers {
        assert!(ring.displace(T::new(tag(0, number))).is_none());
    }
}

/// A ring for one thread.
pub trait Single<T> {
    fn with_capacity(capacity: usize) -> Self;

    fn push(&mut self, item: T);

    fn drain(&mut self) -> Vec<T>;
}

impl<T: Payload> Single<T> for RingBuffer<T> {
    fn with_capacity(capacity: usize) -> Self {
        Self::new(capacity)
    }

    #[inline(always)]
    fn push(&mut self, item: T) {
        self.push(item);
    }

    fn drain(&mut self) -> Vec<T> {
        self.take_snapshot()
    }
}

/// The ring that one writes when in need of one.
pub struct Deque<T> {
    items: VecDeque<T>,
    capacity: usize,
}

impl<T: Payload> Single<T> for Deque<T> {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            items: VecDeque::with_capacity(capacity),
            capacity,
        }
    }

    #[inline(always)]
    fn push(&mut self, item: T) {
        if self.items.len() >= self.capacity {
            self.items.pop_front();
        }
        self.items.push_back(item);
    }

    fn drain(&mut self) -> Vec<T> {
        self.items.drain(..).collect()
    }
}

/// Pushes into a ring that soon is full.
pub fn overwrites<T: Payload, R: Single<T>>(items: u64) -> Duration {
    let mut ring = R::with_capacity(CAPACITY);
    let began = Instant::now();
    for number in 0..items {
        black_box(&mut ring).push(T::new(tag(0, number)));
    }
    let took = began.elapsed();
    let last = ring.drain();
    let mut ledger = Ledger::starting_at(items - last.len() as u64);
    last.iter().for_each(|item| ledger.see(item));
    ledger.settle(items.min(CAPACITY as u64));
    took
}
