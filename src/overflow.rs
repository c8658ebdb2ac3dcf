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
//! # Moving ahead
//!
//! What is in the ring can be moved to disk, in front of what the log has not handed out. The oldest items are encoded where they
//! are, which a hold on `head` keeps them at, and leave the ring once they are written; then `AHEAD` and `DIVERTED` in `head` send
//! takes here for them, though the ring is not empty. The read that leaves nothing there lowers `AHEAD`. All that is there was
//! next to what is in the ring: so both are numbered back from `head`. While something is there, nothing behind it is read.
//!
//! No code of users runs under the switch: items are encoded before and decoded after.

use std::slice;
use std::sync::Arc;

use crate::error::PushError;
use crate::position::Position;
use crate::ring::{Batch, Moved, Nothing, Refused, Ring};
use crate::spill::records::Records;
use crate::spill::{AtCap, Locked, Spill, SpillCounts, SpillError, with_records};
use crate::sync::{AtomicU64, Mutex, Relaxed, lock};
use crate::tally::Tally;

/// A log behind a ring.
pub(crate) struct Overflow<T> {
    spill: Spill<T>,
    switch: Mutex<Switch>,
    /// What had happened to the log before.
    before: SpillCounts,
    /// How many items the log had then, those included whose loss it had not told.
    recovered: u64,
    /// Where the log would have begun had they all lain behind one another.
    start: u64,
    /// Items that takes got from the log.
    taken: AtomicU64,
    /// Items of the log that are gone, as reads have met them.
    missing: Tally,
    /// Whether pushes wait at the log's cap.
    blocks_at_cap: bool,
}

#[derive(Default)]
struct Switch {
    /// Pushes wait for room in the log, which had so many bytes on disk then.
    full_at: Option<u64>,
    /// The channel has ended, and the log was empty: what is moved there goes to its end.
    moves_to_end: bool,
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
    /// The log is at its cap, and has nothing that must come before the item: wait for room in the ring as well, and try again.
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

/// What became of the oldest items in the ring.
#[derive(Default)]
pub(crate) struct MovedAhead {
    /// If nothing, there were none, unless there is an error.
    pub(crate) moved: Option<Moved>,
    /// Why no more have been moved.
    pub(crate) error: Option<SpillError>,
    /// An error of the codec that came too late to matter. Dropping it is foreign code.
    pub(crate) unused: Option<SpillError>,
    /// Whether pushes that wait for room in the log may find it.
    pub(crate) has_room: bool,
}

/// What has become of items because of the log.
pub(crate) struct Counts {
    pub(crate) spilled: u64,
    /// Of those, had been in the ring before.
    pub(crate) moved_ahead: u64,
    pub(crate) recovered: u64,
    pub(crate) on_disk: u64,
    pub(crate) taken: u64,
    pub(crate) lost: u64,
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
            start: log
                .position()
                .wrapping_sub(gap.total().saturating_add(log.len_in_front())),
            taken: AtomicU64::new(0),
            missing: Tally::new(),
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
                Ok(place) => return Ok((Pushed::Ring(ring.fill(place, item)), None)),
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
            let unwritable = self.spill.encode_some(batch.left().chunks(16), records).err();
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
                    Some(if log.is_empty() || is_first && log.is_empty_behind() {
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
        let is_as_before = is_first && count == 0 && log.is_empty_behind();
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
                let (was_ahead, position) = (log.len_in_front() > 0, log.position());
                // If the file system refuses, this is tried again, until the log gives the place up.
                let read = if is_passed_by {
                    log.read(records, max)
                } else {
                    log.read_front(records, max)
                };
                let read = read.map_err(|_| Nothing::Unreadable)?;
                let (is_empty, passed_by) = (log.is_empty(), log.position().wrapping_sub(self.start));
                let (ahead, is_of_front) = (log.len_in_front(), log.position() == position);
                let has_ahead = ring.has_ahead();
                let has_room = switch.has_room(&log);
                drop(log);
                // What has gone past the ring since it last had room is behind what was moved ahead.
                let before = if is_of_front && has_ahead {
                    ring.passed_by()
                } else {
                    passed_by
                };
                if ahead == 0 && has_ahead {
                    ring.end_ahead();
                }
                // The next take says that what this one got from there is consumed.
                if is_to_report && !was_ahead {
                    ring.reported();
                }
                // A read ends where items are missing: those that it got are the last.
                let next = ring.gone().saturating_add(before).saturating_sub(ahead);
                let first = next.saturating_sub(read.count as u64);
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

    /// Lets takes at the ring again, without saying that what the last one got is consumed; whether they were not before.
    pub(crate) fn leave(&self, ring: &Ring<T>) -> bool {
        let _switch = lock(&self.switch);
        let is_to_report = ring.is_to_report();
        if is_to_report {
            ring.end_ahead();
            ring.reported();
        }
        is_to_report
    }

    /// Says that what has been taken is consumed; also says whether pushes that wait for room in the log may find it.
    pub(crate) fn commit(&self) -> (Result<(), SpillError>, bool) {
        let mut switch = lock(&self.switch);
        let mut log = self.spill.lock();
        let committed = log.commit();
        (committed, switch.has_room(&log))
    }

    /// Makes ready for moving what is left at the end, if that is wanted.
    pub(crate) fn begin_keeping(&self) -> bool {
        let mut switch = lock(&self.switch);
        let log = self.spill.lock();
        switch.moves_to_end = log.keeps_ring() && log.is_empty();
        log.keeps_ring()
    }

    /// Moves some of the oldest items in `ring` that lie before `until`, `most` at most, to the log, and from there to `out`: they are
    /// to be dropped.
    pub(crate) fn move_ahead(&self, ring: &Ring<T>, until: Position, most: usize, out: &mut Vec<T>) -> MovedAhead {
        with_records(|records| {
            let Some(oldest) = ring.hold_oldest(until, most) else {
                return MovedAhead::default();
            };
            let unwritable = self
                .spill
                .encode_some(oldest.items().map(slice::from_ref), records)
                .err();
            if records.count() == 0 {
                return MovedAhead {
                    error: unwritable,
                    ..MovedAhead::default()
                };
            }
            let mut switch = lock(&self.switch);
            let mut log = self.spill.lock();
            let appended = if switch.moves_to_end {
                log.append(records)
            } else {
                log.append_in_front(records)
            };
            let has_room = switch.has_room(&log);
            drop(log);
            let (count, error, unused) = match appended {
                Ok(count) => (count, unwritable, None),
                Err((count, error)) => (count, Some(error), unwritable),
            };
            MovedAhead {
                moved: (count > 0).then(|| oldest.move_ahead(count, out)),
                error,
                unused,
                has_room,
            }
        })
    }

    /// As [`mark_of`](Ring::mark_of), what has been moved ahead being inside as well.
    pub(crate) fn mark_of(&self, ring: &Ring<T>, n: usize) -> Option<Position> {
        let _switch = lock(&self.switch);
        let ahead = self.spill.lock().len_in_front();
        ring.mark_of(n.saturating_sub(ahead.try_into().unwrap_or(usize::MAX)))
    }

    pub(crate) fn spill(&self) -> &Spill<T> {
        &self.spill
    }

    /// What has been lost and not been reported yet, which it now is.
    pub(crate) fn report_missing(&self) -> u64 {
        self.missing.report()
    }

    pub(crate) fn counts(&self, ring: &Ring<T>) -> Counts {
        let _switch = lock(&self.switch);
        let (counts, before) = (self.spill.counts(), &self.before);
        Counts {
            spilled: counts.appended - before.appended,
            moved_ahead: ring.moved_ahead(),
            recovered: self.recovered,
            on_disk: self.spill.len(),
            taken: self.taken.load(Relaxed), // Relaxed: a count.
            lost: counts.missing().saturating_sub(before.missing()),
        }
    }
}
