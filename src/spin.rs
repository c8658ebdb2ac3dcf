//! Waiting without sleeping.

use crossbeam_utils::Backoff;

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

/// Spins, then yields, for as long as it is asked: for what another thread is about to finish.
pub(crate) struct Snooze(Backoff);

impl Snooze {
    #[inline]
    pub(crate) fn new() -> Self {
        Self(Backoff::new())
    }

    #[inline]
    pub(crate) fn turn(&self) {
        #[cfg(loom)]
        loom::thread::yield_now();
        #[cfg(not(loom))]
        self.0.snooze();
    }

    /// Whether it has yielded several times already.
    pub(crate) fn is_long(&self) -> bool {
        cfg!(loom) || self.0.is_completed()
    }
}
