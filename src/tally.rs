//! Counts.

use std::sync::atomic;

use crate::sync::{AtomicU64, Relaxed};

/// A count of losses that is also reported bit by bit, each loss once.
pub(crate) struct Tally {
    total: AtomicU64,
    /// So many of them have been reported.
    reported: AtomicU64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            total: AtomicU64::new(0),
            reported: AtomicU64::new(0),
        }
    }

    /// Counts `count` more.
    pub(crate) fn add(&self, count: u64) {
        self.total.fetch_add(count, Relaxed); // Relaxed: a count, read at rest.
    }

    /// Counts `count` more, while nobody else may: by the owner of a claim on `head`, which Free orders after all before.
    pub(crate) fn add_alone(&self, count: u64) {
        self.total.store(self.total.load(Relaxed) + count, Relaxed);
    }

    pub(crate) fn total(&self) -> u64 {
        self.total.load(Relaxed) // Relaxed: who needs it to be exact has Free.
    }

    /// How many have not been reported, which they now are.
    pub(crate) fn report(&self) -> u64 {
        let total = self.total();
        total.saturating_sub(raise(&self.reported, total))
    }
}

/// Raises `mark` to `value` if it is lower; returns what it was. Of those who raise it past a value, one sees it below.
pub(crate) fn raise(mark: &AtomicU64, value: u64) -> u64 {
    let before = mark.load(Relaxed); // Relaxed, both: a mark is all that it says.
    if before >= value {
        return before;
    }
    mark.fetch_max(value, Relaxed)
}

/// A count that nothing depends on, and that is no part of any model.
pub(crate) struct Counter(atomic::AtomicU64);

impl Counter {
    pub(crate) fn new() -> Self {
        Self(atomic::AtomicU64::new(0))
    }

    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Relaxed); // Relaxed: a count.
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
