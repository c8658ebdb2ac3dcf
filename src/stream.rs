//! `Stream` over a consumer, `Sink` over a producer.
//!
//! They are types of their own: a `Consumer` that were a `Stream` itself would get `StreamExt::take` beside its own
//! `take`.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::{FusedStream, Stream};
use futures_sink::Sink;

use crate::consumer::Consumer;
use crate::coop::cooperate;
use crate::error::PushError;
use crate::producer::Producer;
use crate::report::Report;
use crate::wait::Seat;

/// A stream that is ready so often in a row gives its task's neighbours a turn.
const READY_IN_A_ROW: u32 = 128;

impl<T> Consumer<T> {
    /// Items as a [`Stream`], which ends once the channel is closed and drained.
    ///
    /// Polling after the end is fine. A stream that always has an item says `Pending` once in a while, having woken its
    /// task, so that a task that polls several futures serves them all.
    ///
    /// # Cancel safety
    ///
    /// Dropping the stream, or a future that awaits its next item, loses nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// drop(producer);
    /// let doubled: Vec<i32> = consumer.stream().map(|n| n * 2).collect().await;
    /// assert_eq!(doubled, [2, 4, 6]);
    /// # });
    /// ```
    pub fn stream(&self) -> Items<'_, T> {
        Items(Feed::new(Handle::Borrowed(self)))
    }

    /// As [`stream`](Self::stream), owning the consumer.
    pub fn into_stream<'a>(self) -> Items<'a, T>
    where
        T: 'a,
    {
        Items(Feed::new(Handle::Owned(self)))
    }

    /// Batches of up to `max` items as a [`Stream`], which ends once the channel is closed and drained.
    ///
    /// A batch has at least one item: what [`take_batch`](Self::take_batch) would take. As with [`stream`](Self::stream),
    /// polling after the end is fine and neighbours get their turn.
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    ///
    /// # Cancel safety
    ///
    /// As [`stream`](Self::stream).
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// drop(producer);
    /// let batches: Vec<Vec<i32>> = consumer.batches(2).collect().await;
    /// assert_eq!(batches, [vec![1, 2], vec![3]]);
    /// # });
    /// ```
    pub fn batches(&self, max: usize) -> Batches<'_, T> {
        Batches::new(Handle::Borrowed(self), max)
    }

    /// As [`batches`](Self::batches), owning the consumer.
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    pub fn into_batches<'a>(self, max: usize) -> Batches<'a, T>
    where
        T: 'a,
    {
        Batches::new(Handle::Owned(self), max)
    }

    /// Batches of up to `max` items, each with its [`Report`], as a [`Stream`].
    ///
    /// As [`batches`](Self::batches). If something was lost after the last item, one empty batch with its report comes before
    /// the end.
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    ///
    /// # Cancel safety
    ///
    /// As [`stream`](Self::stream).
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::StreamExt;
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel(2, BackPressurePolicy::DropOldest);
    /// for n in 0..5 {
    ///     producer.push(n).unwrap();
    /// }
    /// let (batch, report) = consumer.reported_batches(10).next().await.unwrap();
    /// assert_eq!(batch, [3, 4]);
    /// assert_eq!((report.first, report.losses.evicted), (3, 3));
    /// # });
    /// ```
    pub fn reported_batches(&self, max: usize) -> ReportedBatches<'_, T> {
        ReportedBatches(Batches::new(Handle::Borrowed(self), max))
    }

    /// As [`reported_batches`](Self::reported_batches), owning the consumer.
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    pub fn into_reported_batches<'a>(self, max: usize) -> ReportedBatches<'a, T>
    where
        T: 'a,
    {
        ReportedBatches(Batches::new(Handle::Owned(self), max))
    }
}

impl<T> Producer<T> {
    /// The producer as a [`Sink`].
    ///
    /// Under [`Block`](crate::BackPressurePolicy::Block) it is ready when the channel has room, so sinks do not add to
    /// the channel's capacity. Should another producer take that room in between, the item waits in the sink as in a
    /// pending [`push_async`](Self::push_async), and the sink is not ready for another. Under the other policies the
    /// sink is always ready and does what [`push`](Self::push) does.
    ///
    /// Flushing waits until the item is in the channel. Closing the sink flushes it; the channel closes with its last
    /// producer.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    ///
    /// # Panics
    ///
    /// As [`push`](Self::push); and if an item is sent while the sink is not ready.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::SinkExt;
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, consumer) = channel(4, BackPressurePolicy::Block);
    /// producer.sink().send("hello").await.unwrap();
    /// assert_eq!(consumer.take(), Some("hello"));
    /// # });
    /// ```
    pub fn sink(&self) -> PushSink<'_, T> {
        PushSink::new(Handle::Borrowed(self))
    }

    /// As [`sink`](Self::sink), owning the producer.
    pub fn into_sink<'a>(self) -> PushSink<'a, T>
    where
        T: 'a,
    {
        PushSink::new(Handle::Owned(self))
    }
}

/// A handle, owned or borrowed.
pub(crate) enum Handle<'a, H> {
    Borrowed(&'a H),
    Owned(H),
}

impl<H> Deref for Handle<'_, H> {
    type Target = H;

    fn deref(&self) -> &H {
        match self {
            Self::Borrowed(handle) => handle,
            Self::Owned(handle) => handle,
        }
    }
}

/// What all streams are made of.
pub(crate) struct Feed<'a, T> {
    pub(crate) consumer: Handle<'a, Consumer<T>>,
    seat: Seat,
    ready_in_a_row: u32,
    pub(crate) ended: bool,
}

impl<'a, T> Feed<'a, T> {
    pub(crate) fn new(consumer: Handle<'a, Consumer<T>>) -> Self {
        Self {
            consumer,
            seat: Seat::default(),
            ready_in_a_row: 0,
            ended: false,
        }
    }

    /// What comes next by `poll`, which spends the task's budget.
    pub(crate) fn poll_next<R>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&Consumer<T>, &mut Seat, &mut Context<'_>) -> Poll<Option<R>>,
    ) -> Poll<Option<R>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.ready_in_a_row == READY_IN_A_ROW {
            self.ready_in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = poll(&self.consumer, &mut self.seat, cx);
        match &next {
            Poll::Pending => self.ready_in_a_row = 0,
            Poll::Ready(Some(_)) => self.ready_in_a_row += 1,
            Poll::Ready(None) => self.ended = true,
        }
        next
    }
}

/// The stream of [`Consumer::stream`].
#[must_use = "streams do nothing unless polled"]
pub struct Items<'a, T>(Feed<'a, T>);

impl<T> Stream for Items<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0
            .poll_next(cx, |consumer, seat, cx| consumer.channel().poll_take(seat, cx))
    }
}

impl<T> fmt::Debug for Items<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.consumer.channel().fmt_handle("Items", f)
    }
}

impl<T> FusedStream for Items<'_, T> {
    fn is_terminated(&self) -> bool {
        self.0.ended
    }
}

/// The stream of [`Consumer::batches`].
#[must_use = "streams do nothing unless polled"]
pub struct Batches<'a, T> {
    feed: Feed<'a, T>,
    max: usize,
}

impl<'a, T> Batches<'a, T> {
    fn new(consumer: Handle<'a, Consumer<T>>, max: usize) -> Self {
        assert!(max > 0, "a batch must have room for at least 1 item");
        Self {
            feed: Feed::new(consumer),
            max,
        }
    }
}

impl<T> Batches<'_, T> {
    fn poll_batch(&mut self, report: &mut Option<Report>, cx: &mut Context<'_>) -> Poll<Option<Vec<T>>> {
        let max = self.max;
        self.feed.poll_next(cx, |consumer, seat, cx| {
            let mut batch = Vec::new();
            let taken = ready!(consumer.channel().poll_take_into(&mut batch, max, report, seat, cx));
            Poll::Ready((taken > 0).then_some(batch))
        })
    }
}

impl<T> Stream for Batches<'_, T> {
    type Item = Vec<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<T>>> {
        self.poll_batch(&mut None, cx)
    }
}

impl<T> fmt::Debug for Batches<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.feed.consumer.channel().fmt_handle("Batches", f)
    }
}

impl<T> FusedStream for Batches<'_, T> {
    fn is_terminated(&self) -> bool {
        self.feed.ended
    }
}

/// The stream of [`Consumer::reported_batches`].
#[must_use = "streams do nothing unless polled"]
pub struct ReportedBatches<'a, T>(Batches<'a, T>);

impl<T> Stream for ReportedBatches<'_, T> {
    type Item = (Vec<T>, Report);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<(Vec<T>, Report)>> {
        let mut report = Some(Report::default());
        let batch = ready!(self.0.poll_batch(&mut report, cx));
        let report = report.unwrap_or_default();
        Poll::Ready(match batch {
            Some(batch) => Some((batch, report)),
            None => (report.losses.total() > 0).then(|| (Vec::new(), report)),
        })
    }
}

impl<T> fmt::Debug for ReportedBatches<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.feed.consumer.channel().fmt_handle("ReportedBatches", f)
    }
}

impl<T> FusedStream for ReportedBatches<'_, T> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

/// The sink of [`Producer::sink`].
#[must_use = "sinks do nothing unless polled"]
pub struct PushSink<'a, T> {
    producer: Handle<'a, Producer<T>>,
    /// An item that was sent and found no room.
    waiting: Option<T>,
    seat: Seat,
}

/// The item is moved out when it is pushed, never pinned.
impl<T> Unpin for PushSink<'_, T> {}

impl<'a, T> PushSink<'a, T> {
    fn new(producer: Handle<'a, Producer<T>>) -> Self {
        Self {
            producer,
            waiting: None,
            seat: Seat::default(),
        }
    }

    /// Gives the sink up and returns the item that was sent but found no room yet, if there is one.
    pub fn into_item(mut self) -> Option<T> {
        self.waiting.take()
    }
}

impl<T> Sink<T> for PushSink<'_, T> {
    type Error = PushError<T>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PushError<T>>> {
        ready!(self.as_mut().poll_flush(cx))?;
        let this = &mut *self;
        cooperate(cx, |cx| this.producer.channel().poll_room(&mut this.seat, cx)).map(Ok)
    }

    fn start_send(mut self: Pin<&mut Self>, item: T) -> Result<(), PushError<T>> {
        assert!(self.waiting.is_none(), "start_send called on a sink that is not ready");
        self.waiting = self.producer.channel().push_or_keep(item)?;
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PushError<T>>> {
        let this = &mut *self;
        if this.waiting.is_none() {
            return Poll::Ready(Ok(()));
        }
        this.producer.channel().poll_push(&mut this.waiting, &mut this.seat, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PushError<T>>> {
        self.poll_flush(cx)
    }
}

impl<T> fmt::Debug for PushSink<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushSink")
            .field("producer", &*self.producer)
            .field("item_waiting", &self.waiting.is_some())
            .finish_non_exhaustive()
    }
}
