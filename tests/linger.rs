//! Waiting for several items: who is woken when, and by whom.
#![cfg(not(loom))]

mod common;

use std::future::{pending, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use futures::executor::block_on;
use futures::task::Poll;
use mpsc_ring::{BatchPushError, TakeTimeoutError};

const SOON: Duration = Duration::from_millis(5);

#[test]
fn a_task_is_woken_by_the_push_that_makes_them_enough_and_by_no_other() {
    for policy in POLICIES {
        for n in 1..=9 {
            let (producer, consumer) = policy.channel_from(9, 254);
            let task = Task::new();
            for round in 0..30 {
                let wakes = task.wakes();
                let mut ready = Box::pin(consumer.ready(n));
                assert!(task.poll(&mut ready).is_pending());
                for pushed in 1..=n {
                    assert_eq!(task.wakes(), wakes, "{pushed} of {n}");
                    producer.push(round).unwrap();
                }
                assert_eq!(task.wakes(), wakes + 1);
                assert!(task.poll(&mut ready).is_ready());
                assert_eq!(consumer.try_take_batch(9).unwrap().len(), n);
                assert_eq!(task.kept(), 0);
            }
            let stats = producer.stats();
            assert_eq!((stats.takers_parked, stats.takers_woken), (30, 30));
        }
    }
}

#[test]
fn so_many_pushes_wake_no_more_often_than_there_are_batches_in_them() {
    for (pushes, n) in [(1000, 1), (1000, 7), (1000, 256), (100, 64), (63, 64)] {
        let (producer, consumer) = Policy::Block.channel(1024);
        let task = Task::new();
        let mut take = Box::pin(consumer.take_batch_until(n, pending::<()>()));
        assert!(task.poll(&mut take).is_pending());
        let mut taken = 0;
        for push in 0..pushes {
            producer.push(push).unwrap();
            if task.wakes() > taken {
                assert_eq!(task.poll(&mut take).map(|batch| batch.unwrap().len()), Poll::Ready(n));
                taken += 1;
                take = Box::pin(consumer.take_batch_until(n, pending()));
                assert!(task.poll(&mut take).is_pending());
            }
        }
        assert_eq!(taken, pushes / n);
        assert_eq!(producer.stats().takers_woken, (pushes / n) as u64);
    }
}

#[test]
fn a_batch_push_that_passes_the_mark_wakes_once() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(64);
        let task = Task::new();
        let mut ready = Box::pin(consumer.ready(10));
        assert!(task.poll(&mut ready).is_pending());
        producer.push_batch(&[0; 9]).unwrap();
        assert_eq!(task.wakes(), 0);
        producer.push_batch(&[0; 30]).unwrap();
        producer.push_batch(&[0; 9]).unwrap();
        assert_eq!(task.wakes(), 1);
        assert!(task.poll(&mut ready).is_ready());
    }
}

#[test]
fn consumers_with_different_numbers_are_woken_each_at_its_own() {
    let (producer, consumer) = Policy::Block.channel(16);
    let numbers = [5, 2, 8, 2, 16];
    let tasks = numbers.map(|_| Task::new());
    let mut waits: Vec<_> = numbers.map(|n| Box::pin(consumer.ready(n))).into();
    for (task, wait) in tasks.iter().zip(&mut waits) {
        assert!(task.poll(wait).is_pending());
    }
    for pushed in 1..=16 {
        producer.push(pushed).unwrap();
        for (task, n) in tasks.iter().zip(numbers) {
            assert_eq!(task.wakes(), usize::from(n <= pushed), "{n} at {pushed}");
        }
    }
    for (task, wait) in tasks.iter().zip(&mut waits) {
        assert!(task.poll(wait).is_ready());
    }
}

// bug-classes A3, A12
#[test]
fn who_gives_up_leaves_the_others_their_marks_and_pushes_nothing_to_do() {
    let (producer, consumer) = Policy::Block.channel(16);
    let [low, high] = [(); 2].map(|()| Task::new());
    let mut first = Box::pin(consumer.ready(2));
    let mut second = Box::pin(consumer.ready(4));
    assert!(low.poll(&mut first).is_pending() && high.poll(&mut second).is_pending());
    drop(first);
    assert_eq!(low.kept(), 0);
    producer.push_batch(&[1, 2, 3]).unwrap();
    assert_eq!((low.wakes(), high.wakes()), (0, 0));
    producer.push(4).unwrap();
    assert_eq!((low.wakes(), high.wakes()), (0, 1));
    // Woken and dropped before it is polled: another that waits has its own mark.
    let mut third = Box::pin(consumer.ready(5));
    assert!(low.poll(&mut third).is_pending());
    drop(second);
    producer.push(5).unwrap();
    assert_eq!(low.wakes(), 1);
    drop(third);
    assert_eq!((low.kept(), high.kept()), (0, 0));
}

// bug-classes A11
#[test]
fn the_last_waker_counts() {
    let (producer, consumer) = Policy::Block.channel(4);
    let [before, now] = [(); 2].map(|()| Task::new());
    let mut ready = Box::pin(consumer.ready(2));
    assert!(before.poll(&mut ready).is_pending());
    assert!(now.poll(&mut ready).is_pending());
    assert_eq!((before.kept(), now.kept()), (0, 1));
    producer.push_batch(&[1, 2]).unwrap();
    assert_eq!((before.wakes(), now.wakes()), (0, 1));
    assert_eq!(producer.stats().takers_parked, 1);
}

// bug-classes A9
#[test]
fn closing_ends_every_wait_for_more() {
    in_time(|| {
        for policy in POLICIES {
            let (producer, consumer) = policy.channel(8);
            producer.push(1).unwrap();
            let task = Task::new();
            let mut ready = Box::pin(consumer.ready(5));
            assert!(task.poll(&mut ready).is_pending());
            let threads: Vec<_> = (2..6)
                .map(|n| {
                    let consumer = consumer.clone();
                    thread::spawn(move || consumer.wait_ready(n, Duration::MAX))
                })
                .collect();
            let taker = thread::spawn({
                let consumer = consumer.clone();
                move || consumer.take_batch_timeout(7, Duration::MAX)
            });
            let_others_park();
            drop(producer);
            assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
            assert!(task.is_woken() && task.poll(&mut ready).is_ready());
            assert_eq!(taker.join().unwrap(), Ok(vec![1]));
            assert_eq!(
                consumer.take_batch_timeout(7, Duration::MAX),
                Err(TakeTimeoutError::Closed)
            );
            assert!(consumer.wait_ready(3, Duration::ZERO));
        }
    });
}

#[test]
fn more_than_fits_counts_as_full_and_none_is_always_there() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            let (producer, consumer) = policy.channel(capacity);
            assert!(consumer.wait_ready(0, Duration::ZERO));
            assert!(!consumer.wait_ready(1, Duration::ZERO));
            for n in 0..capacity {
                assert!(!consumer.wait_ready(usize::MAX, Duration::ZERO));
                producer.push(n).unwrap();
            }
            assert!(consumer.wait_ready(usize::MAX, Duration::MAX));
            assert_eq!(
                consumer.take_batch_timeout(usize::MAX, Duration::MAX).unwrap().len(),
                capacity
            );
        }
    }
}

// bug-classes G1
#[test]
fn what_is_there_when_the_time_is_up_is_taken() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(8);
        producer.push_batch(&[1, 2]).unwrap();
        for timeout in [Duration::ZERO, SOON] {
            assert!(!consumer.wait_ready(3, timeout));
        }
        assert_eq!(consumer.take_batch_timeout(3, SOON), Ok(vec![1, 2]));
        assert_eq!(consumer.take_batch_timeout(3, SOON), Err(TakeTimeoutError::Timeout));
        producer.push(3).unwrap();
        assert_eq!(block_on(consumer.take_batch_until(3, ready(()))), Ok(vec![3]));
        let late = block_on(consumer.take_batch_until(3, smol::Timer::after(SOON)));
        assert_eq!(late, Err(TakeTimeoutError::Timeout));
        assert_eq!(block_on(consumer.take_batch_until(0, pending::<()>())), Ok(vec![]));
        let mut out = vec![0];
        producer.push_batch(&[4, 5, 6]).unwrap();
        let report = block_on(consumer.take_batch_until_into(&mut out, 3, pending::<()>())).unwrap();
        assert_eq!((report.taken, report.first, out), (3, 3, vec![0, 4, 5, 6]));
    }
}

#[test]
fn a_deadline_is_not_polled_once_it_is_over_and_an_item_was_not_there() {
    struct Once(AtomicUsize);
    impl Future for &Once {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<()> {
            assert_eq!(self.0.fetch_add(1, Ordering::SeqCst), 0);
            Poll::Ready(())
        }
    }
    let (_producer, consumer) = Policy::Block.channel::<u8>(8);
    let once = Once(AtomicUsize::new(0));
    let late = block_on(consumer.take_batch_until(3, &once));
    assert_eq!(late, Err(TakeTimeoutError::Timeout));
    assert_eq!(once.0.load(Ordering::SeqCst), 1);
}

#[test]
fn while_a_consumer_lingers_pushes_wake_nobody() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(10_000);
        let taker = thread::spawn(move || {
            let mut taken = 0;
            let mut out = Vec::new();
            loop {
                out.clear();
                match consumer.take_batch_timeout_into(&mut out, 10_000, Duration::from_millis(1)) {
                    Ok(report) => taken += report.taken,
                    Err(TakeTimeoutError::Timeout) => {}
                    Err(_) => return (taken, consumer.stats()),
                }
            }
        });
        for n in 0..5_000 {
            producer.push(n).unwrap();
            if n % 500 == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        let woken = producer.stats().takers_woken;
        assert_eq!(woken, 0);
        drop(producer);
        assert_eq!(taker.join().unwrap().0, 5_000);
    });
}

/// Consumers that wait for different numbers, by threads and tasks, beside others that take at once.
#[test]
fn with_many_who_wait_nothing_is_lost_and_nobody_hangs() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in [1, 3, 64] {
                let (producer, consumer) = policy.channel(capacity);
                let takers: Vec<_> = (0..5_usize)
                    .map(|id| {
                        let consumer = consumer.clone();
                        thread::spawn(move || {
                            let mut out = Vec::new();
                            let mut taken = 0;
                            for n in 0_usize.. {
                                out.clear();
                                let max = 1 + (id + n) % 9;
                                let closed = match (id + n) % 5 {
                                    0 => consumer.take_batch_into(&mut out, max).taken == 0,
                                    1 => {
                                        let linger = smol::Timer::after(Duration::from_micros(50));
                                        block_on(consumer.take_batch_until_into(&mut out, max, linger))
                                            == Err(TakeTimeoutError::Closed)
                                    }
                                    2 => {
                                        block_on(async {
                                            let mut ready = Box::pin(consumer.ready(max));
                                            _ = futures::poll!(&mut ready);
                                        });
                                        false
                                    }
                                    3 => {
                                        consumer.wait_ready(max, Duration::from_micros(50));
                                        consumer
                                            .try_take_batch_into(&mut out, max)
                                            .is_err_and(|error| error.is_closed())
                                    }
                                    _ => {
                                        let taken =
                                            consumer.take_batch_timeout_into(&mut out, max, Duration::from_micros(50));
                                        taken == Err(TakeTimeoutError::Closed)
                                    }
                                };
                                taken += out.len() as u64;
                                if closed {
                                    return taken;
                                }
                            }
                            taken
                        })
                    })
                    .collect();
                let pushers: Vec<_> = (0..2)
                    .map(|_| {
                        let producer = producer.clone();
                        thread::spawn(move || {
                            for n in up_to(20_000) {
                                match n % 4 {
                                    0 => match producer.push_batch(&[n; 5]) {
                                        Ok(_) | Err(BatchPushError::Full { .. }) => {}
                                        Err(error) => panic!("{error}"),
                                    },
                                    _ => _ = producer.push(n),
                                }
                            }
                        })
                    })
                    .collect();
                drop(producer);
                pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
                let taken: u64 = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
                let stats = consumer.stats();
                assert_eq!((stats.taken, stats.len), (taken, 0));
                assert_eq!(stats.pushed, stats.taken + stats.evicted);
            }
        }
    });
}

// bug-classes F1, F3
#[test]
fn a_waker_may_use_the_channel_or_panic() {
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Wake, Waker};

    struct Reentrant(Mutex<Option<mpsc_ring::Producer<u8>>>, bool);
    impl Wake for Reentrant {
        fn wake(self: Arc<Self>) {
            let producer = self.0.lock().unwrap().take();
            if let Some(producer) = producer {
                producer.push(9).unwrap();
                producer.len();
            }
            assert!(!self.1, "a waker that panics");
        }
    }
    for panicking in [false, true] {
        let (producer, consumer) = Policy::Block.channel(8);
        let waker = Arc::new(Reentrant(Mutex::new(Some(producer.clone())), panicking));
        let mut first = Box::pin(consumer.ready(2));
        let mut second = Box::pin(consumer.ready(2));
        let poll = first.as_mut().poll(&mut Context::from_waker(&Waker::from(waker)));
        assert!(poll.is_pending());
        let task = Task::new();
        assert!(task.poll(&mut second).is_pending());
        assert_eq!(panics(|| producer.push_batch(&[1, 2]).map(|_| ()).unwrap()), panicking);
        assert!(task.is_woken());
        assert_eq!(consumer.try_take_batch(9).unwrap().len(), 3);
    }
}

/// bug-classes A1: who is woken asks again at once, while the push or the close that woke him has others to wake.
#[test]
fn who_asks_again_while_others_are_being_woken_is_not_put_off() {
    use std::sync::Arc;
    use std::task::{Context, Wake, Waker};

    struct AskAgain {
        consumer: mpsc_ring::Consumer<u8>,
        n: usize,
        ready: AtomicUsize,
    }
    impl Wake for AskAgain {
        fn wake(self: Arc<Self>) {
            let mut again = Box::pin(self.consumer.ready(self.n));
            let poll = again
                .as_mut()
                .poll(&mut Context::from_waker(&Waker::from(self.clone())));
            self.ready.fetch_add(usize::from(poll.is_ready()), Ordering::SeqCst);
        }
    }
    for numbers in [[1, 1, 1], [2, 2, 2], [5, 2, 3], [2, 5, 4], [5, 5, 1]] {
        for close in [false, true] {
            in_time(move || {
                let (producer, consumer) = Policy::Block.channel(8);
                let askers = numbers.map(|n| {
                    Arc::new(AskAgain {
                        consumer: consumer.clone(),
                        n,
                        ready: AtomicUsize::new(0),
                    })
                });
                let mut waits = Vec::new();
                for asker in &askers {
                    let mut wait = Box::pin(consumer.ready(asker.n));
                    let waker = Waker::from(asker.clone());
                    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                    waits.push(wait);
                }
                if close {
                    assert!(producer.close());
                } else {
                    assert_eq!(producer.push_batch(&[1, 2, 3, 4, 5]), Ok(5));
                }
                for asker in &askers {
                    assert_eq!(asker.ready.load(Ordering::SeqCst), 1, "of {numbers:?}");
                }
            });
        }
    }
}

#[cfg(feature = "tokio")]
mod stream {
    use futures::StreamExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lingering_stream_yields_full_batches_at_once_and_the_rest_when_its_time_is_up() {
        let (producer, consumer) = Policy::Block.channel(16);
        let mut batches = consumer.batches_linger(3, Duration::from_millis(10));
        producer.push_batch(&[1, 2, 3, 4, 5, 6, 7]).unwrap();
        let start = tokio::time::Instant::now();
        assert_eq!(batches.next().await, Some(vec![1, 2, 3]));
        assert_eq!(batches.next().await, Some(vec![4, 5, 6]));
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(batches.next().await, Some(vec![7]));
        assert!(start.elapsed() >= Duration::from_millis(10));
        producer.push(8).unwrap();
        drop(producer);
        assert_eq!(batches.next().await, Some(vec![8]));
        assert_eq!(batches.next().await, None);
        assert_eq!(batches.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lingering_stream_rests_while_nothing_comes() {
        let (producer, consumer) = Policy::Block.channel(16);
        let mut batches = consumer.batches_linger(3, Duration::from_millis(10));
        let pusher = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            producer.push(1).unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
            producer.push(2).unwrap();
            tokio::time::sleep(Duration::from_secs(3600)).await;
            producer.stats()
        });
        assert_eq!(batches.next().await, Some(vec![1, 2]));
        assert_eq!(batches.next().await, None);
        // One for the first item after the rest; the timer for the second; one for closing.
        assert_eq!(pusher.await.unwrap().takers_woken, 1);
    }

    #[tokio::test]
    async fn the_longest_linger_is_as_long_as_it_takes() {
        let (producer, consumer) = Policy::Block.channel(4);
        let mut batches = consumer.into_batches_linger(2, Duration::MAX);
        producer.push_batch(&[1, 2, 3]).unwrap();
        assert_eq!(batches.next().await, Some(vec![1, 2]));
        producer.close();
        assert_eq!(batches.next().await, Some(vec![3]));
        assert_eq!(batches.next().await, None);
    }
}

/// The time a wait may take longer than asked is not bounded here; that it does not return before is.
#[test]
fn a_wait_lasts_as_long_as_asked() {
    let (_producer, consumer) = Policy::Block.channel::<u8>(4);
    let start = Instant::now();
    assert!(!consumer.wait_ready(1, SOON));
    assert!(start.elapsed() >= SOON);
}
