//! Giving disk space back: removing segments, with or without keeping the log from others meanwhile.

use std::io;
use std::sync::Arc;

use super::cursor;
use super::error::SpillError;
use super::log::Log;
use super::segment::{self, Segment};
use super::storage::{Storage, StoredFile};

/// Segments that are no longer part of the log, to be removed. It needs no access to the log.
pub(crate) struct FreeJob {
    storage: Arc<dyn Storage>,
    cursor: Option<(Arc<dyn StoredFile>, u64)>,
    /// Oldest first.
    segments: Vec<Segment>,
}

impl FreeJob {
    /// Does it; returns how many are removed, and what kept it from removing the others.
    pub(crate) fn run(&self) -> (usize, Result<(), SpillError>) {
        // First the cursor: after a crash in between, a segment must not be missed.
        if let Some((cursor, _)) = &self.cursor {
            if let Err(source) = cursor.sync() {
                return (0, Err(self.failed("syncing", cursor::NAME, source)));
            }
        }
        for (removed, segment) in self.segments.iter().enumerate() {
            let name = Segment::name(segment.first_seq);
            match self.storage.remove(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return (removed, Err(self.failed("removing", &name, error)));
                }
                _ => {}
            }
        }
        (self.segments.len(), Ok(()))
    }

    fn failed(&self, doing: &'static str, name: &str, source: io::Error) -> SpillError {
        let path = self.storage.path().join(name);
        SpillError::Io { doing, path, source }
    }
}

impl Log {
    /// Whether [`begin_free`](Self::begin_free) would find something, and it is worth trying.
    pub(crate) fn has_consumed(&self) -> bool {
        let front_has = || self.front.as_ref().is_some_and(|front| front.has_consumed());
        !self.freeing_failed && self.consumed(false) > 0 || front_has()
    }

    /// Takes out the segments whose items have all been consumed. The job that is returned removes them; then call
    /// [`end_free`](Self::end_free). They do not count for the cap any more. What went in front is removed here.
    pub(crate) fn begin_free(&mut self) -> Result<Option<FreeJob>, SpillError> {
        self.free_front(false);
        match self.consumed(false) {
            0 => Ok(None),
            count => self.take_out(count).map(Some),
        }
    }

    /// Takes note of what `job` came to: what is still there becomes part of the log again.
    pub(crate) fn end_free(
        &mut self,
        job: FreeJob,
        (removed, result): (usize, Result<(), SpillError>),
    ) -> Result<(), SpillError> {
        if let Some((_, generation)) = job.cursor {
            // The cursor comes first: if anything is removed, it is durable.
            self.cursor.end_sync(generation, removed > 0);
        }
        self.directory_changes += 1;
        for segment in job.segments.into_iter().skip(removed).rev() {
            self.segments.push_front(segment);
        }
        self.recount();
        if result.is_err() {
            self.counts.free_errors += 1;
            self.freeing_failed = true;
        }
        result
    }

    /// Frees the segments whose items have all been consumed, the last one too if `all` are to go; whether there were any.
    pub(super) fn free_consumed(&mut self, all: bool) -> bool {
        let is_front_free = self.free_front(all);
        let count = self.consumed(all);
        let is_free = count > 0 && self.free(count).is_ok();
        is_free || is_front_free
    }

    fn free_front(&mut self, all: bool) -> bool {
        self.front.as_mut().is_some_and(|front| front.free_consumed(all))
    }

    /// Drops the oldest segment, whatever is unread in it; whether there was one.
    pub(super) fn drop_oldest(&mut self) -> Result<bool, SpillError> {
        if let Some(front) = &mut self.front {
            if front.drop_oldest()? {
                return Ok(true);
            }
        }
        let Some(front) = self.segments.front() else {
            return Ok(false);
        };
        let first_seq = front.first_seq;
        let end_seq = self.segments.get(1).map_or(self.written_seq, |next| next.first_seq);
        if self.read_seq < first_seq {
            self.lose_until(first_seq);
        }
        let dropped = end_seq.saturating_sub(self.read_seq);
        self.gap.dropped += dropped;
        self.counts.dropped_at_cap += dropped;
        self.read_seq = self.read_seq.max(end_seq);
        self.commit_seq = self.commit_seq.max(end_seq);
        self.failing = None; // That was another place.
        self.free(1).map(|()| true)
    }

    /// How many segments have been consumed. The last one counts only if it is large, or if `all` do.
    fn consumed(&self, all: bool) -> usize {
        let count = self
            .segments
            .partition_point(|segment| segment.first_seq <= self.commit_seq);
        let count = count.saturating_sub(1);
        match self.segments.back() {
            Some(last) if count + 1 == self.segments.len() => {
                let is_worth_it = all || last.bytes >= self.config.segment_bytes / 4;
                let is_consumed = self.written_seq <= self.commit_seq && last.bytes > segment::HEADER as u64;
                count + usize::from(is_consumed && is_worth_it)
            }
            _ => count,
        }
    }

    fn free(&mut self, count: usize) -> Result<(), SpillError> {
        let job = self.take_out(count)?;
        let result = job.run();
        self.end_free(job, result)
    }

    /// Takes out the first `count` segments, whose numbers the cursor has passed.
    fn take_out(&mut self, count: usize) -> Result<FreeJob, SpillError> {
        if let Err(error) = self.store_cursor() {
            self.counts.free_errors += 1;
            self.freeing_failed = true;
            return Err(error);
        }
        let segments: Vec<_> = self.segments.drain(..count).collect();
        let is_out = |first_seq| segments.iter().any(|segment| segment.first_seq == first_seq);
        self.unsynced.retain(|&first_seq| !is_out(first_seq));
        self.writer.take_if(|writer| is_out(writer.first_seq));
        self.recount();
        Ok(FreeJob {
            storage: self.storage.clone(),
            cursor: self.cursor.begin_sync(),
            segments,
        })
    }
}
