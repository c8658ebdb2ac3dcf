//! Keeping on disk, in order, what does not fit into memory.
//!
//! The layers, from what users hold to the bytes: [`Spill`] (items) → `log` (records: `append`, `sync`, `free`) → `reader`,
//! `segment`, `cursor` (files) → `frame` (bytes) → `storage` (the file system).

mod codec;
mod error;
mod options;

mod append;
mod flusher;
mod free;
mod log;
mod sync;

mod cursor;
mod frame;
mod reader;
mod records;
mod segment;
mod storage;

#[cfg(any(test, fuzzing))]
mod fuzzing;
#[cfg(any(test, fuzzing))]
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
pub use error::SpillError;
#[cfg(fuzzing)]
pub use fuzzing::fuzz_reader;
pub use options::{AtCap, Compression, Fsync, SpillOptions};

use codec::BatchCodec;
use flusher::{Shared, State};
use log::{Counts, Log, Read};
use options::Config;
use records::Records;
use storage::{Directory, Storage};

/// A log on disk for items of type `T`: what is put in comes out in the same order, across restarts and crashes.
///
/// ```
/// use mpsc_ring::{Fsync, Spill};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path();
/// let spill: Spill<(u64, String)> = Spill::options().fsync(Fsync::EveryBatch).open(dir).unwrap();
/// ```
///
/// Only what can be written can be spilled, which the compiler checks: types that implement serde's `Serialize` and
/// `Deserialize`, or for which there is a [`Codec`].
///
/// ```compile_fail
/// struct Unwritable;
/// let spill = mpsc_ring::Spill::<Unwritable>::open("spill");
/// ```
///
/// # What is durable when
///
/// Items are gathered in memory until there are 256 KiB of them, and then written as one frame. [`Fsync`] says how long
/// they may wait there and when the system is asked to put them on the medium. A thread sees to it, so that it does not
/// take further pushes or takes.
///
/// # After a crash
///
/// Opening the log gives back, in order, every item that was durable and not consumed. Items that were handed out count as
/// consumed when the next ones are handed out, and this is durable some time later: after a crash, the last items may be
/// handed out once more, so **at least once**.
///
/// A frame that was being written when the crash came is cut off. Damage elsewhere is skipped; how many items it took, and
/// where, is known by the numbers around it. A record that is no item is skipped, too, and counted.
///
/// # When the disk fails
///
/// An item that cannot be written comes back to who pushed it, and what was written in part is removed before anything
/// else is written. When the disk has room again, or is back, writing goes on, in a new directory if the old one is gone.
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
    at_cap: AtCap,
    keep_on_close: bool,
    undecodable: AtomicU64,
}

impl<T> Spill<T> {
    /// Opens the log in the directory `dir`, with the usual [`options`](Self::options).
    ///
    /// # Errors
    ///
    /// As [`SpillOptions::open`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, SpillError>
    where
        T: Serialize + DeserializeOwned,
    {
        Self::options().open(dir)
    }

    /// Sets up a log before it is opened.
    pub fn options() -> SpillOptions<T> {
        SpillOptions::new()
    }

    fn open_with(
        config: Config,
        keep_on_close: bool,
        codec: impl Codec<T> + 'static,
        path: PathBuf,
    ) -> Result<Self, SpillError> {
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
            at_cap: config.at_cap,
            keep_on_close,
            undecodable: AtomicU64::new(0),
        })
    }

    pub(crate) fn at_cap(&self) -> AtCap {
        self.at_cap
    }

    pub(crate) fn keep_on_close(&self) -> bool {
        self.keep_on_close
    }

    /// Encodes `items` in order, before the lock is taken. On an error, `records` holds those in front of the one to blame.
    pub(crate) fn encode(&self, items: &[T], records: &mut Records) -> Result<(), SpillError> {
        self.codec.encode(items, records)
    }

    /// Decodes `records` to the end of `out`, after the lock is released; returns how many were no items.
    pub(crate) fn decode(&self, records: &Records, out: &mut Vec<T>) -> usize {
        let undecodable = self.codec.decode(records, out);
        self.undecodable.fetch_add(undecodable as u64, Relaxed);
        undecodable
    }

    /// Locks the log, for what must not be interrupted. Nothing of `T` may run meanwhile.
    pub(crate) fn lock(&self) -> Locked<'_> {
        Locked {
            state: self.shared.lock(),
            shared: &self.shared,
        }
    }

    /// Appends `items`, in order and as one run, and removes from the front of the `Vec` what was accepted; returns how
    /// many these were.
    pub(crate) fn append(&self, items: &mut Vec<T>) -> Result<usize, (usize, SpillError)> {
        with_records(|records| {
            let encoded = self.encode(items, records);
            let appended = self.lock().append(records);
            let (Ok(accepted) | Err((accepted, _))) = appended;
            items.drain(..accepted);
            match (appended, encoded) {
                (Ok(accepted), Err(error)) => Err((accepted, error)),
                (appended, _) => appended,
            }
        })
    }

    /// Appends `item`, or gives it back.
    pub(crate) fn append_one(&self, item: T) -> Result<(), (T, SpillError)> {
        let appended = with_records(|records| {
            self.encode(slice::from_ref(&item), records)?;
            self.lock().append(records).map_err(|(_, error)| error)
        });
        match appended {
            Ok(_) => Ok(()),
            Err(error) => Err((item, error)),
        }
    }

    /// Reads at most `max` items to the end of `out`; what the read before gave counts as consumed.
    pub(crate) fn read(&self, out: &mut Vec<T>, max: usize) -> Result<Read, SpillError> {
        with_records(|records| {
            let read = self.lock().read(records, max)?;
            let undecodable = self.decode(records, out);
            Ok(Read {
                count: read.count - undecodable,
                undecodable,
                ..read
            })
        })
    }

    /// What the last read gave is consumed.
    pub(crate) fn commit(&self) -> Result<(), SpillError> {
        self.lock().commit()
    }

    /// Everything appended and consumed so far is durable.
    pub(crate) fn sync(&self) -> Result<(), SpillError> {
        self.lock().sync()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    pub(crate) fn len(&self) -> u64 {
        self.lock().len()
    }

    pub(crate) fn bytes_on_disk(&self) -> u64 {
        self.lock().bytes_on_disk()
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            undecodable: self.undecodable.load(Relaxed),
            ..self.lock().counts()
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
