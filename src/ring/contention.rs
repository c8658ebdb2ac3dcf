//! Giving way to another thread that pushes.
//!
//! Pushes that take turns move three cache lines from core to core at every turn: those of `tail`, of the stamps and of the
//! slots. If the one that has lost a claim leaves the others alone for a moment, they push from lines that stay where they
//! are, and all are faster. A claim that is lost once in a while is only made again.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::position::{Layout, Position};
use crate::spin::{others_run, spin};

/// Where a push last lost a claim on `tail` to another, swaps aside. A guess that is no part of any model: its accesses are Relaxed.
pub(super) struct LastLoss(AtomicU64);

impl LastLoss {
    /// Claims are lost to threads that do nothing but push if `tail` has moved by no more than this since the last one was. So those of
    /// batches are not.
    const NEAR: i64 = 4;

    /// About half a microsecond: some transfers of a cache line.
    const SPINS: u32 = 64;

    pub(super) fn new(at: Position) -> Self {
        Self(AtomicU64::new(at.word()))
    }

    /// Says that a claim was lost, `tail` having come to `now`, and waits a moment if that is not by chance.
    pub(super) fn give_way(&self, layout: &Layout, now: Position) {
        if others_run() && self.is_near(layout, now) {
            spin(Self::SPINS);
        }
    }

    /// Whether the loss before was just before this one at `now`, which is noted.
    fn is_near(&self, layout: &Layout, now: Position) -> bool {
        let last = Position::from_word(self.0.load(Relaxed));
        self.0.store(now.word(), Relaxed);
        layout.distance(last, now) <= Self::NEAR
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn losses_are_near_if_few_pushes_lie_between_them() {
        for slots in [1, 2, 3, 5, 64] {
            let layout = Layout::new(slots);
            let start = layout.start_of(7);
            let at = |n: usize| (0..n).fold(start, |at, _| layout.advance(at, 1));
            let losses = LastLoss::new(start);
            assert!(!losses.is_near(&layout, at(100)), "the first");
            for n in [100, 104, 105, 109] {
                assert!(losses.is_near(&layout, at(n)), "{slots} slots, at {n}");
            }
            assert!(!losses.is_near(&layout, at(114)), "{slots} slots");
        }
    }
}
