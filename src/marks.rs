//! Marks: positions at which consumers have asked to be woken.
//!
//! A consumer that sleeps until so many items are there sets a mark at the position where they are so many. Pushers meet a flag
//! in `tail` as long as there are marks, and look which is the lowest; a push that does not reach it wakes nobody.
//!
//! Each mark belongs to one consumer and wakes that one alone, so whoever gives up waiting takes nothing from others. The list
//! is locked while marks come and go, and pushers are told of the lowest before it is unlocked. Wakers are foreign code: they
//! are called, cloned and dropped while it is not.

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::time::Instant;

use crate::position::Position;
use crate::sync::{Mutex, lock, thread};
use crate::tally::Counter;
use crate::unwind::Dropper;

pub(crate) struct Marks {
    list: Mutex<List>,
    parks: Counter,
    wakes: Counter,
}

#[derive(Default)]
struct List {
    marks: Vec<Mark>,
    next_id: u64,
}

struct Mark {
    id: u64,
    at: Position,
    waker: Waker,
}

/// Says which mark is a consumer's, if it has one.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    id: Option<u64>,
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self {
            list: Mutex::new(List::default()),
            parks: Counter::new(),
            wakes: Counter::new(),
        }
    }

    /// Sets the mark of `watch`, or moves it. `tell` tells pushers which is the lowest now, and says whether the consumer may
    /// sleep.
    pub(crate) fn set(
        &self,
        watch: &mut Watch,
        at: Position,
        waker: &Waker,
        tell: impl FnOnce(Position) -> bool,
    ) -> bool {
        let waker = waker.clone();
        let mut list = lock(&self.list);
        let old = list.remove(watch.id);
        let id = list.next_id;
        list.next_id += 1;
        list.marks.push(Mark { id, at, waker });
        watch.id = Some(id);
        let may_sleep = tell(list.lowest().unwrap_or(at));
        drop(list);
        if may_sleep && old.is_none() {
            self.parks.add(1);
        }
        may_sleep
    }

    /// Takes the mark of `watch` away, if it has one and that has not been reached. `tell` tells pushers which is the lowest
    /// now, if there is any.
    pub(crate) fn clear(&self, watch: &mut Watch, tell: impl FnOnce(Option<Position>)) {
        if watch.id.is_some() {
            let mut list = lock(&self.list);
            let old = list.remove(watch.id.take());
            tell(list.lowest());
            drop(list);
            drop(old);
        }
    }

    /// Wakes those whose marks have been `reached`, whichever wakers panic. `tell` tells pushers which is the lowest of the
    /// others, if there is any.
    pub(crate) fn wake(&self, reached: impl Fn(Position) -> bool, tell: impl Fn(Option<Position>)) {
        let mut dropper = Dropper::new();
        loop {
            let mut list = lock(&self.list);
            let due = list.marks.iter().find(|mark| reached(mark.at)).map(|mark| mark.id);
            let due = list.remove(due);
            tell(list.lowest());
            drop(list);
            let Some(due) = due else {
                return dropper.finish();
            };
            self.wakes.add(1);
            dropper.run(|| due.waker.wake());
        }
    }

    /// How often a consumer has set a mark and gone to sleep.
    pub(crate) fn parks(&self) -> u64 {
        self.parks.total()
    }

    /// How many of them have been woken.
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.total()
    }
}

impl List {
    fn remove(&mut self, id: Option<u64>) -> Option<Mark> {
        let place = self.marks.iter().position(|mark| Some(mark.id) == id)?;
        Some(self.marks.swap_remove(place))
    }

    fn lowest(&self) -> Option<Position> {
        let lower = |a: Position, b: Position| if b.is_before(a) { b } else { a };
        self.marks.iter().map(|mark| mark.at).reduce(lower)
    }
}

/// Parks the thread until `poll` is ready, or `deadline` has passed: then one last poll decides. Says whether it was ready.
pub(crate) fn block_until(deadline: Option<Instant>, mut poll: impl FnMut(&Waker) -> Poll<()>) -> bool {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        let expired = deadline.is_some_and(|deadline| deadline <= Instant::now());
        if poll(&waker).is_ready() {
            return true;
        }
        if expired {
            return false;
        }
        park(deadline);
    }
}

/// The waker of a thread.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(not(loom))]
fn park(deadline: Option<Instant>) {
    match deadline {
        None => thread::park(),
        Some(deadline) => thread::park_timeout(deadline.saturating_duration_since(Instant::now())),
    }
}

/// Models know no time.
#[cfg(loom)]
fn park(_: Option<Instant>) {
    thread::park();
}
