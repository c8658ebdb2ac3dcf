//! Appending to the log: filling frames, writing them, beginning segments, keeping the cap.

use std::io;

use super::error::SpillError;
use super::frame;
use super::log::Log;
use super::options::{AtCap, Fsync};
use super::records::{Records, first_size, run_of};
use super::segment::{self, Segment, Writer};

impl Log {
    /// Appends records, in order; on an error, says how many were accepted first.
    ///
    /// They are kept in memory until there are enough for a frame, or something asks for more; under
    /// [`Fsync::EveryBatch`] they are durable when this returns. What was not accepted leaves no trace.
    pub(crate) fn append(&mut self, records: &Records) -> Result<usize, (usize, SpillError)> {
        let before = self.end_seq();
        let mut result = self.fill(records);
        if self.config.fsync == Fsync::EveryBatch {
            // Should that fail, what has been written before still counts.
            let flushed = self.flush();
            if flushed.is_err() {
                self.clear_filling();
            }
            let synced = self.sync_frames();
            if synced.is_err() {
                self.take_back();
            }
            result = flushed.and(synced).and(result); // Of what was taken back nothing is known.
        }
        let accepted = (self.end_seq() - before) as usize;
        self.counts.appended += accepted as u64;
        if matches!(result, Err(SpillError::AtCap { .. })) {
            self.counts.refused_at_cap += (records.count() - accepted) as u64;
        }
        match result {
            Ok(()) => Ok(accepted),
            Err(error) => Err((accepted, error)),
        }
    }

    /// Hands the frame that is being filled to the system.
    pub(crate) fn flush(&mut self) -> Result<(), SpillError> {
        if self.filling.count() == 0 {
            return Ok(());
        }
        let result = self.write_frame();
        if result.is_err() {
            self.counts.write_errors += 1;
            if self.commit_seq >= self.end_seq() {
                // Nobody will ask for it: it need not be written.
                self.written_seq = self.end_seq();
                self.clear_filling();
                self.skipped = true;
                return Ok(());
            }
        }
        result
    }

    /// The largest record that can be written.
    pub(super) fn max_record(&self) -> usize {
        let overhead = (segment::HEADER + frame::HEADER) as u64;
        self.config.segment_bytes.saturating_sub(overhead) as usize
    }

    fn fill(&mut self, records: &Records) -> Result<(), SpillError> {
        let mut rest = records.bytes();
        while let Some(size) = first_size(rest) {
            let max = self.max_record();
            if size > max {
                return Err(SpillError::TooLarge { bytes: size, max });
            }
            let frame_bytes = self.config.frame_bytes;
            if self.filling.count() > 0 && self.filling.size() + size > frame_bytes {
                self.flush()?;
            }
            let numbers_left = u64::MAX - self.end_seq();
            if numbers_left == 0 {
                return Err(SpillError::Exhausted);
            }
            let room = self.make_room(size)?;
            let frame_room = frame_bytes.saturating_sub(self.filling.size()).max(size);
            let max_count = numbers_left.min(u64::from(u32::MAX - self.filling.count()));
            let run = run_of(rest, max_count as usize, frame_room.min(room));
            self.filling.push(run.count as u32, &rest[..run.bytes]);
            rest = &rest[run.bytes..];
        }
        Ok(())
    }

    /// Makes room under the cap for a record of `size` bytes; returns how many bytes of records there is room for.
    fn make_room(&mut self, size: usize) -> Result<usize, SpillError> {
        let max_bytes = self.config.max_bytes;
        loop {
            // Each frame may be the first of a segment.
            let front_is_filling = self.front.as_ref().is_some_and(|front| front.filling.count() > 0);
            let headers = segment::HEADER * (1 + usize::from(front_is_filling)) + frame::HEADER;
            let used = self.bytes_on_disk() + headers as u64;
            let room = max_bytes.saturating_sub(used);
            if room >= size as u64 {
                return Ok(usize::try_from(room).unwrap_or(usize::MAX));
            }
            if self.free_consumed(true) {
                continue;
            }
            if self.config.at_cap != AtCap::DropOldest || !self.drop_oldest()? {
                return Err(SpillError::AtCap { max_bytes });
            }
        }
    }

    fn write_frame(&mut self) -> Result<(), SpillError> {
        if self.skipped {
            self.renew_cursor()?;
            self.sync_cursor()?;
            self.skipped = false;
        }
        let size = self.filling.pack() as u64;
        let mut writer = self.take_writer(size)?;
        let written = writer.append(self.filling.seal(writer.first_seq, self.written_seq));
        if written.is_ok() {
            if let Some(last) = self.segments.back_mut() {
                last.bytes = writer.len;
            }
            self.written_seq = self.end_seq();
            self.clear_filling();
        }
        let name = Segment::name(writer.first_seq);
        self.writer = Some(writer);
        written.map_err(|source| self.failed("writing", &name, source))
    }

    fn clear_filling(&mut self) {
        self.filling.clear();
        self.filling_at = 0;
    }

    /// Takes out the writer of a segment that has room for a frame of `size` bytes.
    fn take_writer(&mut self, size: u64) -> Result<Writer, SpillError> {
        if let Some(mut writer) = self.writer.take() {
            if !writer.file.is_linked() {
                // Somebody has removed it. What is in it can be read as long as it is open.
                if let Some(last) = self.segments.back_mut() {
                    last.file = Some(writer.file);
                }
            } else {
                let has_frames = writer.len > segment::HEADER as u64;
                let is_full = has_frames && writer.len + size > self.config.segment_bytes;
                if !is_full && (!writer.torn || writer.repair().is_ok()) {
                    return Ok(writer);
                }
                self.retire(writer)?;
            }
        }
        self.begin_segment()
    }

    /// Leaves a segment for good.
    pub(super) fn retire(&mut self, writer: Writer) -> Result<(), SpillError> {
        if writer.len > writer.synced.0 {
            if self.config.fsync == Fsync::EveryBatch {
                // What has been appended to it is accepted with this, whatever becomes of the rest of the batch.
                self.writer = Some(writer);
                self.sync_frames()?;
                self.writer = None;
            } else {
                self.unsynced.push_back(writer.first_seq);
            }
        }
        Ok(())
    }

    fn begin_segment(&mut self) -> Result<Writer, SpillError> {
        let first_seq = self.written_seq;
        let mut created = Writer::create(&*self.storage, first_seq);
        if created
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        {
            // The whole directory is gone.
            self.storage.prepare()?;
            created = Writer::create(&*self.storage, first_seq);
        }
        let writer = created.map_err(|source| self.failed("creating", &Segment::name(first_seq), source))?;
        self.push_segment(Segment {
            first_seq,
            bytes: writer.len,
            file: None,
        });
        self.renew_cursor()?;
        Ok(writer)
    }

    /// Removes what was appended but could not be made durable: it goes back to where it came from.
    fn take_back(&mut self) {
        self.clear_filling();
        let Some(writer) = self.writer.take() else { return };
        let (len, seq) = writer.synced;
        if writer.len == len {
            self.writer = Some(writer);
            return;
        }
        // After a sync that failed nobody knows what is in the file. The next segment has the same numbers, which says
        // that those here do not count, should it be impossible to cut them off.
        _ = writer.file.set_len(len);
        self.written_seq = seq;
        if let Some(last) = self.segments.back_mut() {
            last.bytes = len;
        }
    }
}
