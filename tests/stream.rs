//! Streams and sinks, and how they and the futures share a task and an executor with others.
#![cfg(not(loom))]

mod common;

use std::pin::Pin;
use std::thread;

use common::*;
use futures::executor::block_on;
use futures::stream::FusedStream;
use futures::{FutureExt, Sink, SinkExt, Stream, StreamExt, future, stream};
use mpsc_ring::PushError;

// --------------------------------------------------------------------- streams

#[test]
fn a_stream_gives_every_item_in_order_and_ends() {
    in_time(|| {
        for policy in POLICIES {
            let (producer, consumer) = policy.channel(1000);
            let pusher = thread::spawn(move || (0..1000).for_each(|n| producer.push(n).unwrap()));
            assert_eq!(
                block_on(consumer.stream().collect::<Vec<_>>()),
                (0..1000).collect::<Vec<_>>()
            );
            pusher.join().unwrap();
        }
    });
}

#[test]
fn a_stream_of_batches_gives_every_item_in_order_and_no_empty_batch() {
    in_time(|| {
        for max in [1, 3, usize::MAX] {
            let (producer, consumer) = Policy::Block.channel(10);
            let pusher = thread::spawn(move || (0..1000).for_each(|n| producer.push(n).unwrap()));
            let batches = block_on(consumer.into_batches(max).collect::<Vec<_>>());
            assert!(batches.iter().all(|batch| (1..=max.min(1000)).contains(&batch.len())));
            assert_eq!(batches.concat(), (0..1000).collect::<Vec<_>>());
            pusher.join().unwrap();
        }
    });
}

#[test]
#[should_panic(expected = "a batch must have room for at least 1 item")]
fn batches_of_none_panic() {
    let (_producer, consumer) = Policy::Block.channel::<u8>(1);
    let _ = consumer.batches(0);
}

#[test]
fn streams_know_their_end() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(2);
        let mut items = consumer.stream();
        let mut batches = consumer.batches(2);
        producer.push(1).unwrap();
        assert_eq!(items.next().now_or_never(), Some(Some(1)));
        assert_eq!(items.next().now_or_never(), None);
        drop(producer);
        assert!(!items.is_terminated() && !batches.is_terminated());
        assert_eq!(items.next().now_or_never(), Some(None));
        assert_eq!(batches.next().now_or_never(), Some(None));
        assert!(items.is_terminated() && batches.is_terminated());
        assert_eq!(items.next().now_or_never(), Some(None));
    }
}

#[test]
fn dropping_a_stream_or_its_next_loses_nothing() {
    let (producer, consumer) = Policy::Block.channel(4);
    let task = Task::new();
    for n in 0..10 {
        let mut items = consumer.stream();
        {
            let mut next = items.next();
            assert!(task.poll_unpin(&mut next).is_pending());
            producer.push(n).unwrap();
        }
        if n % 2 == 0 {
            assert_eq!(items.next().now_or_never(), Some(Some(n)));
        } else {
            drop(items);
            assert_eq!(consumer.try_take(), Ok(n));
        }
    }
}

#[test]
fn an_owning_stream_that_is_dropped_closes_the_channel() {
    let (producer, consumer) = Policy::Block.channel(2);
    producer.push(1).unwrap();
    drop(consumer.into_stream());
    assert!(producer.is_closed());
    assert_eq!(producer.stats().discarded, 1);
}

// ----------------------------------------------------------------------- sinks

#[test]
fn a_sink_pushes_in_order_and_into_no_more_than_the_capacity() {
    for capacity in CAPACITIES {
        let (producer, consumer) = Policy::Block.channel(capacity);
        let task = Task::new();
        let mut sinks: Vec<_> = (0..3).map(|_| producer.sink()).collect();
        for n in 0..capacity {
            let sink = &mut sinks[n % 3];
            assert!(task.with(|cx| Pin::new(&mut *sink).poll_ready(cx)).is_ready());
            Pin::new(sink).start_send(n).unwrap();
        }
        // No sink holds one more.
        for sink in &mut sinks {
            assert!(task.with(|cx| Pin::new(&mut *sink).poll_flush(cx)).is_ready());
            assert!(task.with(|cx| Pin::new(&mut *sink).poll_ready(cx)).is_pending());
        }
        assert_eq!(producer.len(), capacity);
        assert!(consumer.try_iter().eq(0..capacity));
    }
}

#[test]
fn a_sink_whose_room_was_taken_keeps_the_item_and_is_not_ready() {
    let (producer, consumer) = Policy::Block.channel(1);
    let task = Task::new();
    let mut sink = producer.sink();
    assert!(task.with(|cx| Pin::new(&mut sink).poll_ready(cx)).is_ready());
    producer.push(1).unwrap();
    Pin::new(&mut sink).start_send(2).unwrap();
    assert!(task.with(|cx| Pin::new(&mut sink).poll_ready(cx)).is_pending());
    assert!(task.with(|cx| Pin::new(&mut sink).poll_close(cx)).is_pending());
    assert_eq!(consumer.take(), Some(1));
    assert!(task.is_woken());
    assert!(task.with(|cx| Pin::new(&mut sink).poll_close(cx)).is_ready());
    assert_eq!(consumer.take(), Some(2));
    assert!(!producer.is_closed());
}

#[test]
fn a_sink_does_what_the_policy_says() {
    let (producer, consumer) = Policy::DropOldest.channel(2);
    block_on(producer.sink().send_all(&mut stream::iter((0..5).map(Ok)))).unwrap();
    assert_eq!(consumer.take_batch(9), [3, 4]);

    let (producer, consumer) = Policy::DropNewest.channel(2);
    let mut sink = producer.clone().into_sink();
    block_on(sink.send(0)).unwrap();
    block_on(sink.send(1)).unwrap();
    assert_eq!(block_on(sink.send(2)), Err(PushError::Full(2)));
    assert_eq!(producer.stats().refused, 1);
    assert_eq!(consumer.take_batch(9), [0, 1]);
}

#[test]
fn a_stream_forwards_into_a_sink() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(3);
        let (through, out) = Policy::Block.channel(2);
        let middle = thread::spawn(move || {
            let items = consumer.into_stream().map(Ok);
            block_on(items.forward(through.into_sink())).unwrap();
        });
        let pusher = thread::spawn(move || (0..1000).for_each(|n| producer.push(n).unwrap()));
        assert!(out.iter().eq(0..1000));
        middle.join().unwrap();
        pusher.join().unwrap();
    });
}

// ------------------------------------------------------------------- neighbours

#[test]
fn a_stream_that_is_always_ready_lets_its_neighbours_run() {
    for batches in [false, true] {
        let (producer, consumer) = Policy::Block.channel(1);
        let task = Task::new();
        let mut items: Pin<Box<dyn Stream<Item = ()>>> = if batches {
            Box::pin(consumer.batches(9).map(|_| ()))
        } else {
            Box::pin(consumer.stream().map(|_| ()))
        };
        let mut in_a_row = 0;
        producer.push(0).unwrap();
        while task.with(|cx| items.as_mut().poll_next(cx)).is_ready() {
            producer.push(0).unwrap();
            in_a_row += 1;
            assert!(in_a_row < 10_000);
        }
        // It wants to be polled again.
        assert_eq!(task.wakes(), 1);
        assert!(task.with(|cx| items.as_mut().poll_next(cx)).is_ready());
    }
}

#[test]
fn a_stream_that_is_always_ready_does_not_starve_a_join() {
    in_time(|| {
        let (producer, consumer) = Policy::DropOldest.channel(8);
        let (stop, stopped) = Policy::Block.channel::<()>(1);
        producer.push(0).unwrap();
        let busy = consumer.stream().for_each(|n| {
            // Ends once the neighbour has run.
            if !stopped.is_closed() {
                producer.push(n).unwrap();
            } else {
                producer.close();
            }
            future::ready(())
        });
        let neighbour = async { drop(stop) };
        block_on(future::join(busy, neighbour));
    });
}

#[test]
fn a_selected_stream_loses_no_item() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(4);
        let (other_producer, other) = Policy::Block.channel(4);
        let pushers = [producer, other_producer]
            .map(|producer| thread::spawn(move || up_to(20_000).inspect(|&n| producer.push(n).unwrap()).count()));
        let mut merged = stream::select(consumer.stream().map(|n| (0, n)), other.stream().map(|n| (1, n)));
        let mut next = [0; 2];
        block_on(async {
            while let Some((from, n)) = merged.next().await {
                assert_eq!(n, next[from]);
                next[from] += 1;
            }
        });
        assert_eq!(next, pushers.map(|pusher| pusher.join().unwrap()));
    });
}

// -------------------------------------------------------------------- executors

#[test]
fn tasks_of_smol_pass_items_on() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(2);
        let pushing = smol::spawn(async move {
            for n in 0..1000 {
                producer.push_async(n).await.unwrap();
            }
        });
        let taken: Vec<_> = smol::block_on(consumer.stream().collect());
        assert!(taken.into_iter().eq(0..1000));
        smol::block_on(pushing);
    });
}

#[test]
fn tasks_of_tokio_pass_items_on() {
    in_time(|| {
        for threads in [0, 2] {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            if threads == 0 {
                runtime = tokio::runtime::Builder::new_current_thread();
            }
            let runtime = runtime.build().unwrap();
            let taken = runtime.block_on(async {
                let (producer, consumer) = Policy::Block.channel(2);
                for _ in 0..4 {
                    let producer = producer.clone();
                    tokio::spawn(async move {
                        for n in 0..1000 {
                            producer.push_async(n).await.unwrap();
                        }
                    });
                }
                drop(producer);
                let mut sum = 0;
                while let Some(n) = consumer.take_async().await {
                    sum += n;
                }
                sum
            });
            assert_eq!(taken, 4 * 999 * 500);
        }
    });
}

/// An operation that is always ready, repeated in a task of tokio, lets other tasks run.
#[cfg(feature = "tokio")]
mod cooperation {
    use super::*;
    use std::cell::Cell;
    use std::future::Future;
    use std::rc::Rc;

    /// Repeats `operation` in a task until another task of the same thread has run.
    fn lets_others_run<F: Future>(mut operation: impl FnMut() -> F + Send + 'static) {
        in_time(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            tokio::task::LocalSet::new().block_on(&runtime, async {
                let has_run = Rc::new(Cell::new(false));
                let busy = {
                    let has_run = has_run.clone();
                    async move {
                        // Millions would go through in the time of a hang guard.
                        for _ in 0..1_000_000 {
                            operation().await;
                            if has_run.get() {
                                return;
                            }
                        }
                        panic!("no other task has run");
                    }
                };
                let other = async move { has_run.set(true) };
                // The busy one is spawned first.
                let busy = tokio::task::spawn_local(busy);
                tokio::task::spawn_local(other);
                busy.await.unwrap();
            });
        });
    }

    #[test]
    fn push_async_lets_others_run() {
        for policy in [Policy::DropOldest, Policy::Block] {
            let (producer, consumer) = policy.channel(2);
            lets_others_run(move || {
                let (producer, consumer) = (producer.clone(), consumer.clone());
                async move {
                    producer.push_async(1).await.unwrap();
                    consumer.try_take().unwrap();
                }
            });
        }
    }

    #[test]
    fn push_from_async_lets_others_run() {
        let (producer, _consumer) = Policy::DropOldest.channel(2);
        lets_others_run(move || {
            let producer = producer.clone();
            async move { producer.push_from_async(&mut vec![1, 2, 3]).await.unwrap() }
        });
    }

    #[test]
    fn take_async_lets_others_run() {
        let (producer, consumer) = Policy::Block.channel(2);
        lets_others_run(move || {
            producer.push(1).unwrap();
            let consumer = consumer.clone();
            async move { consumer.take_async().await.unwrap() }
        });
    }

    /// Bug class: polls that come to nothing pay for those that do not.
    #[test]
    fn taking_from_the_busy_one_of_two_channels_lets_others_run() {
        for before in 0..4 {
            let (idle_producer, idle) = Policy::Block.channel::<i32>(2);
            let (producer, busy) = Policy::Block.channel(2);
            for n in 0..before {
                producer.push(n).unwrap();
                block_on(busy.take_async()).unwrap();
            }
            lets_others_run(move || {
                producer.push(1).unwrap();
                let (_open, idle, busy) = (idle_producer.clone(), idle.clone(), busy.clone());
                async move {
                    tokio::select! {
                        biased;
                        _ = idle.take_async() => unreachable!(),
                        taken = busy.take_async() => assert_eq!(taken, Some(1)),
                    }
                }
            });
        }
    }

    #[test]
    fn take_batch_async_lets_others_run() {
        let (producer, consumer) = Policy::Block.channel(2);
        lets_others_run(move || {
            producer.push(1).unwrap();
            let consumer = consumer.clone();
            async move { assert_eq!(consumer.take_batch_async(9).await, [1]) }
        });
    }

    #[test]
    fn a_sink_lets_others_run() {
        for policy in [Policy::DropOldest, Policy::Block] {
            let (producer, consumer) = policy.channel(2);
            lets_others_run(move || {
                let (producer, consumer) = (producer.clone(), consumer.clone());
                async move {
                    producer.sink().send(1).await.unwrap();
                    consumer.try_take().unwrap();
                }
            });
        }
    }

    #[test]
    fn a_stream_lets_others_run() {
        let (producer, consumer) = Policy::Block.channel(2);
        lets_others_run(move || {
            producer.push(1).unwrap();
            let consumer = consumer.clone();
            async move { assert_eq!(consumer.stream().next().await, Some(1)) }
        });
    }
}
