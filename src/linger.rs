//! Waiting for more than one item, so that pushes need not pay for waking at each.

#[cfg(feature = "tokio")]
mod stream;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use crate::channel::{Channel, deadline_after};
use crate::consumer::{Consumer, in_time};
use crate::coop::cooperate;
use crate::error::TakeTimeoutError;
use crate::marks::Watch;
use crate::report::Report;

#[cfg(feature = "tokio")]
pub use self::stream::LingeringBatches;

impl<T> Consumer<T> {
    /// Waits until `n` items are inside, or the channel is closed.
    ///
    /// A push that leaves fewer inside wakes nobody: it is the one that makes them `n` that does. (If consumers have taken items
    /// since the future was polled last, it is woken that much sooner, and waits again.) So a consumer that waits for more than
    /// it takes at a time, and has a timer of its own, is woken by the timer alone in ordinary running, and by a push only when
    /// the channel fills up:
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn export(consumer: mpsc_ring::Consumer<u8>, mut batch: Vec<u8>) {
    /// while !(consumer.is_closed() && consumer.is_empty()) {
    ///     // Every 10 ms, or as soon as the channel is half full.
    ///     _ = tokio::time::timeout(Duration::from_millis(10), consumer.ready(consumer.capacity() / 2)).await;
    ///     while consumer.try_take_batch_into(&mut batch, 256).is_ok() {
    ///         // write it somewhere
    ///         batch.clear();
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// More than the [`capacity`](Self::capacity) counts as the capacity, 0 is always there. Several consumers may wait for
    /// different numbers; items that this was ready for may be gone to another consumer when this one takes. Items are inside
    /// from the moment their push has its place: one that is still being written keeps those behind it from the take that
    /// follows. While items are on disk, under `SpillToDisk`, there were more than fit: that is as many as anybody waits for, though
    /// the last of them may be fewer.
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
    /// let (producer, consumer) = channel(8, BackPressurePolicy::Block);
    /// let push = async { (0..3).for_each(|n| producer.push(n).unwrap()) };
    /// futures::join!(consumer.ready(3), push);
    /// assert_eq!(consumer.len(), 3);
    /// # });
    /// ```
    pub fn ready(&self, n: usize) -> impl Future<Output = ()> + '_ {
        let mut waiting = Waiting::new(self.channel());
        poll_fn(move |cx| cooperate(cx, |cx| waiting.channel.poll_ready(n, &mut waiting.watch, cx.waker())))
    }

    /// Waits, no longer than `timeout`, until `n` items are inside, or the channel is closed; says whether it was in time.
    ///
    /// As [`ready`](Self::ready), blocking the thread, which parks at once. `Duration::MAX` waits for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, consumer) = channel(8, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// assert!(consumer.wait_ready(3, Duration::MAX));
    /// assert!(!consumer.wait_ready(4, Duration::from_millis(5)));
    /// ```
    pub fn wait_ready(&self, n: usize, timeout: Duration) -> bool {
        self.channel().wait_ready(n, deadline_after(timeout))
    }

    /// Takes up to `max` items, oldest first, as soon as there are so many, or `timeout` is over.
    ///
    /// Items that are there when the time is up are taken. As many as the channel can hold are enough, and so are those that
    /// are left in a closed channel. Should one of them still be being written, those before it are the batch. While this waits, only the push that completes the batch pays for waking. `Duration::MAX`
    /// waits for ever.
    ///
    /// # Errors
    ///
    /// [`TakeTimeoutError::Timeout`] if none came in time, [`TakeTimeoutError::Closed`] if none will ever come. With a `max`
    /// of 0, an empty batch is returned at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use mpsc_ring::{BackPressurePolicy, TakeTimeoutError, channel};
    ///
    /// let (producer, consumer) = channel(8, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// assert_eq!(consumer.take_batch_timeout(2, Duration::MAX), Ok(vec![1, 2]));
    /// assert_eq!(consumer.take_batch_timeout(2, Duration::from_millis(5)), Ok(vec![3]));
    /// assert_eq!(consumer.take_batch_timeout(2, Duration::from_millis(5)), Err(TakeTimeoutError::Timeout));
    /// ```
    pub fn take_batch_timeout(&self, max: usize, timeout: Duration) -> Result<Vec<T>, TakeTimeoutError> {
        let mut batch = Vec::new();
        let taken = self
            .channel()
            .take_full(&mut batch, max, &mut None, deadline_after(timeout));
        in_time(taken).map(|_| batch)
    }

    /// As [`take_batch_timeout`](Self::take_batch_timeout), appending to `out` as
    /// [`take_batch_into`](Self::take_batch_into) does, with its report.
    ///
    /// # Errors
    ///
    /// As [`take_batch_timeout`](Self::take_batch_timeout). What was lost stays to be reported.
    pub fn take_batch_timeout_into(
        &self,
        out: &mut Vec<T>,
        max: usize,
        timeout: Duration,
    ) -> Result<Report, TakeTimeoutError> {
        let mut report = Some(Report::default());
        let taken = self.channel().take_full(out, max, &mut report, deadline_after(timeout));
        in_time(taken).map(|_| report.unwrap_or_default())
    }

    /// Takes up to `max` items as a future, as soon as there are so many, or `deadline` is ready.
    ///
    /// [`take_batch_timeout`](Self::take_batch_timeout) for tasks of any runtime: the deadline is a future, such as
    /// `tokio::time::sleep(..)` or `smol::Timer::after(..)`. It is polled only while there are too few items, or they
    /// cannot be read from disk.
    ///
    /// # Errors
    ///
    /// As [`take_batch_timeout`](Self::take_batch_timeout).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: items are taken only in the poll that returns them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel(8, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// let linger = || smol::Timer::after(Duration::from_millis(5));
    /// assert_eq!(consumer.take_batch_until(2, linger()).await, Ok(vec![1, 2]));
    /// assert_eq!(consumer.take_batch_until(2, linger()).await, Ok(vec![3]));
    /// # });
    /// ```
    pub async fn take_batch_until(&self, max: usize, deadline: impl Future) -> Result<Vec<T>, TakeTimeoutError> {
        let mut batch = Vec::new();
        let taken = take_until(self.channel(), &mut batch, max, &mut None, deadline).await;
        in_time(taken).map(|_| batch)
    }

    /// As [`take_batch_until`](Self::take_batch_until), appending to `out` as [`take_batch_into`](Self::take_batch_into) does,
    /// with its report.
    ///
    /// # Errors
    ///
    /// As [`take_batch_timeout`](Self::take_batch_timeout). What was lost stays to be reported.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: what has been taken is in `out`, and only once the future was ready.
    pub async fn take_batch_until_into(
        &self,
        out: &mut Vec<T>,
        max: usize,
        deadline: impl Future,
    ) -> Result<Report, TakeTimeoutError> {
        let mut report = Some(Report::default());
        let taken = take_until(self.channel(), out, max, &mut report, deadline).await;
        in_time(taken).map(|_| report.unwrap_or_default())
    }
}

async fn take_until<T>(
    channel: &Channel<T>,
    out: &mut Vec<T>,
    max: usize,
    report: &mut Option<Report>,
    deadline: impl Future,
) -> Option<Option<usize>> {
    let mut waiting = Waiting::new(channel);
    let mut deadline = pin!(deadline);
    let mut late = false;
    poll_fn(|cx| {
        cooperate(cx, |cx| {
            channel.poll_take_full(out, max, report, &mut waiting.watch, cx, |cx| {
                late = late || deadline.as_mut().poll(cx).is_ready();
                late
            })
        })
    })
    .await
}

/// A wait that is given up when this is dropped.
struct Waiting<'a, T> {
    channel: &'a Channel<T>,
    watch: Watch,
}

impl<'a, T> Waiting<'a, T> {
    fn new(channel: &'a Channel<T>) -> Self {
        Self {
            channel,
            watch: Watch::default(),
        }
    }
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        self.channel.forget(&mut self.watch);
    }
}
