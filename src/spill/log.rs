//! The log: segments on disk, the frame that is being filled, a place to read at and a cursor behind it.
//!
//! ```text
//!     cursor          read            written      end
//!  ......|--- handed --|--- unread ------|- filling -|
//!        |    out      |  on disk        | in memory |
//! ```
//!
//! All items are numbered. What is missing between two numbers is lost, and known to be.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counts::{SpillCounts, SpillRead};
use super::cursor::{self, Cursor};
use super::error::SpillError;
use super::frame::Filling;
use super::options::{AtCap, Config, Fsync};
use super::reader::Reader;
use super::records::{Records, run_of};
use super::segment::{self, Format, Segment, Writer, format_of};
use super::storage::{Storage, may_pass};

/// So often a place that cannot be read is tried, at least, before what lies there is given up.
const READ_ATTEMPTS: u32 = 8;

/// An ordered log of records on disk. It knows bytes, not items.
pub(crate) struct Log {
    pub(super) storage: Arc<dyn Storage>,
    /// What is to be read first.
    pub(super) front: Option<Box<Log>>,
    pub(super) config: Config,
    /// Oldest first; `writer` writes to the last one.
    pub(super) segments: VecDeque<Segment>,
    /// The bytes of all segments but the last.
    sealed_bytes: u64,
    pub(super) writer: Option<Writer>,
    /// The items from `written_seq` on.
    pub(super) filling: Filling,
    /// Where in `filling` the reader stands, if it has come that far.
    pub(super) filling_at: usize,
    pub(super) written_seq: u64,
    pub(super) read_seq: u64,
    /// Everything below has been consumed.
    pub(super) commit_seq: u64,
    pub(super) cursor: Cursor,
    /// Items were consumed without having been written: the cursor must say so before what follows them is written.
    pub(super) skipped: bool,
    pub(super) reader: Reader,
    /// The place to be read has failed, and nothing has been found since.
    pub(super) failing: Option<Failing>,
    pub(super) gap: Gap,
    /// Segments that `writer` has left and that may not be durable.
    pub(super) unsynced: VecDeque<u64>,
    /// How often files were made or removed, and how many of these times are durable.
    pub(super) directory_changes: u64,
    pub(super) directory_synced: u64,
    /// Freeing a segment has failed: it is not tried again before the next sync.
    pub(super) freeing_failed: bool,
    pub(super) counts: SpillCounts,
}

/// What has come of reading at one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failing {
    /// So often it has failed, at some distance in time.
    times: u32,
    /// When that was last.
    last: Instant,
    /// For so long it has been tried.
    tried: Duration,
}

/// Items missing in front of the next one to be read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gap {
    pub(crate) lost: u64,
    pub(crate) dropped: u64,
}

impl Gap {
    fn plus(self, other: Self) -> Self {
        Self {
            lost: self.lost.saturating_add(other.lost),
            dropped: self.dropped + other.dropped,
        }
    }

    pub(crate) fn total(self) -> u64 {
        self.lost.saturating_add(self.dropped)
    }
}

impl Log {
    /// Opens the log in `storage`, or makes it.
    ///
    /// The last segment is read, to find its end; what follows its last frame is cut off. The others are not touched.
    pub(crate) fn open(storage: Arc<dyn Storage>, config: Config) -> Result<Self, SpillError> {
        storage.prepare()?;
        let failed = |doing, name: &str| {
            let path = storage.path().join(name);
            move |source| SpillError::Io { doing, path, source }
        };
        let mut segments = Vec::new();
        for (name, bytes) in storage.list().map_err(failed("listing", ""))? {
            if let Some(first_seq) = Segment::parse_name(&name) {
                segments.push(Segment {
                    first_seq,
                    bytes,
                    file: None,
                });
            }
        }
        segments.sort_unstable_by_key(|segment| segment.first_seq);
        let mut segments = VecDeque::from(segments);

        let mut cursor = Cursor::open(&*storage).map_err(failed("opening", cursor::NAME))?;
        let first_seq = segments.front().map_or(config.first_seq, |segment| segment.first_seq);
        let commit_seq = cursor.stored().unwrap_or(first_seq);
        if cursor.stored().is_none() {
            // Durable whatever the policy: without it, nobody could tell whether the first segment is missing.
            cursor.store(commit_seq).map_err(failed("writing", cursor::NAME))?;
            cursor.sync().map_err(failed("syncing", cursor::NAME))?;
            storage.sync().map_err(failed("syncing", ""))?;
        }

        let unsynced = segments.iter().map(|segment| segment.first_seq).collect();
        let mut written_seq = commit_seq;
        let mut writer = None;
        if let Some(last) = segments.back_mut() {
            let name = Segment::name(last.first_seq);
            let opened = open_last(&*storage, &config, last).map_err(failed("opening", &name))?;
            let (last_writer, end_seq) = match opened {
                Ok(opened) => opened,
                Err(version) => {
                    let path = storage.path().join(name);
                    return Err(SpillError::UnknownFormat { path, version });
                }
            };
            written_seq = written_seq.max(end_seq);
            writer = last_writer.filter(|_| end_seq == written_seq);
        }

        let front = match storage.find_nested().map_err(failed("looking into", ""))? {
            Some(nested) => Some(Box::new(Self::open(nested, config.of_front())?)),
            None => None,
        };
        let mut log = Self {
            front,
            config,
            segments,
            sealed_bytes: 0,
            writer,
            filling: Filling::new(config.compression),
            filling_at: 0,
            written_seq,
            read_seq: commit_seq,
            commit_seq,
            cursor,
            skipped: false,
            reader: Reader::new(config.read_ahead),
            failing: None,
            gap: Gap::default(),
            unsynced,
            directory_changes: 1,
            directory_synced: 0,
            freeing_failed: false,
            counts: SpillCounts::default(),
            storage,
        };
        log.recount();
        log.free_consumed(false);
        Ok(log)
    }

    /// Moves at most `max` items to `records`, and no more bytes than may be read ahead unless one item has more.
    ///
    /// What the read before handed out counts as consumed from now on. A read stops in front of a gap; the next one
    /// steps over it.
    pub(crate) fn read(&mut self, records: &mut Records, max: usize) -> Result<SpillRead, SpillError> {
        if let Some(front) = &mut self.front {
            if !front.is_empty() {
                let read = front.read(records, max)?;
                if read.count > 0 || max == 0 {
                    return Ok(read);
                }
                front.gap = read.gap();
            }
            // All that was left of it is missing.
            self.gap = self.gap.plus(mem::take(&mut front.gap));
        }
        self.consume();
        self.read_until(records, max, u64::MAX)
    }

    /// As [`read`](Self::read), but only of what lies in front.
    pub(crate) fn read_front(&mut self, records: &mut Records, max: usize) -> Result<SpillRead, SpillError> {
        match &mut self.front {
            Some(front) if !front.is_empty() => front.read(records, max),
            _ => self.read(records, 0),
        }
    }

    /// As [`read`](Self::read) for what lies here and before the number `end_seq`; nothing is consumed.
    pub(super) fn read_until(
        &mut self,
        records: &mut Records,
        max: usize,
        end_seq: u64,
    ) -> Result<SpillRead, SpillError> {
        let mut first_seq = self.read_seq;
        while records.count() < max && self.read_seq < end_seq {
            if self.read_seq >= self.written_seq {
                self.read_filling(records, max);
                break;
            }
            let found = self
                .reader
                .find(&*self.storage, &self.segments, self.written_seq, self.read_seq);
            let found = match found {
                Ok(found) => found.unwrap_or(self.written_seq),
                Err(_) if records.count() > 0 => break, // The next read will meet it again.
                Err(source) => {
                    self.counts.read_errors += 1;
                    if !self.is_hopeless(&source) {
                        self.reader.reopen_if_stale(&source);
                        return Err(self.failed("reading", "", source));
                    }
                    self.failing = None;
                    self.reader.give_up(&self.segments);
                    continue;
                }
            };
            self.failing = None;
            if found > self.read_seq {
                if records.count() > 0 {
                    break;
                }
                self.lose_until(found);
                first_seq = found;
                continue;
            }
            let left = self.config.read_ahead.saturating_sub(records.bytes().len());
            let before_end = usize::try_from(end_seq - self.read_seq).unwrap_or(usize::MAX);
            let taken = self.reader.take(records, before_end.min(max - records.count()), left);
            self.read_seq += taken as u64;
            if taken == 0 && records.count() > 0 {
                break;
            }
        }
        self.counts.read += records.count() as u64;
        let gap = mem::take(&mut self.gap);
        Ok(SpillRead {
            count: records.count(),
            first_seq,
            lost: gap.lost,
            dropped: gap.dropped,
            undecodable: 0,
        })
    }

    /// Says that what has been handed out is consumed: it will not be handed out again after a restart.
    ///
    /// Durable with the next sync, at once under [`Fsync::EveryBatch`].
    pub(crate) fn commit(&mut self) -> Result<(), SpillError> {
        let front = self.front.as_mut().map_or(Ok(()), |front| front.commit());
        self.consume();
        self.store_cursor()?;
        if self.config.fsync == Fsync::EveryBatch {
            self.sync_cursor()?;
        }
        front
    }

    /// Items that have not been read, as far as the numbers tell: damage that has not been met yet is not known.
    pub(crate) fn len(&self) -> u64 {
        let front = self.front.as_ref().map_or(0, |front| front.len());
        front.saturating_add(self.end_seq().saturating_sub(self.read_seq))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number that the next item appended gets.
    pub(crate) fn end_seq(&self) -> u64 {
        self.written_seq + u64::from(self.filling.count())
    }

    /// What the segments take, and what is about to be written.
    pub(crate) fn bytes_on_disk(&self) -> u64 {
        let last = self.segments.back().map_or(0, |segment| segment.bytes);
        let filling = if self.filling.count() > 0 {
            self.filling.size()
        } else {
            0
        };
        let front = self.front.as_ref().map_or(0, |front| front.bytes_on_disk());
        front + self.sealed_bytes + last + filling as u64
    }

    /// How far it has been read, without what lies in front: by so much as this grows, so many items have been handed out or are
    /// missing.
    pub(crate) fn position(&self) -> u64 {
        self.read_seq
    }

    /// What is missing in front of it, and will be told by the next read.
    pub(crate) fn gap(&self) -> Gap {
        let front = self.front.as_ref().map_or(Gap::default(), |front| front.gap());
        self.gap.plus(front)
    }

    /// Whether items have been handed out that do not count as consumed yet.
    pub(crate) fn has_handed_out(&self) -> bool {
        self.commit_seq < self.read_seq || self.front.as_ref().is_some_and(|front| front.has_handed_out())
    }

    pub(crate) fn at_cap(&self) -> AtCap {
        self.config.at_cap
    }

    pub(crate) fn fsync(&self) -> Fsync {
        self.config.fsync
    }

    pub(crate) fn counts(&self) -> SpillCounts {
        match &self.front {
            Some(front) => self.counts.plus(&front.counts()),
            None => self.counts,
        }
    }

    /// Whether a channel that ends keeps what is in its ring.
    pub(crate) fn keeps_ring(&self) -> bool {
        self.config.keep_ring
    }

    pub(super) fn store_cursor(&mut self) -> Result<(), SpillError> {
        let stored = self.cursor.store(self.commit_seq);
        stored.map_err(|source| self.failed("writing", cursor::NAME, source))
    }

    pub(super) fn sync_cursor(&mut self) -> Result<(), SpillError> {
        let synced = self.cursor.sync();
        synced.map_err(|source| self.failed("syncing", cursor::NAME, source))
    }

    /// Opens the cursor again if its file is gone.
    pub(super) fn renew_cursor(&mut self) -> Result<(), SpillError> {
        if !self.cursor.is_linked() {
            let mut opened = Cursor::open(&*self.storage);
            if opened
                .as_ref()
                .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
            {
                // The whole directory is gone.
                self.storage.prepare()?;
                opened = Cursor::open(&*self.storage);
            }
            self.cursor = opened.map_err(|source| self.failed("opening", cursor::NAME, source))?;
            self.directory_changes += 1;
        }
        self.store_cursor()
    }

    /// A new last segment, in place of one with the same number that holds nothing.
    pub(super) fn push_segment(&mut self, segment: Segment) {
        let first_seq = segment.first_seq;
        if self.segments.back().is_some_and(|last| last.first_seq == first_seq) {
            self.segments.pop_back();
            self.reader.forget(first_seq);
        }
        self.segments.push_back(segment);
        self.directory_changes += 1;
        self.recount();
    }

    pub(super) fn failed(&self, doing: &'static str, name: &str, source: io::Error) -> SpillError {
        let path = self.storage.path().join(name);
        SpillError::Io { doing, path, source }
    }

    /// Whether what lies at the place to be read is to be given up, now that `error` was met there: not while it may be well
    /// again soon, and never if it is not the file that is ill.
    fn is_hopeless(&mut self, error: &io::Error) -> bool {
        if may_pass(error) {
            return false;
        }
        let (patience, now) = (self.config.read_patience, Instant::now());
        let failing = self.failing.get_or_insert(Failing {
            times: 0,
            last: now,
            tried: Duration::ZERO,
        });
        // Attempts in quick succession are one, and a time without any is none in which it was tried.
        let since = now - failing.last;
        if failing.times == 0 || since >= patience / 500 {
            failing.times = failing.times.saturating_add(1);
            failing.tried += since.min(patience / 5);
            failing.last = now;
        }
        failing.times >= READ_ATTEMPTS && failing.tried >= patience
    }

    /// What was handed out is consumed.
    fn consume(&mut self) {
        if let Some(front) = &mut self.front {
            front.consume();
        }
        self.commit_seq = self.commit_seq.max(self.read_seq);
    }

    /// Steps over all that has not been read.
    pub(super) fn pass_all(&mut self) {
        self.read_seq = self.end_seq();
        self.filling_at = self.filling.records().len();
    }

    fn read_filling(&mut self, records: &mut Records, max: usize) {
        let bytes = &self.filling.records()[self.filling_at..];
        let left = self.config.read_ahead.saturating_sub(records.bytes().len());
        let mut run = run_of(bytes, max - records.count(), left);
        if run.count == 0 && records.count() == 0 {
            run = run_of(bytes, 1, usize::MAX);
        }
        records.extend(&run, bytes);
        self.filling_at += run.bytes;
        self.read_seq += run.count as u64;
    }

    pub(super) fn lose_until(&mut self, seq: u64) {
        let lost = seq - self.read_seq;
        self.gap.lost = self.gap.lost.saturating_add(lost);
        self.counts.lost = self.counts.lost.saturating_add(lost);
        self.read_seq = seq;
    }

    pub(super) fn recount(&mut self) {
        let sealed = self.segments.len().saturating_sub(1);
        self.sealed_bytes = self.segments.iter().take(sealed).map(|segment| segment.bytes).sum();
    }
}

/// Opens the last segment to go on writing to it, and finds the number after its last item.
///
/// No writer if the segment is full or its header is damaged. Fails with the version if that is unknown.
fn open_last(
    storage: &dyn Storage,
    config: &Config,
    last: &mut Segment,
) -> io::Result<Result<(Option<Writer>, u64), u16>> {
    let first_seq = last.first_seq;
    let file = storage.open(&Segment::name(first_seq))?;
    let format = format_of(&*file, first_seq)?;
    if let Format::Unknown(version) = format {
        return Ok(Err(version));
    }
    let found = Reader::end_of(storage, last, config.read_ahead)?;
    let no_frame = match format {
        Format::Known => segment::HEADER as u64,
        _ => 0,
    };
    let (end, end_seq) = found.unwrap_or((no_frame, first_seq));
    // Should it not be possible to cut, that is tried again before something is written.
    let torn = last.bytes > end && file.set_len(end).is_err();
    last.bytes = end;
    let writer = Writer {
        first_seq,
        file,
        len: end,
        synced: (end, end_seq),
        torn,
    };
    let goes_on = format == Format::Known && end < config.segment_bytes;
    Ok(Ok((goes_on.then_some(writer), end_seq)))
}
