//! The channel: a ring, what to do when it is full, and who waits for what.

use std::fmt;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use crate::coop::{cooperate, is_prepaid, prepay, spend_prepaid};
use crate::disposal::{Disposal, OnDrop};
use crate::error::{BatchPushError, BuildError, PushError, TryTakeError};
use crate::gather::Gathering;
use crate::later;
use crate::marks::{Marks, Watch, block_until};
#[cfg(feature = "spill")]
use crate::overflow::{Overflow, Pushed, Rejected};
use crate::policy::{BackPressurePolicy, WhenFull};
use crate::position::{MARKED, Position, WAITED};
use crate::pushers::Pushers;
use crate::report::{Losses, Report};
use crate::ring::{Batch, Evicting, Evictions, Guess, Moved, Nothing, Place, Purpose, Refused, Ring, Side};
#[cfg(feature = "spill")]
use crate::spill::{Spill, SpillError};
use crate::spin::{Snooze, others_run};
use crate::stats::Stats;
use crate::sync::{AcqRel, AtomicU64, AtomicUsize, Relaxed};
use crate::tally::{Tally, raise};
use crate::unwind::Dropper;
use crate::wait::{Attempt, Outcome, Seat, WaitingRoom, come_back, come_back_later};

pub(crate) struct Channel<T> {
    ring: Ring<T>,
    when_full: WhenFull,
    /// Where pushes go that the ring does not take, under `SpillToDisk`.
    #[cfg(feature = "spill")]
    overflow: Option<Overflow<T>>,
    /// Takers wait here for items.
    not_empty: WaitingRoom,
    /// Takers let items gather.
    gathering: CachePadded<Gathering>,
    /// Pushers wait here for room.
    not_full: Pushers,
    /// Takers wait here for several items.
    marks: Marks,
    /// Futures wait here for the channel to close.
    closed: WaitingRoom,
    pub(crate) producers: Handles,
    pub(crate) consumers: Handles,
    /// What to do with items that are dropped.
    on_drop: Option<OnDrop<T>>,
    refused: CachePadded<Refusals>,
    /// The highest count of items taken that was ever shown: read while items are evicted, it may be too low.
    taken_shown: AtomicU64,
}

struct Refusals {
    full: Tally,
    /// Full, and the oldest item pinned; not among the others.
    pinned: Tally,
    /// Full, and the item could not be written to disk; not among the others.
    #[cfg(feature = "spill")]
    unwritten: Tally,
}

/// A quarter of so many items is enough for a take not to let more gather.
const GATHERED: usize = 256;

/// So many items at most are kept from takes while they are written to disk.
#[cfg(feature = "spill")]
const MOVED_AT_ONCE: usize = 1024;

/// When to stop waiting that may take `timeout`; never, if no clock can show that time.
pub(crate) fn deadline_after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

impl<T> Channel<T> {
    pub(crate) fn new(
        capacity: usize,
        policy: BackPressurePolicy<T>,
        on_drop: Option<OnDrop<T>>,
        first_lap: u64,
    ) -> Result<Self, BuildError> {
        let when_full = WhenFull::from(&policy);
        let evicting = match when_full {
            WhenFull::DropOldest if on_drop.is_some() => Evicting::Values,
            WhenFull::DropOldest => Evicting::Items,
            WhenFull::Block | WhenFull::DropNewest => Evicting::Nothing,
            #[cfg(feature = "spill")]
            WhenFull::SpillToDisk => Evicting::Nothing,
        };
        // A thread that finds the ring full or empty lets the other side run ahead: looking at once would cost both a
        // transfer of the words' cache lines for every item. A small ring turns round sooner.
        let room = capacity.max(1).ilog2();
        let (not_empty, not_full) = if cfg!(loom) {
            (WaitingRoom::new(0), Pushers::new(0, 1))
        } else {
            // A task that takes spins for pushers that are threads.
            (
                WaitingRoom::new(room.min(7)).with_spinning_tasks(),
                Pushers::new(room.min(6), Pushers::YIELDS),
            )
        };
        let ring = Ring::new(capacity, evicting, first_lap)?;
        Ok(Self {
            #[cfg(feature = "spill")]
            overflow: match policy {
                BackPressurePolicy::SpillToDisk(spill) => Some(Overflow::new(spill, &ring)),
                _ => None,
            },
            ring,
            when_full,
            not_empty,
            not_full,
            gathering: CachePadded::new(Gathering::new(others_run(), capacity)),
            marks: Marks::new(),
            closed: WaitingRoom::new(0),
            producers: Handles::one(),
            consumers: Handles::one(),
            on_drop,
            refused: CachePadded::new(Refusals {
                full: Tally::new(),
                pinned: Tally::new(),
                #[cfg(feature = "spill")]
                unwritten: Tally::new(),
            }),
            taken_shown: AtomicU64::new(0),
        })
    }

    pub(crate) fn ring(&self) -> &Ring<T> {
        &self.ring
    }

    pub(crate) fn ring_mut(&mut self) -> &mut Ring<T> {
        &mut self.ring
    }

    fn disposal(&self) -> Disposal<'_, T> {
        Disposal::new(self.on_drop.as_ref())
    }

    // ---------------------------------------------------------------- pushing

    /// Pushes `item` as the policy says. All policies are the same until the ring refuses.
    #[inline(always)]
    pub(crate) fn push(&self, item: T, deadline: impl FnOnce() -> Option<Instant>) -> Result<(), PushError<T>> {
        match self.ring.claim_by_guess() {
            Guess::Right(place) => {
                self.pushed(self.ring.fill(place, item));
                Ok(())
            }
            Guess::Full => self.push_refused(item, Refused::Full, deadline),
            Guess::Lost => self.push_slowly(item, true, deadline),
            Guess::Wrong => self.push_slowly(item, false, deadline),
        }
    }

    #[inline(never)]
    fn push_slowly(
        &self,
        item: T,
        is_lost: bool,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<(), PushError<T>> {
        if is_lost {
            self.ring.give_way();
        }
        match self.ring.claim_slot() {
            Ok(place) => {
                self.pushed(self.ring.fill(place, item));
                Ok(())
            }
            Err(Refused::Closed) => Err(PushError::Closed(item)),
            Err(refused) => self.push_refused(item, refused, deadline),
        }
    }

    /// What the policy says of an item for which an open ring has no room.
    #[inline(always)]
    fn push_refused(
        &self,
        item: T,
        refused: Refused,
        deadline: impl FnOnce() -> Option<Instant>,
    ) -> Result<(), PushError<T>> {
        match self.when_full {
            WhenFull::Block => self.push_when_room(item, deadline()),
            WhenFull::DropOldest => self.push_by_evicting(item),
            WhenFull::DropNewest => Err(self.refused(item, refused)),
            #[cfg(feature = "spill")]
            WhenFull::SpillToDisk => self.push_past_ring(item, deadline()),
        }
    }

    #[inline(never)]
    fn push_by_evicting(&self, item: T) -> Result<(), PushError<T>> {
        let mut disposal = self.disposal();
        let pushed = |moved| self.pushed(moved);
        let result = self.ring.evict_and_push(item, &mut disposal, pushed);
        // Counted before a panic goes on.
        let result = result.map_err(|(item, refused)| self.refused(item, refused));
        disposal.finish();
        result
    }

    /// The error for `item`, which is counted unless the channel is closed.
    fn refused(&self, item: T, refused: Refused) -> PushError<T> {
        if refused == Refused::Closed {
            return PushError::Closed(item);
        }
        self.count_refused(refused, 1);
        PushError::Full(item)
    }

    #[cold]
    fn push_when_room(&self, item: T, deadline: Option<Instant>) -> Result<(), PushError<T>> {
        let mut item = Some(item);
        let pushed = self.block_for_room(deadline, |attempt| self.attempt_push(&mut item, attempt));
        match (pushed, item) {
            (Some(true), _) | (_, None) => Ok(()),
            (Some(false), Some(item)) => Err(PushError::Closed(item)),
            (None, Some(item)) => Err(PushError::Timeout(item)),
        }
    }

    /// Blocks a pusher until an attempt is done, or `deadline` has passed.
    fn block_for_room<R>(&self, deadline: Option<Instant>, attempt: impl FnMut(Attempt) -> Outcome<R>) -> Option<R> {
        let may_sleep = || self.ring.is_full() && self.ring.announce_pusher();
        self.not_full.block_until(deadline, may_sleep, attempt)
    }

    /// As [`push`](Self::push) for a task, whose budget it spends. `item` is empty once this is ready, unless the push failed.
    #[inline]
    pub(crate) fn poll_push(
        &self,
        item: &mut Option<T>,
        seat: &mut Seat,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PushError<T>>> {
        let is_prepaid = is_prepaid();
        // The compare-exchange waits for all stores before it: so there are as few as can be.
        if is_prepaid && seat.is_empty() && self.push_at_once(item) {
            spend_prepaid();
            return Poll::Ready(Ok(()));
        }
        prepay(cx, |cx| {
            // Not after a guess that went wrong: it may have given way.
            if !is_prepaid && seat.is_empty() && self.push_at_once(item) {
                return Poll::Ready(Ok(()));
            }
            self.poll_push_when_room(item, seat, cx)
        })
    }

    /// The part of [`poll_push`](Self::poll_push) that takes a few nanoseconds: whether `item` was there and went in by a guess.
    #[inline]
    fn push_at_once(&self, item: &mut Option<T>) -> bool {
        if item.is_some() {
            match self.ring.claim_by_guess() {
                Guess::Right(place) => {
                    self.fill(place, item);
                    return true;
                }
                Guess::Lost => self.ring.give_way(),
                Guess::Full | Guess::Wrong => {}
            }
        }
        false
    }

    /// The rest of [`poll_push`](Self::poll_push).
    #[inline(never)]
    fn poll_push_when_room(
        &self,
        item: &mut Option<T>,
        seat: &mut Seat,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), PushError<T>>> {
        #[cfg(feature = "spill")]
        if let Some(overflow) = &self.overflow {
            return self
                .not_full
                .poll_until(seat, cx, |attempt| self.attempt_push_past(overflow, item, attempt));
        }
        if self.when_full != WhenFull::Block {
            return match item.take() {
                Some(item) => Poll::Ready(self.push(item, || None)),
                None => Poll::Ready(Ok(())),
            };
        }
        self.not_full
            .poll_until(seat, cx, |attempt| self.attempt_push(item, attempt))
            .map(|pushed| match item.take() {
                Some(item) if !pushed => Err(PushError::Closed(item)),
                _ => Ok(()),
            })
    }

    /// One attempt of a `Block` push: whether `item` went in, or stays because the channel is closed.
    fn attempt_push(&self, item: &mut Option<T>, attempt: Attempt) -> Outcome<bool> {
        match self.push_into_ring(item) {
            Ok(()) => Outcome::Done(true),
            Err(refused) => self.attempt_refused(refused, attempt, false),
        }
    }

    /// Pushes `item`, if it is there and the ring has room.
    fn push_into_ring(&self, item: &mut Option<T>) -> Result<(), Refused> {
        if item.is_some() {
            let place = self.ring.claim_slot()?;
            self.fill(place, item);
        }
        Ok(())
    }

    /// Pushes `item`, which is there, straight from where it is: each move of a large item costs more than the push.
    #[inline(always)]
    fn fill(&self, place: Place<'_, T>, item: &mut Option<T>) {
        if let Some(item) = item.take() {
            self.pushed(self.ring.fill(place, item));
        }
    }

    fn attempt_refused<R>(&self, refused: Refused, attempt: Attempt, closed: R) -> Outcome<R> {
        if refused != Refused::Closed {
            self.ring.note_full();
        }
        match refused {
            Refused::Closed => Outcome::Done(closed),
            _ => self.attempt_without_room(attempt),
        }
    }

    /// What an attempt comes to that has to wait for room in the ring.
    fn attempt_without_room<R>(&self, attempt: Attempt) -> Outcome<R> {
        match attempt {
            Attempt::Announced if !self.ring.announce_pusher() => Outcome::Soon,
            _ => Outcome::Nothing,
        }
    }

    /// As [`push`](Self::push), but returns an item for which `Block` would wait.
    pub(crate) fn push_or_keep(&self, item: T) -> Result<Option<T>, PushError<T>> {
        match self.when_full {
            WhenFull::Block => match self.try_push(item) {
                Err(PushError::Full(item)) => Ok(Some(item)),
                done => done.map(|()| None),
            },
            #[cfg(feature = "spill")]
            WhenFull::SpillToDisk => match self.push(item, || Some(Instant::now())) {
                Err(PushError::Timeout(item)) => Ok(Some(item)),
                done => done.map(|()| None),
            },
            _ => self.push(item, || None).map(|()| None),
        }
    }

    /// Ready when a push would not wait: there is room, or the policy or the closing of the channel decide.
    ///
    /// The room is not kept for the task. If it was woken for it, the wake is passed on: should the task not push, the
    /// room is another's.
    pub(crate) fn poll_room(&self, seat: &mut Seat, cx: &mut Context<'_>) -> Poll<()> {
        let mut has_waited = !seat.is_empty();
        let poll = self.not_full.poll_until(seat, cx, |attempt| {
            has_waited |= attempt == Attempt::Announced;
            if self.when_full != WhenFull::Block || self.ring.is_closed() || !self.ring.is_full() {
                return Outcome::Done(());
            }
            self.attempt_refused(Refused::Full, attempt, ())
        });
        if poll.is_ready() && has_waited {
            self.wake_pushers(1);
        }
        poll
    }

    /// Pushes `item` and returns what was evicted for it.
    ///
    /// On the short way the evicted item goes straight from its slot to the caller.
    #[inline(always)]
    pub(crate) fn push_displacing(&self, item: T) -> Result<Option<T>, PushError<T>> {
        if self.when_full != WhenFull::DropOldest {
            return self.push(item, || None).map(|()| None);
        }
        let Some(swap) = self.ring.claim_swap() else {
            return self.push_displacing_slowly(item);
        };
        let mut displaced = Ok(None);
        let moved = self.ring.swap(swap, item, |oldest| displaced = Ok(Some(oldest)));
        self.pushed(moved);
        displaced
    }

    #[inline(never)]
    fn push_displacing_slowly(&self, item: T) -> Result<Option<T>, PushError<T>> {
        let mut disposal = self.disposal();
        let pushed = |moved| self.pushed(moved);
        let result = self.ring.push_displacing(item, &mut disposal, pushed);
        // Counted before a panic goes on.
        let result = result.map_err(|(item, refused)| self.refused(item, refused));
        disposal.finish();
        result
    }

    /// Pushes `item` if there is room.
    #[inline(always)]
    pub(crate) fn try_push(&self, item: T) -> Result<(), PushError<T>> {
        match self.ring.claim_within_capacity_by_guess() {
            Guess::Right(place) => {
                self.pushed(self.ring.fill(place, item));
                Ok(())
            }
            Guess::Full => Err(PushError::Full(item)),
            Guess::Lost => self.try_push_slowly(item, true),
            Guess::Wrong => self.try_push_slowly(item, false),
        }
    }

    #[inline(never)]
    fn try_push_slowly(&self, item: T, is_lost: bool) -> Result<(), PushError<T>> {
        if is_lost {
            self.ring.give_way();
        }
        match self.ring.claim_within_capacity() {
            Ok(place) => {
                self.pushed(self.ring.fill(place, item));
                Ok(())
            }
            Err(Refused::Closed) => Err(PushError::Closed(item)),
            Err(_) => Err(PushError::Full(item)),
        }
    }

    /// One attempt to push the front of `batch`, as the policy says; done once nothing is left.
    fn attempt_push_batch(&self, batch: &mut Batch<'_, T>, attempt: Attempt) -> Outcome<Result<usize, BatchPushError>> {
        let mut disposal = self.disposal();
        let outcome = loop {
            if batch.is_empty() {
                break Outcome::Done(Ok(batch.pushed()));
            }
            let moved = match self.ring.push_batch(batch) {
                Err(Refused::Full) if self.when_full == WhenFull::DropOldest => {
                    let pushed = |moved| self.pushed(moved);
                    self.ring.push_batch_evicting(batch, &mut disposal, pushed)
                }
                #[cfg(feature = "spill")]
                Err(Refused::Full | Refused::Diverted) if self.when_full == WhenFull::SpillToDisk => {
                    match self.attempt_push_batch_past(batch, attempt, &mut disposal) {
                        Ok(()) => continue,
                        Err(outcome) => break outcome,
                    }
                }
                moved => moved.map(|moved| disposal.run(|| self.pushed(moved))),
            };
            let pushed = batch.pushed();
            let closed = Err(BatchPushError::Closed { pushed });
            match moved {
                Ok(()) => {}
                Err(Refused::Closed) => break Outcome::Done(closed),
                Err(refused) if self.when_full == WhenFull::Block => {
                    break self.attempt_refused(refused, attempt, closed);
                }
                Err(refused) => {
                    self.count_refused(refused, batch.len() as u64);
                    break Outcome::Done(Err(BatchPushError::Full { pushed }));
                }
            }
        };
        disposal.finish();
        outcome
    }

    // ------------------------------------------------------ pushing past the ring

    #[cfg(feature = "spill")]
    #[cold]
    #[inline(never)]
    fn push_past_ring(&self, item: T, deadline: Option<Instant>) -> Result<(), PushError<T>> {
        let Some(overflow) = &self.overflow else {
            return Err(PushError::Full(item));
        };
        let mut item = Some(item);
        if let Outcome::Done(result) = self.attempt_push_past(overflow, &mut item, Attempt::Plain) {
            return result;
        }
        let pushed = self.block_for_room(deadline, |attempt| self.attempt_push_past(overflow, &mut item, attempt));
        pushed.unwrap_or_else(|| item.map_or(Ok(()), |item| Err(PushError::Timeout(item))))
    }

    /// One attempt to push `item` into the ring, or into the log if that has no room; it stays if it has to wait for room in the
    /// log.
    #[cfg(feature = "spill")]
    fn attempt_push_past(
        &self,
        overflow: &Overflow<T>,
        item: &mut Option<T>,
        attempt: Attempt,
    ) -> Outcome<Result<(), PushError<T>>> {
        let refused = self.push_into_ring(item).err();
        let Some(pushed) = item.take() else {
            return Outcome::Done(Ok(()));
        };
        if refused == Some(Refused::Closed) {
            return Outcome::Done(Err(PushError::Closed(pushed)));
        }
        match overflow.push(&self.ring, pushed, attempt == Attempt::Announced) {
            Ok((pushed, written)) => {
                let mut dropper = Dropper::new();
                dropper.run(|| self.pushed_past(pushed));
                dropper.drop(written);
                dropper.finish();
                Outcome::Done(Ok(()))
            }
            Err((rejected_item, rejected)) => {
                self.count_rejected(&rejected, 1);
                let waits_for_ring = matches!(rejected, Rejected::WaitForRing);
                match rejected.with(rejected_item) {
                    Ok(error) => Outcome::Done(Err(error)),
                    Err(waiting) => {
                        *item = Some(waiting);
                        if waits_for_ring {
                            self.attempt_without_room(attempt)
                        } else {
                            Outcome::Nothing
                        }
                    }
                }
            }
        }
    }

    /// One attempt to push what is left of `batch` into the log; an error is what the whole attempt comes to.
    #[cfg(feature = "spill")]
    fn attempt_push_batch_past(
        &self,
        batch: &mut Batch<'_, T>,
        attempt: Attempt,
        disposal: &mut Disposal<'_, T>,
    ) -> Result<(), Outcome<Result<usize, BatchPushError>>> {
        let Some(overflow) = &self.overflow else {
            return Err(Outcome::Nothing);
        };
        let front = overflow.push_batch(&self.ring, batch, attempt == Attempt::Announced);
        if let Some(pushed) = front.pushed {
            if let Pushed::Log { count, .. } = pushed {
                batch.drop_front(count, disposal);
            }
            disposal.run(|| self.pushed_past(pushed));
        }
        disposal.run(|| drop(front.unused));
        let Some(rejected) = front.rejected else { return Ok(()) };
        let pushed = batch.pushed();
        self.count_rejected(&rejected, batch.len() as u64);
        Err(match rejected {
            Rejected::Wait => Outcome::Nothing,
            Rejected::WaitForRing => self.attempt_without_room(attempt),
            Rejected::Closed => Outcome::Done(Err(BatchPushError::Closed { pushed })),
            Rejected::Full => Outcome::Done(Err(BatchPushError::Full { pushed })),
            Rejected::Failed(source) => Outcome::Done(Err(BatchPushError::Spill {
                pushed,
                source: source.into(),
            })),
        })
    }

    #[cfg(feature = "spill")]
    fn count_rejected(&self, rejected: &Rejected, count: u64) {
        match rejected {
            Rejected::Full => self.refused.full.add(count),
            Rejected::Failed(_) => self.refused.unwritten.add(count),
            Rejected::Closed | Rejected::Wait | Rejected::WaitForRing => {}
        }
    }

    /// Wakes takers after a push that went past the ring, or was about to.
    ///
    /// Takers of any item are notified for each, without asking whether any has announced sleep: the flag may be down for another
    /// wake that does not count these items. Nobody begins to wait for a mark when pushes go past the ring; those who do by then
    /// have more than they wait for.
    #[cfg(feature = "spill")]
    fn pushed_past(&self, pushed: Pushed) {
        match pushed {
            Pushed::Ring(moved) => self.pushed(moved),
            Pushed::Log { count, is_first } => {
                let mut dropper = Dropper::new();
                if self.not_empty.notify(count) > 0 {
                    dropper.run(|| self.not_empty.flush());
                }
                if is_first {
                    self.ring.note_full();
                    dropper.run(|| self.wake_marked());
                }
                dropper.finish();
            }
        }
    }

    /// Pushes the front of `items` as the policy says and removes it from them.
    pub(crate) fn push_from(&self, items: &mut Vec<T>) -> Result<usize, BatchPushError> {
        let mut batch = Batch::new(items);
        if let Outcome::Done(result) = self.attempt_push_batch(&mut batch, Attempt::Plain) {
            return result;
        }
        let pushed = self.block_for_room(None, |attempt| self.attempt_push_batch(&mut batch, attempt));
        pushed.unwrap_or(Ok(batch.pushed()))
    }

    /// As [`push_from`](Self::push_from) for a task; `pushed` counts what earlier polls have pushed.
    pub(crate) fn poll_push_from(
        &self,
        items: &mut Vec<T>,
        pushed: &mut usize,
        seat: &mut Seat,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, BatchPushError>> {
        let before = *pushed;
        let mut batch = Batch::new(items);
        let poll = self
            .not_full
            .poll_until(seat, cx, |attempt| self.attempt_push_batch(&mut batch, attempt));
        *pushed += batch.pushed();
        poll.map(|result| match result {
            Ok(now) => Ok(before + now),
            Err(error) => Err(error.after(before)),
        })
    }

    fn count_refused(&self, refused: Refused, count: u64) {
        match refused {
            Refused::Pinned => self.refused.pinned.add(count),
            _ => self.refused.full.add(count),
        }
    }

    /// Wakes takers after a push, if any had announced sleep.
    #[inline]
    fn pushed(&self, moved: Moved) {
        if moved.sleepers != 0 {
            self.wake_takers(moved);
        }
    }

    // ----------------------------------------------------------------- taking

    /// Takes the oldest item if it is there for the asking; says whether it was. `put` must not panic: the slot is given back
    /// after it.
    #[inline(always)]
    pub(crate) fn take_at_once(&self, put: impl FnOnce(T)) -> bool {
        let Some(single) = self.ring.claim_single() else {
            return false;
        };
        self.ring.take(single, put);
        true
    }

    /// Takes the oldest item.
    #[inline(always)]
    fn take_one(&self) -> Result<T, Nothing> {
        let mut taken = Err(Nothing::Empty);
        if !self.take_at_once(|item| taken = Ok(item)) {
            taken = self.take_one_slowly();
        }
        taken
    }

    #[inline(never)]
    fn take_one_slowly(&self) -> Result<T, Nothing> {
        let mut disposal = self.disposal();
        let taken = loop {
            match self.ring.take_slowly(&mut disposal) {
                Ok((item, moved)) => {
                    self.taken(moved);
                    break Ok(item);
                }
                Err(Nothing::Diverted) => match self.take_past_ring() {
                    Ok(None) => {}
                    Ok(Some(item)) => break Ok(item),
                    Err(nothing) => break Err(nothing),
                },
                Err(nothing) => break Err(nothing),
            }
        };
        disposal.finish();
        taken
    }

    /// Takes the oldest item, if it is not in the ring.
    fn take_past_ring(&self) -> Result<Option<T>, Nothing> {
        let mut item = Vec::new();
        self.take_run_past_ring(&mut item, 1, &mut None)?;
        Ok(item.pop())
    }

    /// Takes up to `max` of the oldest items, if they are not in the ring; says how many, and fills `report` in if there is one.
    #[cfg_attr(not(feature = "spill"), allow(unused_variables, clippy::ptr_arg))]
    fn take_run_past_ring(&self, out: &mut Vec<T>, max: usize, report: &mut Option<Report>) -> Result<usize, Nothing> {
        #[cfg(feature = "spill")]
        if let Some(overflow) = &self.overflow {
            let taken = overflow.take(&self.ring, out, max)?;
            self.room_in_log(taken.has_room);
            match report {
                Some(report) if taken.count > 0 => {
                    *report = self.report(taken.count, taken.first, Evictions::default())
                }
                _ => {}
            }
            return Ok(taken.count);
        }
        Err(Nothing::Empty) // Nothing goes past the ring.
    }

    /// Wakes pushers that wait for room in the log, if it `has_room`.
    #[cfg(feature = "spill")]
    fn room_in_log(&self, has_room: bool) {
        if has_room {
            self.not_full.notify_all();
            self.not_full.flush();
        }
    }

    /// Says that what has been taken from the log is consumed.
    #[cfg(feature = "spill")]
    pub(crate) fn commit(&self) -> Result<(), SpillError> {
        let Some(overflow) = &self.overflow else { return Ok(()) };
        let (committed, has_room) = overflow.commit();
        self.room_in_log(has_room);
        committed
    }

    /// Takes up to `max` items into `out`; says how many, and fills `report` in if there is one.
    fn take_run(&self, out: &mut Vec<T>, max: usize, report: &mut Option<Report>) -> Result<usize, Nothing> {
        let purpose = if report.is_some() {
            Purpose::Report
        } else {
            Purpose::Take
        };
        let mut disposal = self.disposal();
        let run = loop {
            match self.ring.take_into(out, max, purpose, &mut disposal) {
                Err(Nothing::Diverted) => match self.take_run_past_ring(out, max, report) {
                    Ok(0) => {}
                    past => {
                        disposal.finish();
                        return past;
                    }
                },
                run => break run,
            }
        };
        if let Ok(run) = &run {
            self.taken(run.moved);
            if let Some(report) = report {
                *report = self.report(run.moved.count, run.first, run.evictions);
            }
        }
        disposal.finish();
        run.map(|run| run.moved.count)
    }

    fn report(&self, taken: usize, first: u64, evictions: Evictions) -> Report {
        Report {
            taken,
            first,
            losses: self.losses(evictions),
        }
    }

    /// Fills in the report of the end, for an operation that tells the end by taking nothing.
    fn report_end(&self, report: &mut Option<Report>) -> usize {
        if let Some(report) = report {
            *report = self.report(0, self.ring.pushed_in_all(), self.ring.report_evictions());
        }
        0
    }

    fn losses(&self, evictions: Evictions) -> Losses {
        let refused_pinned = self.refused.pinned.report();
        #[cfg_attr(not(feature = "spill"), allow(unused_mut))]
        let mut losses = Losses {
            evicted: evictions.count,
            displaced: evictions.displaced,
            refused: self.refused.full.report() + refused_pinned,
            refused_pinned,
            ..Losses::default()
        };
        #[cfg(feature = "spill")]
        if let Some(overflow) = &self.overflow {
            losses.refused_spill = self.refused.unwritten.report();
            losses.refused += losses.refused_spill;
            losses.spill_lost = overflow.report_missing();
        }
        losses
    }

    /// What has been lost and not been reported yet, which it now is.
    pub(crate) fn report_losses(&self) -> Losses {
        self.evict_excess();
        self.losses(self.ring.report_evictions())
    }

    /// Takes the oldest item, without waiting for one.
    #[inline(always)]
    pub(crate) fn try_take(&self) -> Result<T, TryTakeError> {
        let mut taken = Err(TryTakeError::Empty);
        if !self.take_at_once(|item| taken = Ok(item)) {
            taken = self.try_take_slowly();
        }
        taken
    }

    /// As [`try_take`](Self::try_take) for who need not know why there is nothing: a small item then goes by way of registers.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<T> {
        let mut taken = None;
        if !self.take_at_once(|item| taken = Some(item)) {
            taken = self.try_take_slowly().ok();
        }
        taken
    }

    #[inline(never)]
    fn try_take_slowly(&self) -> Result<T, TryTakeError> {
        self.skip_pending(|| self.take_one_slowly()).map_err(empty_or_closed)
    }

    /// Takes up to `max` items into `out`, without waiting for any.
    pub(crate) fn try_take_into(
        &self,
        out: &mut Vec<T>,
        max: usize,
        report: &mut Option<Report>,
    ) -> Result<usize, TryTakeError> {
        if max == 0 {
            return Ok(0);
        }
        self.skip_pending(|| self.take_run(out, max, report))
            .map_err(empty_or_closed)
    }

    /// Calls `take` until it does not meet a push that is being written: an item behind it may have been pushed long
    /// ago, so that "empty" would be a lie.
    #[inline]
    fn skip_pending<R>(&self, mut take: impl FnMut() -> Result<R, Nothing>) -> Result<R, Nothing> {
        let snooze = Snooze::new();
        loop {
            match take() {
                Err(Nothing::Pending) => snooze.turn(),
                done => return done,
            }
        }
    }

    /// What an attempt to take came to; `None` once the channel is closed and drained.
    fn attempt_take<R>(&self, attempt: Attempt, taken: Result<R, Nothing>) -> Outcome<Option<R>> {
        match (taken, attempt) {
            (Ok(taken), _) => Outcome::Done(Some(taken)),
            (Err(Nothing::Closed), _) => Outcome::Done(None),
            (Err(Nothing::Pending | Nothing::Diverted), _) => Outcome::Soon,
            (Err(Nothing::Unreadable), _) => Outcome::Later,
            (Err(Nothing::Empty), Attempt::Announced) if !self.ring.announce_taker() => Outcome::Soon,
            (Err(Nothing::Empty), _) => Outcome::Nothing,
        }
    }

    /// Takes the oldest item, waiting for one.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<T> {
        let mut taken = None;
        if !self.take_at_once(|item| taken = Some(item)) {
            taken = self.take_when_pushed(|| None).flatten();
        }
        taken
    }

    /// Takes the oldest item, waiting for one: the outer `None` says that the time was up, the inner that the channel
    /// is closed and drained.
    #[inline(never)]
    pub(crate) fn take_when_pushed(&self, deadline: impl FnOnce() -> Option<Instant>) -> Option<Option<T>> {
        match self.take_one_slowly() {
            Ok(item) => return Some(Some(item)),
            Err(Nothing::Closed) => return Some(None),
            Err(_) => {}
        }
        let taken = self
            .not_empty
            .block_until(deadline(), |attempt| self.attempt_take(attempt, self.take_one()));
        self.not_empty.pace(!self.ring.is_empty());
        taken
    }

    /// Takes up to `max` items into `out`, waiting for the first; returns how many. None says that the channel is closed and
    /// drained, which is reported, too.
    pub(crate) fn take_into(&self, out: &mut Vec<T>, max: usize, report: &mut Option<Report>) -> usize {
        if max == 0 {
            return 0;
        }
        self.let_gather(max);
        let taken = match self.attempt_take_into(out, max, report, Attempt::Plain) {
            Outcome::Done(taken) => taken,
            _ => {
                let attempt = |attempt| self.attempt_take_into(out, max, report, attempt);
                let taken = self.not_empty.block_until(None, attempt).flatten();
                self.not_empty.pace(taken > Some(1));
                taken
            }
        };
        taken.unwrap_or_else(|| self.report_end(report))
    }

    /// Lets items gather before a take of up to `max`, unless there are enough to make the most of a transfer of the lines.
    fn let_gather(&self, max: usize) {
        let enough = max.min(self.ring.capacity()).min(GATHERED) / 4;
        self.gathering.pause(enough, || self.ring.growing_len());
    }

    fn attempt_take_into(
        &self,
        out: &mut Vec<T>,
        max: usize,
        report: &mut Option<Report>,
        attempt: Attempt,
    ) -> Outcome<Option<usize>> {
        self.attempt_take(attempt, self.take_run(out, max, report))
    }

    /// As [`take`](Self::take) for a task, whose budget it spends.
    #[inline]
    pub(crate) fn poll_take(&self, seat: &mut Seat, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut taken = None;
        if is_prepaid() && seat.is_empty() && self.take_at_once(|item| taken = Some(item)) {
            spend_prepaid();
            return Poll::Ready(taken);
        }
        prepay(cx, |cx| {
            let mut taken = None;
            if seat.is_empty() && self.take_at_once(|item| taken = Some(item)) {
                return Poll::Ready(taken);
            }
            self.poll_take_when_pushed(seat, cx)
        })
    }

    #[inline(never)]
    fn poll_take_when_pushed(&self, seat: &mut Seat, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.not_empty
            .poll_until(seat, cx, |attempt| self.attempt_take(attempt, self.take_one()))
    }

    /// As [`take_into`](Self::take_into) for a task, whose budget it spends.
    pub(crate) fn poll_take_into(
        &self,
        out: &mut Vec<T>,
        max: usize,
        report: &mut Option<Report>,
        seat: &mut Seat,
        cx: &mut Context<'_>,
    ) -> Poll<usize> {
        cooperate(cx, |cx| {
            if max == 0 {
                return Poll::Ready(0);
            }
            if seat.is_empty() {
                self.let_gather(max);
            }
            let poll = self
                .not_empty
                .poll_until(seat, cx, |attempt| self.attempt_take_into(out, max, report, attempt));
            poll.map(|taken| taken.unwrap_or_else(|| self.report_end(report)))
        })
    }

    /// Wakes pushers after a take, if any had announced sleep.
    #[inline]
    fn taken(&self, moved: Moved) {
        if moved.sleepers != 0 {
            self.wake_pushers(moved.count);
        }
    }

    // ---------------------------------------------------- waiting for several

    /// Ready once `n` items are inside, or as many as fit, or the channel is closed. If not, `waker` will be called when they
    /// may be.
    pub(crate) fn poll_ready(&self, n: usize, watch: &mut Watch, waker: &Waker) -> Poll<()> {
        let n = n.min(self.ring.capacity());
        while let Some(mark) = self.told_mark(n).or_else(|| self.mark_of(n)) {
            if self
                .marks
                .set(watch, mark, waker, |lowest| self.ring.announce_mark(lowest))
            {
                return Poll::Pending;
            }
            // The mark has been reached; but others may have taken since.
        }
        self.forget(watch);
        Poll::Ready(())
    }

    /// The position at which `n` items will be inside, if whoever pushes the last of them looks for marks there anyway. The last
    /// of them is not there yet, but that is all that is known: `tail`, and its line, are left alone.
    fn told_mark(&self, n: usize) -> Option<Position> {
        // Where pushes may go past the ring, others than the last of them may be what is waited for.
        #[cfg(feature = "spill")]
        if self.overflow.is_some() {
            return None;
        }
        self.ring.mark_by_stamp(n).filter(|&mark| self.marks.is_told(mark))
    }

    /// The position at which `n` items will be inside; `None` if there are so many, or the channel is closed.
    fn mark_of(&self, n: usize) -> Option<Position> {
        let mark = self.ring.mark_of(n);
        #[cfg(feature = "spill")]
        let mark = match &self.overflow {
            // Asked afterwards: when `head` was read, nothing was ahead either.
            Some(overflow) if self.ring.has_ahead() => overflow.mark_of(&self.ring, n),
            _ => mark,
        };
        mark.filter(|_| !self.ring.is_closed())
    }

    /// Gives up waiting.
    pub(crate) fn forget(&self, watch: &mut Watch) {
        self.marks.clear(watch);
    }

    /// As [`poll_ready`](Self::poll_ready), blocking the thread; says whether it was in time.
    pub(crate) fn wait_ready(&self, n: usize, deadline: Option<Instant>) -> bool {
        let mut watch = Watch::default();
        let in_time = block_until(deadline, |waker| self.poll_ready(n, &mut watch, waker));
        self.forget(&mut watch);
        in_time
    }

    /// Takes up to `max` items into `out` once so many are inside, or `deadline` has passed. As for [`take`](Self::take), the
    /// outer `None` says that the time was up, the inner that the channel is closed and drained.
    pub(crate) fn take_full(
        &self,
        out: &mut Vec<T>,
        max: usize,
        report: &mut Option<Report>,
        deadline: Option<Instant>,
    ) -> Option<Option<usize>> {
        if max == 0 {
            return Some(Some(0));
        }
        loop {
            let in_time = self.wait_ready(max, deadline);
            match self.skip_pending(|| self.take_run(out, max, report)) {
                Ok(taken) => return Some(Some(taken)),
                Err(Nothing::Closed) => return Some(None),
                Err(Nothing::Unreadable) if later::sleep(deadline) => {}
                Err(Nothing::Unreadable) => return None,
                Err(_) if !in_time => return None,
                Err(_) => {} // Others were faster.
            }
        }
    }

    /// As [`take_full`](Self::take_full) for a task. `is_late` is asked only while too few are inside.
    pub(crate) fn poll_take_full(
        &self,
        out: &mut Vec<T>,
        max: usize,
        report: &mut Option<Report>,
        watch: &mut Watch,
        cx: &mut Context<'_>,
        mut is_late: impl FnMut(&mut Context<'_>) -> bool,
    ) -> Poll<Option<Option<usize>>> {
        if max == 0 {
            return Poll::Ready(Some(Some(0)));
        }
        loop {
            let late = self.poll_ready(max, watch, cx.waker()).is_pending();
            if late && !is_late(cx) {
                return Poll::Pending;
            }
            self.forget(watch);
            match self.take_run(out, max, report) {
                Ok(taken) => return Poll::Ready(Some(Some(taken))),
                Err(Nothing::Closed) => return Poll::Ready(Some(None)),
                Err(Nothing::Pending | Nothing::Diverted) => return come_back(cx),
                Err(Nothing::Unreadable) if !late && !is_late(cx) => return come_back_later(cx),
                Err(Nothing::Unreadable) => return Poll::Ready(None),
                Err(Nothing::Empty) if late => return Poll::Ready(None),
                Err(Nothing::Empty) => {} // Others were faster.
            }
        }
    }

    // --------------------------------------------------------------- sleeping

    /// Wakes takers after a push that met sleepers: those who wait for any item, and those whose mark it has reached.
    #[cold]
    fn wake_takers(&self, moved: Moved) {
        let mut dropper = Dropper::new();
        if moved.sleepers & WAITED != 0 {
            self.wake(Side::Takers, moved.count, |count| self.not_empty.notify(count));
            dropper.run(|| self.not_empty.flush());
        }
        if moved.sleepers & MARKED != 0 && self.ring.may_have_reached_mark() {
            dropper.run(|| self.wake_marked());
        }
        dropper.finish();
    }

    /// Wakes those whose marks have been reached, or will not be.
    fn wake_marked(&self) {
        let reached = |mark| self.ring.has_reached(mark);
        self.marks.wake(reached, |lowest| self.ring.move_mark(lowest));
    }

    #[cold]
    fn wake_pushers(&self, count: usize) {
        self.wake(Side::Pushers, count, |count| self.not_full.notify(count));
        self.not_full.flush();
    }

    /// Wakes as many sleepers of `side` as there are items or slots for them, or who wakes the others.
    ///
    /// Everyone whose change met the flag wakes sleepers for that change, whoever lowers the flag. If more sleepers
    /// may be left, the flag goes up again, and changes that were made while it was down, and so have woken nobody,
    /// are made up for here: so nobody is left behind, even if those who were woken never run. Foreign wakers run last.
    fn wake(&self, side: Side, count: usize, notify: impl Fn(usize) -> usize) {
        let lowered = self.ring.lower_waited(side);
        if notify(count) == count {
            let raised = self.ring.raise_waited(side);
            let missed = self.ring.moved_between(lowered, raised);
            if missed > 0 {
                notify(missed);
            }
        }
    }

    // ---------------------------------------------------------------- closing

    /// Closes the channel; says whether it was open.
    pub(crate) fn close(&self) -> bool {
        let was_open = self.ring.close();
        if was_open {
            let mut dropper = Dropper::new();
            // First of all: a waker may block until several are there, and be told of the close by nobody but this.
            dropper.run(|| self.wake_marked());
            self.not_full.notify_all();
            dropper.run(|| self.not_full.flush());
            for room in [&self.not_empty, &self.closed] {
                room.notify(usize::MAX);
                dropper.run(|| room.flush());
            }
            #[cfg(feature = "spill")]
            if let Some(spill) = self.spill() {
                _ = spill.flush(); // If that fails, the log goes on trying.
            }
            dropper.finish();
        }
        was_open
    }

    /// Ready once the channel is closed.
    pub(crate) fn poll_closed(&self, seat: &mut Seat, cx: &mut Context<'_>) -> Poll<()> {
        self.closed.poll_until(seat, cx, |_| {
            if self.ring.is_closed() {
                Outcome::Done(())
            } else {
                Outcome::Nothing
            }
        })
    }

    pub(crate) fn producer_gone(&self) {
        if self.producers.leave() {
            self.close();
        }
    }

    /// When the last consumer goes, what is left in memory is dropped at once, or kept on disk.
    pub(crate) fn consumer_gone(&self) {
        if self.consumers.leave() {
            let mut disposal = self.disposal();
            disposal.run(|| _ = self.close());
            // By way of the heap: a large item may not fit on the stack.
            let mut left = Vec::new();
            #[cfg(feature = "spill")]
            self.keep_rest(&mut left, &mut disposal);
            while self.discard_rest(&mut left, 16, &mut disposal) {}
            disposal.finish();
        }
    }

    /// Drops the oldest items in memory, at most `max` and by way of `left`; says whether there were any.
    fn discard_rest(&self, left: &mut Vec<T>, max: usize, disposal: &mut Disposal<'_, T>) -> bool {
        let mut take = || self.skip_pending(|| self.ring.take_into(left, max, Purpose::Discard, disposal));
        let mut taken = take();
        while matches!(taken, Err(Nothing::Diverted)) && self.leave_log() {
            taken = take();
        }
        disposal.discarded(left);
        taken.is_ok()
    }

    /// Sees to it that takes go past the log; whether they did not before.
    fn leave_log(&self) -> bool {
        #[cfg(feature = "spill")]
        if let Some(overflow) = &self.overflow {
            return overflow.leave(&self.ring);
        }
        false
    }

    /// Moves what is left in memory to the log, if that is wanted, but for items that cannot be written.
    #[cfg(feature = "spill")]
    fn keep_rest(&self, left: &mut Vec<T>, disposal: &mut Disposal<'_, T>) {
        let Some(overflow) = self.overflow.as_ref().filter(|overflow| overflow.begin_keeping()) else {
            return;
        };
        let mut dropper = Dropper::new();
        let mut at_once = MOVED_AT_ONCE;
        loop {
            let mut moved = None;
            disposal.run(|| moved = Some(self.move_ahead(overflow, self.ring.end(), at_once, &mut dropper)));
            let is_about_item = match moved {
                Some(Ok(true)) => continue,
                Some(Ok(false)) => break,
                Some(Err(error)) => {
                    let is_about_item = error.is_about_item();
                    dropper.drop(error);
                    is_about_item
                }
                // A codec panics, for one of these.
                None if at_once > 1 => {
                    at_once = 1;
                    continue;
                }
                None => true,
            };
            if !is_about_item || !self.discard_rest(left, 1, disposal) {
                break;
            }
            at_once = MOVED_AT_ONCE;
        }
        _ = overflow.spill().flush(); // If that fails, the log goes on trying.
        disposal.run(|| dropper.finish());
    }

    /// Hands everything that has been pushed so far and not been taken to the system.
    #[cfg(feature = "spill")]
    pub(crate) fn flush(&self) -> Result<(), SpillError> {
        self.write_down(Spill::flush)
    }

    /// Makes everything that has been pushed so far and not been taken durable.
    #[cfg(feature = "spill")]
    pub(crate) fn sync(&self) -> Result<(), SpillError> {
        self.write_down(Spill::sync)
    }

    #[cfg(feature = "spill")]
    fn write_down(&self, finish: impl FnOnce(&Spill<T>) -> Result<(), SpillError>) -> Result<(), SpillError> {
        let Some(overflow) = &self.overflow else { return Ok(()) };
        let until = self.ring.end();
        let mut dropper = Dropper::new();
        let moved = loop {
            match self.move_ahead(overflow, until, MOVED_AT_ONCE, &mut dropper) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let finished = finish(overflow.spill());
        dropper.finish();
        finished.and(moved)
    }

    /// Moves some of what is in memory before `until`, at most `most`, to the log; says whether there was something.
    #[cfg(feature = "spill")]
    fn move_ahead(
        &self,
        overflow: &Overflow<T>,
        until: Position,
        most: usize,
        dropper: &mut Dropper,
    ) -> Result<bool, SpillError> {
        let mut written = Vec::new();
        let result = overflow.move_ahead(&self.ring, until, most, &mut written);
        if let Some(moved) = result.moved {
            dropper.run(|| self.taken(moved));
        }
        dropper.run(|| self.room_in_log(result.has_room));
        dropper.drop(result.unused);
        dropper.drop_each(written);
        match (result.moved, result.error) {
            (Some(_), error) => {
                dropper.drop(error); // The next attempt meets it again.
                Ok(true)
            }
            (None, Some(error)) => Err(error),
            (None, None) => Ok(false),
        }
    }

    // ----------------------------------------------------------------- counts

    /// Evicts what lies beyond the capacity, so that it counts as evicted. If others are in the middle of something, they do.
    fn evict_excess(&self) {
        if self.when_full == WhenFull::DropOldest {
            self.evict_once();
        }
    }

    /// Apart, because it has an item on the stack.
    #[inline(never)]
    fn evict_once(&self) {
        let mut disposal = self.disposal();
        disposal.evicted(self.ring.evict());
        disposal.finish();
    }

    pub(crate) fn stats(&self) -> Stats {
        self.evict_excess();
        let counts = self.ring.counts();
        let refused_pinned = self.refused.pinned.total();
        let refused = self.refused.full.total() + refused_pinned;
        let taken = raise(&self.taken_shown, counts.taken).max(counts.taken);
        let gone = taken + counts.evicted + counts.discarded + counts.moved_ahead;
        let capacity = self.ring.capacity() as u64;
        if refused > 0 || counts.evicted > 0 {
            self.ring.note_full();
        }
        #[cfg_attr(not(feature = "spill"), allow(unused_mut))]
        let mut stats = Stats {
            capacity,
            bytes: self.ring.bytes() as u64,
            len: counts.pushed.saturating_sub(gone).min(capacity),
            high_water: self.ring.high_water(),
            pushed: counts.pushed,
            taken,
            evicted: counts.evicted,
            displaced: counts.displaced,
            discarded: counts.discarded,
            refused,
            refused_pinned,
            takers_parked: self.not_empty.parks() + self.marks.parks(),
            takers_woken: self.not_empty.wakes() + self.marks.wakes(),
            pushers_parked: self.not_full.parks(),
            pushers_woken: self.not_full.wakes(),
            ..Stats::default()
        };
        #[cfg(feature = "spill")]
        if let Some(overflow) = &self.overflow {
            let counts = overflow.counts(&self.ring);
            stats.pushed += counts.spilled - counts.moved_ahead;
            stats.taken += counts.taken;
            stats.spilled = counts.spilled;
            stats.recovered = counts.recovered;
            stats.on_disk = counts.on_disk;
            stats.spill_lost = counts.lost;
            stats.refused_spill = self.refused.unwritten.total();
            stats.refused += stats.refused_spill;
        }
        stats
    }

    /// The log on disk, under `SpillToDisk`.
    #[cfg(feature = "spill")]
    pub(crate) fn spill(&self) -> Option<&Spill<T>> {
        self.overflow.as_ref().map(Overflow::spill)
    }

    /// What `Debug` of any handle shows.
    pub(crate) fn fmt_handle(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("len", &self.ring.len())
            .field("capacity", &self.ring.capacity())
            .field("policy", &self.when_full)
            .field("closed", &self.ring.is_closed())
            .finish_non_exhaustive()
    }
}

/// Why there was nothing for who does not wait.
fn empty_or_closed(nothing: Nothing) -> TryTakeError {
    match nothing {
        Nothing::Closed => TryTakeError::Closed,
        // What cannot be read now can be later.
        Nothing::Empty | Nothing::Pending | Nothing::Diverted | Nothing::Unreadable => TryTakeError::Empty,
    }
}

/// How many handles of one kind there are.
pub(crate) struct Handles(AtomicUsize);

impl Handles {
    fn one() -> Self {
        Self(AtomicUsize::new(1))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Relaxed) // Relaxed: a hint.
    }

    /// One more, made from a living one. Every handle holds an `Arc`, whose own count keeps this one from overflowing.
    pub(crate) fn join(&self) {
        self.0.fetch_add(1, Relaxed); // Relaxed: the handle that is cloned keeps the count above zero.
    }

    /// One more, if there is any.
    pub(crate) fn join_if_any(&self) -> bool {
        let mut count = self.0.load(Relaxed);
        while count > 0 {
            match self.0.compare_exchange_weak(count, count + 1, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(now) => count = now,
            }
        }
        false
    }

    /// One fewer; says whether it was the last.
    fn leave(&self) -> bool {
        self.0.fetch_sub(1, AcqRel) == 1 // What the others did comes before what the last does.
    }
}
