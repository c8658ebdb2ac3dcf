//! Waiting without sleeping.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Spins so many times (about 10 ns each).
pub(crate) fn spin(times: u32) {
    (0..times).for_each(|_| std::hint::spin_loop());
}

/// A spin with an end, for who must not wait for another thread. Each turn is longer than the one before: looking takes the cache
/// lines away that the other thread is at work on.
pub(crate) struct Spin {
    turn: u32,
}

impl Spin {
    /// About ten microseconds in all: longer than copying a chunk takes, much shorter than a time slice.
    const TURNS: u32 = if cfg!(loom) { 2 } else { 24 };

    /// Two microseconds, on one processor: who is waited for does not run meanwhile.
    const TURNS_ALONE: u32 = 8;

    const LONGEST: u32 = 6;

    pub(crate) fn new() -> Self {
        Self { turn: 0 }
    }

    /// Spins one turn; `false` once the turns are used up.
    pub(crate) fn again(&mut self) -> bool {
        let turns = if cfg!(loom) || others_run() {
            Self::TURNS
        } else {
            Self::TURNS_ALONE
        };
        if self.turn == turns {
            return false;
        }
        #[cfg(loom)]
        loom::thread::yield_now();
        spin(1 << self.turn.min(Self::LONGEST));
        self.turn += 1;
        true
    }
}

/// Whether another thread can run while this one spins. Asked of the system once, so who pins the process does so first.
/// In a model nobody spins.
pub(crate) fn others_run() -> bool {
    /// 0 until it is known.
    static CORES: AtomicUsize = AtomicUsize::new(0);
    let mut cores = CORES.load(Relaxed); // Relaxed, both: whoever asks gets the same answer.
    if cores == 0 {
        cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        CORES.store(cores, Relaxed);
    }
    cores > 1 && !cfg!(loom)
}

/// Spins longer and longer, then yields, for as long as it is asked. On one processor it only yields.
pub(crate) struct Snooze {
    step: Cell<u32>,
    yields: u32,
}

impl Snooze {
    /// Turn `n` spins 2^n times (about 10 ns each), up to this turn; later turns yield.
    const LONGEST_SPIN: u32 = 7;
    pub(crate) const YIELDS: u32 = 4;

    /// Waits for something that takes about `2^step` spins.
    #[inline]
    pub(crate) fn of(step: u32) -> Self {
        Self {
            step: Cell::new(step.min(Self::LONGEST_SPIN)),
            yields: Self::YIELDS,
        }
    }

    /// Yields so many times before it is long; on one processor, where a yield leaves it to all others, as often as ever.
    pub(crate) fn with_yields(self, yields: u32) -> Self {
        let yields = if others_run() { yields } else { self.yields };
        Self { yields, ..self }
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
        let step = if step > Self::LONGEST_SPIN || !others_run() {
            std::thread::yield_now();
            step.max(Self::LONGEST_SPIN + 1)
        } else {
            spin(1 << step);
            step
        };
        if !self.is_long() {
            self.step.set(step + 1);
        }
    }

    /// After a sleep that was for nothing: on one processor it yields several times again, which costs less than to sleep
    /// again at once. Where others run meanwhile, they have had their time.
    pub(crate) fn begin_again(&self) {
        #[cfg(not(loom))]
        {
            if !others_run() {
                self.step.set(0);
            }
        }
    }

    /// Whether it has yielded several times already.
    pub(crate) fn is_long(&self) -> bool {
        cfg!(loom) || self.step.get() > Self::LONGEST_SPIN + self.yields
    }
}
