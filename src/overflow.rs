//! The way past a full ring: a log on disk.
//!
//! # Order
//!
//! `DIVERTED` in `tail` sends pushes past the ring. It goes up and down under the lock here, the switch, and under it alone the
//! log is appended to and read. As a push into the ring must change that very word, none gets in while the flag is up: all that
//! is in the ring is older than all that is in the log. So takes empty the ring first, and look at the log only when they find,
//! under the switch, the flag up and the ring empty. The read that leaves nothing lowers the flag.
//!
//! Under the switch, the flag is up exactly while the log holds something: who sees it has something to take, and does not sleep.
//!
//! # What counts as consumed
//!
//! A read says that what the one before handed out is consumed. When the log has been read empty, the next take finds its item
//! in the ring: `DIVERTED` in `head` makes it come here first.
//!
//! No code of users runs under the switch: items are encoded before and decoded after.

use std::slice;
use std::sync::Arc;

use crate::error::PushError;
use crate::ring::{Batch, Moved, Nothing, Refused, Ring};
use crate::spill::records::Records;
use crate::spill::{AtCap, Spill, SpillCounts, SpillError, with_records};
use crate::sync::{AtomicU64, Mutex, Relaxed, lock};
use crate::tally::Tally;

/// A log behind a ring.
pub(crate) struct Overflow<T> {
    spill: Spill<T>,
    switch: Mutex<Switch>,
    /// What had happened to the log before.
    before: SpillCounts,
    /// How many items the log had then, and the number of the first.
    recovered: u64,
    first_seq: u64,
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
    /// The log is at its cap.
    Full,
    Failed(SpillError),
}

impl Rejected {
    /// The error for `item`, unless it is to wait.
    pub(crate) fn with<T>(self, item: T) -> Result<PushError<T>, T> {
        Ok(match self {
            Self::Closed => PushError::Closed(item),
            Self::Wait => return Err(item),
            Self::Full => PushError::Full(item),
            Self::Failed(source) => PushError::Spill {
                item,
                source: Arc::new(source),
            },
        })
    }
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
}

impl<T> Overflow<T> {
    /// Puts `spill` behind `ring`, which is new: what is in the log comes first.
    pub(crate) fn new(spill: Spill<T>, ring: &Ring<T>) -> Self {
        let (recovered, first_seq, at_cap) = {
            let log = spill.lock();
            (log.len(), log.read_seq(), log.at_cap())
        };
        if recovered > 0 {
            _ = ring.divert();
        }
        Self {
            switch: Mutex::new(Switch::default()),
            before: spill.counts(),
            recovered,
            first_seq,
            taken: AtomicU64::new(0),
            missing: Tally::new(),
            blocks_at_cap: at_cap == AtCap::Block,
            spill,
        }
    }

    /// Pushes `item` into the log, or into the ring if that has room again. If it `will_sleep`, the next take that makes room in the
    /// log says so.
    pub(crate) fn push(&self, ring: &Ring<T>, item: T, will_sleep: bool) -> Result<Pushed, (T, Rejected)> {
        let result = with_records(|records| {
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
        });
        // What has been written is dropped here, with nothing locked.
        result.map(|(pushed, _written)| pushed)
    }

    /// As [`push`](Self::push) for the front of `batch`, which does not go into the ring: nothing is pushed if that has room again.
    /// An error also says what was pushed before.
    pub(crate) fn push_batch(
        &self,
        ring: &Ring<T>,
        batch: &Batch<'_, T>,
        will_sleep: bool,
    ) -> Result<Option<Pushed>, (Option<Pushed>, Rejected)> {
        with_records(|records| {
            let encoded = self.spill.encode(batch.left(), records);
            let pushed = {
                let mut switch = lock(&self.switch);
                if !ring.is_full() && !ring.is_closed() {
                    return Ok(None);
                }
                self.append(ring, records, will_sleep, &mut switch)?
            };
            match encoded {
                Ok(()) => Ok(Some(pushed)),
                Err(error) => Err((Some(pushed), Rejected::Failed(error))),
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
                if will_sleep {
                    switch.full_at = Some(log.bytes_on_disk());
                }
                (count, Some(Rejected::Wait))
            }
            Err((count, SpillError::AtCap { .. })) => (count, Some(Rejected::Full)),
            Err((count, error)) => (count, Some(Rejected::Failed(error))),
        };
        let is_empty = log.is_empty();
        drop(log);
        if is_first && is_empty {
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
                let read = read.map_err(|_| Nothing::Pending)?;
                let (is_empty, passed_by) = (log.is_empty(), log.read_seq() - self.first_seq);
                let has_room = |&full_at: &u64| is_empty || log.has_consumed() || log.bytes_on_disk() < full_at;
                let has_room = switch.full_at.take_if(|full_at| has_room(full_at)).is_some();
                drop(log);
                if is_to_report {
                    ring.reported();
                }
                let first = ring.pushed() + read.first_seq.saturating_sub(self.first_seq);
                if is_passed_by && is_empty {
                    ring.end_diversion(passed_by);
                }
                (read, first, has_room)
            };
            let undecodable = self.spill.decode(records, out);
            let count = read.count - undecodable;
            self.taken.fetch_add(count as u64, Relaxed); // Relaxed: a count, read at rest.
            let missing = read.lost.saturating_add(read.dropped);
            self.missing.add(missing.saturating_add(undecodable as u64));
            Ok(Taken { count, first, has_room })
        })
    }

    /// Lets takes at the ring again, without saying that what the last one got is consumed.
    pub(crate) fn leave(&self, ring: &Ring<T>) {
        let _switch = lock(&self.switch);
        ring.reported();
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
            on_disk: self.spill.len(),
            taken: self.taken.load(Relaxed), // Relaxed: a count.
            lost: counts.missing().saturating_sub(before.missing()),
        }
    }
}
