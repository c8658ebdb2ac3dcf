//! The bounded lock-free storage. It never waits for room or for items, and with its parts it holds every `unsafe` of
//! the crate.
//!
//! # Protocol
//!
//! *Push*: claim positions by compare-exchange on `tail`, write the values, publish each by storing its lap in the
//! slot's stamp. *Take*: claim a run of published positions by compare-exchange on `head`, copy the values out, store
//! their end to `freed`. Only one claim on `head` is open at a time, because who makes one wants `freed` to have caught
//! up with `head`: so each side has one read-modify-write.
//!
//! A push of one item does not even load `tail`, as long as it can guess it from `claimed`, which is stored plainly: a load
//! of `tail` would have to wait for the read-modify-write before. A take of one item guesses `head` from `freed`. Who loses a
//! claim to another push leaves `tail` alone for a moment, if that is not by chance: see the module `contention`.
//!
//! Two words save both sides the lines that the other keeps writing. `limit` caches "positions before this are free", so
//! that a push reads `freed` once a lap rather than once an item; `ready` caches "positions before this are published",
//! so that a take reads a line of stamps once rather than once an item.
//!
//! A slot at position `p` belongs to:
//!
//! ```text
//!   the push that claimed p      from its claim of p     to its store of p's stamp
//!   nobody                       from there              to the claim of p on head
//!   the take that claimed p      from there              to its store to freed past p
//!   nobody                       from there              to the claim of p + slots
//! ```
//!
//! # Orderings
//!
//! Every happens-before edge that the crate relies on, named; each site cites its edge.
//!
//! - **Publish**: the stamp's store (Release) in a push → its load (Acquire) in a take. Carries the value.
//! - **Free**: the store to `freed` (Release) in a take → its load (Acquire) in the next take and in a push, and from
//!   there by the store to `limit` (Release) → its load (Acquire) in other pushes. Carries "the old values have been
//!   copied out"; to the next take also all that earlier takes have met, stamps and `ready`, and the eviction count,
//!   which only the owners of a claim on `head` write.
//! - **Head**: a change of `head` (Release) → its load (Acquire). Carries the `tail` that a claim had items by, so that a
//!   ring is not taken for empty for a `tail` older than its `head`. And a hold that ends (Release) → the next claim or
//!   hold (Acquire). Carries "nobody is looking any more". And lowering `DIVERTED` in `head` (Release) → the next claim (Acquire).
//!   Carries `passed_by`, how many items have gone past the ring.
//! - **Room**: a claim on `tail` (Release) → the load of `tail` (Acquire) in another push, or by who counts what is inside. Carries
//!   the `freed` that the claim had room by, so that a ring is not taken for full for a `freed` older than its `tail`, and the
//!   takes that came before it.
//! - **Mark**: raising `MARKED` in `tail` (Release) → the look at `tail` (Acquire) of a push that met it. Carries `wake_at`, before
//!   which nobody wants to be woken.
//! - **Close**: raising `CLOSED` in `tail` (Release) → meeting it there (Acquire). Carries what the closing thread did
//!   before. And lowering `DIVERTED` in `tail` (Release), as `tail` passes it on: carries `passed_by` to who meets the end.
//!
//! `tail` only changes by read-modify-writes, and `head`, too, but for one that a thread holds alone: so whatever their own
//! ordering, changes pass on what earlier ones carry.
//!
//! # Nobody sleeps through a change
//!
//! Who wants to sleep registers first, then raises `WAITED` in the very word that the other side must change to make
//! a difference. All changes of one word are totally ordered. If the change comes first, the raise returns the changed
//! word and the sleeper does not sleep; if the raise comes first, the change returns the flag and its author wakes, once
//! the difference is made.
//!
//! Of the threads that wait for room, one is woken, and obliged to look after the others: see the module `pushers`.
//!
//! Pushes that go past the ring change nothing but `DIVERTED`, once, so they notify without asking for `WAITED`. Items that are moved
//! ahead have been pushed before; a taker that looks for what it may have missed finds `AHEAD` where `head` tells that they are gone.
//!
//! Who wants to be woken at a mark need not raise anything if some push has to look for marks in time anyway: see the module `marks`.
//!
//! That the registration is seen by who wakes is the event's own doing: it makes a sequentially consistent fence after
//! each registration, and one before each notification. `WAITED` itself needs no ordering, and who closes has only to
//! raise `CLOSED` before notifying: whoever registers after that meets `CLOSED` in the attempt that follows.

mod batch;
mod contention;
mod fetch;
mod lines;

use std::mem::{self, MaybeUninit};
use std::ptr;
use std::slice;

use crossbeam_utils::CachePadded;

pub(crate) use self::batch::Batch;
use self::contention::LastLoss;
use self::lines::Lines;
use crate::disposal::Disposal;
use crate::error::BuildError;
use crate::position::{AHEAD, CLOSED, DIVERTED, HELD, Layout, MARKED, MAX_SLOTS, Position, WAITED};
use crate::spin::{Snooze, Spin};
use crate::sync::{AcqRel, Acquire, AtomicU8, AtomicU64, Relaxed, Release, UnsafeCell};
use crate::tally::{Tally, raise};
use crate::unwind::Dropper;

/// Runs longer than this are handed back to producers piece by piece while the rest is still being copied.
const CHUNK: usize = if cfg!(loom) { 1 } else { 256 };

/// The bytes of a cache line.
const LINE: usize = 64;

/// How many stamps a take of one item looks at for those that follow: a line of them.
const LOOK_AHEAD: usize = if cfg!(loom) { 2 } else { 64 };

/// What a ring evicts when it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evicting {
    Nothing,
    /// The oldest items.
    Items,
    /// The oldest items, and somebody wants to have them.
    Values,
}

pub(crate) struct Ring<T> {
    stamps: Lines<AtomicU8>,
    slots: Lines<UnsafeCell<MaybeUninit<T>>>,
    layout: Layout,
    capacity: usize,
    /// Slots beyond the capacity: an evicting ring lets the tail run ahead by so many before it evicts them at once.
    spare: usize,
    /// Whether evicted values are wanted, or have a destructor: there is one spare slot then.
    evicts_values: bool,
    /// Where `head` and `tail` started.
    start: Position,
    /// How many items have gone past the ring: all of them before the oldest one inside.
    passed_by: AtomicU64,
    pushers: CachePadded<Pushers>,
    /// `freed` plus one lap as some push last saw it: positions before it are free.
    limit: CachePadded<AtomicU64>,
    takers: CachePadded<Takers>,
}

/// What pushers write.
struct Pushers {
    /// The next position to claim, and `CLOSED`, `WAITED` (takers sleep), `MARKED` (takers may sleep until `wake_at`),
    /// `DIVERTED` (pushes go past the ring).
    tail: AtomicU64,
    /// `tail` as some claim left it, probably the last one.
    claimed: AtomicU64,
    /// Where a claim was lost to another push.
    last_loss: LastLoss,
    /// No taker wants to be woken before this position, while `MARKED` is up.
    wake_at: AtomicU64,
}

/// What takers write.
struct Takers {
    /// The next position to take, and `HELD`, `WAITED` (pushers sleep), `DIVERTED` (the next take goes past the ring), `AHEAD`
    /// (there are older items there).
    head: AtomicU64,
    /// Positions before this have been moved out. While it is behind `head`, the claim between them is open; its owner
    /// alone writes what follows.
    freed: AtomicU64,
    /// Positions before this are published, as some take last saw it.
    ready: AtomicU64,
    /// Items evicted and dropped so far.
    evicted: Tally,
    /// Items evicted and handed out by swaps so far.
    displaced: Tally,
    /// Items moved out so far to be discarded.
    discarded: Tally,
    /// Items moved ahead so far.
    #[cfg(feature = "spill")]
    moved_ahead: Tally,
    /// The most items that anybody has met inside.
    high_water: AtomicU64,
}

// SAFETY: the ring owns its values and moves them between threads, so `T: Send` is needed and, as no two threads ever have
// a reference to the same value, enough.
#[allow(unsafe_code)]
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above: sharing the ring gives other threads values, or a reference to one while `head` is held, as a lock does.
#[allow(unsafe_code)]
unsafe impl<T: Send> Sync for Ring<T> {}

/// One of the two words, by who sleeps on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    /// `head`: pushers wait there for room.
    Pushers,
    /// `tail`: takers wait there for items.
    Takers,
}

/// What a push or a take that went through leaves to be done: waking the other side.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(crate) struct Moved {
    /// How many items were pushed or taken; never 0.
    pub(crate) count: usize,
    /// Whether somebody on the other side had announced sleep: `WAITED` and `MARKED` as the change met them.
    pub(crate) sleepers: u64,
}

/// Why nothing was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    /// Pushes go past the ring.
    Diverted,
    /// Full, and the oldest item could not be evicted: a thread stopped while pushing or taking it.
    Pinned,
    Closed,
}

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    Empty,
    /// A push has claimed the oldest position and is still writing its value.
    Pending,
    /// The next item is not in the ring.
    Diverted,
    /// The next item is not in the ring, and cannot be had now.
    #[cfg_attr(not(feature = "spill"), allow(dead_code))]
    Unreadable,
    /// Closed and drained.
    Closed,
}

/// A claim on `head` of the oldest item alone, which this thread must move out and free: takers wait for it. Nobody has to be woken.
#[must_use]
pub(crate) struct Single<'a, T> {
    slot: &'a UnsafeCell<MaybeUninit<T>>,
    /// Where the claim ends.
    end: Position,
}

/// A claim on `head`: published positions that this thread alone may move out, and must free: takers wait for it.
#[must_use]
pub(crate) struct Turn {
    at: Position,
    /// How many of them lie beyond the capacity.
    evicted: usize,
    /// How many follow, to be taken.
    count: usize,
    /// Where the claim ends.
    end: Position,
    sleepers: u64,
}

/// What came of a push by a guess at `tail`.
#[must_use]
pub(crate) enum Guess<'a, T> {
    Right(Place<'a, T>),
    /// The ring is full: that has been looked up.
    Full,
    /// Another push was faster: [give way](Ring::give_way), and look up what there is.
    Lost,
    /// It has to be looked up what there is.
    Wrong,
}

/// A slot that this thread alone may write, and must publish: takers wait for it.
#[must_use]
pub(crate) struct Place<'a, T> {
    slot: &'a UnsafeCell<MaybeUninit<T>>,
    stamp: &'a AtomicU8,
    /// What the stamp is once the slot is published.
    published: u8,
    /// As in [`Moved`].
    sleepers: u64,
}

/// Positions that this thread alone may write, and must publish: takers wait for it.
#[must_use]
struct Claim {
    /// `tail` as the claim met it: where it begins, and who sleeps.
    tail: u64,
    count: usize,
}

/// The oldest position, `head` being held there, and a claim on the one after the newest.
#[must_use]
pub(crate) struct Swap<'a, T> {
    oldest: Position,
    /// The one after the oldest.
    next: Position,
    newest: Place<'a, T>,
}

impl<T> Ring<T> {
    /// A ring of exactly `capacity` items whose first position lies in `first_lap`.
    pub(crate) fn new(capacity: usize, evicting: Evicting, first_lap: u64) -> Result<Self, BuildError> {
        if capacity == 0 {
            return Err(BuildError::ZeroCapacity);
        }
        let too_large = BuildError::TooLarge { capacity };
        // Values that somebody wants to see go are evicted one by one, because each has to be moved out and disposed of
        // once the claim on `head` is over. The others just vanish, so one claim serves many.
        let evicts_values = evicting == Evicting::Values || mem::needs_drop::<T>();
        let spare = match evicting {
            Evicting::Nothing => 0,
            _ if evicts_values => 1,
            _ => Self::EVICTED_AT_ONCE,
        };
        let slots = capacity.checked_add(spare).filter(|&n| n as u64 <= MAX_SLOTS);
        let slots = slots.ok_or(too_large.clone())?;
        let layout = Layout::new(slots as u64);
        let start = layout.start_of(first_lap);
        let before = layout.stamp(start).wrapping_sub(1);
        // Both before either is filled: what cannot be had should not cost the time to fill the other.
        let (Some(slot_lines), Some(stamp_lines)) = (Lines::reserve(slots), Lines::reserve(slots)) else {
            return Err(too_large);
        };
        Ok(Self {
            slots: empty(slot_lines),
            stamps: stamp_lines.fill(|| AtomicU8::new(before)),
            layout,
            capacity,
            spare,
            evicts_values,
            start,
            passed_by: AtomicU64::new(0),
            pushers: CachePadded::new(Pushers {
                tail: AtomicU64::new(start.word()),
                claimed: AtomicU64::new(start.word()),
                last_loss: LastLoss::new(start),
                wake_at: AtomicU64::new(start.word()),
            }),
            limit: CachePadded::new(AtomicU64::new(layout.next_lap(start).word())),
            takers: CachePadded::new(Takers {
                head: AtomicU64::new(start.word()),
                freed: AtomicU64::new(start.word()),
                ready: AtomicU64::new(start.word()),
                evicted: Tally::new(),
                displaced: Tally::new(),
                discarded: Tally::new(),
                #[cfg(feature = "spill")]
                moved_ahead: Tally::new(),
                high_water: AtomicU64::new(0),
            }),
        })
    }

    /// About a page of values.
    const EVICTED_AT_ONCE: usize = match mem::size_of::<T>() {
        0..=128 => 32,
        129..=4096 => 4096 / mem::size_of::<T>(),
        _ => 1,
    };

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    // ---------------------------------------------------------------- pushing

    /// Claims a slot if one is free at what `tail` probably is: the compare-exchange tells. An evicting ring has spare slots
    /// beyond its capacity; the others have none.
    ///
    /// As much as can be is worked out before the compare-exchange, which what follows has to wait for.
    #[inline(always)]
    pub(crate) fn claim_by_guess(&self) -> Guess<'_, T> {
        // The line comes once, to be written: a load alone would get it to be shared, and the compare-exchange again.
        fetch::for_writing(&raw const self.pushers.tail);
        // Relaxed: a guess. It has neither `CLOSED` nor `DIVERTED`, with which there are no claims.
        let tail = self.pushers.claimed.load(Relaxed);
        let limit = Position::from_word(self.limit.load(Acquire)); // Free
        let at = Position::of(tail);
        if !at.is_before(limit) {
            return if self.is_full_and_open() {
                Guess::Full
            } else {
                Guess::Wrong
            };
        }
        let place = self.place(tail);
        let claimed = tail.wrapping_add(self.layout.step(at, 1));
        // Room
        match self.pushers.tail.compare_exchange_weak(tail, claimed, Release, Relaxed) {
            Ok(_) => {
                self.pushers.claimed.store(claimed, Relaxed); // Relaxed: a guess.
                Guess::Right(place)
            }
            Err(now) if Position::of(now) == at => Guess::Wrong,
            Err(_) => Guess::Lost,
        }
    }

    /// To be called by a push that has lost a claim on `tail` to another: spins half a microsecond at most, to let that one go on.
    pub(crate) fn give_way(&self) {
        let now = Position::of(self.pushers.tail.load(Relaxed)); // Relaxed: a guess.
        self.pushers.last_loss.give_way(&self.layout, now);
    }

    /// As [`claim_by_guess`](Self::claim_by_guess) if fewer than `capacity` items are inside.
    #[inline(always)]
    pub(crate) fn claim_within_capacity_by_guess(&self) -> Guess<'_, T> {
        if self.spare == 0 {
            self.claim_by_guess()
        } else {
            Guess::Wrong
        }
    }

    /// The place that a claim at `tail` is to get.
    #[inline(always)]
    fn place(&self, tail: u64) -> Place<'_, T> {
        let at = Position::of(tail);
        Place {
            slot: self.slot(at),
            stamp: self.stamp(at),
            published: self.layout.stamp(at),
            sleepers: tail & (WAITED | MARKED),
        }
    }

    /// Claims a slot if one is free.
    pub(crate) fn claim_slot(&self) -> Result<Place<'_, T>, Refused> {
        Ok(self.place(self.claim(1, 0)?.tail))
    }

    /// Claims a slot if fewer than `capacity` items are inside.
    pub(crate) fn claim_within_capacity(&self) -> Result<Place<'_, T>, Refused> {
        Ok(self.place(self.claim(1, self.spare)?.tail))
    }

    /// Writes and publishes the value of a claimed slot.
    #[inline(always)]
    pub(crate) fn fill(&self, place: Place<'_, T>, item: T) -> Moved {
        // SAFETY: this thread claimed the slot, so it is its own until the stamp is stored; Free says that the previous
        // value has left it.
        #[allow(unsafe_code)]
        place
            .slot
            .with_mut(|slot| unsafe { slot.write(MaybeUninit::new(item)) });
        place.stamp.store(place.published, Release); // Publish
        // A store that waits for a line which a taker had last makes the compare-exchange of the next push wait as well.
        if mem::size_of::<T>() > 0 {
            fetch::for_writing(ptr::from_ref(place.slot).wrapping_byte_add(mem::size_of::<T>().max(2 * LINE)));
        }
        fetch::for_writing(ptr::from_ref(place.stamp).wrapping_byte_add(LINE));
        Moved {
            count: 1,
            sleepers: place.sleepers,
        }
    }

    /// Evicts the oldest items from a ring without a free slot and pushes `item`; `then` is called once it is in.
    ///
    /// What was evicted is disposed of after that, or before the next eviction: no foreign code runs between an eviction and
    /// the claim on the room that it makes, which others could take meanwhile.
    pub(crate) fn evict_and_push(
        &self,
        item: T,
        disposal: &mut Disposal<'_, T>,
        then: impl FnOnce(Moved),
    ) -> Result<(), (T, Refused)> {
        let mut spin = Spin::new();
        let mut evicted = None;
        let result = loop {
            disposal.evicted(evicted.take());
            evicted = self.evict();
            match self.claim_slot() {
                Ok(place) => {
                    let moved = self.fill(place, item);
                    disposal.run(|| then(moved));
                    break Ok(());
                }
                // Pinned, or others have taken the room.
                Err(Refused::Full) if spin.again() => {}
                Err(Refused::Full) => break Err((item, Refused::Pinned)),
                Err(refused) => break Err((item, refused)),
            }
        };
        disposal.evicted(evicted);
        result
    }

    /// Pushes `item` into an evicting ring; if that makes the ring overflow, returns the one item that goes for it. `then` is
    /// called once it is in; the rest is as in [`evict_and_push`](Self::evict_and_push).
    pub(crate) fn push_displacing(
        &self,
        item: T,
        disposal: &mut Disposal<'_, T>,
        then: impl FnOnce(Moved),
    ) -> Result<Option<T>, (T, Refused)> {
        let mut spin = Spin::new();
        let mut evicted = None;
        let result = loop {
            match self.claim_within_capacity() {
                Ok(place) => {
                    let moved = self.fill(place, item);
                    disposal.run(|| then(moved));
                    break Ok(None);
                }
                Err(Refused::Full) => {}
                Err(refused) => break Err((item, refused)),
            }
            if let Some(swap) = self.claim_swap() {
                let mut displaced = None;
                let moved = self.swap(swap, item, |oldest| displaced = Some(oldest));
                disposal.run(|| then(moved));
                break Ok(displaced);
            }
            if !spin.again() {
                break Err((item, Refused::Pinned));
            }
            // What lies beyond the capacity is gone already, to earlier pushes.
            disposal.evicted(evicted.take());
            evicted = self.evict();
        };
        disposal.evicted(evicted);
        result
    }

    /// Claims the oldest item and the room for one more, if an evicting ring holds exactly `capacity` items.
    #[inline(always)]
    pub(crate) fn claim_swap(&self) -> Option<Swap<'_, T>> {
        let tail = self.pushers.tail.load(Relaxed); // Relaxed: the compare-exchange confirms it.
        let newest = Position::of(tail);
        let head = self.takers.head.load(Relaxed); // Relaxed: holding it confirms it.
        let oldest = self.claimable(head)?;
        let full = self.layout.advance(oldest, self.capacity) == newest;
        if !full || tail & CLOSED != 0 || !self.is_published(oldest) {
            return None;
        }
        // With `head` held, nobody takes; if `tail` is still where it was, nobody has pushed either. The slot at `newest`
        // is a spare one: `capacity` slots from `oldest` on are taken, and one more exists.
        // Relaxed: by this `tail` the ring is full, whatever `freed` is read.
        let claimed = tail.wrapping_add(self.layout.step(newest, 1));
        let swap = Swap {
            oldest,
            next: self.layout.advance(oldest, 1),
            newest: self.place(tail),
        };
        if !self.change_head(head, HELD) {
            return None;
        }
        if self
            .pushers
            .tail
            .compare_exchange(tail, claimed, Relaxed, Relaxed)
            .is_err()
        {
            self.let_go(oldest);
            return None;
        }
        self.pushers.claimed.store(claimed, Relaxed); // Relaxed: a guess.
        Some(swap)
    }

    /// Pushes `item` and gives the oldest to `put`, as [`read_to`](Self::read_to) does; both are claimed.
    #[inline(always)]
    pub(crate) fn swap(&self, swap: Swap<'_, T>, item: T, put: impl FnOnce(T)) -> Moved {
        let moved = self.fill(swap.newest, item);
        self.let_go(swap.next);
        // SAFETY: this thread held `head` at `oldest` after meeting its stamp (Publish), and nobody else takes it.
        #[allow(unsafe_code)]
        unsafe {
            self.read_to(self.slot(swap.oldest), put);
        }
        self.takers.displaced.add_alone(1);
        self.free(swap.next);
        moved
    }

    /// Ends a hold on `head`: takes go on from `next`.
    ///
    /// Nobody waits for room in a ring that evicts, and who takes leaves a held `head` alone, so nothing is overwritten.
    fn let_go(&self, next: Position) {
        self.takers.head.store(next.word(), Release); // Head
    }

    /// Pushes the front of `batch`, as much of it as there are free slots for.
    pub(crate) fn push_batch(&self, batch: &mut Batch<'_, T>) -> Result<Moved, Refused> {
        debug_assert!(!batch.is_empty());
        let claim = self.claim(batch.len().min(self.capacity), 0)?;
        let at = Position::of(claim.tail);
        // SAFETY: this thread claimed these positions and the batch has at least as many items left, which are
        // forgotten there as they are copied here.
        #[allow(unsafe_code)]
        unsafe {
            self.write_run(at, batch.front(), claim.count);
            batch.forget_front(claim.count);
        }
        let (first, second) = self.split(at, claim.count);
        let stamp = self.layout.stamp(at);
        // In the order of the positions.
        for (stamps, stamp) in [(first.0, stamp), (second.0, stamp.wrapping_add(1))] {
            stamps.iter().for_each(|slot| slot.store(stamp, Release)); // Publish
        }
        Ok(claim.into())
    }

    /// Evicts the oldest items from a ring without a free slot and pushes the front of `batch`; `then` is called once it is in. The rest is as
    /// in [`evict_and_push`](Self::evict_and_push).
    #[inline(never)]
    pub(crate) fn push_batch_evicting(
        &self,
        batch: &mut Batch<'_, T>,
        disposal: &mut Disposal<'_, T>,
        then: impl FnOnce(Moved),
    ) -> Result<(), Refused> {
        let mut spin = Spin::new();
        let mut evicted = None;
        let result = loop {
            disposal.evicted(evicted.take());
            evicted = self.evict();
            match self.push_batch(batch) {
                Ok(moved) => {
                    disposal.run(|| then(moved));
                    break Ok(());
                }
                // Pinned, or others have taken the room.
                Err(Refused::Full) if spin.again() => {}
                Err(Refused::Full) => break Err(Refused::Pinned),
                Err(refused) => break Err(refused),
            }
        };
        disposal.evicted(evicted);
        result
    }

    /// Claims up to `wanted` positions, leaving `spare` slots free.
    #[inline(always)]
    fn claim(&self, wanted: usize, spare: usize) -> Result<Claim, Refused> {
        let mut has_given_way = false;
        loop {
            let tail = self.pushers.tail.load(Acquire); // Room, Close
            if tail & (CLOSED | DIVERTED) != 0 {
                return Err(if tail & CLOSED != 0 {
                    Refused::Closed
                } else {
                    Refused::Diverted
                });
            }
            let at = Position::of(tail);
            let count = self.free_from(at, wanted, spare);
            if count == 0 {
                return Err(Refused::Full);
            }
            let claimed = tail.wrapping_add(self.layout.step(at, count));
            // Room
            match self.pushers.tail.compare_exchange_weak(tail, claimed, Release, Relaxed) {
                Ok(_) => {
                    self.pushers.claimed.store(claimed, Relaxed); // Relaxed: a guess.
                    return Ok(Claim { tail, count });
                }
                Err(now) if has_given_way || Position::of(now) == at => {}
                Err(_) => {
                    self.give_way();
                    has_given_way = true;
                }
            }
        }
    }

    /// How many slots from `at` on are free beyond `spare`, `wanted` at most. Zero is exact: the ring was full at `at`.
    #[inline(always)]
    fn free_from(&self, at: Position, wanted: usize, spare: usize) -> usize {
        let limit = Position::from_word(self.limit.load(Acquire)); // Free
        let free = self.free_before(limit, at, wanted, spare);
        if free == wanted {
            return free;
        }
        // As `tail` cannot pass `freed` plus one lap, it stood at `at` when `freed` was read, if that leaves no room.
        let freed = Position::from_word(self.takers.freed.load(Acquire)); // Free
        let limit = self.layout.next_lap(freed);
        let free = self.free_before(limit, at, wanted, spare);
        if free > 0 {
            self.limit.store(limit.word(), Release); // Free. An older value only makes somebody look at `freed` again.
        }
        free
    }

    /// How many slots lie from `at` to `limit`, less `spare`; `wanted` at most.
    ///
    /// An `at` that `tail` has left behind may seem to have any amount of room; its compare-exchange will fail.
    #[inline(always)]
    fn free_before(&self, limit: Position, at: Position, wanted: usize, spare: usize) -> usize {
        (self.layout.distance(at, limit) - spare as i64).clamp(0, wanted as i64) as usize
    }

    // ----------------------------------------------------------------- taking

    /// Claims the oldest item, if it is there for the asking and nobody has to be woken; if not, [`take_slowly`](Self::take_slowly)
    /// decides.
    #[inline(always)]
    pub(crate) fn claim_single(&self) -> Option<Single<'_, T>> {
        // Where `head` stands without a flag if no claim on it is open, which claiming it confirms.
        let at = Position::from_word(self.takers.freed.load(Acquire)); // Free
        let ready = self.is_ready(at);
        if !ready && !self.is_published(at) {
            return None;
        }
        if self.spare > 0 && self.exceeds_capacity(at) {
            return None;
        }
        let slot = self.slot(at);
        let end = self.layout.advance(at, 1);
        if !self.change_head(at.word(), end.word().wrapping_sub(at.word())) {
            return None;
        }
        if !ready && self.is_published(end) {
            self.look_ahead(at);
        }
        Some(Single { slot, end })
    }

    /// Takes the item that [`claim_single`](Self::claim_single) has claimed, and gives it to `put`, as [`read_to`](Self::read_to) does.
    #[inline(always)]
    pub(crate) fn take(&self, single: Single<'_, T>, put: impl FnOnce(T)) {
        // SAFETY: this thread claimed the position on `head`, after meeting its stamp or `ready` (Publish).
        #[allow(unsafe_code)]
        unsafe {
            self.read_to(single.slot, put);
        }
        self.free(single.end);
    }

    /// Takes the oldest item, and evicts what must not be seen any more.
    pub(crate) fn take_slowly(&self, disposal: &mut Disposal<'_, T>) -> Result<(T, Moved), Nothing> {
        loop {
            let turn = self.claim_oldest(1)?;
            let first = self.layout.advance(turn.at, turn.evicted);
            let taken = self.evicting(&turn, disposal, || {
                // SAFETY: this thread claimed the position on `head`, after meeting its stamp (Publish).
                #[allow(unsafe_code)]
                let taken = (turn.count == 1).then(|| unsafe { self.read(first) });
                self.free(turn.end);
                taken
            });
            if let Some(item) = taken {
                return Ok((item, turn.into()));
            }
        }
    }

    /// Appends up to `max` (not 0) of the oldest items to `out`; allocates only if `out` has too little room.
    pub(crate) fn take_into(
        &self,
        out: &mut Vec<T>,
        max: usize,
        purpose: Purpose,
        disposal: &mut Disposal<'_, T>,
    ) -> Result<Run, Nothing> {
        debug_assert!(max > 0);
        self.published_head()?;
        // Before the claim: the allocator is foreign code.
        if out.capacity() - out.len() < max {
            out.reserve(self.len().clamp(1, max));
        }
        let room = max.min(out.capacity() - out.len());
        loop {
            let turn = self.claim_oldest(room)?;
            let first = self.layout.advance(turn.at, turn.evicted);
            let (number, evictions) = self.evicting(&turn, disposal, || {
                // While the claim lasts: what is evicted from here on was behind these items, and what goes past the ring as
                // well.
                let passed_by = self.passed_by.load(Relaxed); // Relaxed: Head carries it.
                let number = self.number(first).saturating_add(passed_by);
                let evictions = self.account(turn.count, purpose);
                self.move_out(first, turn.count, out);
                (number, evictions)
            });
            if turn.count > 0 {
                return Ok(Run {
                    first: number,
                    evictions,
                    moved: turn.into(),
                });
            }
        }
    }

    /// Does for a claim on `count` items what its purpose asks for.
    fn account(&self, count: usize, purpose: Purpose) -> Evictions {
        match purpose {
            Purpose::Report if self.spare > 0 && count > 0 => return self.report_evictions(),
            Purpose::Discard => self.takers.discarded.add_alone(count as u64),
            Purpose::Report | Purpose::Take => {}
        }
        Evictions::default()
    }

    /// How many items had been pushed into the ring before the one at `at`.
    fn number(&self, at: Position) -> u64 {
        self.layout.distance(self.start, at) as u64
    }

    /// How many items have been pushed, into the ring and past it.
    pub(crate) fn pushed_in_all(&self) -> u64 {
        // Relaxed, both: who asks has met the end, and Close carries the second.
        let tail = Position::of(self.pushers.tail.load(Relaxed));
        self.number(tail).saturating_add(self.passed_by.load(Relaxed))
    }

    /// What has been evicted and not been reported yet, which it now is.
    pub(crate) fn report_evictions(&self) -> Evictions {
        let displaced = self.takers.displaced.report();
        Evictions {
            count: self.takers.evicted.report() + displaced,
            displaced,
        }
    }

    /// Appends `left` claimed items from `at` on to `out`, which has spare capacity for them, and ends the claim.
    fn move_out(&self, mut at: Position, mut left: usize, out: &mut Vec<T>) {
        loop {
            let run = left.min(CHUNK);
            // SAFETY: this thread claimed the positions on `head`, after meeting their stamps (Publish), and `out` has
            // room for as many items.
            #[allow(unsafe_code)]
            unsafe {
                self.read_run(at, out.as_mut_ptr().add(out.len()), run);
                out.set_len(out.len() + run);
            }
            at = self.layout.advance(at, run);
            left -= run;
            self.free(at);
            if left == 0 {
                return;
            }
        }
    }

    /// Claims up to `most` (not 0) of the oldest items that are published. Those before the newest `capacity` are to be
    /// evicted; if too few of them are published, there may be no others.
    fn claim_oldest(&self, most: usize) -> Result<Turn, Nothing> {
        let snooze = Snooze::new();
        loop {
            let head = self.published_head()?;
            if let Some(at) = self.claimable(head) {
                let inside = self.inside(at);
                let excess = inside.saturating_sub(self.capacity);
                let run = self.published_run(at, excess.saturating_add(most));
                let end = self.layout.advance(at, run);
                if run > 0 && self.change_head(head, end.word().wrapping_sub(at.word())) {
                    raise(&self.takers.high_water, inside.min(self.capacity) as u64);
                    let evicted = run.min(excess);
                    return Ok(Turn {
                        at,
                        evicted,
                        count: run - evicted,
                        end,
                        sleepers: head & WAITED,
                    });
                }
            }
            snooze.turn();
        }
    }

    /// Evicts what lies beyond the capacity, which makes room, unless another thread is in the middle of taking or evicting, or
    /// of pushing the oldest item. Where values are wanted, that is one, and it is returned.
    pub(crate) fn evict(&self) -> Option<T> {
        let head = self.takers.head.load(Relaxed); // Relaxed: claiming it confirms it.
        let at = self.claimable(head)?;
        let excess = self.excess(at);
        if excess == 0 {
            return None;
        }
        let evicted = self.published_run(at, excess);
        let end = self.layout.advance(at, evicted);
        if evicted == 0 || !self.change_head(head, end.word().wrapping_sub(at.word())) {
            return None;
        }
        self.takers.evicted.add_alone(evicted as u64);
        // SAFETY: this thread claimed the position on `head`, after meeting its stamp (Publish).
        #[allow(unsafe_code)]
        let value = self.evicts_values.then(|| unsafe { self.read(at) });
        self.free(end);
        value
    }

    /// Counts the items that a claim evicts. `take` ends the claim, and then the one that has a destructor is dropped.
    #[inline]
    fn evicting<R>(&self, turn: &Turn, disposal: &mut Disposal<'_, T>, take: impl FnOnce() -> R) -> R {
        if turn.evicted > 0 {
            self.takers.evicted.add_alone(turn.evicted as u64);
            if self.evicts_values {
                return self.evicting_value(turn.at, disposal, take);
            }
        }
        take()
    }

    /// Apart, because it has a value on the stack.
    #[inline(never)]
    fn evicting_value<R>(&self, at: Position, disposal: &mut Disposal<'_, T>, take: impl FnOnce() -> R) -> R {
        // SAFETY: this thread claimed the position on `head`, after meeting its stamp (Publish).
        #[allow(unsafe_code)]
        let value = unsafe { self.read(at) };
        let taken = take();
        disposal.evicted(Some(value));
        taken
    }

    /// Looks how many items are published from `at`, which is claimed, so that the next takes need not.
    #[inline(never)]
    fn look_ahead(&self, at: Position) {
        let run = self.published_run(at, LOOK_AHEAD);
        let ready = self.layout.advance(at, run);
        self.takers.ready.store(ready.word(), Relaxed); // Relaxed: Free carries it, with the stamps met here.
    }

    /// How many items an evicting ring with `head` at `at` holds beyond its capacity. At most the spare slots, of which
    /// there is one if values have a destructor.
    fn excess(&self, at: Position) -> usize {
        self.inside(at).saturating_sub(self.capacity)
    }

    /// How many items a ring with `head` at `at` holds.
    fn inside(&self, at: Position) -> usize {
        let tail = Position::of(self.pushers.tail.load(Relaxed)); // Relaxed: what this thread knows to be pushed is counted.
        self.layout.distance(at, tail).max(0) as usize
    }

    /// Whether there is any [`excess`](Self::excess).
    #[inline(always)]
    fn exceeds_capacity(&self, at: Position) -> bool {
        let tail = self.pushers.tail.load(Relaxed); // Relaxed: what this thread knows to be pushed is counted.
        self.layout.lies_beyond(at, self.capacity, tail)
    }

    /// `head`, once the item there is published; or why it is not.
    #[inline]
    fn published_head(&self) -> Result<u64, Nothing> {
        let mut head = self.takers.head.load(Acquire); // Head
        loop {
            if head & DIVERTED != 0 {
                return Err(Nothing::Diverted);
            }
            let at = Position::of(head);
            if self.is_ready(at) || self.is_published(at) {
                return Ok(head);
            }
            let tail = self.pushers.tail.load(Acquire); // Close
            if Position::of(tail) == at {
                return Err(match tail & (CLOSED | DIVERTED) {
                    0 => Nothing::Empty,
                    CLOSED => Nothing::Closed,
                    _ => Nothing::Diverted,
                });
            }
            let now = self.takers.head.load(Acquire); // Head
            if Position::of(now) == at {
                return Err(Nothing::Pending);
            }
            head = now; // Others have taken meanwhile.
        }
    }

    /// The position in `head` if no claim on that is open and nobody holds it. It stays so until `head` changes, and what earlier
    /// takes have met is known from here on.
    #[inline(always)]
    fn claimable(&self, head: u64) -> Option<Position> {
        let freed = self.takers.freed.load(Acquire); // Free
        // No position has `HELD` or `DIVERTED`. What follows goes by `freed`, which a take that comes after another has sooner.
        (freed == head & !WAITED).then(|| Position::from_word(freed))
    }

    /// Adds `step` to `head`, if that is still what it was. It may have been held in between, and let go.
    #[inline(always)]
    fn change_head(&self, head: u64, step: u64) -> bool {
        // Head
        self.takers
            .head
            .compare_exchange(head, head.wrapping_add(step), AcqRel, Relaxed)
            .is_ok()
    }

    /// Ends a claim on `head`, or a part of it: the positions before `end` have been moved out.
    #[inline(always)]
    fn free(&self, end: Position) {
        self.takers.freed.store(end.word(), Release); // Free
    }

    /// Whether `at` is known to be published; if not, its stamp decides.
    #[inline]
    fn is_ready(&self, at: Position) -> bool {
        at.is_before(Position::from_word(self.takers.ready.load(Relaxed))) // Relaxed: who claims `at` has it by Free.
    }

    #[inline]
    fn is_published(&self, at: Position) -> bool {
        self.stamp(at).load(Acquire) == self.layout.stamp(at) // Publish
    }

    /// How many items from `at` on are published without a gap, `most` at most.
    fn published_run(&self, at: Position, most: usize) -> usize {
        let (first, second) = self.split(at, most.min(self.stamps.len()));
        let stamp = self.layout.stamp(at);
        let run = |stamps: &[AtomicU8], stamp| {
            let unpublished = |slot: &AtomicU8| slot.load(Acquire) ^ stamp; // Publish
            let mut run = 0;
            // Several with one branch.
            while let Some(several) = stamps[run..].first_chunk::<8>() {
                if several.iter().fold(0, |any, slot| any | unpublished(slot)) != 0 {
                    break;
                }
                run += several.len();
            }
            let rest = stamps[run..].iter().position(|slot| unpublished(slot) != 0);
            rest.map_or(stamps.len(), |more| run + more)
        };
        match run(first.0, stamp) {
            all if all == first.0.len() => all + run(second.0, stamp.wrapping_add(1)),
            part => part,
        }
    }

    // ------------------------------------------------------------------ slots

    #[inline(always)]
    fn stamp(&self, at: Position) -> &AtomicU8 {
        // SAFETY: there are as many stamps as slots in the layout, whose indices are smaller.
        #[allow(unsafe_code)]
        unsafe {
            self.stamps.get_unchecked(self.layout.index(at))
        }
    }

    #[inline(always)]
    fn slot(&self, at: Position) -> &UnsafeCell<MaybeUninit<T>> {
        // SAFETY: there are as many slots as in the layout, whose indices are smaller.
        #[allow(unsafe_code)]
        unsafe {
            self.slots.get_unchecked(self.layout.index(at))
        }
    }

    /// The stamps and slots of `count` positions from `at` on: those before the end of the lap, and the rest.
    #[inline]
    #[allow(clippy::type_complexity)]
    fn split(&self, at: Position, count: usize) -> (Part<'_, T>, Part<'_, T>) {
        let index = self.layout.index(at);
        let first = count.min(self.slots.len() - index);
        let part = |from, to| (&self.stamps[from..to], &self.slots[from..to]);
        (part(index, index + first), part(0, count - first))
    }

    /// Moves the value at `at` out.
    ///
    /// # Safety
    ///
    /// The calling thread has claimed `at` on `head`, after meeting its stamp (Publish).
    #[inline]
    #[allow(unsafe_code)]
    unsafe fn read(&self, at: Position) -> T {
        // SAFETY: by the contract.
        unsafe { self.read_to(self.slot(at), |item| item) }
    }

    /// Moves the value in `slot` out and gives it to `put`, which must not panic.
    ///
    /// A value that goes straight to its place is copied once. One that is held while its slot is given back is copied
    /// again afterwards, since the compiler must take it that the slot has changed; and the next compare-exchange waits for the
    /// stores of each copy.
    ///
    /// # Safety
    ///
    /// As [`read`](Self::read), for the position that the slot is at.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn read_to<R>(&self, slot: &UnsafeCell<MaybeUninit<T>>, put: impl FnOnce(T) -> R) -> R {
        // SAFETY: by the contract the slot holds a value and is this thread's to move out, once.
        let result = slot.with(|slot| put(unsafe { slot.read().assume_init() }));
        self.own_lines(slice::from_ref(slot));
        result
    }

    /// The value in `slot`.
    ///
    /// # Safety
    ///
    /// The slot holds a value, and keeps it for as long as the reference lives.
    #[allow(unsafe_code)]
    unsafe fn value(slot: &UnsafeCell<MaybeUninit<T>>) -> &T {
        // SAFETY: by the contract.
        slot.with(|slot| unsafe { (*slot).assume_init_ref() })
    }

    /// The values of `count` positions from `at` on.
    ///
    /// # Safety
    ///
    /// As [`value`](Self::value) for the slot of each.
    #[allow(unsafe_code)]
    unsafe fn values(&self, at: Position, count: usize) -> impl DoubleEndedIterator<Item = &T> {
        let (before_wrap, rest) = self.split(at, count);
        // SAFETY: by the contract.
        let value = |slot| unsafe { Self::value(slot) };
        before_wrap.1.iter().chain(rest.1).map(value)
    }

    /// Moves the values of `count` positions from `at` on to `out`.
    ///
    /// # Safety
    ///
    /// As [`read`](Self::read) for each position; `out` is valid for writes of `count` values.
    #[inline]
    #[allow(unsafe_code)]
    unsafe fn read_run(&self, at: Position, out: *mut T, count: usize) {
        let (first, second) = self.split(at, count);
        for (n, slot) in first.1.iter().chain(second.1).enumerate() {
            // SAFETY: by the contract the slot holds a value that is this thread's to move out, once.
            slot.with(|slot| unsafe { ptr::copy_nonoverlapping(slot.cast(), out.add(n), 1) });
        }
        self.own_lines(first.1);
        self.own_lines(second.1);
    }

    /// Writes to each cache line of slots whose values this thread has moved out.
    ///
    /// A line that was only read here would be shared with the core that pushes, and the next push into it would stand
    /// still until the copy here is gone. A line that was written moves there whole, and ahead of the push.
    #[inline(always)]
    fn own_lines(&self, slots: &[UnsafeCell<MaybeUninit<T>>]) {
        let size = mem::size_of::<T>().max(1);
        for offset in (0..mem::size_of_val(slots)).step_by(LINE) {
            // SAFETY: the byte lies in a slot without a value, which is nobody else's until it is freed.
            #[allow(unsafe_code)]
            slots[offset / size].with_mut(|slot| unsafe { slot.cast::<u8>().add(offset % size).write(0) });
        }
    }

    /// Moves `count` values from `items` into the slots from `at` on.
    ///
    /// # Safety
    ///
    /// The calling thread has claimed the positions and not yet published them; `items` is valid for reads of `count`
    /// values, which the caller forgets.
    #[inline]
    #[allow(unsafe_code)]
    unsafe fn write_run(&self, at: Position, items: *const T, count: usize) {
        let (first, second) = self.split(at, count);
        for (n, slot) in first.1.iter().chain(second.1).enumerate() {
            // SAFETY: by the contract the slot is this thread's to write.
            slot.with_mut(|slot| unsafe { ptr::copy_nonoverlapping(items.add(n), slot.cast(), 1) });
        }
    }

    // --------------------------------------------------------- sleep and close

    fn word(&self, side: Side) -> &AtomicU64 {
        match side {
            Side::Pushers => &self.takers.head,
            Side::Takers => &self.pushers.tail,
        }
    }

    /// Announces a pusher that is about to sleep; says whether it may, having registered before. If not, there is room,
    /// or soon will be.
    pub(crate) fn announce_pusher(&self) -> bool {
        let head = self.raise_waited(Side::Pushers);
        // Relaxed: `tail` cannot pass `head` plus the capacity, so an older value only looks like room.
        let tail = Position::of(self.pushers.tail.load(Relaxed));
        self.layout.distance(head, tail) >= self.capacity as i64
    }

    /// Announces a taker that is about to sleep; says whether it may, having registered before. If not, there is an item,
    /// or soon will be: it was claimed before the announcement, so the claim has not seen that.
    pub(crate) fn announce_taker(&self) -> bool {
        let tail = self.raise_waited(Side::Takers);
        // Relaxed: an older `head` only looks like an item. Of those ahead, whose pushes `tail` tells of, so does the flag.
        let head = self.takers.head.load(Relaxed);
        head & AHEAD == 0 && Position::of(head) == tail
    }

    /// Raises the flag that somebody on `side` sleeps; returns the position it was raised at.
    pub(crate) fn raise_waited(&self, side: Side) -> Position {
        Position::of(self.word(side).fetch_or(WAITED, Relaxed))
    }

    /// Lowers the flag that somebody on `side` sleeps; returns the position it was lowered at.
    pub(crate) fn lower_waited(&self, side: Side) -> Position {
        Position::of(self.word(side).fetch_and(!WAITED, Relaxed))
    }

    /// The position at which `n` items will be inside, if none is taken meanwhile; `None` if there are so many at once, or more
    /// than fit.
    pub(crate) fn mark_of(&self, n: usize) -> Option<Position> {
        // With `tail` read first, so many were inside when `head` was read.
        let tail = self.pushers.tail.load(Acquire); // Room
        let head = Position::of(self.takers.head.load(Relaxed)); // Relaxed: as new as the push knew it, by Room.
        let is_reached = tail & DIVERTED != 0 || self.layout.distance(head, Position::of(tail)) >= n as i64;
        // An older `head` is reached sooner.
        (!is_reached).then(|| self.layout.advance(head, n))
    }

    /// The position at which `n` items will be inside, unless the last of them is published: without a look at `tail`, which may be
    /// there already, or never get there.
    pub(crate) fn mark_by_stamp(&self, n: usize) -> Option<Position> {
        // Relaxed: an older one is reached sooner. (By the stamp of a later lap it looks unpublished: `tail` is there already.)
        let head = Position::of(self.takers.head.load(Relaxed));
        let last = self.layout.advance(head, n.checked_sub(1)?);
        (!self.is_published(last)).then(|| self.layout.advance(last, 1))
    }

    /// Tells pushers that somebody wants to be woken at `lowest`. Says where `tail` was, and so which marks it had reached
    /// without a push having seen the announcement; `None` if the ring is closed or pushes go past it.
    pub(crate) fn announce_mark(&self, lowest: Position) -> Option<Position> {
        self.pushers.wake_at.store(lowest.word(), Relaxed); // Relaxed: Mark carries it.
        let tail = self.pushers.tail.fetch_or(MARKED, Release); // Mark
        (tail & (CLOSED | DIVERTED) == 0).then(|| Position::of(tail))
    }

    /// Tells pushers of the `lowest` position at which somebody still wants to be woken.
    pub(crate) fn move_mark(&self, lowest: Option<Position>) {
        match lowest {
            // Relaxed: an older one is lower, if no mark has been announced meanwhile.
            Some(lowest) => self.pushers.wake_at.store(lowest.word(), Relaxed),
            None => _ = self.pushers.tail.fetch_and(!MARKED, Relaxed),
        }
    }

    /// Whether a mark may have been reached. To be asked by who has pushed and met `MARKED`.
    pub(crate) fn may_have_reached_mark(&self) -> bool {
        let tail = Position::of(self.pushers.tail.load(Acquire)); // Mark
        !tail.is_before(Position::from_word(self.pushers.wake_at.load(Relaxed))) // Relaxed: Mark carries it.
    }

    /// Whether `mark` has been reached, or will not be as the ring is closed or pushes go past it.
    pub(crate) fn has_reached(&self, mark: Position) -> bool {
        // Relaxed: what this thread has pushed is seen. Whoever raises a flag looks for marks after that, or lowers it again; if
        // that was before this, the list's lock tells.
        let tail = self.pushers.tail.load(Relaxed);
        tail & (CLOSED | DIVERTED) != 0 || !Position::of(tail).is_before(mark)
    }

    /// How many positions lie between two positions of a side.
    pub(crate) fn moved_between(&self, earlier: Position, later: Position) -> usize {
        self.layout.distance(earlier, later) as usize
    }

    /// Closes the ring: no push is accepted from here on. Says whether it was open.
    pub(crate) fn close(&self) -> bool {
        self.pushers.tail.fetch_or(CLOSED, Release) & CLOSED == 0 // Close
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.pushers.tail.load(Acquire) & CLOSED != 0 // Close
    }

    // --------------------------------------------------------------- diverting

    /// Sends pushes past the ring from here on, unless it is closed; says whether it was otherwise before.
    ///
    /// Pushes change `tail` by compare-exchange, so none gets in after this. To be called by who holds the lock on what lies
    /// beside the ring, as the other operations here.
    #[cfg(feature = "spill")]
    pub(crate) fn divert(&self) -> Result<bool, Refused> {
        let mut tail = self.pushers.tail.load(Acquire); // Close
        loop {
            if tail & CLOSED != 0 {
                return Err(Refused::Closed);
            }
            if tail & DIVERTED != 0 {
                return Ok(false);
            }
            // Relaxed: who meets the flag takes the lock.
            match self
                .pushers
                .tail
                .compare_exchange_weak(tail, tail | DIVERTED, Relaxed, Acquire)
            {
                Ok(_) => return Ok(true),
                Err(now) => tail = now, // Close
            }
        }
    }

    /// Whether pushes go past the ring and everything that was in it has been moved out.
    #[cfg(feature = "spill")]
    pub(crate) fn is_passed_by(&self) -> bool {
        // Relaxed: the lock tells of the flag, and no push has moved `tail` since that went up. An older `freed` only looks
        // like an open claim.
        let tail = self.pushers.tail.load(Relaxed);
        let freed = self.takers.freed.load(Relaxed);
        tail & DIVERTED != 0 && freed == Position::of(tail).word()
    }

    /// Lets pushes into the ring again, nothing having gone past it.
    #[cfg(feature = "spill")]
    pub(crate) fn undivert(&self) {
        self.pushers.tail.fetch_and(!DIVERTED, Release); // Close
    }

    /// Lets pushes into the ring again, everything that has gone past it having been taken: `passed_by` items so far. The next
    /// take is [sent past](Self::send_past) it.
    #[cfg(feature = "spill")]
    pub(crate) fn end_diversion(&self, passed_by: u64) {
        // Relaxed, both: no claim passes the flag in `head`, and who lowers it has the lock.
        self.passed_by.store(passed_by, Relaxed);
        self.send_past();
        self.undivert();
    }

    /// Makes the next take meet [`Nothing::Diverted`].
    #[cfg(feature = "spill")]
    pub(crate) fn send_past(&self) {
        self.takers.head.fetch_or(DIVERTED, Relaxed);
    }

    /// Whether a take has to go past the ring because the one before did.
    #[cfg(feature = "spill")]
    pub(crate) fn is_to_report(&self) -> bool {
        self.takers.head.load(Relaxed) & DIVERTED != 0 // Relaxed: the lock tells.
    }

    /// Lets takes at the ring again.
    #[cfg(feature = "spill")]
    pub(crate) fn reported(&self) {
        self.takers.head.fetch_and(!DIVERTED, Release); // Head
    }

    /// Whether items that have been [moved ahead](Oldest::move_ahead) come next.
    #[cfg(feature = "spill")]
    pub(crate) fn has_ahead(&self) -> bool {
        self.takers.head.load(Relaxed) & AHEAD != 0 // Relaxed: the lock tells, or else it is a hint.
    }

    /// Says that they have been taken.
    #[cfg(feature = "spill")]
    pub(crate) fn end_ahead(&self) {
        self.takers.head.fetch_and(!AHEAD, Relaxed); // Relaxed: `DIVERTED` is up, and lowering that carries what there is.
    }

    /// How many items have been in the ring and are no more. Nobody may be taking.
    #[cfg(feature = "spill")]
    pub(crate) fn gone(&self) -> u64 {
        self.number(Position::of(self.takers.head.load(Relaxed))) // Relaxed: the lock tells.
    }

    /// How many items had gone past the ring when it last had room again.
    #[cfg(feature = "spill")]
    pub(crate) fn passed_by(&self) -> u64 {
        self.passed_by.load(Relaxed) // Relaxed: the lock tells.
    }

    /// How many items have been moved ahead so far.
    #[cfg(feature = "spill")]
    pub(crate) fn moved_ahead(&self) -> u64 {
        self.takers.moved_ahead.total()
    }

    /// The position of the next push.
    #[cfg(feature = "spill")]
    pub(crate) fn end(&self) -> Position {
        Position::of(self.pushers.tail.load(Relaxed)) // Relaxed: what this thread knows to be pushed is before it.
    }

    /// Keeps the oldest items where they are, `most` at most and none from `until` on; waits for who is pushing or taking the
    /// oldest. `None` if that is not before `until`.
    #[cfg(feature = "spill")]
    pub(crate) fn hold_oldest(&self, until: Position, most: usize) -> Option<Oldest<'_, T>> {
        let snooze = Snooze::new();
        loop {
            let head = self.takers.head.load(Relaxed); // Relaxed: holding it confirms it.
            let at = Position::of(head);
            if !at.is_before(until) {
                return None;
            }
            let freed = self.takers.freed.load(Acquire); // Free
            let is_free = freed == at.word() && head & HELD == 0;
            if is_free && self.is_published(at) && self.change_head(head, HELD) {
                let most = most.min(self.layout.distance(at, until) as usize);
                let count = self.published_run(at, most);
                return Some(Oldest { ring: self, at, count });
            }
            snooze.turn();
        }
    }

    // ---------------------------------------------------------------- looking

    /// The items inside, oldest first.
    pub(crate) fn resident(&mut self) -> impl DoubleEndedIterator<Item = &T> {
        // Relaxed: nobody else is here. So every claimed position has been published, and no claim on `head` is open.
        let head = Position::of(self.takers.head.load(Relaxed));
        let first = self.layout.advance(head, self.excess(head));
        // SAFETY: the slots from `first` on hold values, and while the ring is borrowed nobody moves them out.
        #[allow(unsafe_code)]
        unsafe {
            self.values(first, self.len())
        }
    }

    /// Shows `look` each item that is inside from the beginning of the call to its end, oldest first, and of those that
    /// go meanwhile some. The ring must be one that evicts.
    ///
    /// The oldest item is kept where it is while `look` runs: takes wait, and pushes that have to evict it are refused.
    pub(crate) fn look_at_each(&self, mut look: impl FnMut(&T)) {
        let end = Position::of(self.pushers.tail.load(Relaxed)); // Relaxed: what this thread knows to be pushed is seen.
        let mut at = Position::of(self.takers.head.load(Relaxed)); // Relaxed: an older one has gone, which is seen below.
        let snooze = Snooze::new();
        loop {
            let Some(held) = Held::new(self) else {
                snooze.turn();
                continue;
            };
            let oldest = self.layout.advance(held.at, self.excess(held.at));
            if at.is_before(oldest) {
                at = oldest;
            }
            if !at.is_before(end) {
                return;
            }
            if self.is_published(at) {
                // SAFETY: the slot holds a value (Publish), and `head`, which is held before it, keeps it there.
                #[allow(unsafe_code)]
                look(unsafe { Self::value(self.slot(at)) });
                at = self.layout.advance(at, 1);
            } else {
                drop(held);
                snooze.turn();
            }
        }
    }

    // ----------------------------------------------------------------- counts

    /// How many items are inside, between 0 and the capacity.
    pub(crate) fn len(&self) -> usize {
        // Relaxed: a count carries no data. `head` first, so that `tail` is not behind it; what has moved in between
        // can only add, and is cut off.
        let head = Position::of(self.takers.head.load(Acquire));
        let tail = Position::of(self.pushers.tail.load(Relaxed));
        self.layout.distance(head, tail).clamp(0, self.capacity as i64) as usize
    }

    /// How many items are inside, or 0 if there will be no more.
    pub(crate) fn growing_len(&self) -> usize {
        let ends = self.pushers.tail.load(Relaxed) & (CLOSED | DIVERTED) != 0; // Relaxed: a hint.
        if ends { 0 } else { self.len() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        // With `head` read first, no distance means that the ring was empty when `tail` was read.
        let head = self.takers.head.load(Acquire);
        let tail = self.pushers.tail.load(Relaxed); // Relaxed: it carries no data.
        let is_elsewhere = head & AHEAD != 0 || tail & DIVERTED != 0;
        !is_elsewhere && self.layout.distance(Position::of(head), Position::of(tail)) <= 0
    }

    /// Whether a push finds no room in a ring that is neither closed nor passed by.
    #[inline(always)]
    fn is_full_and_open(&self) -> bool {
        // With `tail` read first, there was no room when `freed` was read.
        let tail = self.pushers.tail.load(Acquire); // Room
        let freed = Position::from_word(self.takers.freed.load(Relaxed));
        tail & (CLOSED | DIVERTED) == 0 && !Position::of(tail).is_before(self.layout.next_lap(freed))
    }

    pub(crate) fn is_full(&self) -> bool {
        // As a push sees it. With `tail` read first, a full distance means that the ring was full when `freed` was read.
        let tail = self.pushers.tail.load(Acquire); // Room
        let freed = Position::from_word(self.takers.freed.load(Relaxed));
        tail & DIVERTED != 0 || self.layout.distance(freed, Position::of(tail)) >= self.capacity as i64
    }

    /// What has become of the items so far: no count is ever too high, and at rest each is exact, once nothing lies beyond the
    /// capacity.
    pub(crate) fn counts(&self) -> Counts {
        // `freed` first, so that none of the evictions and discards before it is missing.
        let freed = Position::from_word(self.takers.freed.load(Acquire)); // Free
        let displaced = self.takers.displaced.total();
        let evicted = self.takers.evicted.total() + displaced;
        let discarded = self.takers.discarded.total();
        #[cfg(feature = "spill")]
        let moved_ahead = self.moved_ahead();
        #[cfg(not(feature = "spill"))]
        let moved_ahead = 0;
        let tail = Position::of(self.pushers.tail.load(Relaxed)); // Relaxed: an older one only counts less.
        Counts {
            pushed: self.number(tail),
            taken: self.number(freed).saturating_sub(evicted + discarded + moved_ahead),
            evicted,
            displaced,
            discarded,
            moved_ahead,
        }
    }

    /// Notes that as many items were inside as fit.
    pub(crate) fn note_full(&self) {
        raise(&self.takers.high_water, self.capacity as u64);
    }

    /// The most items that were inside at once, as far as takes, pushes that found no room, and this have looked.
    pub(crate) fn high_water(&self) -> u64 {
        let len = self.len() as u64;
        raise(&self.takers.high_water, len).max(len)
    }

    /// The memory of the slots and their stamps.
    pub(crate) fn bytes(&self) -> usize {
        mem::size_of_val::<[_]>(&self.slots) + mem::size_of_val::<[_]>(&self.stamps)
    }
}

/// `head` kept where it is, until this is dropped, in a ring that evicts.
struct Held<'a, T> {
    ring: &'a Ring<T>,
    at: Position,
}

impl<'a, T> Held<'a, T> {
    fn new(ring: &'a Ring<T>) -> Option<Self> {
        let head = ring.takers.head.load(Relaxed); // Relaxed: holding it confirms it.
        let at = ring.claimable(head)?;
        ring.change_head(head, HELD).then(|| Self { ring, at })
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        self.ring.let_go(self.at);
    }
}

/// The oldest items, kept where they are in a ring that items go past, until this is dropped. Takes wait.
#[cfg(feature = "spill")]
#[must_use]
pub(crate) struct Oldest<'a, T> {
    ring: &'a Ring<T>,
    at: Position,
    count: usize,
}

#[cfg(feature = "spill")]
impl<T> Oldest<'_, T> {
    pub(crate) fn items(&self) -> impl Iterator<Item = &T> {
        // SAFETY: the slots hold values (Publish), and `head`, which is held before them, keeps them there.
        #[allow(unsafe_code)]
        unsafe {
            self.ring.values(self.at, self.count)
        }
    }

    /// Moves the first `count` (not 0) to `out`, and sends takes past the ring for them. To be called by who has put them there
    /// and still holds the lock.
    pub(crate) fn move_ahead(self, count: usize, out: &mut Vec<T>) -> Moved {
        debug_assert!(0 < count && count <= self.count);
        out.reserve(count); // Before the claim: the allocator is foreign code.
        let (ring, at) = (self.ring, self.at);
        mem::forget(self);
        // Relaxed, both: who takes what is left meets the flag first, and the lock tells; others go by what the hold carries.
        ring.takers.head.fetch_or(AHEAD | DIVERTED, Relaxed);
        // The hold becomes a claim.
        let step = ring.layout.advance(at, count).word().wrapping_sub(at.word());
        let head = ring.takers.head.fetch_add(step.wrapping_sub(HELD), Relaxed);
        ring.takers.moved_ahead.add_alone(count as u64);
        ring.move_out(at, count, out);
        Moved {
            count,
            sleepers: head & WAITED,
        }
    }
}

#[cfg(feature = "spill")]
impl<T> Drop for Oldest<'_, T> {
    fn drop(&mut self) {
        self.ring.takers.head.fetch_and(!HELD, Release); // Head
    }
}

/// The stamps and slots of neighbouring positions.
type Part<'a, T> = (&'a [AtomicU8], &'a [UnsafeCell<MaybeUninit<T>>]);

/// What a take of many is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Take,
    /// As well to report evictions.
    Report,
    /// To be rid of the items.
    Discard,
}

/// Items that one claim took.
#[must_use]
pub(crate) struct Run {
    pub(crate) moved: Moved,
    /// How many had been pushed before the first of them.
    pub(crate) first: u64,
    /// Where they are to be reported.
    pub(crate) evictions: Evictions,
}

/// Evictions that had not been reported.
#[derive(Clone, Copy, Default)]
pub(crate) struct Evictions {
    pub(crate) count: u64,
    /// Of those.
    pub(crate) displaced: u64,
}

/// What has become of the items.
pub(crate) struct Counts {
    pub(crate) pushed: u64,
    pub(crate) taken: u64,
    pub(crate) evicted: u64,
    /// Of those evicted.
    pub(crate) displaced: u64,
    pub(crate) discarded: u64,
    pub(crate) moved_ahead: u64,
}

impl From<Turn> for Moved {
    #[inline]
    fn from(turn: Turn) -> Self {
        Self {
            count: turn.count,
            sleepers: turn.sleepers,
        }
    }
}

impl From<Claim> for Moved {
    #[inline]
    fn from(claim: Claim) -> Self {
        Self {
            count: claim.count,
            sleepers: claim.tail & (WAITED | MARKED),
        }
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        if !mem::needs_drop::<T>() {
            return;
        }
        // Nobody else is left, so every claimed position has been published, and `head` to `tail` is what remains.
        let mut at = Position::of(self.takers.head.load(Relaxed));
        let tail = Position::of(self.pushers.tail.load(Relaxed));
        let mut dropper = Dropper::new();
        while at != tail {
            // SAFETY: the slot holds a value, and this is the last time that anybody looks.
            #[allow(unsafe_code)]
            dropper.run(|| self.slot(at).with_mut(|slot| unsafe { (*slot).assume_init_drop() }));
            at = self.layout.advance(at, 1);
        }
        dropper.finish();
    }
}

/// Slots without values. They are not written: a large item may not fit on the stack even once.
#[cfg(not(loom))]
fn empty<T>(slots: Lines<UnsafeCell<MaybeUninit<T>>>) -> Lines<UnsafeCell<MaybeUninit<T>>> {
    // SAFETY: a cell of what may be uninitialised may be.
    #[allow(unsafe_code)]
    unsafe {
        slots.assume_filled()
    }
}

/// Slots without values, which the model checker has to be told of.
#[cfg(loom)]
fn empty<T>(slots: Lines<UnsafeCell<MaybeUninit<T>>>) -> Lines<UnsafeCell<MaybeUninit<T>>> {
    slots.fill(|| UnsafeCell::new(MaybeUninit::uninit()))
}
