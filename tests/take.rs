//! Taking: what each operation finds in a filled, an empty and a closed channel, under each policy.
#![cfg(not(loom))]

mod common;

use std::task::Poll;
use std::thread;
use std::time::Duration;

use common::*;
use futures::executor::block_on;
use mpsc_ring::{Consumer, Place, TakeTimeoutError, TryTakeError};

// ------------------------------------------------------------------- one item

#[test]
fn every_take_gets_the_oldest_item() {
    for policy in POLICIES {
        for capacity in [5, 7, 1024] {
            let (producer, consumer) = policy.channel(capacity);
            producer.push_batch(&[1, 2, 3, 4, 5]).unwrap();
            assert_eq!(consumer.take(), Some(1));
            assert_eq!(consumer.try_take(), Ok(2));
            assert_eq!(consumer.take_timeout(Duration::from_secs(9)), Ok(3));
            assert_eq!(block_on(consumer.take_async()), Some(4));
            assert_eq!(consumer.iter().next(), Some(5));
        }
    }
}

#[test]
fn an_empty_channel_is_empty_and_not_closed() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            let (_producer, consumer) = policy.channel::<u8>(capacity);
            assert_eq!(consumer.try_take(), Err(TryTakeError::Empty));
            assert_eq!(consumer.try_take_batch(5), Err(TryTakeError::Empty));
            assert_eq!(consumer.take_timeout(Duration::ZERO), Err(TakeTimeoutError::Timeout));
            let batch = consumer.take_batch_timeout(5, Duration::ZERO);
            assert_eq!(batch, Err(TakeTimeoutError::Timeout));
            assert_eq!(consumer.try_iter().next(), None);
            assert!(Task::new().poll(&mut Box::pin(consumer.take_async())).is_pending());
            assert!(
                Task::new()
                    .poll(&mut Box::pin(consumer.take_batch_async(5)))
                    .is_pending()
            );
        }
    }
}

// bug-classes B1, B7, G4
#[test]
fn a_closed_channel_drains_before_it_ends() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            let (producer, consumer) = policy.channel(capacity);
            (0..capacity).for_each(|n| producer.push(n).unwrap());
            drop(producer);
            for n in 0..capacity {
                assert_eq!(consumer.try_take(), Ok(n));
            }
            assert_eq!(consumer.try_take(), Err(TryTakeError::Closed));
            assert_eq!(consumer.take(), None);
            assert_eq!(consumer.take_timeout(Duration::MAX), Err(TakeTimeoutError::Closed));
            assert_eq!(consumer.take_batch(5), []);
            assert_eq!(consumer.try_take_batch(5), Err(TryTakeError::Closed));
            let batch = consumer.take_batch_timeout(5, Duration::MAX);
            assert_eq!(batch, Err(TakeTimeoutError::Closed));
            assert_eq!(block_on(consumer.take_async()), None);
            assert_eq!(block_on(consumer.take_batch_async(5)), []);
            assert_eq!(consumer.iter().next(), None);
        }
    }
}

// bug-classes G4
#[test]
fn closing_a_drop_oldest_channel_of_one_keeps_its_item() {
    for evictions in [0, 1, 40] {
        let (producer, consumer) = Policy::DropOldest.channel(1);
        (0..=evictions).for_each(|n| producer.push(n).unwrap());
        drop(producer);
        assert_eq!(consumer.take(), Some(evictions));
        assert_eq!(consumer.take(), None);
    }
}

#[test]
fn a_closed_drop_oldest_channel_drains_only_the_newest() {
    for capacity in CAPACITIES {
        let (producer, consumer) = Policy::DropOldest.channel(capacity);
        (0..capacity + 20).for_each(|n| producer.push(n).unwrap());
        drop(producer);
        assert_eq!(
            consumer.iter().collect::<Vec<_>>(),
            (20..capacity + 20).collect::<Vec<_>>()
        );
    }
}

// bug-classes B1, B7
#[test]
fn an_item_pushed_before_the_close_is_never_missed() {
    in_time(|| {
        for policy in POLICIES {
            for _ in up_to(5_000) {
                let (producer, consumer) = policy.channel(1);
                let pusher = thread::spawn(move || {
                    producer.push(1).unwrap();
                    drop(producer);
                });
                let taken = loop {
                    match consumer.try_take() {
                        Err(TryTakeError::Empty) => thread::yield_now(),
                        taken => break taken,
                    }
                };
                assert_eq!(taken, Ok(1));
                pusher.join().unwrap();
            }
        }
    });
}

#[test]
fn take_waits_for_an_item() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            in_time(move || {
                let (producer, consumer) = policy.channel(capacity);
                let taker = thread::spawn(move || (consumer.take(), consumer.take()));
                let_others_park();
                producer.push(1).unwrap();
                let_others_park();
                drop(producer);
                assert_eq!(taker.join().unwrap(), (Some(1), None));
            });
        }
    }
}

#[test]
fn close_wakes_every_blocked_take() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel::<u8>(1);
        let takers: [thread::JoinHandle<bool>; 4] = [
            thread::spawn({
                let consumer = consumer.clone();
                move || consumer.take().is_none()
            }),
            thread::spawn({
                let consumer = consumer.clone();
                move || consumer.take_batch(5).is_empty()
            }),
            thread::spawn({
                let consumer = consumer.clone();
                move || consumer.take_timeout(Duration::MAX) == Err(TakeTimeoutError::Closed)
            }),
            thread::spawn({
                let consumer = consumer.clone();
                move || block_on(consumer.take_async()).is_none()
            }),
        ];
        let_others_park();
        assert!(producer.close());
        assert!(takers.into_iter().all(|taker| taker.join().unwrap()));
    });
}

// ------------------------------------------------------------------- timeouts

// bug-classes G1
#[test]
fn an_item_that_is_there_wins_over_an_expired_deadline() {
    for policy in POLICIES {
        for timeout in [
            Duration::ZERO,
            Duration::from_nanos(1),
            Duration::from_secs(u64::MAX),
            Duration::MAX,
        ] {
            let (producer, consumer) = policy.channel(2);
            producer.push_batch(&[1, 2]).unwrap();
            assert_eq!(consumer.take_timeout(timeout), Ok(1));
            assert_eq!(consumer.take_batch_timeout(1, timeout), Ok(vec![2]));
            if timeout < Duration::from_secs(1) {
                assert_eq!(consumer.take_timeout(timeout), Err(TakeTimeoutError::Timeout));
            }
            drop(producer);
            assert_eq!(consumer.take_timeout(timeout), Err(TakeTimeoutError::Closed));
        }
    }
}

// bug-classes G1
#[test]
fn take_timeout_max_waits_until_there_is_an_item() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(4);
        let taker = thread::spawn(move || {
            let first = consumer.take_timeout(Duration::MAX);
            (first, consumer.take_batch_timeout(9, Duration::MAX))
        });
        let_others_park();
        producer.push(1).unwrap();
        let_others_park();
        producer.push_batch(&[2, 3]).unwrap();
        let_others_park();
        producer.push_batch(&[4, 5]).unwrap();
        let (first, batch) = taker.join().unwrap();
        assert_eq!(first, Ok(1));
        assert_eq!(batch.unwrap()[0], 2);
    });
}

// bug-classes G2
#[test]
fn an_item_that_arrives_as_the_time_runs_out_is_there_for_the_next_take() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(1);
        let pusher = thread::spawn(move || {
            up_to(100_000)
                .inspect(|&n| {
                    producer.push(n).unwrap();
                    thread::yield_now();
                })
                .count()
        });
        let mut next = 0;
        let mut timeout = 0;
        loop {
            timeout = (timeout + 1) % 64;
            match consumer.take_timeout(Duration::from_nanos(timeout * 100)) {
                Ok(item) => {
                    assert_eq!(item, next);
                    next += 1;
                }
                Err(TakeTimeoutError::Timeout) => {}
                Err(_) => break,
            }
        }
        assert_eq!(pusher.join().unwrap(), next);
    });
}

// -------------------------------------------------------------------- batches

#[test]
fn a_batch_takes_at_most_max_items() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            for max in [1, 2, capacity, capacity + 1, usize::MAX] {
                let (producer, consumer) = policy.channel(capacity);
                // Move on by some slots, so that batches wrap.
                for n in 0..capacity * 2 / 3 {
                    producer.push(n).unwrap();
                    consumer.take().unwrap();
                }
                let items: Vec<_> = (0..capacity).collect();
                let takes: [&dyn Fn() -> Vec<usize>; 5] = [
                    &|| consumer.take_batch(max),
                    &|| consumer.try_take_batch(max).unwrap(),
                    &|| consumer.take_batch_timeout(max, Duration::ZERO).unwrap(),
                    &|| block_on(consumer.take_batch_async(max)),
                    &|| {
                        let mut out = Vec::new();
                        assert_eq!(block_on(consumer.take_batch_into_async(&mut out, max)).taken, out.len());
                        out
                    },
                ];
                for take in takes {
                    producer.push_batch(&items).unwrap();
                    let batch = take();
                    assert_eq!(batch, items[..max.min(capacity)]);
                    let rest: Vec<_> = consumer.try_iter().collect();
                    assert_eq!(rest, items[batch.len()..]);
                }
            }
        }
    }
}

// bug-classes D10
#[test]
fn a_batch_is_appended_to_what_the_vec_holds() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(4);
        let mut out = vec!["kept".to_string()];
        producer.push_batch(&["a".into(), "b".into()]).unwrap();
        assert_eq!(consumer.take_batch_into(&mut out, usize::MAX).taken, 2);
        producer.push("c".into()).unwrap();
        assert_eq!(consumer.try_take_batch_into(&mut out, 1).unwrap().taken, 1);
        producer.push("d".into()).unwrap();
        assert_eq!(
            consumer
                .take_batch_timeout_into(&mut out, 9, Duration::ZERO)
                .unwrap()
                .taken,
            1
        );
        producer.push("e".into()).unwrap();
        assert_eq!(block_on(consumer.take_batch_into_async(&mut out, 9)).taken, 1);
        drop(producer);
        assert_eq!(consumer.take_batch_into(&mut out, 9).taken, 0);
        assert_eq!(consumer.try_take_batch_into(&mut out, 9), Err(TryTakeError::Closed));
        let closed = consumer.take_batch_timeout_into(&mut out, 9, Duration::MAX);
        assert_eq!(closed, Err(TakeTimeoutError::Closed));
        assert_eq!(block_on(consumer.take_batch_into_async(&mut out, 9)).taken, 0);
        assert_eq!(out, ["kept", "a", "b", "c", "d", "e"]);
    }
}

// bug-classes D10
#[test]
fn a_batch_of_at_most_none_takes_nothing_and_never_waits() {
    for policy in POLICIES {
        for inside in [0, 1] {
            for closed in [false, true] {
                let (producer, consumer) = policy.channel(1);
                (0..inside).for_each(|n| producer.push(n).unwrap());
                if closed {
                    consumer.close();
                }
                let mut out = vec![7];
                assert_eq!(consumer.take_batch(0), []);
                assert_eq!(consumer.try_take_batch(0), Ok(vec![]));
                assert_eq!(consumer.take_batch_timeout(0, Duration::MAX), Ok(vec![]));
                assert_eq!(consumer.take_batch_into(&mut out, 0).taken, 0);
                assert_eq!(block_on(consumer.take_batch_async(0)), []);
                assert_eq!(block_on(consumer.take_batch_into_async(&mut out, 0)).taken, 0);
                assert_eq!(out, [7]);
                assert_eq!(consumer.len(), inside);
            }
        }
    }
}

#[test]
fn a_batch_larger_than_one_chunk_comes_whole() {
    for policy in POLICIES {
        for capacity in [255, 256, 257, 512, 1000] {
            let (producer, consumer) = policy.channel(capacity);
            for lap in 0..3 {
                let items: Vec<_> = (0..capacity - lap).map(|n| n.to_string()).collect();
                assert_eq!(producer.push_batch(&items), Ok(items.len()));
                assert_eq!(consumer.take_batch(usize::MAX), items);
            }
        }
    }
}

#[test]
fn a_place_is_used_from_poll_to_poll() {
    let (producer, consumer) = Policy::Block.channel(4);
    let task = Task::new();
    let (mut out, mut place) = (Vec::new(), Place::new());
    for round in 1..4 {
        assert!(
            task.with(|cx| consumer.poll_take_batch_into(cx, &mut place, &mut out, 9))
                .is_pending()
        );
        producer.push(round).unwrap();
        assert_eq!(task.wakes(), round);
        let report = task.with(|cx| consumer.poll_take_batch_into(cx, &mut place, &mut out, 9));
        assert_eq!(report.map(|report| report.taken), Poll::Ready(1));
    }
    drop(producer);
    let report = task.with(|cx| consumer.poll_take_batch_into(cx, &mut place, &mut out, 9));
    assert_eq!(report.map(|report| report.taken), Poll::Ready(0));
    assert_eq!(out, [1, 2, 3]);
}

#[test]
fn a_place_that_was_left_is_not_woken() {
    let (producer, consumer) = Policy::Block.channel(4);
    let task = Task::new();
    let (mut out, mut place) = (Vec::new(), Place::new());
    assert!(
        task.with(|cx| consumer.poll_take_batch_into(cx, &mut place, &mut out, 9))
            .is_pending()
    );
    place.leave();
    assert_eq!(task.kept(), 0);
    producer.push(1).unwrap();
    assert_eq!(task.wakes(), 0);
    let report = task.with(|cx| consumer.poll_take_batch_into(cx, &mut place, &mut out, 9));
    assert_eq!(report.map(|report| report.taken), Poll::Ready(1));
}

#[test]
fn a_place_taken_to_another_channel_waits_there() {
    let (producer, consumer) = Policy::Block.channel(4);
    let (other_producer, other) = Policy::Block.channel(4);
    let (task, second) = (Task::new(), Task::new());
    let (mut out, mut place, mut behind) = (Vec::new(), Place::new(), Place::new());
    let mut poll = |task: &Task, place: &mut Place, consumer: &Consumer<i32>| {
        task.with(|cx| consumer.poll_take_batch_into(cx, place, &mut out, 9))
            .map(|report| report.taken)
    };
    assert!(poll(&task, &mut place, &consumer).is_pending());
    assert!(poll(&second, &mut behind, &consumer).is_pending());
    assert!(poll(&task, &mut place, &other).is_pending());
    producer.push(1).unwrap();
    assert_eq!((task.wakes(), second.wakes()), (0, 1));
    other_producer.push(2).unwrap();
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&task, &mut place, &other), Poll::Ready(1));
}

// ------------------------------------------------------------------- iterators

#[test]
fn iterators_take_items_in_order() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(6);
        producer.push_batch(&[1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(consumer.try_iter().take(2).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(consumer.iter().take(2).collect::<Vec<_>>(), [3, 4]);
        drop(producer);
        assert_eq!((&consumer).into_iter().take(1).collect::<Vec<_>>(), [5]);
        assert_eq!(consumer.into_iter().collect::<Vec<_>>(), [6]);
    }
}

#[test]
fn a_try_iter_goes_on_when_there_are_items_again() {
    let (producer, consumer) = Policy::Block.channel(2);
    let mut items = consumer.try_iter();
    assert_eq!(items.next(), None);
    producer.push(1).unwrap();
    assert_eq!(items.next(), Some(1));
    assert_eq!(items.next(), None);
}

#[test]
fn an_iterator_that_has_ended_stays_so() {
    let (producer, consumer) = Policy::Block.channel::<u8>(2);
    drop(producer);
    let mut items = consumer.iter();
    assert_eq!((items.next(), items.next()), (None, None));
    let mut items = consumer.into_iter();
    assert_eq!((items.next(), items.next()), (None, None));
}

#[test]
fn an_owning_iterator_that_is_dropped_closes_the_channel() {
    let (producer, consumer) = Policy::Block.channel(2);
    producer.push(1).unwrap();
    drop(consumer.into_iter());
    assert!(producer.is_closed());
    assert_eq!(producer.stats().discarded, 1);
}

// ---------------------------------------------------------------- several takers

#[test]
fn every_item_goes_to_one_consumer() {
    in_time(|| {
        for policy in POLICIES {
            let (producer, consumer) = policy.channel(rounds(20_000));
            let takers: Vec<_> = (0..3)
                .map(|_| {
                    let consumer = consumer.clone();
                    thread::spawn(move || consumer.iter().collect::<Vec<_>>())
                })
                .collect();
            for n in 0..rounds(20_000) {
                producer.push(n).unwrap();
            }
            drop(producer);
            let mut taken: Vec<_> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
            taken.sort_unstable();
            assert_eq!(taken, (0..rounds(20_000)).collect::<Vec<_>>());
        }
    });
}

// bug-classes E5
#[test]
fn cloned_consumers_share_one_channel_until_the_last_goes() {
    let (producer, consumer) = Policy::Block.channel(4);
    let clones = vec![consumer; 5];
    assert_eq!(producer.consumer_count(), 5);
    producer.push_batch(&[1, 2, 3]).unwrap();
    for (n, clone) in clones.into_iter().enumerate() {
        assert!(!producer.is_closed());
        if n < 2 {
            assert_eq!(clone.take(), Some(n + 1));
        }
    }
    assert!(producer.is_closed());
    assert_eq!(producer.stats().discarded, 1);
}
