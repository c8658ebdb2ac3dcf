//! A bounded lock-free channel for telemetry and other hot paths: any thread pushes synchronously in nanoseconds, async
//! or blocking consumers take batches, and **a full channel does what its policy says, with every item accounted for**.
//!
//! ```
//! use std::thread;
//! use mpsc_ring::{BackPressurePolicy, channel};
//!
//! let (producer, consumer) = channel(1024, BackPressurePolicy::DropOldest);
//! let threads: Vec<_> = (0..4)
//!     .map(|id| {
//!         let producer = producer.clone();
//!         thread::spawn(move || (0..100).for_each(|n| _ = producer.push((id, n)))) // what is refused is counted
//!     })
//!     .collect();
//! drop(producer);
//!
//! let mut batch = Vec::with_capacity(256);
//! let mut written = 0;
//! while consumer.take_batch_into(&mut batch, 256).taken > 0 {
//!     written += batch.drain(..).count() as u64; // write it somewhere
//! }
//! threads.into_iter().for_each(|thread| thread.join().unwrap());
//!
//! let stats = consumer.stats();
//! assert_eq!(stats.offered(), 400);
//! assert_eq!(written + stats.lost(), 400);
//! ```
//!
//! # Choosing a policy
//!
//! | policy | a full channel | the pusher waits | who loses |
//! |---|---|---|---|
//! | [`Block`](BackPressurePolicy::Block) | holds the pusher until there is room | yes | nobody |
//! | [`DropOldest`](BackPressurePolicy::DropOldest) | evicts the oldest item | never | the item that waited longest |
//! | [`DropNewest`](BackPressurePolicy::DropNewest) | gives the incoming item back | never | the item being pushed |
//! | `SpillToDisk`, with the feature `spill` | sends the incoming item to a log on disk, until that has been read empty | for the disk | nobody |
//!
//! `DropOldest` has one exception: while a thread that the system has stopped is in the middle of pushing or taking the
//! oldest item, a push gives its own item back as [`Full`](PushError::Full). With more busy threads than cores this comes
//! in bursts, so do not `unwrap` the result of a push.
//!
//! [`Producer::try_push`] never waits and never evicts, whatever the policy.
//!
//! # Choosing an operation
//!
//! | | waits | does not wait | waits so long | awaits |
//! |---|---|---|---|---|
//! | push one | [`push`](Producer::push) | [`try_push`](Producer::try_push) | [`push_timeout`](Producer::push_timeout) | [`push_async`](Producer::push_async) |
//! | push many | [`push_from`](Producer::push_from), [`push_batch`](Producer::push_batch) | | | [`push_from_async`](Producer::push_from_async) |
//! | take one | [`take`](Consumer::take) | [`try_take`](Consumer::try_take) | [`take_timeout`](Consumer::take_timeout) | [`take_async`](Consumer::take_async) |
//! | take many | [`take_batch`](Consumer::take_batch) | [`try_take_batch`](Consumer::try_take_batch) | [`take_batch_timeout`](Consumer::take_batch_timeout) | [`take_batch_async`](Consumer::take_batch_async) |
//!
//! [`take_batch_timeout`](Consumer::take_batch_timeout) waits until the batch is full or the time is up, and so does
//! [`take_batch_until`](Consumer::take_batch_until) for tasks; [`ready`](Consumer::ready) only waits.
//!
//! Each way of taking many has an `_into` form that appends to a `Vec` of yours. [`Consumer::stream`] and
//! [`Consumer::batches`] are `Stream`s, [`Producer::sink`] is a `Sink`. Synchronous and asynchronous operations mix freely
//! on one channel and need no particular runtime.
//!
//! # What you can rely on
//!
//! - **Capacity is exact**, any number from 1, and [`len`](Consumer::len) is always within it.
//! - **One order**: if one push returned before another began, its item is taken first, whoever pushed.
//! - **Every item is in one place**: while nothing moves, `pushed == taken + evicted + discarded + len` and
//!   `offered == pushed + refused` hold exactly ([`Stats`]). What is on disk is counted beside it.
//! - **Errors return the item.**
//! - **Cancelling loses nothing**: a dropped take has taken nothing, a dropped push can give its item back.
//! - **No allocation** by pushing and taking, as long as nobody has to park; [`take_batch`](Consumer::take_batch) and its
//!   kin return a new `Vec`, their `_into` forms fill yours. What goes to disk is the exception.
//! - **Your code never runs inside**: no destructor, clone, waker or iterator of yours is called while a slot is claimed
//!   or a lock is held. If it panics, every other item is still dropped exactly once and the channel goes on. (The
//!   exception is cloning a [`compat::LockFreeRingBuffer`], which holds the oldest item while it clones one.)
//!
//! # Accounting
//!
//! - **Numbers**: every accepted item has one, how many were accepted before it. They cost nothing: they are the positions that
//!   order the items.
//! - **Reports**: [`take_batch_into`](Consumer::take_batch_into) and its kin tell the number of the batch's first item and what
//!   was lost on the way to it, by cause ([`Report`]). Each loss is reported once, and evicted items just before the item that
//!   followed them, so that a log can say `[LOST 17 EVENTS]` where it happened. [`Consumer::reported_batches`] does so as a
//!   stream.
//! - **Snapshots**: `stats` of any handle says where all items have gone, how full the channel has been and how often
//!   either side slept ([`Stats`]). Two of them subtract; no count falls. [`Consumer::close_and_report`] gives the last one.
//! - **A callback**: [`Builder::on_drop`] gets each item that the channel drops, with the cause. [`LossWarning`] says when a
//!   warning is due.
//! - **Times**: [`Aged`] items tell how long they were on their way; with the feature `latency`, some of the pushes are timed.
//!
//! ```
//! use mpsc_ring::{BackPressurePolicy, channel};
//!
//! let (producer, consumer) = channel(2, BackPressurePolicy::DropOldest);
//! (0..5).for_each(|n| producer.push(n).unwrap());
//! drop(producer);
//!
//! let (mut batch, mut log) = (Vec::new(), Vec::new());
//! loop {
//!     let report = consumer.take_batch_into(&mut batch, 256);
//!     if report.losses.total() > 0 {
//!         log.push(format!("[LOST {} EVENTS]", report.losses.total()));
//!     }
//!     if report.taken == 0 {
//!         break;
//!     }
//!     log.extend(batch.drain(..).map(|event| event.to_string()));
//! }
//! assert_eq!(log, ["[LOST 3 EVENTS]", "3", "4"]);
//! ```
//!
//! # Closing
//!
//! The channel closes when either side calls `close`, when the last producer goes, or when the last consumer goes. From
//! then on pushes return [`PushError::Closed`]. Consumers take what is left and then see the end; if none is left, the
//! items are dropped at once, not when the last producer goes.
//!
//! # Progress
//!
//! A push is one compare-exchange and two stores and waits for nobody, except under `Block` on a full channel. One that loses
//! its compare-exchange to another again and again leaves the other alone for half a microsecond, twice at most. Where a thread
//! that the system has stopped can hold others up:
//!
//! - A push stopped between claiming its slot and publishing it: takes cannot go past that item until it runs again.
//!   Takes yield meanwhile; tasks let the executor run others.
//! - A take stopped while copying: other takes wait for it, and a full channel stays full.
//! - Under `DropOldest` both may pin the oldest item of a full channel. A push then spins for some microseconds and gives
//!   its own item back as [`Full`](PushError::Full), counted apart ([`Stats::refused_pinned`]). So it does, if rarely, where
//!   others always take the room that it makes.
//!
//! Under `SpillToDisk`, pushes and takes that go past a full ring take a lock, and wait for the file system while they hold it.
//!
//! Parking and waking take a lock, that of the waiting room. Nobody takes it while the other side keeps up.
//!
//! # Quiet pushes
//!
//! Waking a thread or a task costs microseconds, and the push that does it pays. A consumer that sleeps in
//! [`take`](Consumer::take) or [`take_batch`](Consumer::take_batch) asks to be woken by the very next push. One that exports
//! batches need not: with [`take_batch_timeout`](Consumer::take_batch_timeout) and its kin only the push that completes a batch
//! wakes it, and with [`ready`](Consumer::ready) at a high-water mark beside a timer of its own, no push does in ordinary
//! running. The other pushes meanwhile compare two words more than usual.
//!
//! # When to use something else
//!
//! - An unbounded queue, a rendezvous (capacity 0), or every consumer seeing every item: this is none of them.
//! - A single producer and a single consumer that both spin: a wait-free SPSC ring such as `rtrb` is faster.
//! - A huge capacity that is rarely used: the memory for all slots is there from the start, the size of an item plus one
//!   byte each.
//!
//! # Coming from elsewhere
//!
//! [`compat`] has ring buffers that replace others by their `use` line alone; [`migration`] says which method takes the place of
//! which, for rings and channels in common use. [`LockFreeRingBuffer`] is both ends of a channel in one value.
//!
//! # Features
//!
//! - `tokio`: `Consumer::batches_linger`, a stream of batches by a timer; and async operations and streams spend tokio's
//!   cooperative budget, so that a task whose channel is always ready still lets its neighbours run; what a task does
//!   to one item by itself, at once, counts as a quarter of an operation. Off by default. Streams bound what they do in a row
//!   without it, too.
//! - `serde`: the rings of [`compat`] serialise their contents; [`Stats`] and [`Report`] can be serialised. Off by default.
//! - `metrics`: the module `metrics` publishes [`Stats`] through the facade of that name; with `tokio`, by a task. Off by
//!   default.
//! - `latency`: `Producer::timed` makes producers that time one push in so many. Off by default; without it, and with it, a
//!   plain push is the same.
//! - `spill`: the policy `SpillToDisk`, and by itself `Spill`, the ordered log on disk behind it, which survives crashes and also
//!   keeps what cannot be delivered while a backend is down. Off by default; without it, and with it as long as a channel does not
//!   spill, a push is the same.

// The modules in reading order: what users hold, the channel, what it is made of.
mod aged;
mod buffer;
mod builder;
mod consumer;
mod disposal;
mod error;
mod gather;
#[cfg(feature = "latency")]
mod latency;
mod linger;
mod ordered;
mod policy;
mod producer;
mod report;
#[cfg(feature = "spill")]
mod spill;
mod stats;
mod stream;

mod channel;
#[cfg(feature = "spill")]
mod overflow;
mod pushers;
mod ring;
mod wait;

pub mod compat;
#[cfg(feature = "metrics")]
pub mod metrics;
#[doc = include_str!("migration.md")]
pub mod migration {}

mod coop;
mod later;
mod marks;
mod position;
mod spin;
mod sync;
mod tally;
mod unwind;

pub use aged::Aged;
pub use buffer::LockFreeRingBuffer;
pub use builder::Builder;
pub use consumer::{Consumer, IntoIter, Iter, Place, TryIter};
pub use disposal::DropCause;
pub use error::{BatchPushError, BuildError, PushError, TakeTimeoutError, TryTakeError};
#[cfg(feature = "latency")]
pub use latency::{Latencies, TimedProducer};
#[cfg(feature = "tokio")]
pub use linger::LingeringBatches;
pub use ordered::Timestamped;
pub use policy::BackPressurePolicy;
pub use producer::{Producer, PushAsync, WeakProducer};
pub use report::{Losses, Report};
#[cfg(all(feature = "spill", fuzzing))]
#[doc(hidden)]
pub use spill::fuzz_reader;
#[cfg(feature = "spill")]
pub use spill::{
    AppendError, AtCap, Codec, Compression, Fsync, Postcard, RawBytes, Spill, SpillCounts, SpillError, SpillOptions,
    SpillRead,
};
pub use stats::{LossWarning, Stats};
pub use stream::{Batches, Items, PushSink, ReportedBatches};

/// Makes a channel that holds exactly `capacity` items and does what `policy` says when it is full.
///
/// [`Builder`] does the same step by step, and can return an error instead of panicking.
///
/// # Panics
///
/// If `capacity` is 0, or there is no memory for so many items.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{BackPressurePolicy, channel};
///
/// let (producer, consumer) = channel(2, BackPressurePolicy::DropNewest);
/// assert!(producer.push("a").is_ok());
/// assert!(producer.push("b").is_ok());
/// assert!(producer.push("c").unwrap_err().is_full());
/// assert_eq!(consumer.take_batch(10), ["a", "b"]);
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize, policy: BackPressurePolicy<T>) -> (Producer<T>, Consumer<T>) {
    Builder::new(capacity).policy(policy).build()
}
