//! The way past a full ring: a log on disk.
//!
//! # Order
//!
//! `DIVERTED` in `tail` sends pushes past the ring. It goes up and down under the lock here, the switch, and under it alone the
//! log is appended to and read. As a push into the ring must change that very word, none gets in while the flag is up: all that
//! is in the ring is older than all that is in the log. So takes empty the ring first, and look at the log only when they find,
//! under the switch, the flag up and the ring empty. The read that leaves nothing lowers the flag.
//!
//! Under the switch, the flag is up while the log holds something, or has lost everything and not told: who sees it has something
//! to take, and does not sleep.
//!
//! # At the cap
//!
//! A push that waits for room in the log is woken by the take or the commit that makes it. If nothing is left there to be taken, it
//! waits for room in the ring as well: what cannot be removed from the disk must not keep it from memory.
//!
//! # What counts as consumed
//!
//! A read says that what the one before handed out is consumed. When the log has been read empty, the next take finds its item
//! in the ring: `DIVERTED` in `head` makes it come here first. So it does if something had been read from the log before.
//!
//! No code of users runs under the switch: items are encoded before and decoded after.

use std::slice;
use std::sync::Arc;

use crate::error::PushError;
use crate::ring::{Batch, Moved, Nothing, Refused, Ring};
use crate::spill::records::Records;
use crate::spill::{AtCap, Keeping, Locked, Spill, SpillCounts, SpillError, with_records};
use crate::sync::{AtomicU64, Mutex, Relaxed, lock};
use crate::tally::Tally;

/// A log behind a ring.
pub(crate) struct Overflow<T> {
    spill: Spill<T>,
    switch: Mutex<Switch>,
    /// What had happened to the log before.
    before: SpillCounts,
    /// How many items the log had then, those included whose loss it had not told, and where the first was.
    recovered: u64,
    start: u64,
    /// Items that takes got from the log.
    taken: AtomicU64,
    /// Items of the log that are gone, as reads have met them.
    missing: Tally,
    /// Items of the ring that were kept at the end, and that were to be, and could not.
    kept: AtomicU64,
    not_kept: AtomicU64,
    /// Items that the log has, though they were taken before the end.
    handed_out: AtomicU64,
    /// Whether pushes wait at the log's cap.
    blocks_at_cap: bool,
}

#[derive(Default)]
struct Switch {
    /// Pushes wait for room in the log, which had so many bytes on disk then.
    full_at: Option<u64>,
}

impl Switch {
    /// Whether there is room for pushes that wait for it, who are to be told then.
    fn has_room(&mut self, log: &Locked<'_>) -> bool {
        let has_room = |&mut full_at: &mut u64| log.is_empty() || log.has_consumed() || log.bytes_on_disk() < full_at;
        self.full_at.take_if(has_room).is_some()
    }
}

/// Where items went.
pub(crate) enum Pushed {
    Ring(Moved),
    /// Everybody who sleeps until a mark is reached is to be woken if `is_first`: there are more items than fit.
    Log {
        count: usize,
        is_first: bool,
    },
}

/// Why an item went nowhere.
pub(crate) enum Rejected {
    Closed,
    /// The log is at its cap: wait, and try again.
    Wait,
    /// The log is at its cap, and empty: wait for room in the ring as well, and try again.
    WaitForRing,
    /// The log is at its cap.
    Full,
    Failed(SpillError),
}

impl Rejected {
    /// The error for `item`, unless it is to wait.
    pub(crate) fn with<T>(self, item: T) -> Result<PushError<T>, T> {
        Ok(match self {
            Self::Closed => PushError::Closed(item),
            Self::Wait | Self::WaitForRing => return Err(item),
            Self::Full => PushError::Full(item),
            Self::Failed(source) => PushError::Spill {
                item,
                source: Arc::new(source),
            },
        })
    }
}

/// What became of the front of a batch.
pub(crate) struct Front {
    /// Nothing, if the ring has room again.
    pub(crate) pushed: Option<Pushed>,
    /// Why no more of it went in.
    pub(crate) rejected: Option<Rejected>,
    /// An error of the codec that came too late to matter. Dropping it is foreign code.
    pub(crate) unused: Option<SpillError>,
}

/// What a look at the log came to.
pub(crate) struct Taken {
    /// How many items; none says that the ring has the next one, or nobody.
    pub(crate) count: usize,
    /// The channel's number of the first.
    pub(crate) first: u64,
    /// Whether pushes that wait for room in the log may find it.
    pub(crate) has_room: bool,
}

/// What has become of items because of the log.
pub(crate) struct Counts {
    pub(crate) spilled: u64,
    pub(crate) recovered: u64,
    pub(crate) on_disk: u64,
    pub(crate) taken: u64,
    pub(crate) lost: u64,
    /// Of those spilled, had been in the ring before.
    pub(crate) kept: u64,
    pub(crate) not_kept: u64,
}

impl<T> Overflow<T> {
    /// Puts `spill` behind `ring`, which is new: what is in the log comes first.
    pub(crate) fn new(spill: Spill<T>, ring: &Ring<T>) -> Self {
        let mut before = spill.counts();
        let log = spill.lock();
        if !log.is_empty() {
            _ = ring.divert();
        }
        // What has been lost and not told is told by the first take.
        let gap = log.gap();
        before.lost = before.lost.saturating_sub(gap.lost);
        before.dropped_at_cap -= gap.dropped;
        if log.has_handed_out() || gap.total() > 0 {
            ring.send_past();
        }
        Self {
            switch: Mutex::new(Switch::default()),
            before,
            recovered: log.len().saturating_add(gap.total()),
            start: log.position().wrapping_sub(gap.total()),
            taken: AtomicU64::new(0),
            missing: Tally::new(),
            kept: AtomicU64::new(0),
            not_kept: AtomicU64::new(0),
            handed_out: AtomicU64::new(0),
            blocks_at_cap: log.at_cap() == AtCap::Block,
            spill: {
                drop(log);
                spill
            },
        }
    }

    /// Pushes `item` into the log, or into the ring if that has room again. If it `will_sleep`, the next take that makes room in the
    /// log says so. An item that has been written is returned, to be dropped.
    pub(crate) fn push(&self, ring: &Ring<T>, item: T, will_sleep: bool) -> Result<(Pushed, Option<T>), (T, Rejected)> {
        with_records(|records| {
            if let Err(error) = self.spill.encode(slice::from_ref(&item), records) {
                return Err((item, Rejected::Failed(error)));
            }
            let mut switch = lock(&self.switch);
            match ring.claim_slot() {
                Ok(claim) => return Ok((Pushed::Ring(ring.fill(claim, item)), None)),
                Err(Refused::Closed) => return Err((item, Rejected::Closed)),
                Err(_) => {}
            }
            match self.append(ring, records, will_sleep, &mut switch) {
                Ok(pushed) | Err((Some(pushed), _)) => Ok((pushed, Some(item))),
                Err((None, rejected)) => Err((item, rejected)),
            }
        })
    }

    /// As [`push`](Self::push) for the front of `batch`, which does not go into the ring: nothing is pushed if that has room again.
    pub(crate) fn push_batch(&self, ring: &Ring<T>, batch: &Batch<'_, T>, will_sleep: bool) -> Front {
        with_records(|records| {
            let unwritable = self.spill.encode_some(batch.left(), records).err();
            let mut switch = lock(&self.switch);
            if !ring.is_full() && !ring.is_closed() {
                return Front {
                    pushed: None,
                    rejected: None,
                    unused: unwritable,
                };
            }
            match self.append(ring, records, will_sleep, &mut switch) {
                Ok(pushed) => Front {
                    pushed: Some(pushed),
                    rejected: unwritable.map(Rejected::Failed),
                    unused: None,
                },
                Err((pushed, rejected)) => Front {
                    pushed,
                    rejected: Some(rejected),
                    unused: unwritable,
                },
            }
        })
    }

    /// Appends to the log. An error also says what was accepted before.
    fn append(
        &self,
        ring: &Ring<T>,
        records: &Records,
        will_sleep: bool,
        switch: &mut Switch,
    ) -> Result<Pushed, (Option<Pushed>, Rejected)> {
        // Before appending: who closes the channel after this leaves the flag to be seen by takes.
        let Ok(is_first) = ring.divert() else {
            return Err((None, Rejected::Closed));
        };
        let mut log = self.spill.lock();
        let (count, rejected) = match log.append(records) {
            Ok(count) => (count, None),
            Err((count, SpillError::AtCap { .. })) if self.blocks_at_cap => {
                // Who waits for the ring is told of room in the log as well: while pushes go past the ring, no take of it would.
                if will_sleep {
                    switch.full_at = switch.full_at.max(Some(log.bytes_on_disk()));
                }
                (
                    count,
                    Some(if log.is_empty() {
                        Rejected::WaitForRing
                    } else {
                        Rejected::Wait
                    }),
                )
            }
            Err((count, SpillError::AtCap { .. })) => (count, Some(Rejected::Full)),
            Err((count, error)) => (count, Some(Rejected::Failed(error))),
        };
        // Who dropped everything to make room leaves the flag to the take that tells of it.
        let is_as_before = is_first && count == 0 && log.is_empty();
        drop(log);
        if is_as_before {
            ring.undivert();
        }
        let pushed = Pushed::Log { count, is_first };
        match rejected {
            None => Ok(pushed),
            Some(rejected) => Err(((count > 0).then_some(pushed), rejected)),
        }
    }

    /// Takes at most `max` of the oldest items, if they are in the log.
    pub(crate) fn take(&self, ring: &Ring<T>, out: &mut Vec<T>, max: usize) -> Result<Taken, Nothing> {
        with_records(|records| {
            let (read, first, has_room) = {
                let mut switch = lock(&self.switch);
                let (is_passed_by, is_to_report) = (ring.is_passed_by(), ring.is_to_report());
                if !is_passed_by && !is_to_report {
                    return Err(Nothing::Pending); // Others have read the log empty, or are about to take the ring's last item.
                }
                let mut log = self.spill.lock();
                // If the file system refuses, this is tried again, until the log gives the place up.
                let read = log.read(records, if is_passed_by { max } else { 0 });
                let read = read.map_err(|_| Nothing::Unreadable)?;
                let (is_empty, passed_by) = (log.is_empty(), log.position().wrapping_sub(self.start));
                let has_room = switch.has_room(&log);
                drop(log);
                if is_to_report {
                    ring.reported();
                }
                // A read ends where items are missing: those that it got are the last.
                let first = ring
                    .pushed()
                    .saturating_add(passed_by.saturating_sub(read.count as u64));
                if is_passed_by && is_empty {
                    ring.end_diversion(passed_by);
                }
                (read, first, has_room)
            };
            let undecodable = self.spill.decode(records, out);
            let count = read.count - undecodable.count;
            self.taken.fetch_add(count as u64, Relaxed); // Relaxed: a count, read at rest.
            let missing = read.lost.saturating_add(read.dropped);
            self.missing.add(missing.saturating_add(undecodable.count as u64));
            Ok(Taken {
                count,
                first: first.saturating_add(undecodable.leading as u64),
                has_room,
            })
        })
    }

    /// Lets takes at the ring again, without saying that what the last one got is consumed.
    pub(crate) fn leave(&self, ring: &Ring<T>) {
        let _switch = lock(&self.switch);
        ring.reported();
    }

    /// Says that what has been taken is consumed; also says whether pushes that wait for room in the log may find it.
    pub(crate) fn commit(&self) -> (Result<(), SpillError>, bool) {
        let mut switch = lock(&self.switch);
        let mut log = self.spill.lock();
        let committed = log.commit();
        (committed, switch.has_room(&log))
    }

    /// Makes ready for keeping what is in the ring at the end; not if that is not wanted, or the file system refuses.
    pub(crate) fn begin_keeping(&self) -> Option<Keeping> {
        let _switch = lock(&self.switch);
        let mut log = self.spill.lock();
        if !log.keeps_ring() {
            return None;
        }
        let before = log.len();
        let keeping = log.begin_keeping();
        // What has been handed out may have become part of it again.
        self.handed_out.store(log.len() - before, Relaxed); // Relaxed: a count.
        keeping.ok()
    }

    /// Keeps the first `items`; says how many, what is the matter with the next one, and what came too late to matter.
    pub(crate) fn keep(&self, keeping: Keeping, items: &[T]) -> (usize, Option<SpillError>, Option<SpillError>) {
        with_records(|records| {
            let unwritable = self.spill.encode_some(items, records).err();
            let _switch = lock(&self.switch);
            let (count, error, unused) = match self.spill.lock().keep(keeping, records) {
                Ok(count) => (count, unwritable, None),
                Err((count, error)) => (count, Some(error), unwritable),
            };
            self.kept.fetch_add(count as u64, Relaxed); // Relaxed: a count.
            (count, error, unused)
        })
    }

    /// Hands what has been kept to the system.
    pub(crate) fn end_keeping(&self) {
        _ = self.spill.flush(); // If that fails, the log goes on trying.
    }

    /// Counts items of the ring that were to be kept, and are not.
    pub(crate) fn count_not_kept(&self, count: usize) {
        self.not_kept.fetch_add(count as u64, Relaxed); // Relaxed: a count.
    }

    pub(crate) fn spill(&self) -> &Spill<T> {
        &self.spill
    }

    /// What has been lost and not been reported yet, which it now is.
    pub(crate) fn report_missing(&self) -> u64 {
        self.missing.report()
    }

    pub(crate) fn counts(&self) -> Counts {
        let _switch = lock(&self.switch);
        let (counts, before) = (self.spill.counts(), &self.before);
        Counts {
            spilled: counts.appended - before.appended,
            recovered: self.recovered,
            on_disk: self.spill.len() - self.handed_out.load(Relaxed), // Relaxed: a count.
            taken: self.taken.load(Relaxed),                           // Relaxed: a count.
            lost: counts.missing().saturating_sub(before.missing()),
            // Relaxed, both: counts.
            kept: self.kept.load(Relaxed),
            not_kept: self.not_kept.load(Relaxed),
        }
    }
}
