//! The taking side.

use std::fmt;
use std::future::{Future, poll_fn};
use std::iter::FusedIterator;
use std::mem;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::channel::{Channel, deadline_after};
use crate::error::{TakeTimeoutError, TryTakeError};
use crate::producer::shared_methods;
use crate::report::{Losses, Report};
use crate::stats::Stats;
use crate::sync::Arc;
use crate::wait::Seat;

/// Takes items out of a channel, one by one or in batches; clone it to share the work among threads or tasks.
///
/// Every item goes to exactly one consumer. When the last consumer is dropped, the channel closes and what is left
/// inside is dropped at once, or kept on disk if that is [wanted](crate::BackPressurePolicy).
///
/// The operations without `async` or `try` in their name block the thread while there is nothing to take.
///
/// Under [`DropOldest`](crate::BackPressurePolicy::DropOldest), taking may be what runs the destructor of an evicted item.
/// If that panics, so does the operation: an item that it was about to return is dropped, items that it appended to a
/// `Vec` stay there.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{BackPressurePolicy, channel};
///
/// let (producer, consumer) = channel(64, BackPressurePolicy::Block);
/// producer.push_batch(&[1, 2, 3]).unwrap();
/// drop(producer);
///
/// let mut batch = Vec::with_capacity(64);
/// while consumer.take_batch_into(&mut batch, 64).taken > 0 {
///     for item in batch.drain(..) {
///         println!("{item}");
///     }
/// }
/// ```
pub struct Consumer<T> {
    channel: Arc<Channel<T>>,
}

impl<T> Consumer<T> {
    /// The handle for which a new channel has been counting already.
    pub(crate) fn of_new(channel: Arc<Channel<T>>) -> Self {
        Self { channel }
    }

    pub(crate) fn channel(&self) -> &Channel<T> {
        &self.channel
    }

    /// Takes the oldest item, blocking the thread until there is one; `None` once the channel is closed and drained.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push(1).unwrap();
    /// drop(producer);
    /// assert_eq!(consumer.take(), Some(1));
    /// assert_eq!(consumer.take(), None);
    /// ```
    #[doc(alias = "recv")]
    #[inline]
    pub fn take(&self) -> Option<T> {
        self.channel.take()
    }

    /// Takes the oldest item if there is one.
    ///
    /// Never waits for an item to be pushed. If the oldest is being written by a push that has not returned yet, this
    /// waits the moment that takes, since items behind it may have been pushed before.
    ///
    /// # Errors
    ///
    /// [`TryTakeError::Empty`] if there is nothing now, [`TryTakeError::Closed`] if there never will be.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, TryTakeError, channel};
    ///
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// assert_eq!(consumer.try_take(), Err(TryTakeError::Empty));
    /// producer.push(1).unwrap();
    /// assert_eq!(consumer.try_take(), Ok(1));
    /// drop(producer);
    /// assert_eq!(consumer.try_take(), Err(TryTakeError::Closed));
    /// ```
    #[doc(alias = "try_recv")]
    #[inline]
    pub fn try_take(&self) -> Result<T, TryTakeError> {
        self.channel.try_take()
    }

    /// Takes the oldest item, waiting for one no longer than `timeout`.
    ///
    /// `Duration::MAX` waits for ever. An item that is there when the time is up is taken.
    ///
    /// # Errors
    ///
    /// [`TakeTimeoutError::Timeout`] if none came in time, [`TakeTimeoutError::Closed`] if none will ever come.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use mpsc_ring::{BackPressurePolicy, TakeTimeoutError, channel};
    ///
    /// let (_producer, consumer) = channel::<u8>(4, BackPressurePolicy::Block);
    /// let taken = consumer.take_timeout(Duration::from_millis(5));
    /// assert_eq!(taken, Err(TakeTimeoutError::Timeout));
    /// ```
    pub fn take_timeout(&self, timeout: Duration) -> Result<T, TakeTimeoutError> {
        let mut taken = Err(TakeTimeoutError::Timeout);
        if !self.channel.take_at_once(|item| taken = Ok(item)) {
            taken = in_time(self.channel.take_when_pushed(|| deadline_after(timeout)));
        }
        taken
    }

    /// Takes the oldest item as a future; `None` once the channel is closed and drained.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: an item is taken only in the poll that returns it.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push(1).unwrap();
    /// assert_eq!(consumer.take_async().await, Some(1));
    /// # });
    /// ```
    pub fn take_async(&self) -> impl Future<Output = Option<T>> + '_ {
        let mut seat = Seat::default();
        poll_fn(move |cx| self.channel.poll_take(&mut seat, cx))
    }

    /// Takes up to `max` items, oldest first, blocking the thread until there is at least one.
    ///
    /// Takes what is there without waiting for more, except that it leaves pushes that follow each other quickly alone for
    /// a moment, of 256 spins at most (about two microseconds), if there are few items yet. An empty batch says that the channel
    /// is closed and drained, or that `max` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// assert_eq!(consumer.take_batch(2), [1, 2]);
    /// assert_eq!(consumer.take_batch(2), [3]);
    /// ```
    pub fn take_batch(&self, max: usize) -> Vec<T> {
        let mut batch = Vec::new();
        self.channel.take_into(&mut batch, max, &mut None);
        batch
    }

    /// As [`take_batch`](Self::take_batch), appending to `out`; reports how many items were taken, and what was lost before
    /// them.
    ///
    /// What `out` holds stays. Allocates only if `out` has less room than there are items to take: a `Vec` that is
    /// cleared and used again ends up allocating nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[2, 3]).unwrap();
    /// let mut out = vec![1];
    /// assert_eq!(consumer.take_batch_into(&mut out, 10).taken, 2);
    /// assert_eq!(out, [1, 2, 3]);
    /// ```
    pub fn take_batch_into(&self, out: &mut Vec<T>, max: usize) -> Report {
        let mut report = Some(Report::default());
        self.channel.take_into(out, max, &mut report);
        report.unwrap_or_default()
    }

    /// Takes up to `max` items, oldest first, if there are any.
    ///
    /// # Errors
    ///
    /// As [`try_take`](Self::try_take). With a `max` of 0, an empty batch is returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, TryTakeError, channel};
    ///
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// assert_eq!(consumer.try_take_batch(10).unwrap(), [1, 2, 3]);
    /// assert_eq!(consumer.try_take_batch(10), Err(TryTakeError::Empty));
    /// ```
    pub fn try_take_batch(&self, max: usize) -> Result<Vec<T>, TryTakeError> {
        let mut batch = Vec::new();
        self.channel.try_take_into(&mut batch, max, &mut None)?;
        Ok(batch)
    }

    /// As [`try_take_batch`](Self::try_take_batch), appending to `out` as
    /// [`take_batch_into`](Self::take_batch_into) does, with its report.
    ///
    /// # Errors
    ///
    /// As [`try_take_batch`](Self::try_take_batch). What was lost stays to be reported.
    pub fn try_take_batch_into(&self, out: &mut Vec<T>, max: usize) -> Result<Report, TryTakeError> {
        let mut report = Some(Report::default());
        self.channel.try_take_into(out, max, &mut report)?;
        Ok(report.unwrap_or_default())
    }

    /// Takes up to `max` items as a future: [`take_batch`](Self::take_batch) for tasks.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: items are taken only in the poll that returns them.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// assert_eq!(consumer.take_batch_async(10).await, [1, 2, 3]);
    /// # });
    /// ```
    pub fn take_batch_async(&self, max: usize) -> impl Future<Output = Vec<T>> + '_ {
        take_batch_async(&self.channel, max)
    }

    /// Takes up to `max` items into `out` as a future: [`take_batch_into`](Self::take_batch_into) for tasks.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: what has been taken is in `out`, and only once the future was ready.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// let mut out = Vec::with_capacity(10);
    /// assert_eq!(consumer.take_batch_into_async(&mut out, 10).await.taken, 3);
    /// # });
    /// ```
    pub fn take_batch_into_async<'a>(&'a self, out: &'a mut Vec<T>, max: usize) -> impl Future<Output = Report> + 'a {
        let mut seat = Seat::default();
        poll_fn(move |cx| self.poll_reported(out, max, &mut seat, cx))
    }

    /// Takes up to `max` items into `out`, or has the task of `cx` woken when there may be some: for hand-written
    /// futures.
    ///
    /// Ready with a report; none taken says that the channel is closed and drained, or that `max` is 0. `place` keeps the task's
    /// place among those who wait; keep it from poll to poll, one for each task. Dropping it, or handing the place on by
    /// [`Place::leave`], withdraws the wish to be woken.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use mpsc_ring::{BackPressurePolicy, Place, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// let (mut out, mut place) = (Vec::new(), Place::new());
    /// let report = poll_fn(|cx| consumer.poll_take_batch_into(cx, &mut place, &mut out, 2)).await;
    /// assert_eq!((report.taken, &out[..]), (2, &[1, 2][..]));
    /// # });
    /// ```
    pub fn poll_take_batch_into(
        &self,
        cx: &mut Context<'_>,
        place: &mut Place,
        out: &mut Vec<T>,
        max: usize,
    ) -> Poll<Report> {
        self.poll_reported(out, max, &mut place.seat, cx)
    }

    fn poll_reported(&self, out: &mut Vec<T>, max: usize, seat: &mut Seat, cx: &mut Context<'_>) -> Poll<Report> {
        let mut report = Some(Report::default());
        self.channel
            .poll_take_into(out, max, &mut report, seat, cx)
            .map(|_| report.unwrap_or_default())
    }

    /// Says that all items taken so far are consumed: those that were on disk will not be handed out again after a crash.
    ///
    /// The next take says the same of those before it, so this is for who cannot wait for that, or takes nothing more. Under
    /// a policy other than `SpillToDisk` this does nothing. It survives a crash of the process as soon as it returns, and a loss of
    /// power after the log's next sync.
    ///
    /// # Errors
    ///
    /// [`SpillError::Io`](crate::SpillError::Io) if the file system refuses; the log goes on trying.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, Spill, channel};
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let dir = dir.path();
    /// let open = || channel(1, BackPressurePolicy::SpillToDisk(Spill::open(dir).unwrap()));
    /// let (producer, consumer) = open();
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// assert_eq!(consumer.take_batch(1), [1]); // It was in memory.
    /// assert_eq!(consumer.take_batch(1), [2]);
    /// consumer.commit().unwrap();
    /// assert_eq!(consumer.take_batch(1), [3]); // It is not committed, and nothing more is taken.
    /// drop((producer, consumer));
    ///
    /// let (_producer, consumer) = open();
    /// assert_eq!(consumer.try_take(), Ok(3));
    /// ```
    #[cfg(feature = "spill")]
    pub fn commit(&self) -> Result<(), crate::SpillError> {
        self.channel.commit()
    }

    /// What has been lost and not been reported yet: with this it has.
    ///
    /// For consumers that take items without [reports](Report); as each loss is reported once, a report that follows does
    /// not have it.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, consumer) = channel(1, BackPressurePolicy::DropNewest);
    /// producer.push(1).unwrap();
    /// producer.push(2).unwrap_err();
    /// assert_eq!(consumer.take(), Some(1));
    /// assert_eq!(consumer.report_losses().refused, 1);
    /// assert_eq!(consumer.report_losses().refused, 0);
    /// ```
    pub fn report_losses(&self) -> Losses {
        self.channel.report_losses()
    }

    /// Closes the channel, gives this consumer up and says what has become of all items.
    ///
    /// If this was the last consumer, what was still inside has been dropped by the time this returns, as when it is
    /// dropped, and is counted in [`Stats::discarded`]. Otherwise other consumers go on taking it.
    ///
    /// # Panics
    ///
    /// If dropping an item panics; the others are dropped all the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// assert_eq!(consumer.take(), Some(1));
    /// let stats = consumer.close_and_report();
    /// assert_eq!((stats.taken, stats.discarded), (1, 2));
    /// ```
    pub fn close_and_report(self) -> Stats {
        let channel = self.channel.clone();
        channel.close();
        drop(self);
        channel.stats()
    }

    /// Takes items as an iterator that blocks the thread while the channel is empty and ends once it is closed and
    /// drained.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// drop(producer);
    /// assert_eq!(consumer.iter().collect::<Vec<_>>(), [1, 2, 3]);
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { consumer: self }
    }

    /// Takes items as an iterator that ends when the channel is empty, and never waits for a push to begin.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// assert_eq!(consumer.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { consumer: self }
    }
}

/// The future of `take_batch_async` for any handle.
pub(crate) fn take_batch_async<T>(channel: &Channel<T>, max: usize) -> impl Future<Output = Vec<T>> + '_ {
    let mut seat = Seat::default();
    poll_fn(move |cx| {
        let mut batch = Vec::new();
        channel
            .poll_take_into(&mut batch, max, &mut None, &mut seat, cx)
            .map(|_| mem::take(&mut batch))
    })
}

/// What a wait with a time limit came to.
pub(crate) fn in_time<R>(taken: Option<Option<R>>) -> Result<R, TakeTimeoutError> {
    taken.ok_or(TakeTimeoutError::Timeout)?.ok_or(TakeTimeoutError::Closed)
}

impl<T> Clone for Consumer<T> {
    fn clone(&self) -> Self {
        self.channel.consumers.join();
        Self::of_new(self.channel.clone())
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.channel.consumer_gone();
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt_handle("Consumer", f)
    }
}

shared_methods!(Consumer);

/// A task's place among those who wait for items; see [`Consumer::poll_take_batch_into`].
#[derive(Debug, Default)]
pub struct Place {
    seat: Seat,
}

impl Place {
    /// A place that nobody has taken yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Withdraws the wish to be woken. If this task had been woken already, another that waits is woken instead.
    pub fn leave(&mut self) {
        self.seat.leave();
    }
}

/// The iterator of [`Consumer::iter`].
pub struct Iter<'a, T> {
    consumer: &'a Consumer<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.consumer.take()
    }
}

impl<T> FusedIterator for Iter<'_, T> {}

/// The iterator of [`Consumer::try_iter`].
pub struct TryIter<'a, T> {
    consumer: &'a Consumer<T>,
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.consumer.channel.pop()
    }
}

/// The iterator of [`Consumer::into_iter`].
pub struct IntoIter<T> {
    consumer: Consumer<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.consumer.take()
    }
}

impl<T> FusedIterator for IntoIter<T> {}

impl<T> IntoIterator for Consumer<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { consumer: self }
    }
}

impl<'a, T> IntoIterator for &'a Consumer<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.consumer.channel.fmt_handle("Iter", f)
    }
}

impl<T> fmt::Debug for TryIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.consumer.channel.fmt_handle("TryIter", f)
    }
}

impl<T> fmt::Debug for IntoIter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.consumer.channel.fmt_handle("IntoIter", f)
    }
}
