//! What goes in front of the log: what is in a ring is older than all that has gone past that ring.
//!
//! It is a log of its own, in a subdirectory, and is read first. All that is in it is older than what the log has not handed out;
//! what the log has handed out and may have to hand out again moves there before anything else does.

use super::error::SpillError;
use super::frame;
use super::log::Log;
use super::options::{AtCap, Config, Fsync};
use super::reader::Reader;
use super::records::Records;
use super::segment;

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

impl Log {
    /// Appends records in front of what has not been handed out, behind what went there before; on an error, says how many were
    /// accepted first.
    pub(crate) fn append_in_front(&mut self, records: &Records) -> Result<usize, (usize, SpillError)> {
        let mut front = match self.front.take() {
            Some(front) => front,
            None => self.make_front().map_err(|error| (0, error))?,
        };
        let ready = self.flush().and_then(|()| self.move_handed_out(&mut front));
        let appended = ready.map_err(|error| (0, error)).and_then(|()| {
            self.make_room_for(&mut front, records.bytes().len() as u64);
            front.append(records)
        });
        _ = front.flush(); // What it takes is known then. If that fails, the next write tries again.
        self.front = Some(front);
        appended.map_err(|(count, error)| match error {
            SpillError::AtCap { .. } => {
                let max_bytes = self.config.max_bytes;
                (count, SpillError::AtCap { max_bytes })
            }
            error => (count, error),
        })
    }

    /// Gives `front` what this log leaves of the cap, and removes what has been consumed if that might not do for `bytes`.
    fn make_room_for(&mut self, front: &mut Self, bytes: u64) {
        let left = |log: &Self| log.config.max_bytes.saturating_sub(log.bytes_on_disk());
        let headers = 2 * (segment::HEADER + frame::HEADER) as u64;
        if left(self) < front.bytes_on_disk().saturating_add(bytes + bytes / 8 + headers) {
            self.free_consumed(true);
        }
        front.config.max_bytes = left(self);
    }

    fn make_front(&mut self) -> Result<Box<Self>, SpillError> {
        let front = Self::open(self.storage.nested(), self.config.of_front())?;
        self.directory_changes += 1;
        if self.config.fsync != Fsync::Never {
            let synced = self.storage.sync();
            synced.map_err(|source| self.failed("syncing", "", source))?;
        }
        Ok(Box::new(front))
    }

    /// Whether nothing has not been handed out but what lies in front.
    pub(crate) fn is_empty_behind(&self) -> bool {
        self.end_seq() <= self.read_seq
    }

    /// How many items lie in front.
    pub(crate) fn len_in_front(&self) -> u64 {
        self.front.as_ref().map_or(0, |front| front.len())
    }

    /// Moves what has been handed out and not been consumed to the end of `front`, all of which has been consumed. If that fails,
    /// it stays.
    fn move_handed_out(&mut self, front: &mut Self) -> Result<(), SpillError> {
        let end_seq = self.read_seq;
        if self.commit_seq < end_seq {
            debug_assert!(front.is_empty() && !front.has_handed_out());
            // Copies must not come behind earlier ones, nor in front of what was handed out before them.
            front.settle_cursor()?;
            self.settle_cursor()?;
            self.make_room_for(front, self.bytes_on_disk());
            let copied = self.copy_until(end_seq, front);
            front.pass_all(); // It has been handed out there as well.
            if copied.is_err() {
                front.commit_seq = front.read_seq; // It has stayed.
                return copied;
            }
            self.commit_seq = end_seq;
        }
        // Before anything follows it there: what has been handed out from here must not come once more behind that.
        self.settle_cursor()
    }

    /// Stores what has been consumed where the policy wants it.
    fn settle_cursor(&mut self) -> Result<(), SpillError> {
        self.store_cursor()?;
        match self.config.fsync {
            Fsync::Never => Ok(()),
            _ => self.sync_cursor(),
        }
    }

    /// Copies what lies from the cursor to `end_seq`, and hands it to the system or the medium, as the policy says.
    ///
    /// It goes into one frame, if a segment holds it, so that it is found as a whole or not at all.
    fn copy_until(&mut self, end_seq: u64, front: &mut Self) -> Result<(), SpillError> {
        let (counts, gap, front_counts) = (self.counts, self.gap, front.counts);
        self.reader = Reader::new(self.config.read_ahead);
        self.read_seq = self.commit_seq;
        let (mut all, mut records) = (Records::default(), Records::default());
        let mut copied = Ok(());
        while self.read_seq < end_seq && copied.is_ok() {
            records.clear();
            copied = self.read_until(&mut records, usize::MAX, end_seq).map(drop);
            all.append(&records);
        }
        (self.read_seq, self.counts, self.gap) = (end_seq, counts, gap);
        front.config.frame_bytes = front.max_record();
        copied = copied.and_then(|()| {
            front.append(&all).map_err(|(_, error)| error)?;
            match self.config.fsync {
                Fsync::Never => front.write_out(),
                _ => front.sync(),
            }
        });
        front.config.frame_bytes = self.config.frame_bytes;
        front.counts = front_counts; // They have been counted before.
        copied
    }
}
