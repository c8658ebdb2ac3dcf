//! Both roles of a channel in one value.

use std::fmt;
use std::future::Future;

use crate::Builder;
use crate::channel::Channel;
use crate::consumer::{Consumer, take_batch_async};
use crate::error::{BatchPushError, PushError};
use crate::ordered::{Timestamped, check_order};
use crate::policy::BackPressurePolicy;
use crate::producer::{Producer, PushAsync, shared_methods};
use crate::stats::Stats;
use crate::sync::Arc;
use crate::unwind::Dropper;

/// A channel whose two ends are one value: whoever has a reference to it pushes and takes.
///
/// It is a producer and a consumer of the same channel, for code that shares one buffer instead of handing out ends;
/// [`clone_producer`](Self::clone_producer) and [`clone_consumer`](Self::clone_consumer) hand out further ones, with all
/// their operations. As it is itself a producer, the channel stays open while the buffer exists: who waits for items in
/// [`take_batch_async`](Self::take_batch_async) waits until something is pushed or [`close`](Self::close) is called.
///
/// Not to be confused with [`compat::LockFreeRingBuffer`](crate::compat::LockFreeRingBuffer), which has the methods of
/// another crate's ring to take its place, always evicts, and never waits.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use mpsc_ring::{BackPressurePolicy, LockFreeRingBuffer};
///
/// let buffer = LockFreeRingBuffer::new(1024, BackPressurePolicy::Block);
/// thread::scope(|scope| {
///     for id in 0..4 {
///         let buffer = &buffer;
///         scope.spawn(move || (0..100).for_each(|n| buffer.push((id, n)).unwrap()));
///     }
/// });
/// assert_eq!(buffer.take_batch(1000).len(), 400);
/// ```
pub struct LockFreeRingBuffer<T> {
    /// Counts this value as one producer and one consumer.
    channel: Arc<Channel<T>>,
}

impl<T> LockFreeRingBuffer<T> {
    /// An empty buffer that holds exactly `capacity` items and does what `policy` says when it is full.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0, or there is no memory for so many items.
    #[track_caller]
    pub fn new(capacity: usize, policy: BackPressurePolicy<T>) -> Self {
        match Builder::new(capacity).policy(policy).try_build_channel() {
            Ok(channel) => Self { channel },
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`new`](Self::new), to be shared.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[track_caller]
    pub fn new_shared(capacity: usize, policy: BackPressurePolicy<T>) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self::new(capacity, policy))
    }

    /// Pushes `item`; as [`Producer::push`].
    ///
    /// When the buffer is full, the policy decides. [`Block`](BackPressurePolicy::Block) blocks the thread until there is
    /// room: if this thread is the one that takes, it waits for itself.
    ///
    /// # Errors
    ///
    /// As [`Producer::push`].
    ///
    /// # Panics
    ///
    /// As [`Producer::push`].
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, LockFreeRingBuffer, PushError};
    ///
    /// let buffer = LockFreeRingBuffer::new(1, BackPressurePolicy::DropNewest);
    /// assert_eq!(buffer.push("kept"), Ok(()));
    /// assert_eq!(buffer.push("refused"), Err(PushError::Full("refused")));
    /// ```
    #[inline(always)]
    pub fn push(&self, item: T) -> Result<(), PushError<T>> {
        self.channel.push(item, || None)
    }

    /// Pushes clones of all `items`, in order and as one run where there is room; as [`Producer::push_batch`].
    ///
    /// # Errors
    ///
    /// As [`Producer::push_batch`].
    ///
    /// # Panics
    ///
    /// As [`Producer::push_batch`].
    pub fn push_batch(&self, items: &[T]) -> Result<usize, BatchPushError>
    where
        T: Clone,
    {
        self.channel.push_from(&mut items.to_vec())
    }

    /// As [`push_batch`](Self::push_batch), if no timestamp in the batch is less than the one before it; as
    /// [`Producer::push_batch_ordered`].
    ///
    /// # Errors
    ///
    /// As [`Producer::push_batch_ordered`].
    ///
    /// # Panics
    ///
    /// As [`Producer::push_batch_ordered`].
    pub fn push_batch_ordered(&self, items: &[T]) -> Result<usize, BatchPushError>
    where
        T: Clone + Timestamped,
    {
        check_order(items)?;
        self.push_batch(items)
    }

    /// Pushes `item` as a future; as [`Producer::push_async`].
    ///
    /// # Errors
    ///
    /// As [`Producer::push`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready drops the item, which has not been pushed;
    /// [`into_item`](PushAsync::into_item) gives it back instead.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, LockFreeRingBuffer};
    ///
    /// # futures::executor::block_on(async {
    /// let buffer = LockFreeRingBuffer::new(1, BackPressurePolicy::Block);
    /// buffer.push_async(1).await.unwrap();
    /// let (pushed, taken) = futures::join!(buffer.push_async(2), buffer.take_batch_async(10));
    /// assert_eq!((pushed, taken), (Ok(()), vec![1]));
    /// # });
    /// ```
    pub fn push_async(&self, item: T) -> PushAsync<'_, T> {
        PushAsync::new(&self.channel, item)
    }

    /// Takes up to `max` items, oldest first; never waits for any, so the batch may be empty.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, LockFreeRingBuffer};
    ///
    /// let buffer = LockFreeRingBuffer::new(4, BackPressurePolicy::DropOldest);
    /// buffer.push_batch(&[1, 2, 3]).unwrap();
    /// assert_eq!(buffer.take_batch(2), [1, 2]);
    /// assert_eq!(buffer.take_batch(2), [3]);
    /// assert_eq!(buffer.take_batch(2), []);
    /// ```
    pub fn take_batch(&self, max: usize) -> Vec<T> {
        let mut batch = Vec::new();
        _ = self.channel.try_take_into(&mut batch, max, &mut None); // Empty and closed are both an empty batch.
        batch
    }

    /// Takes up to `max` items as a future, waiting until there is at least one.
    ///
    /// An empty batch says that the channel is closed and drained, or that `max` is 0. The buffer itself keeps the
    /// channel open, until [`close`](Self::close).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: items are taken only in the poll that returns them.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, LockFreeRingBuffer};
    ///
    /// # futures::executor::block_on(async {
    /// let buffer = LockFreeRingBuffer::new(4, BackPressurePolicy::Block);
    /// buffer.push_batch(&[1, 2, 3]).unwrap();
    /// assert_eq!(buffer.take_batch_async(10).await, [1, 2, 3]);
    /// buffer.close();
    /// assert_eq!(buffer.take_batch_async(10).await, []);
    /// # });
    /// ```
    pub fn take_batch_async(&self, max: usize) -> impl Future<Output = Vec<T>> + '_ {
        take_batch_async(&self.channel, max)
    }

    /// The items inside, oldest first, which stay there; `None` while any other handle to the channel exists.
    ///
    /// Producers and consumers made from the buffer, weak ones too, could move items while they are looked at.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, LockFreeRingBuffer};
    ///
    /// let mut buffer = LockFreeRingBuffer::new(2, BackPressurePolicy::DropOldest);
    /// buffer.push_batch(&[1, 2, 3]).unwrap();
    /// assert!(buffer.iter().unwrap().eq(&[2, 3]));
    /// assert_eq!(buffer.len(), 2);
    ///
    /// let producer = buffer.clone_producer();
    /// assert!(buffer.iter().is_none());
    /// # drop(producer);
    /// # assert!(buffer.iter().is_some());
    /// ```
    // No prefetching: items lie in the order in which they are visited, which the hardware foresees. With 8 MiB of 64-byte
    // items and an L2 cache of 1 MiB, a prefetch 4 items ahead changes nothing; 16 and 64 items ahead, the look takes 1.4
    // and 1.3 times as long: `cargo bench --bench buffer -- iter`.
    pub fn iter(&mut self) -> Option<impl DoubleEndedIterator<Item = &T>> {
        Some(Arc::get_mut(&mut self.channel)?.ring_mut().resident())
    }

    /// A producer of the same channel.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, LockFreeRingBuffer};
    ///
    /// let buffer = LockFreeRingBuffer::new(4, BackPressurePolicy::Block);
    /// let producer = buffer.clone_producer();
    /// producer.push(1).unwrap();
    /// assert_eq!(buffer.take_batch(10), [1]);
    /// ```
    pub fn clone_producer(&self) -> Producer<T> {
        self.channel.producers.join();
        Producer::of_new(self.channel.clone())
    }

    /// A consumer of the same channel.
    ///
    /// It sees the end only once the buffer is gone, or [closed](Self::close).
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, LockFreeRingBuffer};
    ///
    /// let buffer = LockFreeRingBuffer::new(4, BackPressurePolicy::Block);
    /// let consumer = buffer.clone_consumer();
    /// buffer.push(1).unwrap();
    /// drop(buffer);
    /// assert_eq!(consumer.take(), Some(1));
    /// assert_eq!(consumer.take(), None);
    /// ```
    pub fn clone_consumer(&self) -> Consumer<T> {
        self.channel.consumers.join();
        Consumer::of_new(self.channel.clone())
    }
}

shared_methods!(LockFreeRingBuffer);

impl<T> Drop for LockFreeRingBuffer<T> {
    fn drop(&mut self) {
        let mut dropper = Dropper::new();
        dropper.run(|| self.channel.producer_gone());
        dropper.run(|| self.channel.consumer_gone());
        dropper.finish();
    }
}

impl<T> fmt::Debug for LockFreeRingBuffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt_handle("LockFreeRingBuffer", f)
    }
}
