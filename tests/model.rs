//! Any sequence of operations of one thread does exactly what a `VecDeque` with a policy would do.
#![cfg(not(loom))]

mod common;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use common::*;
use futures::{FutureExt, Sink, StreamExt};
use mpsc_ring::{BatchPushError, Consumer, Producer, PushError, Report, TakeTimeoutError, TryTakeError};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

#[derive(Clone, Debug)]
enum Op {
    Push,
    TryPush,
    PushDisplacing,
    PushTimeout,
    PushAsync,
    PushBatch(usize),
    PushFrom(usize),
    PushFromAsync(usize),
    Sink,
    Take,
    TryTake,
    TakeTimeout,
    TakeAsync,
    TakeBatch(usize),
    TryTakeBatch(usize),
    TakeBatchTimeout(usize),
    TakeBatchAsync(usize),
    TryIter(usize),
    Stream,
    Batches(usize),
    ReportedBatches(usize),
    ReportLosses,
    Close,
}

fn op() -> impl Strategy<Value = Op> {
    let size = || prop_oneof![8 => 0..5_usize, 2 => 0..50_usize];
    let max = || prop_oneof![8 => 0..5_usize, 2 => 0..50_usize, 1 => Just(usize::MAX)];
    prop_oneof![
        6 => Just(Op::Push),
        2 => Just(Op::TryPush),
        3 => Just(Op::PushDisplacing),
        1 => Just(Op::PushTimeout),
        2 => Just(Op::PushAsync),
        3 => size().prop_map(Op::PushBatch),
        2 => size().prop_map(Op::PushFrom),
        2 => size().prop_map(Op::PushFromAsync),
        1 => Just(Op::Sink),
        2 => Just(Op::Take),
        2 => Just(Op::TryTake),
        1 => Just(Op::TakeTimeout),
        2 => Just(Op::TakeAsync),
        1 => max().prop_map(Op::TakeBatch),
        2 => max().prop_map(Op::TryTakeBatch),
        1 => max().prop_map(Op::TakeBatchTimeout),
        1 => max().prop_map(Op::TakeBatchAsync),
        1 => (0..5_usize).prop_map(Op::TryIter),
        1 => Just(Op::Stream),
        1 => (1..9_usize).prop_map(Op::Batches),
        1 => (1..9_usize).prop_map(Op::ReportedBatches),
        1 => Just(Op::ReportLosses),
    ]
}

/// Items by number.
trait Value: Clone + Debug + PartialEq + From<u32> {}
impl<T: Clone + Debug + PartialEq + From<u32>> Value for T {}

/// What the channel should be.
struct Model {
    policy: Policy,
    capacity: usize,
    inside: VecDeque<u32>,
    closed: bool,
    pushed: u64,
    taken: u64,
    evicted: u64,
    refused: u64,
    displaced: u64,
    /// The most items inside at the end of any operation.
    high_water: u64,
    /// What had been lost by the last report: evicted, displaced, refused.
    reported: [u64; 3],
    /// The next item to be pushed.
    next: u32,
}

impl Model {
    fn item(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn is_full(&self) -> bool {
        self.inside.len() == self.capacity
    }

    /// Whether a push would wait.
    fn would_wait(&self) -> bool {
        self.policy == Policy::Block && self.is_full() && !self.closed
    }

    /// A push that does not wait: what it evicts, or the item as an error.
    fn push(&mut self, item: u32) -> Result<Option<u32>, PushError<u32>> {
        if self.closed {
            return Err(PushError::Closed(item));
        }
        let mut evicted = None;
        if self.is_full() {
            if self.policy != Policy::DropOldest {
                self.refused += 1;
                return Err(PushError::Full(item));
            }
            self.evicted += 1;
            evicted = self.inside.pop_front();
        }
        self.pushed += 1;
        self.inside.push_back(item);
        Ok(evicted)
    }

    /// How many items of a batch go in before it has to wait, and how it ends if it does not.
    fn push_batch(&mut self, items: &[u32]) -> (usize, Option<Result<usize, BatchPushError>>) {
        for (pushed, &item) in items.iter().enumerate() {
            if self.would_wait() {
                return (pushed, None);
            }
            match self.push(item) {
                Ok(_) => {}
                Err(PushError::Full(_)) => {
                    self.refused += (items.len() - pushed) as u64 - 1;
                    return (pushed, Some(Err(BatchPushError::Full { pushed })));
                }
                Err(_) => return (pushed, Some(Err(BatchPushError::Closed { pushed }))),
            }
        }
        (items.len(), Some(Ok(items.len())))
    }

    fn take(&mut self) -> Result<u32, TryTakeError> {
        match self.inside.pop_front() {
            Some(item) => {
                self.taken += 1;
                Ok(item)
            }
            None if self.closed => Err(TryTakeError::Closed),
            None => Err(TryTakeError::Empty),
        }
    }

    /// What a report says of a take that got so many items.
    fn report(&mut self, taken: usize) -> (usize, u64, [u64; 3]) {
        let losses = [self.evicted, self.displaced, self.refused];
        let first = self.taken + self.evicted - taken as u64;
        let reported = std::mem::replace(&mut self.reported, losses);
        (taken, first, [0, 1, 2].map(|n| losses[n] - reported[n]))
    }

    fn take_batch(&mut self, max: usize) -> Result<Vec<u32>, TryTakeError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let first = self.take()?;
        let mut batch = vec![first];
        while batch.len() < max && !self.inside.is_empty() {
            batch.push(self.take()?);
        }
        Ok(batch)
    }
}

/// What a report says.
fn parts(report: Report) -> (usize, u64, [u64; 3]) {
    let losses = report.losses;
    assert_eq!(losses.refused_pinned, 0);
    (
        report.taken,
        report.first,
        [losses.evicted, losses.displaced, losses.refused],
    )
}

fn values<T: Value>(items: &[u32]) -> Vec<T> {
    items.iter().map(|&item| item.into()).collect()
}

fn value_error<T: Value>(error: PushError<u32>) -> PushError<T> {
    match error {
        PushError::Full(item) => PushError::Full(item.into()),
        PushError::Closed(item) => PushError::Closed(item.into()),
        error => PushError::Timeout(error.into_inner().into()),
    }
}

fn timeout_error(error: TryTakeError) -> TakeTimeoutError {
    if error.is_closed() {
        TakeTimeoutError::Closed
    } else {
        TakeTimeoutError::Timeout
    }
}

/// Does one operation with both and compares what comes of it.
fn apply<T: Value>(model: &mut Model, producer: &Producer<T>, consumer: &Consumer<T>, op: &Op) {
    let task = Task::new();
    match *op {
        Op::Push | Op::PushDisplacing if model.would_wait() => {}
        Op::Push => {
            let item = model.item();
            let expected = model.push(item).map(|_| ()).map_err(value_error);
            assert_eq!(producer.push(item.into()), expected);
        }
        Op::PushDisplacing => {
            let item = model.item();
            let displaced = model.push(item);
            model.displaced += u64::from(matches!(displaced, Ok(Some(_))));
            let expected = displaced.map(|displaced| displaced.map(T::from)).map_err(value_error);
            assert_eq!(producer.push_displacing(item.into()), expected);
        }
        Op::TryPush => {
            let item = model.item();
            let expected = if model.is_full() && !model.closed {
                Err(PushError::Full(item.into()))
            } else {
                model.push(item).map(|_| ()).map_err(value_error)
            };
            assert_eq!(producer.try_push(item.into()), expected);
        }
        Op::PushTimeout => {
            let item = model.item();
            let expected = if model.would_wait() {
                Err(PushError::Timeout(item.into()))
            } else {
                model.push(item).map(|_| ()).map_err(value_error)
            };
            assert_eq!(producer.push_timeout(item.into(), Duration::ZERO), expected);
        }
        Op::PushAsync => {
            let item = model.item();
            let mut push = producer.push_async(item.into());
            let poll = task.poll_unpin(&mut push);
            if model.would_wait() {
                assert_eq!(poll, Poll::Pending);
                assert_eq!(push.into_item(), Some(item.into()));
            } else {
                assert_eq!(poll, Poll::Ready(model.push(item).map(|_| ()).map_err(value_error)));
                assert_eq!(push.into_item(), None);
            }
        }
        Op::Sink => {
            let item = model.item();
            let mut sink = producer.sink();
            let ready = task.with(|cx| Pin::new(&mut sink).poll_ready(cx));
            if model.would_wait() {
                assert_eq!(ready, Poll::Pending);
            } else {
                assert_eq!(ready, Poll::Ready(Ok(())));
                let expected = model.push(item).map(|_| ()).map_err(value_error);
                assert_eq!(Pin::new(&mut sink).start_send(item.into()), expected);
                assert_eq!(sink.into_item(), None);
            }
        }
        Op::PushBatch(size) | Op::PushFrom(size)
            if model.policy == Policy::Block && size > model.capacity - model.inside.len() && !model.closed => {}
        Op::PushBatch(size) => {
            let items: Vec<_> = (0..size).map(|_| model.item()).collect();
            let (_, expected) = model.push_batch(&items);
            assert_eq!(producer.push_batch(&values(&items)), expected.unwrap());
        }
        Op::PushFrom(size) => {
            let items: Vec<_> = (0..size).map(|_| model.item()).collect();
            let (pushed, expected) = model.push_batch(&items);
            let mut left = values(&items);
            assert_eq!(producer.push_from(&mut left), expected.unwrap());
            assert_eq!(left, values::<T>(&items[pushed..]));
        }
        Op::PushFromAsync(size) => {
            let items: Vec<_> = (0..size).map(|_| model.item()).collect();
            let (pushed, expected) = model.push_batch(&items);
            let mut left = values(&items);
            let poll = task.poll(&mut Box::pin(producer.push_from_async(&mut left)));
            assert_eq!(poll, expected.map_or(Poll::Pending, Poll::Ready));
            assert_eq!(left, values::<T>(&items[pushed..]));
        }
        Op::Take | Op::TakeBatch(_) if model.inside.is_empty() && !model.closed => {}
        Op::Take => assert_eq!(consumer.take(), model.take().ok().map(T::from)),
        Op::TryTake => assert_eq!(consumer.try_take(), model.take().map(T::from)),
        Op::TakeTimeout => {
            let expected = model.take().map(T::from).map_err(timeout_error);
            assert_eq!(consumer.take_timeout(Duration::ZERO), expected);
        }
        Op::TakeAsync => {
            let expected = match model.take() {
                Err(TryTakeError::Empty) => Poll::Pending,
                taken => Poll::Ready(taken.ok().map(T::from)),
            };
            assert_eq!(task.poll(&mut Box::pin(consumer.take_async())), expected);
        }
        Op::Stream => {
            let expected = match model.take() {
                Err(TryTakeError::Empty) => None,
                taken => Some(taken.ok().map(T::from)),
            };
            assert_eq!(consumer.stream().next().now_or_never(), expected);
        }
        Op::TakeBatch(max) => {
            let mut out = values::<T>(&[0]);
            let expected = model.take_batch(max).unwrap_or_default();
            let report = consumer.take_batch_into(&mut out, max);
            if max == 0 {
                assert_eq!(report, Report::default());
            } else {
                assert_eq!(parts(report), model.report(expected.len()));
            }
            assert_eq!(out[1..], values::<T>(&expected));
        }
        Op::TryTakeBatch(max) => {
            let expected = model.take_batch(max).map(|items| values::<T>(&items));
            assert_eq!(consumer.try_take_batch(max), expected);
        }
        Op::TakeBatchTimeout(max) => {
            let expected = model
                .take_batch(max)
                .map(|items| values::<T>(&items))
                .map_err(timeout_error);
            assert_eq!(consumer.take_batch_timeout(max, Duration::ZERO), expected);
        }
        Op::TakeBatchAsync(max) => {
            let expected = match model.take_batch(max) {
                Err(TryTakeError::Empty) => Poll::Pending,
                taken => Poll::Ready(values::<T>(&taken.unwrap_or_default())),
            };
            assert_eq!(task.poll(&mut Box::pin(consumer.take_batch_async(max))), expected);
        }
        Op::Batches(max) => {
            let expected = match model.take_batch(max) {
                Err(TryTakeError::Empty) => None,
                taken => Some(taken.ok().map(|items| values::<T>(&items))),
            };
            assert_eq!(consumer.batches(max).next().now_or_never(), expected);
        }
        Op::ReportedBatches(max) => {
            let next = consumer.reported_batches(max).next().now_or_never();
            let next = next.map(|next| next.map(|(batch, report)| (batch, parts(report))));
            let expected = match model.take_batch(max) {
                Err(TryTakeError::Empty) => None,
                Ok(items) => Some(Some((values::<T>(&items), model.report(items.len())))),
                Err(_) => {
                    let report = model.report(0);
                    Some((report.2 != [0; 3]).then(|| (Vec::new(), report)))
                }
            };
            assert_eq!(next, expected);
        }
        Op::ReportLosses => {
            let losses = consumer.report_losses();
            let (.., expected) = model.report(0);
            assert_eq!([losses.evicted, losses.displaced, losses.refused], expected);
        }
        Op::TryIter(count) => {
            let expected: Vec<_> = (0..count).map_while(|_| model.take().ok()).collect();
            assert_eq!(
                consumer.try_iter().take(count).collect::<Vec<_>>(),
                values::<T>(&expected)
            );
        }
        Op::Close => {
            assert_eq!(producer.close(), !model.closed);
            model.closed = true;
        }
    }
    assert_eq!(task.kept(), 0);
}

/// All that can be seen agrees.
fn compare<T: Value>(model: &mut Model, producer: &Producer<T>, consumer: &Consumer<T>) {
    assert_eq!(producer.len(), model.inside.len());
    assert_eq!(consumer.is_empty(), model.inside.is_empty());
    assert_eq!(producer.is_full(), model.is_full());
    assert_eq!(consumer.is_closed(), model.closed);
    let stats = producer.stats();
    assert_eq!(
        (stats.pushed, stats.refused, stats.refused_pinned),
        (model.pushed, model.refused, 0)
    );
    assert_eq!((stats.taken, stats.evicted), (model.taken, model.evicted));
    assert_eq!(
        (stats.displaced, stats.capacity),
        (model.displaced, model.capacity as u64)
    );
    model.high_water = model.high_water.max(stats.len);
    let was_full = model.refused + model.evicted + stats.pushers_parked > 0;
    assert!(was_full && stats.high_water == stats.capacity || stats.high_water >= model.high_water);
    assert!(stats.high_water <= stats.capacity);
    assert_eq!((stats.len, stats.discarded), (model.inside.len() as u64, 0));
    // Whoever waits for the close is told at once.
    let closed = Task::new().poll(&mut Box::pin(producer.closed()));
    assert_eq!(closed.is_ready(), model.closed);
}

fn check<T: Value>(policy: Policy, capacity: usize, first_lap: u64, ops: &[Op]) {
    let (producer, consumer) = policy.channel_from::<T>(capacity, first_lap);
    let mut model = Model {
        policy,
        capacity,
        inside: VecDeque::new(),
        closed: false,
        pushed: 0,
        taken: 0,
        evicted: 0,
        refused: 0,
        displaced: 0,
        high_water: 0,
        reported: [0; 3],
        next: 0,
    };
    for op in ops {
        apply(&mut model, &producer, &consumer, op);
        compare(&mut model, &producer, &consumer);
    }
    // What is left comes out, or is discarded.
    let left = model.inside.len() as u64;
    if model.next % 2 == 0 {
        producer.close();
        assert_eq!(
            consumer.iter().collect::<Vec<_>>(),
            values::<T>(model.inside.make_contiguous())
        );
    } else {
        drop(consumer);
        let stats = producer.stats();
        assert_eq!((stats.discarded, stats.evicted, stats.len), (left, model.evicted, 0));
    }
}

/// Operations, now and then a closed channel at their end.
fn ops() -> impl Strategy<Value = Vec<Op>> {
    (vec(op(), 1..150), any::<bool>(), vec(op(), 0..20)).prop_map(|(mut ops, close, after)| {
        if close {
            ops.push(Op::Close);
            ops.extend(after);
        }
        ops
    })
}

fn config() -> Config {
    Config {
        cases: rounds(3_000) as u32,
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config())]

    // bug-classes C1, C3, C11, C12, D9, G5
    #[test]
    fn numbers_behave_as_in_the_model(
        policy in prop::sample::select(&POLICIES[..]), capacity in 1..10_usize, lap in 0..5_usize, ops in ops(),
    ) {
        let spare = if policy == Policy::DropOldest { 32 } else { 0 };
        check::<u32>(policy, capacity, first_laps(capacity + spare)[lap], &ops);
    }

    // bug-classes C1, C3, C11, C12, D9, D12, G5
    #[test]
    fn boxes_behave_as_in_the_model(
        policy in prop::sample::select(&POLICIES[..]), capacity in 1..10_usize, lap in 0..5_usize, ops in ops(),
    ) {
        let spare = usize::from(policy == Policy::DropOldest);
        check::<Box<u32>>(policy, capacity, first_laps(capacity + spare)[lap], &ops);
    }

    // bug-classes C1, C3
    #[test]
    fn large_laps_behave_as_in_the_model(
        policy in prop::sample::select(&POLICIES[..]), capacity in 1..10_usize, lap in any::<u64>(), ops in ops(),
    ) {
        check::<u32>(policy, capacity, lap, &ops);
    }
}
