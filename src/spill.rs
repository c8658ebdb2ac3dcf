//! Keeping on disk, in order, what a ring does not hold or what cannot be delivered yet.
//!
//! The layers, from what users hold to the bytes: [`Spill`] (items) → `log` (records: `append`, `sync`, `free`, `front`) → `reader`,
//! `segment`, `cursor` (files) → `frame` (bytes) → `storage` (the file system).

mod codec;
mod counts;
mod error;
mod options;

mod append;
mod flusher;
mod free;
mod front;
mod log;
mod sync;

mod cursor;
mod frame;
mod reader;
pub(crate) mod records;
mod segment;
mod storage;

#[cfg(any(test, fuzzing))]
mod fuzzing;
#[cfg(any(test, fuzzing, loom))]
#[cfg_attr(loom, allow(dead_code))]
mod memory;
#[cfg(all(test, not(loom)))]
mod tests;

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, MutexGuard};
use std::thread::JoinHandle;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use codec::{Codec, Postcard, RawBytes};
pub use counts::{SpillCounts, SpillRead};
pub use error::{AppendError, SpillError};
#[cfg(fuzzing)]
pub use fuzzing::fuzz_reader;
pub use options::{AtCap, Compression, Fsync, SpillOptions};

use codec::{BatchCodec, Undecodable};
use flusher::{Shared, State};
use log::Log;
use options::Config;
use records::Records;
use storage::{Directory, Storage};

/// A log on disk for items that cannot be delivered yet: what is put in comes out in the same order, across restarts and
/// crashes.
///
/// A channel writes to it what its ring does not hold, under the policy
/// [`SpillToDisk`](crate::BackPressurePolicy::SpillToDisk). By itself, a consumer appends what it has taken while the backend is down, reads it back when the backend is up again, and commits
/// what has been delivered. Any thread may append; one thread should read. Every operation may wait for the disk, so a task
/// calls them where blocking is allowed, such as `spawn_blocking`.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{BackPressurePolicy, Spill, channel};
///
/// # fn main() -> Result<(), mpsc_ring::SpillError> {
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path();
/// let (producer, consumer) = channel(1024, BackPressurePolicy::DropOldest);
/// let spill: Spill<(u64, String)> = Spill::open(dir)?;
/// producer.push((1, "one".to_owned())).unwrap();
/// producer.push((2, "two".to_owned())).unwrap();
/// # drop(producer);
///
/// // The backend is down.
/// let mut batch = Vec::new();
/// while consumer.take_batch_into(&mut batch, 256).taken > 0 {
///     spill.append(&mut batch)?;
/// }
///
/// // It is up again, maybe after a restart.
/// let mut delivered = Vec::new();
/// while spill.read(&mut batch, 256)?.count > 0 {
///     delivered.append(&mut batch); // Send it somewhere. If that fails, keep the batch and try again.
///     spill.commit()?;
/// }
/// assert_eq!(delivered, [(1, "one".to_owned()), (2, "two".to_owned())]);
/// # Ok(())
/// # }
/// ```
///
/// Only what can be written can be kept, which the compiler checks: types that implement serde's `Serialize` and
/// `Deserialize`, or for which there is a [`Codec`].
///
/// ```compile_fail
/// struct Unwritable;
/// let spill = mpsc_ring::Spill::<Unwritable>::open("spill");
/// ```
///
/// # What is durable when
///
/// Items are gathered in memory until there are 256 KiB of them, or a quarter of a segment, and then written as one frame.
/// [`Fsync`] says how long they may wait there and when the system is asked to put them on the medium. A thread of the log
/// sees to it, so that it happens without further calls. [`sync`](Self::sync) makes everything durable at once, dropping the
/// log writes what is left.
///
/// # What has been consumed
///
/// What a [`read`](Self::read) has handed out counts as consumed when [`commit`](Self::commit) is called, or when the next
/// read is: then the batch before has been dealt with. Files of which everything has been consumed are removed by the log's
/// thread.
///
/// # After a crash
///
/// Opening the log gives back, in order, every item that was durable and not consumed. That items have been consumed is
/// durable some time later than said: after a crash, the last ones may be handed out once more, so **at least once**. Their
/// [numbers](SpillRead) are the same then, unless a channel has ended in between.
///
/// A frame that was being written when the crash came is cut off. Damage elsewhere is skipped; how many items it took, and
/// where, is known by the numbers around it. A record that is no item is skipped, too, and counted.
///
/// # At the cap
///
/// The log takes no more than [`max_bytes`](SpillOptions::max_bytes) on disk, 1 GiB unless set. When that is reached,
/// [`AtCap`] says whether new items are refused or the oldest ones go. Disk space comes back by whole
/// [segments](SpillOptions::segment_bytes).
///
/// # When the disk fails
///
/// An item that cannot be written stays with its caller, and what was written in part is removed before anything else is
/// written. Items that were accepted before stay in memory and are tried again. When the disk has room again, or is back,
/// writing goes on, in a new directory if the old one is gone.
///
/// # One log, one process
///
/// An open log holds an advisory lock on its directory: who opens it again gets [`SpillError::Locked`].
pub struct Spill<T> {
    shared: Arc<Shared>,
    /// Taken when the log is closed.
    flusher: Option<JoinHandle<()>>,
    codec: Box<dyn BatchCodec<T>>,
    path: PathBuf,
    undecodable: AtomicU64,
}

impl<T> Spill<T> {
    /// Opens the log in the directory `dir`, with the usual [`options`](Self::options).
    ///
    /// # Errors
    ///
    /// As [`SpillOptions::open`].
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::Spill;
    ///
    /// # let parent = tempfile::tempdir().unwrap();
    /// # let dir = parent.path().join("spill");
    /// let spill: Spill<String> = Spill::open(dir).unwrap();
    /// assert!(spill.is_empty());
    /// ```
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, SpillError>
    where
        T: Serialize + DeserializeOwned,
    {
        Self::options().open(dir)
    }

    /// Sets up a log before it is opened.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{Fsync, Spill};
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// let spill: Spill<u64> = Spill::options().max_bytes(64 << 20).fsync(Fsync::EveryBatch).open(dir).unwrap();
    /// ```
    pub fn options() -> SpillOptions<T> {
        SpillOptions::new()
    }

    /// A log that leaves no trace: model checkers do not wait for disks, nor for threads that they do not know.
    #[cfg(loom)]
    #[doc(hidden)]
    pub fn in_memory(options: SpillOptions<T>) -> Self
    where
        T: Serialize + DeserializeOwned,
    {
        let log = Log::open(Arc::new(memory::Memory::default()), options.config().reconciled());
        Self {
            shared: Arc::new(Shared::new(log.unwrap_or_else(|error| panic!("{error}")))),
            flusher: None,
            codec: Box::new(Postcard),
            path: PathBuf::new(),
            undecodable: AtomicU64::new(0),
        }
    }

    fn open_with(config: Config, codec: impl Codec<T> + 'static, path: PathBuf) -> Result<Self, SpillError> {
        let storage: Arc<dyn Storage> = Arc::new(Directory::new(path.clone()));
        let shared = Arc::new(Shared::new(Log::open(storage, config)?));
        let flusher = shared.start().map_err(|source| SpillError::Io {
            doing: "starting a thread for",
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            shared,
            flusher: Some(flusher),
            codec: Box::new(codec),
            path,
            undecodable: AtomicU64::new(0),
        })
    }

    /// Appends `items` in order, as one run that nobody else's items come between.
    ///
    /// What is accepted is removed from the front of the `Vec`; returns how many these were, which is all of them. They are
    /// durable when [`Fsync`] says so: under [`EveryBatch`](Fsync::EveryBatch) when this returns.
    ///
    /// # Errors
    ///
    /// The first item that is left in the `Vec` could not be accepted, or made durable under `EveryBatch`; what was in front
    /// of it has been accepted.
    ///
    /// - [`SpillError::AtCap`]: the log is full and refuses, or the item does not fit under the cap.
    /// - [`SpillError::TooLarge`], [`SpillError::Encode`]: it is this item that cannot be written
    ///   ([`is_about_item`](SpillError::is_about_item)); without it, the others can.
    /// - [`SpillError::Io`]: the file system refuses.
    /// - [`SpillError::Exhausted`]: after 2^64 - 1 items.
    ///
    /// # Panics
    ///
    /// If the codec or the destructor of an item does. If it is the codec, all items stay in the `Vec`.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::Spill;
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// // 16 KiB are the smallest cap, and files are not larger than a quarter of it.
    /// let spill: Spill<[u8; 32]> = Spill::options().max_bytes(16 << 10).open(dir).unwrap();
    /// let mut batch = vec![[7; 32]; 1000];
    /// let error = spill.append(&mut batch).unwrap_err();
    /// assert!(error.is_at_cap());
    /// assert_eq!(spill.len() + batch.len() as u64, 1000);
    /// ```
    pub fn append(&self, items: &mut Vec<T>) -> Result<usize, SpillError> {
        with_records(|records| {
            let encoded = self.encode(items, records);
            let (accepted, result) = match self.lock().append(records) {
                Ok(accepted) => (accepted, encoded),
                Err((accepted, error)) => (accepted, Err(error)),
            };
            items.drain(..accepted);
            result.map(|()| accepted)
        })
    }

    /// Encodes `items`; those before one that cannot be encoded are in `records` then.
    pub(crate) fn encode(&self, items: &[T], records: &mut Records) -> Result<(), SpillError> {
        self.codec.encode(items, records)
    }

    /// Encodes some of the first `pieces`, at least one if there is any; what it takes is bounded, however many they are.
    pub(crate) fn encode_some<'a>(
        &self,
        pieces: impl Iterator<Item = &'a [T]>,
        records: &mut Records,
    ) -> Result<(), SpillError>
    where
        T: 'a,
    {
        const ENOUGH_BYTES: usize = 64 << 10;
        for items in pieces {
            if records.bytes().len() >= ENOUGH_BYTES {
                break;
            }
            self.encode(items, records)?;
        }
        Ok(())
    }

    /// Appends `item`.
    ///
    /// It costs more than its part of a batch, far more under [`EveryBatch`](Fsync::EveryBatch): each call is a batch then.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); the error has the item.
    ///
    /// # Panics
    ///
    /// If the codec does. The item is dropped then.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::Spill;
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// let spill: Spill<String> = Spill::open(dir).unwrap();
    /// if let Err(error) = spill.append_one("kept".to_owned()) {
    ///     eprintln!("{error}");
    ///     let item = error.into_inner(); // try again later
    /// }
    /// # assert_eq!(spill.len(), 1);
    /// ```
    pub fn append_one(&self, item: T) -> Result<(), AppendError<T>> {
        let appended = with_records(|records| {
            self.encode(slice::from_ref(&item), records)?;
            self.lock().append(records).map_err(|(_, error)| error)
        });
        match appended {
            Ok(_) => Ok(()),
            Err(error) => Err(AppendError::new(item, error)),
        }
    }

    /// Reads at most `max` of the oldest items to the end of `out`; what the read before handed out counts as consumed.
    ///
    /// These may be fewer than there are: no more bytes than [`read_ahead`](SpillOptions::read_ahead) are handed out at a
    /// time, unless a single item has more, and a read ends where items are missing, so that the next one can say how many.
    /// None are handed out only if there is nothing more, or `max` is 0. Items that are not on disk yet are read as well. A
    /// record for which the codec fails, or panics, is left out and counted.
    ///
    /// Reading twice does not give the same items twice, except after opening the log again: who cannot deliver a batch
    /// keeps it, and reads on when it has been delivered.
    ///
    /// # Errors
    ///
    /// [`SpillError::Io`] if the file system refuses. The same place is tried again by the next reads. Once it has failed 8 times
    /// in a row, and for 5 s, it is given up, and the read goes on in the next segment: what was there counts as lost. (Attempts
    /// within 10 ms are one, and of a time without any, one second counts.) As long as the process lacks permission, memory or
    /// file descriptors, or its handle of a network's file is stale, nothing is given up.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::Spill;
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// let spill: Spill<u64> = Spill::open(dir).unwrap();
    /// spill.append(&mut (0..300).collect()).unwrap();
    /// let mut batch = Vec::new();
    /// loop {
    ///     let read = spill.read(&mut batch, 256).unwrap();
    ///     if read.lost + read.dropped > 0 {
    ///         eprintln!("{} items lost, {} dropped before {}", read.lost, read.dropped, read.first_seq);
    ///     }
    ///     if read.count == 0 {
    ///         break;
    ///     }
    ///     // send them somewhere
    ///     batch.clear();
    /// }
    /// ```
    pub fn read(&self, out: &mut Vec<T>, max: usize) -> Result<SpillRead, SpillError> {
        with_records(|records| {
            let mut before = SpillRead::default();
            loop {
                records.clear();
                let read = self.lock().read(records, max)?;
                let undecodable = self.decode(records, out);
                let all = SpillRead {
                    count: read.count - undecodable.count,
                    first_seq: read.first_seq + undecodable.leading as u64,
                    lost: before.lost.saturating_add(read.lost),
                    dropped: before.dropped.saturating_add(read.dropped),
                    undecodable: before.undecodable + undecodable.count,
                };
                if all.count > 0 || read.count == 0 {
                    return Ok(all);
                }
                // None of them is an item: there is nothing to be delivered, and there may be more.
                before = all;
            }
        })
    }

    /// Appends the items in `records` to `out`; returns which of them are none, which counts them.
    pub(crate) fn decode(&self, records: &Records, out: &mut Vec<T>) -> Undecodable {
        let undecodable = self.codec.decode(records, out);
        self.undecodable.fetch_add(undecodable.count as u64, Relaxed);
        undecodable
    }

    /// Says that what the last read has handed out is consumed: it will not be handed out again.
    ///
    /// This survives a crash of the process as soon as it returns, and a loss of power after the next sync, which
    /// [`EveryBatch`](Fsync::EveryBatch) does at once. Reading on says the same without waiting for the disk.
    ///
    /// # Errors
    ///
    /// [`SpillError::Io`] if the file system refuses. The items are consumed as long as the log is open, and the log's thread
    /// tries again.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::Spill;
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// let spill: Spill<u64> = Spill::open(dir).unwrap();
    /// spill.append(&mut vec![1, 2, 3]).unwrap();
    /// let mut batch = Vec::new();
    /// spill.read(&mut batch, 1).unwrap();
    /// spill.commit().unwrap();
    /// spill.read(&mut batch, 1).unwrap();
    /// drop(spill);
    ///
    /// // The second item was read, but not committed.
    /// let spill: Spill<u64> = Spill::open(dir).unwrap();
    /// assert_eq!(spill.len(), 2);
    /// ```
    pub fn commit(&self) -> Result<(), SpillError> {
        self.lock().commit()
    }

    /// Makes everything that has been appended and consumed so far durable, whatever the policy.
    ///
    /// Waits for the medium, and others wait meanwhile.
    ///
    /// # Errors
    ///
    /// [`SpillError::Io`] if the file system refuses. What could not be written stays in memory and is tried again.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{Fsync, Spill};
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// let spill: Spill<u64> = Spill::options().fsync(Fsync::Never).open(dir).unwrap();
    /// spill.append(&mut vec![1, 2, 3]).unwrap();
    /// spill.sync().unwrap(); // before saying that they are safe
    /// ```
    pub fn sync(&self) -> Result<(), SpillError> {
        self.lock().sync()
    }

    /// Hands everything that has been appended and consumed so far to the system: it survives a crash of the process.
    ///
    /// # Errors
    ///
    /// As [`sync`](Self::sync).
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::Spill;
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// let spill: Spill<u64> = Spill::open(dir).unwrap();
    /// spill.append(&mut vec![1, 2, 3]).unwrap();
    /// spill.flush().unwrap();
    /// ```
    pub fn flush(&self) -> Result<(), SpillError> {
        self.lock().write_out()
    }

    /// How many items have not been handed out.
    ///
    /// Numbers tell: damage that no read has met yet is not known, so there may be fewer.
    pub fn len(&self) -> u64 {
        self.lock().len()
    }

    /// Whether every item has been handed out.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// How many bytes the items take on disk, what is about to be written included: what
    /// [`max_bytes`](SpillOptions::max_bytes) bounds.
    ///
    /// Files are removed whole, so this does not fall with every read.
    pub fn bytes_on_disk(&self) -> u64 {
        self.lock().bytes_on_disk()
    }

    /// What has happened since the log was opened.
    pub fn counts(&self) -> SpillCounts {
        SpillCounts {
            undecodable: self.undecodable.load(Relaxed),
            ..self.lock().counts()
        }
    }

    /// Locks the log, for what must not be interrupted. Nothing of `T` may run meanwhile.
    pub(crate) fn lock(&self) -> Locked<'_> {
        Locked {
            state: self.shared.lock(),
            shared: &self.shared,
        }
    }
}

impl<T> Drop for Spill<T> {
    fn drop(&mut self) {
        self.shared.stop(self.flusher.take());
    }
}

impl<T> fmt::Debug for Spill<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spill")
            .field("path", &self.path)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// The log, locked.
pub(crate) struct Locked<'a> {
    state: MutexGuard<'a, State>,
    shared: &'a Shared,
}

impl Deref for Locked<'_> {
    type Target = Log;

    fn deref(&self) -> &Log {
        &self.state.log
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Log {
        &mut self.state.log
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.shared.changed(&mut self.state);
    }
}

/// Runs `f` with a buffer that the thread keeps.
pub(crate) fn with_records<R>(f: impl FnOnce(&mut Records) -> R) -> R {
    const MOST_KEPT: usize = 1 << 20;
    thread_local! {
        static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    // While the thread ends there is none, and while a codec uses another log it is empty.
    let mut records = Records::with_buffer(BUFFER.try_with(Cell::take).unwrap_or_default());
    let result = f(&mut records);
    let buffer = records.into_buffer();
    if buffer.capacity() <= MOST_KEPT {
        _ = BUFFER.try_with(|kept| kept.set(buffer));
    }
    result
}
