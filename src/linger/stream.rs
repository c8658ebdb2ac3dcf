//! Batches as a stream, by a timer.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::stream::{FusedStream, Stream};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::consumer::Consumer;
use crate::coop::cooperate;
use crate::marks::Watch;
use crate::stream::{Feed, Handle};

impl<T> Consumer<T> {
    /// Batches as a [`Stream`]: up to `max` items each, as soon as there are so many, or `linger` after the batch before.
    ///
    /// While items keep coming, the task is woken by the timer, or by the push that completes a batch, and no other push pays
    /// for waking: with a `max` that is not reached within `linger`, none does. When nothing has come for all of `linger`, the
    /// timer rests, and the next item wakes the task, which then gives others `linger` to follow it.
    ///
    /// A batch has at least one item. Ends once the channel is closed and drained; polling after that is fine. As with
    /// [`stream`](Self::stream), neighbours get their turn.
    ///
    /// # Panics
    ///
    /// If `max` is 0, or outside a tokio runtime with its timers enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the stream, or a future that awaits its next batch, loses nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures::StreamExt;
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let (producer, consumer) = channel(8, BackPressurePolicy::Block);
    /// let mut batches = consumer.batches_linger(2, Duration::from_millis(5));
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// assert_eq!(batches.next().await, Some(vec![1, 2]));
    /// assert_eq!(batches.next().await, Some(vec![3])); // 5 ms later
    /// # });
    /// ```
    pub fn batches_linger(&self, max: usize, linger: Duration) -> LingeringBatches<'_, T> {
        LingeringBatches::new(Handle::Borrowed(self), max, linger)
    }

    /// As [`batches_linger`](Self::batches_linger), owning the consumer.
    ///
    /// # Panics
    ///
    /// As [`batches_linger`](Self::batches_linger).
    pub fn into_batches_linger<'a>(self, max: usize, linger: Duration) -> LingeringBatches<'a, T>
    where
        T: 'a,
    {
        LingeringBatches::new(Handle::Owned(self), max, linger)
    }
}

/// The stream of [`Consumer::batches_linger`].
#[must_use = "streams do nothing unless polled"]
pub struct LingeringBatches<'a, T> {
    feed: Feed<'a, T>,
    max: usize,
    linger: Duration,
    watch: Watch,
    /// Set while items keep coming.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<'a, T> LingeringBatches<'a, T> {
    fn new(consumer: Handle<'a, Consumer<T>>, max: usize, linger: Duration) -> Self {
        assert!(max > 0, "a batch must have room for at least 1 item");
        Self {
            feed: Feed::new(consumer),
            max,
            linger,
            watch: Watch::default(),
            timer: None,
        }
    }
}

impl<T> Stream for LingeringBatches<'_, T> {
    type Item = Vec<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<T>>> {
        let Self {
            feed,
            max,
            linger,
            watch,
            timer,
        } = &mut *self;
        let mut next = |consumer: &Consumer<T>, cx: &mut Context<'_>| {
            loop {
                let timer_set = match timer {
                    Some(timer) => timer,
                    None => {
                        ready!(consumer.channel().poll_ready(1, watch, cx.waker()));
                        timer.insert(Box::pin(sleep_until(after(*linger))))
                    }
                };
                let mut batch = Vec::new();
                let late = |cx: &mut Context<'_>| timer_set.as_mut().poll(cx).is_ready();
                let channel = consumer.channel();
                match ready!(channel.poll_take_full(&mut batch, *max, &mut None, watch, cx, late)) {
                    Some(Some(_)) => {
                        timer_set.as_mut().reset(after(*linger));
                        return Poll::Ready(Some(batch));
                    }
                    Some(None) => return Poll::Ready(None),
                    None => *timer = None,
                }
            }
        };
        feed.poll_next(cx, |consumer, _, cx| cooperate(cx, |cx| next(consumer, cx)))
    }
}

fn after(linger: Duration) -> Instant {
    const FAR_AWAY: Duration = Duration::from_secs(86_400 * 365 * 30);
    Instant::now() + linger.min(FAR_AWAY)
}

impl<T> Drop for LingeringBatches<'_, T> {
    fn drop(&mut self) {
        self.feed.consumer.channel().forget(&mut self.watch);
    }
}

impl<T> fmt::Debug for LingeringBatches<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.feed.consumer.channel().fmt_handle("LingeringBatches", f)
    }
}

impl<T> FusedStream for LingeringBatches<'_, T> {
    fn is_terminated(&self) -> bool {
        self.feed.ended
    }
}
