//! Marks: positions at which consumers have asked to be woken.
//!
//! A consumer that sleeps until so many items are there sets a mark at the position where they are so many. Pushers meet a flag
//! in `tail` as long as there are marks, and look where the first may be; a push that does not get there wakes nobody.
//!
//! Each mark belongs to one consumer and wakes that one alone, so whoever gives up waiting takes nothing from others. The list
//! is locked while marks come and go. Wakers are foreign code: they are called, cloned and dropped while it is not.
//!
//! # What pushers are told
//!
//! To tell pushers of a mark takes the cache line of `tail` from them. So they are told only of a mark that is lower than what
//! they have been told before: whoever gets there looks into the list, and is told of what is lowest then, or of none. Until
//! then the flag stays up. A consumer that waits again and again, mostly for a timer, moves its mark or takes it away without
//! disturbing anybody.
//!
//! All of this changes with the list locked, so that:
//!
//! - While there are marks, the flag is up, and what pushers compare `tail` with is at or before each of them.
//! - `told` was ahead of `tail` in an open ring when pushers were told. It may be behind by now, or the ring closed: then
//!   whoever did that has yet to lock the list. Each push that gets there looks for itself, and so does who closes.
//!
//! A mark at or after `told` is set without telling. The push that reaches it looks into the list after that: either it finds the
//! mark, or it locked the list before the mark was set. But then it has left `told` beyond `tail`, and so beyond the mark, or
//! `None`, in which case the consumer does tell, and learns where `tail` is.

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
    /// Where pushers will look into the list: at or before the lowest mark, and ahead of `tail` when they were told. `None`: the
    /// next mark must be told. (Those that are there have been: pushers look for them at once.)
    told: Option<Position>,
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

    /// Whether pushers will look for a mark at `at` without being told.
    pub(crate) fn is_told(&self, at: Position) -> bool {
        lock(&self.list).is_told(at)
    }

    /// Sets the mark of `watch`, or moves it; says whether the consumer may sleep. `tell` tells pushers which is the lowest, and
    /// says where `tail` was then, or `None` if pushes do not move it any more.
    pub(crate) fn set(
        &self,
        watch: &mut Watch,
        at: Position,
        waker: &Waker,
        tell: impl FnOnce(Position) -> Option<Position>,
    ) -> bool {
        let waker = waker.clone();
        let mut list = lock(&self.list);
        let old = list.remove(watch.id);
        let id = list.next_id;
        list.next_id += 1;
        list.marks.push(Mark { id, at, waker });
        watch.id = Some(id);
        let may_sleep = list.is_told(at) || {
            let lowest = list.lowest().unwrap_or(at);
            let tail = tell(lowest);
            let is_ahead = |of: Position| tail.is_some_and(|tail| tail.is_before(of));
            list.told = is_ahead(lowest).then_some(lowest);
            is_ahead(at)
        };
        drop(list);
        if may_sleep && old.is_none() {
            self.parks.add(1);
        }
        may_sleep
    }

    /// Takes the mark of `watch` away, if it has one and that has not been reached.
    pub(crate) fn clear(&self, watch: &mut Watch) {
        if watch.id.is_some() {
            let mut list = lock(&self.list);
            let old = list.remove(watch.id.take());
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
            let lowest = list.lowest();
            tell(lowest);
            list.told = lowest.filter(|&at| !reached(at));
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

    fn is_told(&self, at: Position) -> bool {
        self.told.is_some_and(|told| !at.is_before(told))
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

#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::position::Layout;

    #[test]
    fn pushers_are_told_of_lower_marks_alone_and_of_the_rest_when_they_look() {
        let layout = Layout::new(64);
        let tail = layout.start_of(3);
        let at = |n| layout.advance(tail, n);
        let marks = Marks::new();
        let told = Cell::new(None);
        let set = |watch: &mut Watch, n| {
            told.set(None);
            let may_sleep = marks.set(watch, at(n), Waker::noop(), |lowest| {
                told.set(Some(lowest));
                Some(tail)
            });
            assert!(may_sleep);
            told.get()
        };
        let looked = || {
            marks.wake(|_| false, |lowest| told.set(lowest));
            told.get()
        };
        let (mut one, mut other) = (Watch::default(), Watch::default());
        assert_eq!(set(&mut one, 10), Some(at(10)));
        assert_eq!(set(&mut one, 20), None, "they look at 10");
        assert_eq!(set(&mut other, 5), Some(at(5)));
        marks.clear(&mut other);
        assert_eq!(set(&mut other, 5), None, "they still look at 5");
        marks.clear(&mut other);
        assert_eq!(looked(), Some(at(20)));
        assert_eq!(set(&mut other, 15), Some(at(15)));
        marks.clear(&mut one);
        marks.clear(&mut other);
        assert_eq!(looked(), None);
        assert_eq!(set(&mut one, 30), Some(at(30)));
    }
}
