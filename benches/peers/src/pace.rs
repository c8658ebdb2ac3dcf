//! Producers that push at a steady rate and measure each push.

use std::hint;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::cpu;
use crate::ledger::tag;
use crate::payload::Payload;
use crate::roles::Push;

/// How a producer waits for its next push to be due.
#[derive(Clone, Copy)]
pub enum Until {
    /// On its core.
    Spinning,
    /// Letting others have the core, as there are not enough.
    Yielding,
    /// Asleep.
    Sleeping,
}

/// Whether producers and consumer stay on a core each, or go where the system puts them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    /// There is one for each: left to itself, the system may keep a sleeper waiting on the other's.
    Pinned,
    /// There are not enough.
    Free,
}

/// A steady rate.
#[derive(Clone, Copy)]
pub struct Pace {
    pub every: Duration,
    pub until: Until,
    pub cores: Cores,
}

impl Pace {
    /// Returns when `due` has come, with the time that it was then.
    #[inline]
    pub fn wait(&self, due: Instant) -> Instant {
        loop {
            let now = Instant::now();
            if now >= due {
                return now;
            }
            match self.until {
                Until::Spinning => hint::spin_loop(),
                Until::Yielding => thread::yield_now(),
                Until::Sleeping => thread::sleep(due - now),
            }
        }
    }
}

/// What a producer found.
pub struct Pushes {
    /// Nanoseconds.
    pub took: Histogram<u64>,
    /// The producer's own, with all its waiting.
    pub cpu: Option<Duration>,
}

/// Pushes item by item, each when it is due; all at once, if late, until nothing is.
pub fn push_paced<T: Payload, S: Push<T>>(mut sender: S, producer: usize, count: u64, pace: Pace) -> Pushes {
    if pace.cores == Cores::Pinned {
        cpu::pin_to_last();
    }
    let mut took = histogram();
    let cpu = cpu::of_thread();
    let mut due = Instant::now();
    for number in 0..count {
        let began = pace.wait(due);
        sender.put(T::new(tag(producer, number)));
        took.saturating_record(began.elapsed().as_nanos() as u64);
        due += pace.every;
    }
    let cpu = cpu::of_thread().zip(cpu).map(|(after, before)| after - before);
    Pushes { took, cpu }
}

/// From a nanosecond to ten seconds, to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("bounds in order")
}
