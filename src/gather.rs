//! Letting items gather before they are taken.
//!
//! A taker that keeps up with the pushers takes each item as it comes, so that every push and every take waits for cache
//! lines that the other side has just written. If it leaves the pushers alone for a moment, they fill whole lines meanwhile,
//! and both sides are faster. That pays only while items come in quick succession: whether they do is told from how
//! many come during a pause.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::spin::spin;

/// How long takers pause. A guess, shared by all of them and no part of any model: its accesses are Relaxed.
pub(crate) struct Gathering {
    /// Whether there is another processor for pushers to run on.
    others_run: bool,
    /// How many items fit.
    capacity: usize,
    /// The logarithm of how many spins; 0 for not at all.
    pause: AtomicU32,
    /// How often that was 0, since it was last tried.
    skipped: AtomicU32,
}

impl Gathering {
    /// What has not paid is tried again once in so many times.
    const SKIPS: u32 = 32;

    /// The shortest pause: another is over before an item can come.
    const SHORTEST: u32 = 4;

    /// A longer one gains little more.
    const LONGEST: u32 = 8;

    /// For a ring of `capacity`: a small one is full sooner.
    pub(crate) fn new(others_run: bool, capacity: usize) -> Self {
        Self {
            others_run,
            capacity,
            pause: AtomicU32::new(0),
            skipped: AtomicU32::new(0),
        }
    }

    /// The longest pause that a ring of this capacity allows.
    fn longest(&self) -> u32 {
        self.capacity.max(1).ilog2().clamp(Self::SHORTEST, Self::LONGEST)
    }

    /// Pauses, for 256 spins at most (about two microseconds), if fewer than `enough` items are inside, but some, and others
    /// come quickly.
    pub(crate) fn pause(&self, enough: usize, inside: impl Fn() -> usize) {
        if !self.others_run {
            return;
        }
        let mut pause = self.pause.load(Relaxed);
        if pause == 0 {
            let skipped = self.skipped.load(Relaxed) + 1;
            if skipped < Self::SKIPS {
                return self.skipped.store(skipped, Relaxed);
            }
            pause = Self::SHORTEST;
        }
        let before = inside();
        if before == 0 || before >= enough {
            return;
        }
        self.skipped.store(0, Relaxed);
        spin(1 << pause);
        let after = inside();
        // Who finds the ring half full has nearly let it overflow.
        let next = if after > 2 * before && after < self.capacity / 2 {
            (pause + 1).min(self.longest())
        } else if pause > Self::SHORTEST {
            pause - 1
        } else {
            0
        };
        self.pause.store(next, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How many of `times` takes paused, of which each found one item, and `more` after a pause.
    fn pauses(gathering: &Gathering, times: usize, more: usize) -> usize {
        let mut pauses = 0;
        for _ in 0..times {
            let looks = Cell::new(0);
            gathering.pause(64, || {
                looks.set(looks.get() + 1);
                if looks.get() == 1 { 1 } else { 1 + more }
            });
            pauses += usize::from(looks.get() == 2);
        }
        pauses
    }

    #[test]
    fn takers_pause_while_that_lets_items_come() {
        let gathering = Gathering::new(true, 1024);
        assert_eq!(pauses(&gathering, 31, 2), 0);
        assert_eq!(pauses(&gathering, 100, 2), 100);
        assert_eq!(gathering.pause.load(Relaxed), Gathering::LONGEST);
    }

    #[test]
    fn takers_stop_pausing_when_no_items_come() {
        let gathering = Gathering::new(true, 1024);
        pauses(&gathering, 1000, 2);
        let until_stopped = Gathering::LONGEST - Gathering::SHORTEST + 1;
        assert_eq!(pauses(&gathering, until_stopped as usize, 1), until_stopped as usize);
        assert_eq!(pauses(&gathering, 320, 1), 10);
    }

    #[test]
    fn takers_of_a_small_ring_pause_shortly() {
        let gathering = Gathering::new(true, 100);
        pauses(&gathering, 100, 2);
        assert_eq!(gathering.pause.load(Relaxed), 6);
    }

    #[test]
    fn takers_stop_pausing_when_the_ring_overflows() {
        let gathering = Gathering::new(true, 1024);
        pauses(&gathering, 100, 2);
        pauses(&gathering, 1, 1023);
        assert_eq!(gathering.pause.load(Relaxed), Gathering::LONGEST - 1);
    }

    #[test]
    fn nobody_pauses_for_what_is_not_there_or_is_enough() {
        let gathering = Gathering::new(true, 1024);
        pauses(&gathering, 100, 2);
        for inside in [0, 64, 1000] {
            let looks = Cell::new(0);
            gathering.pause(64, || {
                looks.set(looks.get() + 1);
                inside
            });
            assert_eq!(looks.get(), 1);
        }
    }
}
