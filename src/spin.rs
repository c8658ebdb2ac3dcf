//! Waiting without sleeping.

use std::cell::Cell;

/// A spin with an end, for who must not wait for another thread.
pub(crate) struct Spin {
    left: u32,
}

impl Spin {
    /// Some microseconds: longer than copying a chunk takes, much shorter than a time slice.
    const TURNS: u32 = if cfg!(loom) { 2 } else { 200 };

    pub(crate) fn new() -> Self {
        Self { left: Self::TURNS }
    }

    /// Spins one turn; `false` once the turns are used up.
    pub(crate) fn again(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        #[cfg(loom)]
        loom::thread::yield_now();
        std::hint::spin_loop();
        true
    }
}

/// Spins longer and longer, then yields, for as long as it is asked.
pub(crate) struct Snooze {
    step: Cell<u32>,
}

impl Snooze {
    /// Turn `n` spins 2^n times (about 10 ns each), up to this turn; later turns yield.
    const LONGEST_SPIN: u32 = 7;
    const YIELDS: u32 = 4;

    /// Waits for something that takes about `2^step` spins.
    #[inline]
    pub(crate) fn of(step: u32) -> Self {
        Self {
            step: Cell::new(step.min(Self::LONGEST_SPIN)),
        }
    }

    /// Waits for what another thread is about to finish.
    #[inline]
    pub(crate) fn new() -> Self {
        Self::of(0)
    }

    #[inline]
    pub(crate) fn turn(&self) {
        let step = self.step.get();
        #[cfg(loom)]
        {
            // What a model was about to do when it failed is never done.
            assert!(!std::thread::panicking(), "waiting for a thread that has panicked");
            loom::thread::yield_now();
        }
        #[cfg(not(loom))]
        if step <= Self::LONGEST_SPIN {
            for _ in 0..1 << step {
                std::hint::spin_loop();
            }
        } else {
            std::thread::yield_now();
        }
        if !self.is_long() {
            self.step.set(step + 1);
        }
    }

    /// Whether it has yielded several times already.
    pub(crate) fn is_long(&self) -> bool {
        cfg!(loom) || self.step.get() > Self::LONGEST_SPIN + Self::YIELDS
    }
}
