//! Where pushers wait for room. Tasks are woken as everywhere, one for each slot; threads wake each other.
//!
//! # Turns
//!
//! Waking a thread costs more than many pushes, and who takes a whole ring item by item would wake a thread for each. So
//! a take wakes one thread, and none while there is one that was woken and has not run yet: a woken thread *has the turn*. It
//! has it until it
//!
//! - sleeps again: it raises `WAITED` for itself, and so for all;
//! - or leaves, having pushed or not: if others sleep, it wakes the next one, or, where there is no room, raises
//!   `WAITED` for them.
//!
//! So while threads sleep, `WAITED` is up, or somebody has the turn, or whoever has lowered the flag is about to give the
//! turn to one of them. Takes that do not meet the flag are not missed: who has the turn looks at the ring after them.
//!
//! A thread that was woken surely runs, so the turn is not lost. A task may never be polled again: tasks have no
//! turns, and those who wake notify both.
//!
//! That who leaves sees those who sleep needs no ordering of its own: registering, notifying and asking who has
//! registered all lock the event. Who lowered the flag for a sleeper has met its raise, so that sleeper registered
//! before he notified; and if he woke nobody because another had been notified, that one asks later still.

use std::task::{Context, Poll};
use std::time::Instant;

use crate::wait::{Attempt, Outcome, Seat, WaitingRoom};

pub(crate) struct Pushers {
    threads: WaitingRoom,
    tasks: WaitingRoom,
}

impl Pushers {
    /// Up to 20 microseconds, about as long as it takes to wake a thread. Who parks sooner is still being woken when the taker has
    /// emptied the ring and parks in its turn: then each ring costs two wakes.
    pub(crate) const YIELDS: u32 = 48;

    /// Threads leave takers alone for at most `longest_spin`, then yield so many times. Tasks park at once: what made the ring full is as likely a
    /// neighbour on its own thread that has to run.
    pub(crate) fn new(longest_spin: u32, yields: u32) -> Self {
        Self {
            threads: WaitingRoom::new(longest_spin).with_yields(yields),
            tasks: WaitingRoom::new(0),
        }
    }

    /// As [`WaitingRoom::block_until`]. `may_sleep` raises `WAITED` for those who sleep, if there is no room, and says whether
    /// they may.
    pub(crate) fn block_until<R>(
        &self,
        deadline: Option<Instant>,
        may_sleep: impl Fn() -> bool,
        mut attempt: impl FnMut(Attempt) -> Outcome<R>,
    ) -> Option<R> {
        let mut turn = Turn {
            threads: &self.threads,
            may_sleep,
            may_have_it: false,
        };
        let result = self.threads.block_until(deadline, |kind| {
            turn.may_have_it |= kind == Attempt::Announced;
            attempt(kind)
        });
        self.threads.pace(true);
        result
    }

    pub(crate) fn poll_until<R>(
        &self,
        seat: &mut Seat,
        cx: &mut Context<'_>,
        attempt: impl FnMut(Attempt) -> Outcome<R>,
    ) -> Poll<R> {
        self.tasks.poll_until(seat, cx, attempt)
    }

    /// Wakes a thread unless one has the turn, and up to `count` tasks; says how many tasks. They are due, and woken by
    /// [`flush`](Self::flush), which must follow.
    pub(crate) fn notify(&self, count: usize) -> usize {
        self.threads.notify_first();
        self.tasks.notify(count)
    }

    /// Wakes all, tasks once they are flushed.
    pub(crate) fn notify_all(&self) {
        self.threads.notify(usize::MAX);
        self.tasks.notify(usize::MAX);
    }

    pub(crate) fn flush(&self) {
        self.tasks.flush();
    }

    pub(crate) fn parks(&self) -> u64 {
        self.threads.parks() + self.tasks.parks()
    }

    pub(crate) fn wakes(&self) -> u64 {
        self.threads.wakes() + self.tasks.wakes()
    }
}

/// What a thread may have since it has registered. It passes it on when it leaves.
struct Turn<'a, F: Fn() -> bool> {
    threads: &'a WaitingRoom,
    may_sleep: F,
    may_have_it: bool,
}

impl<F: Fn() -> bool> Drop for Turn<'_, F> {
    fn drop(&mut self) {
        if self.may_have_it && !self.threads.is_empty() && !(self.may_sleep)() {
            self.threads.notify_first();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    const ROOM: fn() -> bool = || false;

    /// A thread that sleeps once this returns, until it is woken.
    fn sleeper(pushers: &Arc<Pushers>) -> thread::JoinHandle<Option<()>> {
        let parks = pushers.parks();
        let sleeper = thread::spawn({
            let pushers = pushers.clone();
            move || {
                let mut sleeps = false;
                pushers.block_until(None, ROOM, |attempt| {
                    if sleeps {
                        return Outcome::Done(());
                    }
                    sleeps = attempt == Attempt::Announced;
                    Outcome::Nothing
                })
            }
        });
        while pushers.parks() == parks {
            thread::yield_now();
        }
        sleeper
    }

    /// A thread gets the turn as it goes to sleep, which then ends by `attempt`, called once it has it; another one sleeps.
    fn a_turn_that_ends(deadline: Option<Instant>, attempt: impl Fn(Attempt) -> Outcome<()>) -> Option<()> {
        let pushers = Arc::new(Pushers::new(0, 1));
        let mut other = None;
        let result = catch_unwind(AssertUnwindSafe(|| {
            pushers.block_until(deadline, ROOM, |kind| {
                if kind == Attempt::Announced && other.is_none() {
                    other = Some(sleeper(&pushers));
                    pushers.notify(1);
                    assert_eq!(pushers.wakes(), 1);
                }
                if other.is_some() {
                    attempt(kind)
                } else {
                    Outcome::Nothing
                }
            })
        }));
        // In a panic the event itself has passed the turn on.
        assert_eq!(pushers.wakes(), if result.is_ok() { 2 } else { 1 });
        other.map(|other| other.join().unwrap());
        result.unwrap_or(None)
    }

    #[test]
    fn who_has_pushed_passes_the_turn_on() {
        assert_eq!(a_turn_that_ends(None, |_| Outcome::Done(())), Some(()));
    }

    // bug-classes A3
    #[test]
    fn who_runs_out_of_time_passes_the_turn_on() {
        let deadline = Instant::now() + Duration::from_millis(20);
        let attempt = |_| {
            thread::sleep(Duration::from_millis(30));
            Outcome::Nothing
        };
        assert_eq!(a_turn_that_ends(Some(deadline), attempt), None);
    }

    // bug-classes A3
    #[test]
    fn who_panics_passes_the_turn_on() {
        let attempt = |_| std::panic::panic_any("the attempt fails");
        assert_eq!(a_turn_that_ends(None, attempt), None);
    }

    // bug-classes G6
    #[test]
    fn many_takes_wake_one_thread_while_it_has_not_run() {
        let pushers = Arc::new(Pushers::new(0, 1));
        let mut others = Vec::new();
        pushers.block_until(None, ROOM, |kind| {
            if kind == Attempt::Plain {
                return Outcome::Nothing;
            }
            others.extend((0..3).map(|_| sleeper(&pushers)));
            (0..100).for_each(|_| _ = pushers.notify(1));
            assert_eq!(pushers.wakes(), 1);
            Outcome::Done(())
        });
        others
            .into_iter()
            .for_each(|other| assert_eq!(other.join().unwrap(), Some(())));
        assert_eq!(pushers.wakes(), 4);
    }

    // bug-classes A9
    #[test]
    fn all_are_woken_at_the_end() {
        let pushers = Arc::new(Pushers::new(0, 1));
        let sleepers = [(); 3].map(|()| sleeper(&pushers));
        pushers.notify_all();
        assert!(
            sleepers
                .map(|sleeper| sleeper.join().unwrap())
                .iter()
                .all(Option::is_some)
        );
    }
}
