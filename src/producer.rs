//! The pushing side.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::channel::{Channel, deadline_after};
use crate::coop::cooperate;
use crate::error::{BatchPushError, PushError};
use crate::ordered::{Timestamped, check_order};
use crate::stats::Stats;
use crate::sync::Arc;
use crate::wait::Seat;

/// Pushes items into a channel; clone it for every thread or task that pushes.
///
/// All clones push into one first-in, first-out order: if one push returned before another began, its item is taken
/// first. When the last producer is dropped, the channel closes; consumers still take what is inside.
///
/// The operations without `async` in their name are synchronous. Under [`Block`](crate::BackPressurePolicy::Block), those
/// but [`try_push`](Self::try_push) may block the thread, which a task of an async executor must not do: it uses
/// [`push_async`](Self::push_async).
///
/// # Examples
///
/// ```
/// use mpsc_ring::{BackPressurePolicy, channel};
///
/// let (producer, consumer) = channel(16, BackPressurePolicy::Block);
/// let threads: Vec<_> = (0..4)
///     .map(|n| {
///         let producer = producer.clone();
///         std::thread::spawn(move || producer.push(n).unwrap())
///     })
///     .collect();
/// for thread in threads {
///     thread.join().unwrap();
/// }
/// drop(producer);
/// assert_eq!(consumer.iter().sum::<i32>(), 6);
/// ```
pub struct Producer<T> {
    channel: Arc<Channel<T>>,
}

impl<T> Producer<T> {
    /// The handle for which a new channel has been counting already.
    pub(crate) fn of_new(channel: Arc<Channel<T>>) -> Self {
        Self { channel }
    }

    pub(crate) fn channel(&self) -> &Channel<T> {
        &self.channel
    }

    /// Pushes `item`.
    ///
    /// When the channel is full: [`Block`](crate::BackPressurePolicy::Block) blocks the thread until there is room,
    /// [`DropOldest`](crate::BackPressurePolicy::DropOldest) drops and counts the oldest item,
    /// [`DropNewest`](crate::BackPressurePolicy::DropNewest) returns and counts `item`.
    ///
    /// # Errors
    ///
    /// [`PushError::Closed`] if the channel is closed or gets closed while waiting. [`PushError::Full`] under
    /// `DropNewest`, and in the case that `DropOldest` describes.
    ///
    /// # Panics
    ///
    /// If dropping an evicted item panics. `item` is in the channel then, unless it could not be pushed: then it is
    /// dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, consumer) = channel(2, BackPressurePolicy::DropOldest);
    /// for n in 0..5 {
    ///     producer.push(n).unwrap();
    /// }
    /// assert_eq!(consumer.try_take_batch(10).unwrap(), [3, 4]);
    /// ```
    #[doc(alias = "send")]
    #[inline(always)]
    pub fn push(&self, item: T) -> Result<(), PushError<T>> {
        self.channel.push(item, || None)
    }

    /// Pushes `item` and returns the item that was evicted for it, if any.
    ///
    /// As [`push`](Self::push), but under [`DropOldest`](crate::BackPressurePolicy::DropOldest) the evicted item comes
    /// back instead of being dropped. It still counts as evicted. The other policies evict nothing.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, _consumer) = channel(1, BackPressurePolicy::DropOldest);
    /// assert_eq!(producer.push_displacing("a"), Ok(None));
    /// assert_eq!(producer.push_displacing("b"), Ok(Some("a")));
    /// ```
    #[inline]
    pub fn push_displacing(&self, item: T) -> Result<Option<T>, PushError<T>> {
        self.channel.push_displacing(item)
    }

    /// Pushes `item` if there is room: never waits, never evicts, under any policy.
    ///
    /// What it gives back is not counted as refused: it asks rather than offers.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] if the channel holds `capacity` items, those included that a consumer is still moving out;
    /// [`PushError::Closed`] if it is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, PushError, channel};
    ///
    /// let (producer, _consumer) = channel(1, BackPressurePolicy::Block);
    /// assert_eq!(producer.try_push(1), Ok(()));
    /// assert_eq!(producer.try_push(2), Err(PushError::Full(2)));
    /// ```
    #[doc(alias = "try_send")]
    #[inline(always)]
    pub fn try_push(&self, item: T) -> Result<(), PushError<T>> {
        self.channel.try_push(item)
    }

    /// Pushes `item`, waiting for room no longer than `timeout`.
    ///
    /// As [`push`](Self::push); only [`Block`](crate::BackPressurePolicy::Block) ever waits. `Duration::MAX` waits for
    /// ever. If there is room when the time is up, the item is pushed.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push), and [`PushError::Timeout`] if there was no room in time.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use mpsc_ring::{BackPressurePolicy, PushError, channel};
    ///
    /// let (producer, _consumer) = channel(1, BackPressurePolicy::Block);
    /// producer.push(1).unwrap();
    /// assert_eq!(producer.push_timeout(2, Duration::from_millis(5)), Err(PushError::Timeout(2)));
    /// ```
    pub fn push_timeout(&self, item: T, timeout: Duration) -> Result<(), PushError<T>> {
        self.channel.push(item, || deadline_after(timeout))
    }

    /// Pushes clones of all `items`, in order and as one run where there is room; returns how many that were.
    ///
    /// The policy applies as in [`push`](Self::push): `Block` waits until all are in; `DropOldest` evicts for each (a
    /// batch larger than the channel evicts its own front); `DropNewest` pushes what fits. All items are cloned into one
    /// allocation before the first is pushed; [`push_from`](Self::push_from) neither clones nor allocates.
    ///
    /// # Errors
    ///
    /// [`BatchPushError`] if not all items went in; it says how many did. What did not is counted as refused if the
    /// channel was full.
    ///
    /// # Panics
    ///
    /// If cloning panics (nothing has been pushed then), or as [`push`](Self::push).
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, consumer) = channel(8, BackPressurePolicy::Block);
    /// assert_eq!(producer.push_batch(&[1, 2, 3]), Ok(3));
    /// assert_eq!(consumer.take_batch(8), [1, 2, 3]);
    /// ```
    pub fn push_batch(&self, items: &[T]) -> Result<usize, BatchPushError>
    where
        T: Clone,
    {
        self.push_from(&mut items.to_vec())
    }

    /// As [`push_batch`](Self::push_batch), if no timestamp in the batch is less than the one before it.
    ///
    /// Batches are not compared with each other. One pass compares several timestamps at a time where the processor can. With
    /// AVX2 and 4,096 items, that is 3.7 times as fast as one by one if items have 8 bytes, 2.5 times for 16, 1.5 times
    /// for 24; with 64 bytes, a cache line each, it is the same (`cargo bench --bench buffer -- order`).
    ///
    /// # Errors
    ///
    /// [`BatchPushError::OutOfOrder`] if a timestamp goes back: nothing has been pushed then, and nothing counted.
    /// Otherwise as [`push_batch`](Self::push_batch).
    ///
    /// # Panics
    ///
    /// As [`push_batch`](Self::push_batch), or if [`timestamp`](Timestamped::timestamp) panics: nothing has been pushed then.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, BatchPushError, channel};
    ///
    /// let (producer, consumer) = channel(8, BackPressurePolicy::Block);
    /// assert_eq!(producer.push_batch_ordered(&[10_u64, 11, 11]), Ok(3));
    /// let error = producer.push_batch_ordered(&[12, 14, 13]).unwrap_err();
    /// assert!(matches!(error, BatchPushError::OutOfOrder { index: 2, .. }));
    /// assert_eq!(consumer.take_batch(8), [10, 11, 11]);
    /// ```
    pub fn push_batch_ordered(&self, items: &[T]) -> Result<usize, BatchPushError>
    where
        T: Clone + Timestamped,
    {
        check_order(items)?;
        self.push_batch(items)
    }

    /// Moves `items` into the channel, from the front, and leaves in the `Vec` what was not accepted.
    ///
    /// The policy applies as in [`push_batch`](Self::push_batch). Allocates nothing unless it has to park.
    ///
    /// # Errors
    ///
    /// As [`push_batch`](Self::push_batch); `items` holds what did not go in.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, BatchPushError, channel};
    ///
    /// let (producer, _consumer) = channel(2, BackPressurePolicy::DropNewest);
    /// let mut items = vec![1, 2, 3];
    /// assert_eq!(producer.push_from(&mut items), Err(BatchPushError::Full { pushed: 2 }));
    /// assert_eq!(items, [3]);
    /// ```
    pub fn push_from(&self, items: &mut Vec<T>) -> Result<usize, BatchPushError> {
        self.channel.push_from(items)
    }

    /// Pushes `item` as a future: where [`push`](Self::push) would block the thread, this lets the task wait.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready drops the item, which has not been pushed;
    /// [`into_item`](PushAsync::into_item) gives it back instead.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel(1, BackPressurePolicy::Block);
    /// producer.push_async("hello").await.unwrap();
    /// assert_eq!(consumer.take_async().await, Some("hello"));
    /// # });
    /// ```
    pub fn push_async(&self, item: T) -> PushAsync<'_, T> {
        PushAsync::new(&self.channel, item)
    }

    /// Moves `items` into the channel as a future: [`push_from`](Self::push_from) for tasks.
    ///
    /// # Errors
    ///
    /// As [`push_from`](Self::push_from).
    ///
    /// # Cancel safety
    ///
    /// Between polls and after dropping the future, `items` holds exactly what has not been pushed.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, _consumer) = channel(4, BackPressurePolicy::Block);
    /// let mut items = vec![1, 2, 3];
    /// assert_eq!(producer.push_from_async(&mut items).await, Ok(3));
    /// assert!(items.is_empty());
    /// # });
    /// ```
    pub fn push_from_async<'a>(
        &'a self,
        items: &'a mut Vec<T>,
    ) -> impl Future<Output = Result<usize, BatchPushError>> + 'a {
        let mut seat = Seat::default();
        let mut pushed = 0;
        poll_fn(move |cx| cooperate(cx, |cx| self.channel.poll_push_from(items, &mut pushed, &mut seat, cx)))
    }

    /// Waits until the channel is closed or its last consumer is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel::<u8>(1, BackPressurePolicy::Block);
    /// drop(consumer);
    /// producer.closed().await;
    /// # });
    /// ```
    pub fn closed(&self) -> impl Future<Output = ()> + '_ {
        let mut seat = Seat::default();
        poll_fn(move |cx| self.channel.poll_closed(&mut seat, cx))
    }

    /// Hands everything that has been pushed so far, and not been taken, to the system: it survives a crash of the process.
    ///
    /// As [`sync`](Self::sync), but without waiting for the medium.
    ///
    /// # Errors
    ///
    /// As [`sync`](Self::sync).
    #[cfg(feature = "spill")]
    pub fn flush(&self) -> Result<(), crate::SpillError> {
        self.channel.flush()
    }

    /// Makes everything that has been pushed so far, and not been taken, durable: it survives a loss of power.
    ///
    /// What is in memory moves to disk, so this makes room in memory, and consumers get from disk what they would have got from
    /// memory, in the same order. While an item is encoded and written, takes wait. Under a policy other than `SpillToDisk` this
    /// does nothing. Blocks the thread until the medium answers, typically milliseconds, and pushes that go to disk meanwhile.
    ///
    /// # Errors
    ///
    /// Nothing is lost by an error: what could not be written stays in memory, and the next call tries again.
    ///
    /// - [`SpillError::Encode`](crate::SpillError::Encode), [`TooLarge`](crate::SpillError::TooLarge): an item in memory cannot be
    ///   written. It stays there, and so do those behind it, which must not overtake it.
    /// - [`SpillError::AtCap`](crate::SpillError::AtCap): what is in memory does not fit under the log's cap, with a copy of what was
    ///   last taken from disk.
    /// - [`SpillError::Io`](crate::SpillError::Io): the file system refuses.
    ///
    /// What is on disk already has been made durable, unless it is the file system.
    ///
    /// # Panics
    ///
    /// If the codec does, or the destructor of an item that has been written. Nothing is lost by that.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, Spill, channel};
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// let (producer, consumer) = channel(1024, BackPressurePolicy::SpillToDisk(Spill::open(dir).unwrap()));
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// producer.sync().unwrap();
    /// // They are safe: the sender may be told so.
    /// assert_eq!(consumer.stats().on_disk, 3);
    /// assert_eq!(consumer.take_batch(10), [1, 2, 3]);
    /// ```
    #[cfg(feature = "spill")]
    pub fn sync(&self) -> Result<(), crate::SpillError> {
        self.channel.sync()
    }

    /// A handle to the same channel that does not keep it open.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, _consumer) = channel::<u8>(1, BackPressurePolicy::Block);
    /// let weak = producer.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(producer);
    /// assert!(weak.upgrade().is_none());
    /// ```
    pub fn downgrade(&self) -> WeakProducer<T> {
        WeakProducer {
            channel: self.channel.clone(),
        }
    }
}

impl<T> Clone for Producer<T> {
    fn clone(&self) -> Self {
        self.channel.producers.join();
        Self::of_new(self.channel.clone())
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.channel.producer_gone();
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt_handle("Producer", f)
    }
}

/// The methods that all kinds of handles have.
macro_rules! shared_methods {
    ($handle:ident) => {
        impl<T> $handle<T> {
            /// Closes the channel for all handles: every push from here on, and every push that waits, gets
            /// [`Closed`](crate::PushError::Closed). Consumers still take what is inside.
            ///
            /// Returns whether the channel was open.
            pub fn close(&self) -> bool {
                self.channel.close()
            }

            /// Whether the channel is closed: by [`close`](Self::close), or because one side is gone.
            pub fn is_closed(&self) -> bool {
                self.channel.ring().is_closed()
            }

            /// How many items are inside: always between 0 and [`capacity`](Self::capacity). What is on disk is not among them;
            /// [`Stats::on_disk`] counts it.
            pub fn len(&self) -> usize {
                self.channel.ring().len()
            }

            /// Whether no item is inside, nor on disk.
            pub fn is_empty(&self) -> bool {
                self.channel.ring().is_empty()
            }

            /// Whether as many items are inside as the channel can hold, or some are on disk: [`try_push`](crate::Producer::try_push)
            /// would fail.
            pub fn is_full(&self) -> bool {
                self.channel.ring().is_full()
            }

            /// How many items the channel can hold: exactly what it was made for.
            pub fn capacity(&self) -> usize {
                self.channel.ring().capacity()
            }

            /// How many producers there are.
            pub fn producer_count(&self) -> usize {
                self.channel.producers.count()
            }

            /// How many consumers there are.
            pub fn consumer_count(&self) -> usize {
                self.channel.consumers.count()
            }

            /// Where every item has gone so far.
            ///
            /// From a channel that evicts, this evicts what the last pushes have left to be evicted by the next operation.
            ///
            /// # Panics
            ///
            /// If dropping an evicted item panics.
            pub fn stats(&self) -> Stats {
                self.channel.stats()
            }

            /// Whether the two belong to one channel.
            pub fn same_channel(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.channel, &other.channel)
            }
        }
    };
}
pub(crate) use shared_methods;

shared_methods!(Producer);
shared_methods!(WeakProducer);

/// A handle to a channel that does not keep it open; made by [`Producer::downgrade`].
///
/// It does keep the memory of the channel.
pub struct WeakProducer<T> {
    channel: Arc<Channel<T>>,
}

impl<T> WeakProducer<T> {
    /// A producer, unless the last one is gone.
    pub fn upgrade(&self) -> Option<Producer<T>> {
        let joined = self.channel.producers.join_if_any();
        joined.then(|| Producer::of_new(self.channel.clone()))
    }

    /// Waits until the channel is closed: [`Producer::closed`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub fn closed(&self) -> impl Future<Output = ()> + '_ {
        let mut seat = Seat::default();
        poll_fn(move |cx| self.channel.poll_closed(&mut seat, cx))
    }
}

impl<T> Clone for WeakProducer<T> {
    fn clone(&self) -> Self {
        Self {
            channel: self.channel.clone(),
        }
    }
}

impl<T> fmt::Debug for WeakProducer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt_handle("WeakProducer", f)
    }
}

/// The future of [`Producer::push_async`].
#[must_use = "futures do nothing unless awaited"]
pub struct PushAsync<'a, T> {
    channel: &'a Channel<T>,
    /// Gone once it is pushed or returned.
    item: Option<T>,
    seat: Seat,
}

/// The item is moved out when it is pushed, never pinned.
impl<T> Unpin for PushAsync<'_, T> {}

impl<'a, T> PushAsync<'a, T> {
    pub(crate) fn new(channel: &'a Channel<T>, item: T) -> Self {
        Self {
            channel,
            item: Some(item),
            seat: Seat::default(),
        }
    }

    /// Gives up pushing and returns the item, unless it is in the channel already.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, _consumer) = channel(1, BackPressurePolicy::Block);
    /// producer.push(1).unwrap();
    /// let mut push = producer.push_async(2);
    /// assert!(futures::poll!(&mut push).is_pending());
    /// assert_eq!(push.into_item(), Some(2));
    /// # });
    /// ```
    pub fn into_item(mut self) -> Option<T> {
        self.item.take()
    }
}

impl<T> Future for PushAsync<'_, T> {
    type Output = Result<(), PushError<T>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.channel.poll_push(&mut this.item, &mut this.seat, cx)
    }
}

impl<T> fmt::Debug for PushAsync<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushAsync")
            .field("done", &self.item.is_none())
            .finish_non_exhaustive()
    }
}
