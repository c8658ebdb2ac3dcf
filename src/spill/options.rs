//! How a log on disk behaves.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use super::Spill;
use super::codec::{Codec, Postcard};
use super::error::SpillError;

const MIN_SEGMENT: u64 = 4 << 10;
/// Lengths of frames are 32 bits.
const MAX_SEGMENT: u64 = 1 << 30;
const MIN_READ_AHEAD: usize = 4 << 10;

/// What a log does when it has reached its cap.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtCap {
    /// What is offered stays with the caller, by [`SpillError::AtCap`], and is counted. The default: nothing is lost.
    #[default]
    Refuse,
    /// In a channel, a push waits until consumers have made room, as under [`Block`](crate::BackPressurePolicy::Block). By itself
    /// a log waits for nobody: there, this is `Refuse`.
    Block,
    /// The oldest segment is removed, and what was unread in it is counted. What was in it and had
    /// been handed out is gone without being counted, even if it was not committed.
    DropOldest,
}

/// When a log asks the system to put on the medium what was written.
///
/// | policy | survives a crash of the process | survives a loss of power |
/// |---|---|---|
/// | [`Never`](Self::Never) | what is older than 500 ms | what the system has written by then, if anything |
/// | [`Interval`](Self::Interval) | what is older than the interval | what is older than the interval |
/// | [`EveryBatch`](Self::EveryBatch) | all that was accepted | all that was accepted |
///
/// A log that is dropped in an orderly way writes everything, whatever the policy, and syncs it unless that is `Never`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// Never while running; the system writes when it likes.
    Never,
    /// When something has waited for so long. The default, with 500 ms.
    Interval(Duration),
    /// Before an append returns: one sync for each call, however many items it takes. A channel appends a batch in pieces of 64 KiB.
    EveryBatch,
}

impl Default for Fsync {
    fn default() -> Self {
        Self::Interval(Duration::from_millis(500))
    }
}

/// How a log compresses what it writes, batch by batch. What was written otherwise before can still be read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// LZ4: fast, and worth it for text and repetitive items.
    Lz4,
}

/// What the log itself must know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) segment_bytes: u64,
    pub(crate) max_bytes: u64,
    pub(crate) frame_bytes: usize,
    pub(crate) read_ahead: usize,
    pub(crate) at_cap: AtCap,
    pub(crate) fsync: Fsync,
    pub(crate) compression: Compression,
    /// A channel that ends keeps what is in its ring.
    pub(crate) keep_ring: bool,
    /// For so long, at least, a place that cannot be read is tried.
    pub(crate) read_patience: Duration,
    /// The first number of a log that is new.
    pub(crate) first_seq: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
            max_bytes: 1 << 30,
            frame_bytes: 256 << 10,
            read_ahead: 256 << 10,
            at_cap: AtCap::default(),
            fsync: Fsync::default(),
            compression: Compression::default(),
            keep_ring: false,
            read_patience: Duration::from_secs(5),
            first_seq: 0,
        }
    }
}

impl Config {
    /// Brings sizes into the order that the log relies on: a frame fits a segment, some segments fit the cap.
    pub(super) fn reconciled(mut self) -> Self {
        self.max_bytes = self.max_bytes.max(4 * MIN_SEGMENT);
        self.segment_bytes = self
            .segment_bytes
            .clamp(MIN_SEGMENT, MAX_SEGMENT)
            .min(self.max_bytes / 4);
        self.frame_bytes = self.frame_bytes.min(self.segment_bytes as usize / 4);
        self.read_ahead = self.read_ahead.max(MIN_READ_AHEAD);
        self
    }
}

/// Sets up a log on disk; made by [`Spill::options`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mpsc_ring::{AtCap, Compression, Fsync, Spill};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path();
/// let spill: Spill<String> = Spill::options()
///     .max_bytes(10 << 30)
///     .at_cap(AtCap::DropOldest)
///     .fsync(Fsync::Interval(Duration::from_secs(1)))
///     .compression(Compression::Lz4)
///     .open(dir)
///     .unwrap();
/// ```
#[must_use = "options do nothing until a log is opened"]
pub struct SpillOptions<T, C = Postcard> {
    config: Config,
    codec: C,
    items: PhantomData<fn() -> T>,
}

impl<T> SpillOptions<T> {
    pub(crate) fn new() -> Self {
        Self {
            config: Config::default(),
            codec: Postcard,
            items: PhantomData,
        }
    }
}

impl<T, C> SpillOptions<T, C> {
    #[cfg(loom)]
    pub(super) fn config(&self) -> Config {
        self.config
    }

    /// The size of one file in bytes, 16 MiB unless set: disk space is freed by whole files, and an item must fit into one.
    ///
    /// Held between 4 KiB and 1 GiB, and within a quarter of [`max_bytes`](Self::max_bytes).
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.config.segment_bytes = bytes;
        self
    }

    /// The most disk space that items may take, in bytes: 1 GiB unless set and at least 16 KiB; `u64::MAX` is no limit.
    ///
    /// The two small files beside the segments, 13 KiB together, come on top; twice if something was [kept](Self::keep_ring). So
    /// do files that the system would not remove.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.config.max_bytes = bytes;
        self
    }

    /// What happens at [`max_bytes`](Self::max_bytes); [`AtCap::Refuse`] unless set.
    pub fn at_cap(mut self, at_cap: AtCap) -> Self {
        self.config.at_cap = at_cap;
        self
    }

    /// When what was written is put on the medium; [`Fsync::Interval`] of 500 ms unless set.
    pub fn fsync(mut self, fsync: Fsync) -> Self {
        self.config.fsync = fsync;
        self
    }

    /// How what is written is compressed; [`Compression::None`] unless set.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.config.compression = compression;
        self
    }

    /// How many bytes are read at once and held in memory, 256 KiB unless set and at least 4 KiB.
    ///
    /// A single item that is larger is held for as long as it takes to hand it out.
    pub fn read_ahead(mut self, bytes: usize) -> Self {
        self.config.read_ahead = bytes;
        self
    }

    /// Whether a channel that ends writes what is in its memory to the log, in front of what is there: `false` unless set.
    ///
    /// This happens when the last consumer goes, which waits for the disk then. So a restart loses nothing; a process that is
    /// killed loses what was in memory all the same, but for what [`sync`](crate::Producer::sync) has written. Without it, these items are discarded. So are those that cannot be written,
    /// or do not fit under the cap.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, Spill, channel};
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// let open = || channel(2, BackPressurePolicy::SpillToDisk(Spill::options().keep_ring(true).open(dir).unwrap()));
    /// let (producer, consumer) = open();
    /// producer.push_batch(&[1, 2, 3, 4]).unwrap(); // Two of them are in memory.
    /// drop((producer, consumer));
    ///
    /// let (producer, consumer) = open();
    /// producer.push(5).unwrap();
    /// drop(producer);
    /// assert!(consumer.iter().eq(1..=5));
    /// ```
    pub fn keep_ring(mut self, keep: bool) -> Self {
        self.config.keep_ring = keep;
        self
    }

    /// How items are written and read; [`Postcard`] unless set.
    pub fn codec<D: Codec<T>>(self, codec: D) -> SpillOptions<T, D> {
        SpillOptions {
            config: self.config,
            codec,
            items: PhantomData,
        }
    }

    /// Opens the log in the directory `dir`, which is made if it does not exist.
    ///
    /// # Errors
    ///
    /// [`SpillError::Locked`] if the log is open already, [`SpillError::UnknownFormat`] if a later version wrote it, and
    /// [`SpillError::Io`] if the file system refuses. Damaged content is no error: what can be read will be.
    pub fn open(self, dir: impl Into<PathBuf>) -> Result<Spill<T>, SpillError>
    where
        C: Codec<T> + 'static,
    {
        Spill::open_with(self.config.reconciled(), self.codec, dir.into())
    }
}

impl<T, C> fmt::Debug for SpillOptions<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpillOptions")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
