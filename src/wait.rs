//! Waiting rooms: a thread or a task waits in one until an attempt succeeds. They know nothing of rings.
//!
//! An attempt is a closure. It is called plainly first; once its caller has registered with the room it is called as
//! [`Announced`](Attempt::Announced), and must then make sure that whoever can help next will call
//! [`notify`](WaitingRoom::notify) (see the crate's ring for how), or say that something has changed already.
//!
//! # One notification, one attempt
//!
//! Each notification stands for one thing to be had and obliges who receives it to attempt to get it. An attempt that
//! gets something has used the notification up, whichever thing it was, and one that finds nothing has shown that others
//! were faster. Who leaves without an attempt passes the notification on, and so does one that is to come back
//! [later](Outcome::Later): he may not, and what he was notified of is there. (Threads that push take turns
//! instead: see the module `pushers`.)
//!
//! # Foreign wakers
//!
//! `event_listener` calls and drops wakers while it holds its lock. A waker is foreign code: it may push into the same
//! channel, or drop the last handle, or panic. So tasks register a [`Relay`] in its place. Woken under the lock, a relay
//! only notes that it is due; after the lock is released, [`Due::flush`] calls the real waker.

use std::fmt;
use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use event_listener::{Event, EventListener, IntoNotification, Listener};

use crate::later;
use crate::spin::Snooze;
use crate::sync::{AtomicU32, Mutex, Relaxed, lock};
use crate::tally::Counter;
use crate::unwind::Dropper;

/// How an attempt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// For the first time, or again after waking.
    Plain,
    /// After registering: if there is nothing to be had, the other side must be told that somebody sleeps.
    Announced,
}

/// What came of an attempt.
pub(crate) enum Outcome<R> {
    /// It is done.
    Done(R),
    /// There is nothing to be had; if the attempt was announced, the caller may sleep.
    Nothing,
    /// Another thread is in the middle of what would help, and will not wake anybody: try again soon.
    Soon,
    /// What would help is no thread's doing: try again in a while.
    Later,
}

/// Where threads and tasks of one kind wait.
pub(crate) struct WaitingRoom {
    event: Event,
    due: Arc<Due>,
    /// How long a thread leaves the other side alone before it looks again, as [`Snooze::of`] takes it: a guess, so its
    /// accesses are Relaxed.
    first_spin: AtomicU32,
    longest_spin: u32,
    /// How often a thread yields after that, before it parks.
    yields: u32,
    /// Whether tasks spin before they park.
    tasks_spin: bool,
    /// How often tasks have parked without a spin; a guess, too.
    parked: AtomicU32,
    parks: Counter,
    wakes: Counter,
}

impl WaitingRoom {
    const PARKS_PER_SPIN: u32 = 32;

    /// A room where threads leave the other side alone for at most `longest_spin`, as [`Snooze::of`] takes it.
    pub(crate) fn new(longest_spin: u32) -> Self {
        Self {
            event: Event::new(),
            due: Arc::new(Due::new()),
            first_spin: AtomicU32::new(longest_spin),
            longest_spin,
            yields: Snooze::YIELDS,
            tasks_spin: false,
            parked: AtomicU32::new(0),
            parks: Counter::new(),
            wakes: Counter::new(),
        }
    }

    /// Lets threads yield so many times before they park.
    pub(crate) fn with_yields(self, yields: u32) -> Self {
        Self { yields, ..self }
    }

    /// Lets tasks spin, too, before they park.
    pub(crate) fn with_spinning_tasks(self) -> Self {
        Self {
            tasks_spin: true,
            ..self
        }
    }

    /// Blocks the thread until an attempt is done, or `deadline` has passed: then one last attempt decides.
    ///
    /// To be called when a plain attempt has just failed: it begins by leaving the other side alone for a moment.
    pub(crate) fn block_until<R>(
        &self,
        deadline: Option<Instant>,
        mut attempt: impl FnMut(Attempt) -> Outcome<R>,
    ) -> Option<R> {
        let snooze = Snooze::of(self.first_spin.load(Relaxed)).with_yields(self.yields);
        loop {
            let expired = deadline.is_some_and(|deadline| deadline <= Instant::now());
            if !expired {
                snooze.turn();
            }
            match attempt(Attempt::Plain) {
                Outcome::Done(result) => return Some(result),
                Outcome::Soon => {
                    snooze.turn();
                    continue;
                }
                Outcome::Later => {
                    self.pass_on();
                    if !later::sleep(deadline) {
                        return None;
                    }
                    continue;
                }
                Outcome::Nothing if expired => return None,
                Outcome::Nothing if !snooze.is_long() => continue,
                Outcome::Nothing => {}
            }
            // Should the attempt panic, the listener may pass a notification on to a task.
            let _flush = FlushAfter(&self.due);
            let listener = self.event.listen();
            match attempt(Attempt::Announced) {
                Outcome::Done(result) => {
                    listener.discard();
                    return Some(result);
                }
                Outcome::Soon | Outcome::Later => {
                    listener.discard();
                }
                Outcome::Nothing => {
                    self.parks.add(1);
                    match deadline {
                        None => listener.wait(),
                        Some(deadline) => _ = listener.wait_deadline(deadline),
                    }
                    snooze.begin_again();
                }
            }
        }
    }

    /// As [`block_until`](Self::block_until) for a task: `seat` is its place in this room between polls.
    pub(crate) fn poll_until<R>(
        &self,
        seat: &mut Seat,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(Attempt) -> Outcome<R>,
    ) -> Poll<R> {
        if !seat.is_in(self) {
            seat.leave();
        }
        let mut spin = if seat.is_empty() { self.spin_before_parking() } else { 0 };
        loop {
            match attempt(Attempt::Plain) {
                Outcome::Done(result) => {
                    seat.settle();
                    return Poll::Ready(result);
                }
                Outcome::Soon => return come_back(cx),
                Outcome::Later => {
                    self.pass_on();
                    return come_back_later(cx);
                }
                Outcome::Nothing => {}
            }
            if spin > 0 {
                let snooze = Snooze::of(mem::take(&mut spin));
                while !snooze.is_long() {
                    snooze.turn();
                    match attempt(Attempt::Plain) {
                        Outcome::Done(result) => {
                            self.pace(true);
                            return Poll::Ready(result);
                        }
                        Outcome::Soon => return come_back(cx),
                        Outcome::Later => return come_back_later(cx),
                        Outcome::Nothing => {}
                    }
                }
                self.pace(false);
            }
            if seat.is_empty() {
                // The place is kept only if it was announced: left otherwise, also by a panic.
                let mut place = Seat::taken(self);
                match attempt(Attempt::Announced) {
                    Outcome::Done(result) => {
                        place.settle();
                        return Poll::Ready(result);
                    }
                    Outcome::Soon => return come_back(cx),
                    Outcome::Later => return come_back_later(cx),
                    Outcome::Nothing => {
                        self.parks.add(1);
                        *seat = place;
                    }
                }
            }
            if seat.poll_notified(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// How a task begins to spin before it parks; 0 if it parks at once.
    ///
    /// Parking costs more than a spin of some microseconds if the other side is a thread at work, and less if it is a
    /// task on the same thread. What has not paid for a while is tried again once in a while.
    fn spin_before_parking(&self) -> u32 {
        if !self.tasks_spin {
            return 0;
        }
        let spin = self.first_spin.load(Relaxed);
        if spin > 0 {
            return spin;
        }
        let parked = self.parked.load(Relaxed).wrapping_add(1);
        self.parked.store(parked, Relaxed);
        u32::from(parked % Self::PARKS_PER_SPIN == 0)
    }

    /// Learns from a wait that is over: if the other side is `busy`, leaving it alone for longer lets it do more
    /// undisturbed; if not, looking sooner is better.
    pub(crate) fn pace(&self, busy: bool) {
        let spin = self.first_spin.load(Relaxed);
        let next = if busy { spin + 1 } else { spin.saturating_sub(1) };
        self.first_spin.store(next.min(self.longest_spin), Relaxed);
    }

    /// Notifies up to `count` of those who wait and have not been notified yet; says how many there were. Threads are
    /// woken; tasks are due, and woken by [`flush`](Self::flush), which must follow.
    pub(crate) fn notify(&self, count: usize) -> usize {
        let notified = self.event.notify(count.additional());
        self.wakes.add(notified);
        notified
    }

    /// Notifies somebody else, in case this was for more than one attempt.
    fn pass_on(&self) {
        if self.notify(1) > 0 {
            self.flush();
        }
    }

    /// Notifies the first of those who wait, unless somebody has been notified and has not run yet.
    pub(crate) fn notify_first(&self) {
        self.wakes.add(self.event.notify(1));
    }

    /// Whether nobody is registered.
    pub(crate) fn is_empty(&self) -> bool {
        self.event.total_listeners() == 0
    }

    /// How often somebody has parked here.
    pub(crate) fn parks(&self) -> u64 {
        self.parks.total()
    }

    /// How many of them have been notified.
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.total()
    }

    /// Wakes the tasks that are due: foreign code, which may panic.
    pub(crate) fn flush(&self) {
        self.due.flush();
    }
}

/// Wakes the tasks that are due once what is declared after this has been dropped.
struct FlushAfter<'a>(&'a Due);

impl Drop for FlushAfter<'_> {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Lets the executor run others and come back to this task soon.
pub(crate) fn come_back<R>(cx: &Context<'_>) -> Poll<R> {
    Snooze::new().turn();
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Lets the executor come back to this task in a while.
pub(crate) fn come_back_later<R>(cx: &Context<'_>) -> Poll<R> {
    later::wake(cx.waker());
    Poll::Pending
}

/// A task's place in a waiting room, kept from poll to poll; empty while it does not wait.
#[derive(Default)]
pub(crate) struct Seat {
    /// Left in [`drop`](Self::drop), where most places are empty: there is nothing else to drop.
    taken: ManuallyDrop<Option<(EventListener, Arc<Relay>)>>,
}

impl Seat {
    pub(crate) fn is_empty(&self) -> bool {
        self.taken.is_none()
    }

    fn taken(room: &WaitingRoom) -> Self {
        let relay = Relay {
            task: Mutex::new(None),
            due: room.due.clone(),
        };
        Self {
            taken: ManuallyDrop::new(Some((room.event.listen(), Arc::new(relay)))),
        }
    }

    /// Whether this place is in `room`, or empty.
    fn is_in(&self, room: &WaitingRoom) -> bool {
        match &*self.taken {
            Some((_, relay)) => Arc::ptr_eq(&relay.due, &room.due),
            None => true,
        }
    }

    /// Whether this place was notified, which empties it; if not, `cx` will be woken when it is.
    fn poll_notified(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some((listener, relay)) = &mut *self.taken {
            relay.set_task(cx.waker());
            let waker = Waker::from(relay.clone());
            if Pin::new(listener).poll(&mut Context::from_waker(&waker)).is_pending() {
                return Poll::Pending;
            }
            drop(self.taken.take());
        }
        Poll::Ready(())
    }

    /// Gives the place up once its task has got what it waited for: if it was notified, that was for this. For places in the
    /// room where one waits for that.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if let Some((listener, _)) = self.taken.take() {
            listener.discard();
        }
    }

    /// Gives the place up. If it was notified, somebody else is.
    #[cold]
    #[inline(never)]
    pub(crate) fn leave(&mut self) {
        if let Some((listener, relay)) = self.taken.take() {
            drop(listener);
            relay.due.flush();
        }
    }
}

impl Drop for Seat {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.is_empty() {
            self.leave();
        }
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Seat(empty)" } else { "Seat(taken)" })
    }
}

/// Stands in for a task's waker inside the event's lock.
struct Relay {
    task: Mutex<Option<Waker>>,
    due: Arc<Due>,
}

impl Relay {
    fn set_task(&self, waker: &Waker) {
        let task = lock(&self.task);
        if !task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            drop(task);
            // A waker's clone and drop are foreign code, too: no lock is held around them.
            let new = waker.clone();
            let old = lock(&self.task).replace(new);
            drop(old);
        }
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        let due = self.due.clone();
        lock(&due.relays).push(self);
    }
}

/// Relays that were woken under an event's lock and whose tasks are still to be woken.
struct Due {
    relays: Mutex<Vec<Arc<Relay>>>,
}

impl Due {
    fn new() -> Self {
        Self {
            relays: Mutex::new(Vec::new()),
        }
    }

    /// Wakes the tasks that are due. A waker that panics does not keep the others from being woken.
    fn flush(&self) {
        let mut dropper = Dropper::new();
        loop {
            let Some(relay) = lock(&self.relays).pop() else {
                return dropper.finish();
            };
            let task = lock(&relay.task).take();
            dropper.run(|| task.into_iter().for_each(Waker::wake));
            dropper.drop(relay);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Bug class: a wake is lost because the one it was given to never ran.
    #[test]
    fn a_thread_whose_attempt_panics_passes_its_notification_on_to_a_task() {
        let room = WaitingRoom::new(0);
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(woken.clone());
        let mut seat = Seat::default();
        let attempt = |attempt| -> Outcome<()> {
            if attempt == Attempt::Announced {
                let polled = room.poll_until(&mut seat, &mut Context::from_waker(&waker), |_| Outcome::<()>::Nothing);
                assert!(polled.is_pending());
                assert_eq!(room.notify(1), 1); // The thread's place is the older one.
                assert!(!woken.0.load(Ordering::Relaxed));
                std::panic::panic_any("the attempt fails");
            }
            Outcome::Nothing
        };
        let panic = catch_unwind(AssertUnwindSafe(|| room.block_until(None, attempt)));
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the attempt fails"));
        assert!(woken.0.load(Ordering::Relaxed));
    }
}
