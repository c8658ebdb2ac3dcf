//! Foreign code, wakers and destructors, that uses the very channel it is called from; and wakers that panic.
#![cfg(not(loom))]

mod common;

use std::cell::Cell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use common::*;
use futures::executor::block_on;
use mpsc_ring::{Consumer, Producer, PushError};

// ----------------------------------------------------------------------- wakers

/// A waker that uses the channel when it is woken and when the last of it is dropped.
struct Meddler {
    producer: Producer<u32>,
    consumer: Consumer<u32>,
    wakes: AtomicUsize,
    close: bool,
}

thread_local! {
    /// How deep meddling goes at most: what a meddler does may wake a meddler.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

impl Meddler {
    fn meddle(&self) {
        if DEPTH.get() < 3 {
            DEPTH.set(DEPTH.get() + 1);
            let _ = self.producer.try_push(100);
            let _ = self.consumer.len();
            let _ = self.consumer.stats();
            let _ = self.consumer.try_take();
            let _ = self.producer.try_push(101);
            // Registers with both waiting rooms and leaves them again.
            let waker = Waker::noop();
            let _ = Box::pin(self.consumer.take_async())
                .as_mut()
                .poll(&mut Context::from_waker(waker));
            let _ = Pin::new(&mut self.producer.push_async(102)).poll(&mut Context::from_waker(waker));
            if self.close {
                self.producer.close();
            }
            DEPTH.set(DEPTH.get() - 1);
        }
    }
}

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        self.meddle();
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.meddle();
    }
}

fn meddler(producer: &Producer<u32>, consumer: &Consumer<u32>, close: bool) -> Arc<Meddler> {
    Arc::new(Meddler {
        producer: producer.clone(),
        consumer: consumer.clone(),
        wakes: AtomicUsize::new(0),
        close,
    })
}

// bug-classes F1
#[test]
fn a_waker_that_uses_the_channel_when_woken_or_dropped_is_fine() {
    for policy in POLICIES {
        for close in [false, true] {
            in_time(move || {
                let (producer, consumer) = policy.channel(2);
                // A take: woken by a push. The channel has the last copy of the waker, so it drops it, too.
                let meddlers = [(); 3].map(|()| meddler(&producer, &consumer, close));
                let mut takes: Vec<_> = meddlers
                    .iter()
                    .map(|meddler| {
                        let mut take = Box::pin(consumer.take_async());
                        let waker = Waker::from(meddler.clone());
                        assert!(take.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                        take
                    })
                    .collect();
                let wakes = || {
                    meddlers
                        .iter()
                        .map(|meddler| meddler.wakes.load(Ordering::SeqCst))
                        .sum::<usize>()
                };
                producer.push(1).unwrap();
                assert!(wakes() > 0);
                producer.close();
                assert_eq!(wakes(), 3);
                drop(meddlers);
                takes.clear();
            });
        }
    }
}

// bug-classes F1
#[test]
fn a_waker_that_uses_the_channel_when_the_channel_drops_the_last_of_it_is_fine() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(2);
        let task = Task::new();
        // Dropped with its future.
        let mut take = Box::pin(consumer.take_async());
        let waker = Waker::from(meddler(&producer, &consumer, false));
        assert!(take.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        drop(take);
        while consumer.try_take().is_ok() {}
        // Replaced by another waker. What its drop pushes, the take may get or not.
        let mut take = Box::pin(consumer.take_async());
        let waker = Waker::from(meddler(&producer, &consumer, false));
        assert!(take.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        let _ = task.poll(&mut take);
        drop(take);
        // Dropped once woken.
        while consumer.try_take().is_ok() {}
        let mut take = Box::pin(consumer.take_async());
        let waker = Waker::from(meddler(&producer, &consumer, true));
        assert!(take.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        producer.push(1).unwrap();
        assert!(producer.is_closed());
    });
}

// bug-classes F1
#[test]
fn the_waker_of_a_push_may_use_the_channel() {
    for close in [false, true] {
        in_time(move || {
            let (producer, consumer) = Policy::Block.channel(1);
            producer.push(1).unwrap();
            let meddlers = [(); 3].map(|()| meddler(&producer, &consumer, close));
            let mut pushes: Vec<_> = meddlers.iter().map(|_| producer.push_async(2)).collect();
            for (meddler, push) in meddlers.iter().zip(&mut pushes) {
                let waker = Waker::from(meddler.clone());
                assert!(Pin::new(push).poll(&mut Context::from_waker(&waker)).is_pending());
            }
            assert_eq!(consumer.take(), Some(1));
            consumer.close();
            for meddler in &meddlers {
                assert!(meddler.wakes.load(Ordering::SeqCst) > 0);
            }
        });
    }
}

// bug-classes F1
#[test]
fn a_waker_may_spend_the_budget_that_the_push_that_wakes_it_goes_by() {
    for mark in 2..6 {
        in_time(move || {
            let (producer, consumer) = Policy::Block.channel(16);
            let meddler = meddler(&producer, &consumer, false);
            let mut ready = Box::pin(consumer.ready(mark));
            let waker = Waker::from(meddler.clone());
            assert!(ready.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            for n in 1..=8 {
                block_on(producer.push_async(n as u32)).unwrap();
                assert_eq!(meddler.wakes.load(Ordering::SeqCst), usize::from(n >= mark));
            }
        });
    }
}

/// A waker that has a say in its clone, too.
mod cloner {
    #![allow(unsafe_code)]
    use std::task::{RawWaker, RawWakerVTable, Waker};

    /// A waker that calls `*data` when it is cloned, woken or dropped.
    pub fn waker(called: &'static (dyn Fn(&str) + Sync)) -> Waker {
        let data = Box::into_raw(Box::new(called));
        // SAFETY: `data` lives for ever and may be shared; every function of the table only reads it.
        unsafe { Waker::from_raw(RawWaker::new(data.cast_const().cast(), &TABLE)) }
    }

    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            call(data, "clone");
            RawWaker::new(data, &TABLE)
        },
        |data| call(data, "wake"),
        |data| call(data, "wake"),
        |data| call(data, "drop"),
    );

    fn call(data: *const (), what: &str) {
        // SAFETY: `data` comes from `waker`.
        unsafe { (*data.cast::<&'static (dyn Fn(&str) + Sync)>())(what) }
    }
}

// bug-classes F1
#[test]
fn a_waker_may_use_the_channel_when_it_is_cloned() {
    static CHANNEL: OnceLock<(Producer<u32>, Consumer<u32>)> = OnceLock::new();
    static CALLS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    in_time(|| {
        let (producer, consumer) = CHANNEL.get_or_init(|| Policy::Block.channel(1));
        let waker = cloner::waker(&|what| {
            let calls = {
                let mut calls = CALLS.lock().unwrap();
                calls.push(what.to_string());
                calls.len()
            };
            // What a clone pushes wakes the very task that is about to sleep, so it goes on only for so long.
            if calls > 20 {
                return;
            }
            let (producer, consumer) = CHANNEL.get().unwrap();
            let task = Waker::noop();
            assert!(
                Box::pin(producer.closed())
                    .as_mut()
                    .poll(&mut Context::from_waker(task))
                    .is_pending()
            );
            let _ = Box::pin(consumer.take_async())
                .as_mut()
                .poll(&mut Context::from_waker(task));
            let _ = Pin::new(&mut producer.push_async(9)).poll(&mut Context::from_waker(task));
            if let Ok(item) = consumer.try_take() {
                let _ = producer.try_push(item);
                let _ = consumer.try_take();
            }
        });
        let mut take = Box::pin(consumer.take_async());
        assert!(take.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(take);
        let mut take = Box::pin(consumer.take_async());
        assert!(take.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        producer.push(1).unwrap();
        drop((take, waker));
        let calls = CALLS.lock().unwrap();
        for what in ["clone", "wake", "drop"] {
            assert!(calls.iter().any(|call| call == what), "{what}");
        }
    });
}

// bug-classes F3
struct Panicker(AtomicUsize);

impl Wake for Panicker {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("a waker panics");
    }
}

type Taking<'a> = Pin<Box<dyn Future<Output = Option<u32>> + 'a>>;

/// Three takes wait; the waker at `bad` panics. Returns the tasks of the others.
fn three_takes(consumer: &Consumer<u32>, bad: usize) -> (Vec<Task>, Vec<Taking<'_>>, Arc<Panicker>) {
    let panicker = Arc::new(Panicker(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..3).map(|_| Task::new()).collect();
    let mut takes = Vec::new();
    for (n, task) in tasks.iter().enumerate() {
        let mut take: Taking<'_> = Box::pin(consumer.take_async());
        let waker = if n == bad {
            panicker.clone().into()
        } else {
            task.waker().clone()
        };
        assert!(take.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        takes.push(take);
    }
    (tasks, takes, panicker)
}

// bug-classes F3
#[test]
fn a_waker_that_panics_at_the_close_does_not_keep_others_from_being_woken() {
    for bad in 0..3 {
        let (producer, consumer) = Policy::Block.channel(4);
        let (tasks, mut takes, panicker) = three_takes(&consumer, bad);
        assert!(panics(|| drop(producer)));
        assert_eq!(panicker.0.load(Ordering::SeqCst), 1);
        assert!(tasks.iter().enumerate().all(|(n, task)| n == bad || task.is_woken()));
        for n in 0..3 {
            assert_eq!(tasks[n].poll(&mut takes[n]), Poll::Ready(None));
        }
    }
}

// bug-classes F3
#[test]
fn a_waker_that_panics_in_a_batch_push_does_not_keep_others_from_being_woken() {
    for policy in POLICIES {
        for bad in 0..3 {
            let (producer, consumer) = policy.channel(4);
            let (tasks, mut takes, _) = three_takes(&consumer, bad);
            assert!(panics(|| _ = producer.push_batch(&[1, 2, 3])));
            assert!(tasks.iter().enumerate().all(|(n, task)| n == bad || task.is_woken()));
            for n in 0..3 {
                assert_eq!(tasks[n].poll(&mut takes[n]), Poll::Ready(Some(n as u32 + 1)));
            }
        }
    }
}

// bug-classes F3, A7
#[test]
fn a_waker_that_panics_leaves_those_who_still_sleep_to_later_pushes() {
    for policy in POLICIES {
        for bad in 0..3 {
            let (producer, consumer) = policy.channel(4);
            let (tasks, mut takes, _) = three_takes(&consumer, bad);
            let panicked = (1..4).filter(|&n| panics(|| producer.push(n).unwrap())).count();
            assert_eq!(panicked, 1);
            assert_eq!(consumer.len(), 3);
            for (n, task) in tasks.iter().enumerate() {
                assert!(n == bad || task.is_woken(), "{policy:?}: {bad} panics, {n} sleeps");
            }
            for n in 0..3 {
                assert_eq!(tasks[n].poll(&mut takes[n]), Poll::Ready(Some(n as u32 + 1)));
            }
        }
    }
}

// bug-classes F3, A7
#[test]
fn a_waker_that_panics_leaves_pushers_who_still_sleep_to_later_takes() {
    for bad in 0..3 {
        let (producer, consumer) = Policy::Block.channel(3);
        producer.push_batch(&[0; 3]).unwrap();
        let panicker = Arc::new(Panicker(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..3).map(|_| Task::new()).collect();
        let mut pushes: Vec<_> = (0..3).map(|n| producer.push_async(n)).collect();
        for n in 0..3 {
            let waker = if n == bad {
                panicker.clone().into()
            } else {
                tasks[n].waker().clone()
            };
            assert!(
                Pin::new(&mut pushes[n])
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        let panicked = (0..3).filter(|_| panics(|| _ = consumer.take())).count();
        assert_eq!(panicked, 1);
        for (n, task) in tasks.iter().enumerate() {
            assert!(n == bad || task.is_woken(), "{bad} panics, {n} sleeps");
        }
        for n in 0..3 {
            assert_eq!(tasks[n].poll_unpin(&mut pushes[n]), Poll::Ready(Ok(())));
        }
    }
}

// ------------------------------------------------------------------------- items

/// An item whose `Drop` pushes another, as often as it says.
struct Phoenix {
    lives: usize,
    /// Whether it may push where that could wait.
    pushes: bool,
    producer: ManuallyDrop<Producer<Phoenix>>,
    dropped: Arc<AtomicUsize>,
}

impl Phoenix {
    /// It must not keep its own channel open, so its producer is never counted off: the channels here are closed by hand.
    fn new(lives: usize, producer: &Producer<Phoenix>, dropped: &Arc<AtomicUsize>) -> Self {
        Self {
            lives,
            pushes: !format!("{producer:?}").contains("Block"),
            producer: ManuallyDrop::new(producer.clone()),
            dropped: dropped.clone(),
        }
    }
}

impl Drop for Phoenix {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
        let _ = self.producer.len();
        if self.lives > 0 {
            let next = Self::new(self.lives - 1, &self.producer, &self.dropped);
            // What does not go in is dropped here, and rises again.
            match self.producer.try_push(next) {
                Err(PushError::Full(next)) if self.pushes && self.lives % 2 == 0 => drop(self.producer.push(next)),
                result => drop(result),
            }
        }
    }
}

// bug-classes F2, F4
#[test]
fn evicted_items_may_push_when_they_are_dropped() {
    for capacity in [1, 2, 5] {
        in_time(move || {
            let (producer, consumer) = Policy::DropOldest.channel(capacity);
            let dropped = Arc::new(AtomicUsize::new(0));
            let lives = 4;
            for _ in 0..20 {
                producer.push(Phoenix::new(lives, &producer, &dropped)).unwrap();
            }
            let mut batch: Vec<_> = (0..20).map(|_| Phoenix::new(lives, &producer, &dropped)).collect();
            producer.push_from(&mut batch).unwrap();
            for _ in 0..20 {
                let displaced = producer
                    .push_displacing(Phoenix::new(lives, &producer, &dropped))
                    .unwrap();
                drop(displaced);
            }
            assert!(producer.len() <= capacity);
            consumer.close();
            while consumer.try_take().is_ok() {}
            drop(consumer);
            assert_eq!(dropped.load(Ordering::SeqCst), 60 * (lives + 1));
        });
    }
}

// bug-classes F2
#[test]
fn refused_items_may_push_when_they_are_dropped() {
    in_time(|| {
        let (producer, consumer) = Policy::DropNewest.channel(2);
        let dropped = Arc::new(AtomicUsize::new(0));
        for _ in 0..20 {
            drop(producer.push(Phoenix::new(3, &producer, &dropped)));
        }
        consumer.close();
        drop(consumer);
        assert_eq!(dropped.load(Ordering::SeqCst), 20 * 4);
    });
}

// bug-classes F2, F4
#[test]
fn discarded_items_may_push_when_they_are_dropped() {
    for policy in POLICIES {
        in_time(move || {
            let (producer, consumer) = policy.channel(5);
            let dropped = Arc::new(AtomicUsize::new(0));
            for _ in 0..5 {
                producer.push(Phoenix::new(3, &producer, &dropped)).unwrap();
            }
            drop(consumer);
            assert_eq!(dropped.load(Ordering::SeqCst), 5 * 4);
            assert_eq!(producer.stats().discarded, 5);
        });
    }
}

// bug-classes F2
#[test]
fn taken_and_cancelled_items_may_push_when_they_are_dropped() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(1);
        let dropped = Arc::new(AtomicUsize::new(0));
        producer.push(Phoenix::new(3, &producer, &dropped)).unwrap();
        let task = Task::new();
        let mut push = producer.push_async(Phoenix::new(3, &producer, &dropped));
        assert!(task.poll_unpin(&mut push).is_pending());
        let first = consumer.take();
        drop(push);
        drop(first);
        consumer.close();
        drop(consumer);
        assert_eq!(dropped.load(Ordering::SeqCst), 2 * 4);
    });
}

/// An item that holds handles of its own channel.
struct Nested {
    _handles: (Producer<Nested>, Consumer<Nested>),
}

// bug-classes F2
#[test]
fn the_last_handles_may_go_with_an_item() {
    for policy in POLICIES {
        in_time(move || {
            let (producer, consumer) = policy.channel::<Nested>(2);
            let weak = producer.downgrade();
            let item = Nested {
                _handles: (producer.clone(), consumer.clone()),
            };
            producer.push(item).unwrap();
            drop(producer);
            // Dropping the item drops the last producer, in the hands of the last consumer but one.
            drop(consumer.take());
            assert!(consumer.is_closed());
            assert!(weak.upgrade().is_none());
        });
    }
}
