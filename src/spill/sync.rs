//! Making durable what the log has written, with or without keeping it from others meanwhile.

use std::io;
use std::sync::Arc;

use super::cursor;
use super::error::SpillError;
use super::log::Log;
use super::options::Fsync;
use super::segment::Segment;
use super::storage::{Storage, StoredFile};

/// All that must be synced for what has been written so far to be durable. It needs no access to the log.
pub(crate) struct SyncJob {
    storage: Arc<dyn Storage>,
    sealed: Vec<u64>,
    open: Option<OpenSegment>,
    /// The directory, as of so many changes.
    directory: Option<u64>,
    cursor: Option<(Arc<dyn StoredFile>, u64)>,
}

struct OpenSegment {
    first_seq: u64,
    file: Arc<dyn StoredFile>,
    /// What is durable afterwards.
    synced: (u64, u64),
}

impl SyncJob {
    /// Does it.
    pub(crate) fn run(&self) -> Result<(), SpillError> {
        for &first_seq in &self.sealed {
            let name = Segment::name(first_seq);
            match self.storage.open(&name) {
                Ok(file) => file.sync().map_err(|source| self.failed(&name, source))?,
                // It has been consumed since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.failed(&name, error)),
            }
        }
        if let Some(open) = &self.open {
            let synced = open.file.sync();
            synced.map_err(|source| self.failed(&Segment::name(open.first_seq), source))?;
        }
        if self.directory.is_some() {
            self.storage.sync().map_err(|source| self.failed("", source))?;
        }
        if let Some((cursor, _)) = &self.cursor {
            cursor.sync().map_err(|source| self.failed(cursor::NAME, source))?;
        }
        Ok(())
    }

    fn failed(&self, name: &str, source: io::Error) -> SpillError {
        let path = self.storage.path().join(name);
        SpillError::Io {
            doing: "syncing",
            path,
            source,
        }
    }
}

impl Log {
    /// Makes everything that has been appended and consumed so far durable.
    pub(crate) fn sync(&mut self) -> Result<(), SpillError> {
        let (job, written) = self.begin_sync();
        let result = job.run();
        self.end_sync(&job, &result);
        written.and(result)
    }

    /// Writes what is to be durable. The job that is returned makes it so; then call [`end_sync`](Self::end_sync).
    ///
    /// The job is worth doing even if writing failed. What goes in front is made durable here.
    pub(crate) fn begin_sync(&mut self) -> (SyncJob, Result<(), SpillError>) {
        let front = self.front.as_mut().map_or(Ok(()), |front| front.sync());
        let written = front.and(self.write_out());
        let cursor = self.cursor.begin_sync();
        (
            SyncJob {
                cursor,
                ..self.frames_job()
            },
            written,
        )
    }

    /// Takes note of what `job` came to.
    pub(crate) fn end_sync(&mut self, job: &SyncJob, result: &Result<(), SpillError>) {
        if let Some((_, generation)) = job.cursor {
            self.cursor.end_sync(generation, result.is_ok());
        }
        if result.is_err() {
            self.counts.sync_errors += 1;
            // A system may report the failure once and then forget it: nothing more goes into that file.
            if self.config.fsync != Fsync::EveryBatch {
                if let Some(writer) = self.writer.take_if(|writer| job.is_of(writer.first_seq)) {
                    _ = self.retire(writer); // Fails only under the other policy.
                }
            }
            return;
        }
        self.unsynced.retain(|segment| !job.sealed.contains(segment));
        if let Some(open) = &job.open {
            match &mut self.writer {
                Some(writer) if writer.first_seq == open.first_seq => writer.synced = open.synced,
                _ => {}
            }
        }
        self.directory_synced = self.directory_synced.max(job.directory.unwrap_or(0));
    }

    /// Hands everything to the system without making it durable.
    pub(crate) fn write_out(&mut self) -> Result<(), SpillError> {
        let front = self.front.as_mut().map_or(Ok(()), |front| front.write_out());
        self.freeing_failed = false;
        let flushed = front.and(self.flush());
        let stored = self.renew_cursor();
        flushed.and(stored)
    }

    /// Whether something is in memory only.
    pub(crate) fn has_unwritten(&self) -> bool {
        let is_unwritten = self.filling.count() > 0 || self.cursor.stored() != Some(self.commit_seq);
        is_unwritten || self.front.as_ref().is_some_and(|front| front.has_unwritten())
    }

    /// Whether something is not durable.
    pub(crate) fn has_unsynced(&self) -> bool {
        self.has_unwritten()
            || self.directory_synced < self.directory_changes
            || !self.unsynced.is_empty()
            || !self.cursor.is_durable()
            || self.writer.as_ref().is_some_and(|writer| writer.len > writer.synced.0)
            || self.front.as_ref().is_some_and(|front| front.has_unsynced())
    }

    /// Makes the frames that have been written durable, not the cursor.
    pub(super) fn sync_frames(&mut self) -> Result<(), SpillError> {
        let job = self.frames_job();
        let result = job.run();
        self.end_sync(&job, &result);
        result
    }

    fn frames_job(&self) -> SyncJob {
        let directory = self.directory_synced < self.directory_changes;
        let open = self.writer.as_ref().filter(|writer| writer.len > writer.synced.0);
        SyncJob {
            storage: self.storage.clone(),
            sealed: self.unsynced.iter().copied().collect(),
            open: open.map(|writer| OpenSegment {
                first_seq: writer.first_seq,
                file: writer.file.clone(),
                synced: (writer.len, self.written_seq),
            }),
            directory: directory.then_some(self.directory_changes),
            cursor: None,
        }
    }
}

impl SyncJob {
    fn is_of(&self, first_seq: u64) -> bool {
        self.open.as_ref().is_some_and(|open| open.first_seq == first_seq)
    }
}
