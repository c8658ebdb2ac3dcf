//! What a full ring means.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;

#[cfg(feature = "spill")]
use crate::spill::Spill;

/// What [`push`](crate::Producer::push) and its kin do when the channel is full.
///
/// | policy | who loses | `push` on a full channel |
/// |---|---|---|
/// | [`Block`](Self::Block) | nobody | waits for room |
/// | [`DropOldest`](Self::DropOldest) | the item that waited longest | evicts it and goes on |
/// | [`DropNewest`](Self::DropNewest) | the item being pushed | returns it as [`Full`](crate::PushError::Full) |
/// | `SpillToDisk` (feature `spill`) | nobody | writes the item to a log on disk |
///
/// The type parameter is the channel's: `SpillToDisk` must know how to write an item.
#[non_exhaustive]
pub enum BackPressurePolicy<T> {
    /// Nothing is lost: the pusher waits until there is room.
    Block,
    /// The oldest item in the channel is dropped and counted; the pusher never waits.
    ///
    /// Consumers find the newest `capacity` of the items that went in. The destructor of the item that goes runs in this push, or in
    /// the next operation that takes, evicts or asks for [`stats`](crate::Producer::stats).
    ///
    /// If a thread was stopped in the middle of pushing or taking that very item, the pusher spins for some
    /// microseconds and then gets the *incoming* item back as [`Full`](crate::PushError::Full). Where threads outnumber
    /// cores this comes in bursts, one for each such thread.
    DropOldest,
    /// The incoming item comes back as [`Full`](crate::PushError::Full) and is counted; the pusher never waits.
    DropNewest,
    /// The incoming item goes to a log on disk, and comes back in its turn.
    ///
    /// The order is that of any other channel: while the log holds items, every push goes behind them, and consumers take what
    /// is in memory first. Once the log has been read empty, pushes go into memory again. As long as memory suffices, the log is
    /// not touched and a push costs what it costs under [`Block`](Self::Block).
    ///
    /// What is on disk survives: the next channel that is made with the same directory begins with it. An item from the log
    /// counts as consumed when the consumer takes again, or calls [`commit`](crate::Consumer::commit). So after a crash the
    /// last items may come once more, **at least once**. With several consumers, "again" is any of them: they share a place.
    /// What is in memory when the last consumer goes is dropped, unless the log
    /// [keeps it](crate::SpillOptions::keep_ring). What is in memory when the process crashes is lost; where that must not be,
    /// [`sync`](crate::Producer::sync) writes it to disk as well, before the sender is told that it is safe.
    ///
    /// At the log's cap, [`AtCap`](crate::AtCap) decides: the item comes back as [`Full`](crate::PushError::Full), the push waits,
    /// or the oldest segment goes. If the disk fails, the item comes back as [`Spill`](crate::PushError::Spill), with the cause;
    /// the channel goes on and the next push tries again. While such a push fails, others may find the channel full for a moment.
    ///
    /// What cannot be read is tried again every 10 ms as long as a consumer waits; one that does not wait finds the channel
    /// empty. Whether it is given up in the end, [`Spill::read`] says.
    ///
    /// # What blocks
    ///
    /// While the log is in use, a push writes its item to the log's memory, and one in some thousands hands a frame of 256 KiB to
    /// the system; a take reads such a piece. They do so in async operations, too: on the thread that polls. Where that is too long,
    /// push from a thread of your own, or where blocking is allowed.
    ///
    /// | in µs | median | 99 % | 99.99 % | longest |
    /// |---|---|---|---|---|
    /// | writing an item of 64 bytes | 0.06 | 0.07 | 116 | 4,200 |
    /// | reading 256 of them | 2.8 | 37 | | 79 |
    /// | writing one under [`Fsync::EveryBatch`](crate::Fsync::EveryBatch), which waits for the medium | 107 | 2,700 | | 5,100 |
    ///
    /// Figures of a virtual disk (`cargo run --release --manifest-path benches/peers/Cargo.toml --bin disk -- --quick`); a push and a
    /// take cost a lock and a wake more.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, Spill, channel};
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// let spill = Spill::open(dir).unwrap(); // Errors of the file system appear here.
    /// let (producer, consumer) = channel(2, BackPressurePolicy::SpillToDisk(spill));
    /// for n in 0..1000 {
    ///     producer.push(n).unwrap();
    /// }
    /// drop(producer);
    /// assert!(consumer.iter().eq(0..1000));
    /// ```
    #[cfg(feature = "spill")]
    SpillToDisk(Spill<T>),
    #[doc(hidden)]
    __Unbuildable(Infallible, PhantomData<fn() -> T>),
}

impl<T> fmt::Debug for BackPressurePolicy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        WhenFull::from(self).fmt(f)
    }
}

/// The policy as the channel keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    Block,
    DropOldest,
    DropNewest,
    #[cfg(feature = "spill")]
    SpillToDisk,
}

impl<T> From<&BackPressurePolicy<T>> for WhenFull {
    fn from(policy: &BackPressurePolicy<T>) -> Self {
        match policy {
            BackPressurePolicy::Block => Self::Block,
            BackPressurePolicy::DropOldest => Self::DropOldest,
            BackPressurePolicy::DropNewest => Self::DropNewest,
            #[cfg(feature = "spill")]
            BackPressurePolicy::SpillToDisk(_) => Self::SpillToDisk,
            BackPressurePolicy::__Unbuildable(never, _) => match *never {},
        }
    }
}
