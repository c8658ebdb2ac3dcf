//! What goes in front of the log: what was in a ring when its channel ended is older than all that had gone past that ring.
//!
//! It is a log of its own, in a subdirectory, and is read first. All that is in it is older than what the log has not handed out;
//! what the log has handed out and may have to hand out again moves there before anything else does.

use super::error::SpillError;
use super::log::Log;
use super::options::{AtCap, Config, Fsync};
use super::reader::Reader;
use super::records::Records;

/// The number of its first item, so that its numbers are not those of the log.
pub(super) const FIRST_SEQ: u64 = 1 << 63;

impl Config {
    pub(super) fn of_front(self) -> Self {
        Self {
            first_seq: FIRST_SEQ,
            at_cap: AtCap::Refuse,
            ..self
        }
    }
}

/// Where items are kept that are older than what the log has not handed out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keeping {
    InFront,
    /// There is nothing that they would have to go in front of.
    AtEnd,
}

impl Log {
    /// Makes ready for keeping.
    pub(crate) fn begin_keeping(&mut self) -> Result<Keeping, SpillError> {
        if self.is_empty() {
            return Ok(Keeping::AtEnd);
        }
        let mut front = match self.front.take() {
            Some(front) => front,
            None => {
                let front = Self::open(self.storage.nested(), self.config.of_front())?;
                if self.config.fsync != Fsync::Never {
                    let synced = self.storage.sync();
                    synced.map_err(|source| self.failed("syncing", "", source))?;
                }
                Box::new(front)
            }
        };
        let flushed = self.flush(); // What it takes is known then.
        front.config.max_bytes = self.config.max_bytes.saturating_sub(self.bytes_on_disk());
        let moved = self.move_handed_out(&mut front);
        self.front = Some(front);
        flushed.and(moved).map(|()| Keeping::InFront)
    }

    /// Appends records where they are kept; on an error, says how many were accepted first.
    pub(crate) fn keep(&mut self, keeping: Keeping, records: &Records) -> Result<usize, (usize, SpillError)> {
        match (keeping, &mut self.front) {
            (Keeping::InFront, Some(front)) => front.append(records),
            _ => self.append(records),
        }
    }

    /// Moves what has been handed out and not been consumed to the end of `front`. If that fails, it stays.
    fn move_handed_out(&mut self, front: &mut Self) -> Result<(), SpillError> {
        let end_seq = self.read_seq;
        if self.commit_seq == end_seq {
            return Ok(());
        }
        self.flush()?;
        let (counts, gap) = (self.counts, self.gap);
        self.reader = Reader::new(self.config.read_ahead);
        self.read_seq = self.commit_seq;
        let moved = self.copy_until(end_seq, front);
        (self.read_seq, self.counts, self.gap) = (end_seq, counts, gap);
        if moved.is_err() {
            // What has been copied stays where it was as well, and is to be read there.
            front.read_seq = front.end_seq();
            front.commit_seq = front.read_seq;
            return moved;
        }
        // Before it is gone from here.
        match self.config.fsync {
            Fsync::Never => front.write_out()?,
            _ => front.sync()?,
        }
        self.commit_seq = end_seq;
        // Before anything follows it there.
        self.store_cursor()?;
        match self.config.fsync {
            Fsync::Never => Ok(()),
            _ => self.sync_cursor(),
        }
    }

    fn copy_until(&mut self, end_seq: u64, front: &mut Self) -> Result<(), SpillError> {
        let counts = front.counts;
        let mut records = Records::default();
        let mut copied = Ok(());
        while self.read_seq < end_seq && copied.is_ok() {
            records.clear();
            copied = match self.read_until(&mut records, usize::MAX, end_seq) {
                Ok(_) => front.append(&records).map(drop).map_err(|(_, error)| error),
                Err(error) => Err(error),
            };
        }
        front.counts = counts; // They have been counted before.
        copied
    }
}
