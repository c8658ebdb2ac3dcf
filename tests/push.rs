//! Pushing: what each operation does with room, without room, and when closed, under each policy.
#![cfg(not(loom))]

mod common;

use std::thread;
use std::time::Duration;

use common::*;
use mpsc_ring::{BatchPushError, Consumer, PushError, TryTakeError};

/// All that is inside, oldest first.
fn drain<T>(consumer: &Consumer<T>) -> Vec<T> {
    consumer.try_iter().collect()
}

// ------------------------------------------------------------------- one item

#[test]
fn items_come_out_in_the_order_they_went_in() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            let (producer, consumer) = policy.channel(capacity);
            for n in 0..capacity {
                producer.push(n).unwrap();
            }
            assert_eq!(drain(&consumer), (0..capacity).collect::<Vec<_>>());
        }
    }
}

// bug-classes C4, C5
#[test]
fn capacity_is_exact_for_every_capacity() {
    for policy in POLICIES {
        for capacity in 1..=300 {
            let (producer, consumer) = policy.channel(capacity);
            for lap in 0..2 {
                for n in 0..capacity {
                    assert!(!producer.is_full());
                    assert_eq!(producer.len(), n);
                    producer.push(lap * 1000 + n).unwrap();
                }
                assert!(producer.is_full());
                for n in 0..3 {
                    assert_eq!(producer.try_push(n), Err(PushError::Full(n)));
                    assert_eq!(producer.len(), capacity);
                }
                assert_eq!(producer.capacity(), capacity);
                for n in 0..capacity {
                    assert_eq!(consumer.take(), Some(lap * 1000 + n));
                }
                assert!(consumer.is_empty());
                assert_eq!(consumer.try_take(), Err(TryTakeError::Empty));
            }
        }
    }
}

#[test]
fn drop_oldest_keeps_exactly_the_newest_for_every_capacity() {
    for capacity in 1..=100 {
        for surplus in [1, 2, 31, 32, 33, 64, 100] {
            let (producer, consumer) = Policy::DropOldest.channel(capacity);
            for n in 0..capacity + surplus {
                producer.push(n).unwrap();
                assert!(producer.len() <= capacity);
            }
            assert!(producer.is_full());
            assert_eq!(drain(&consumer), (surplus..capacity + surplus).collect::<Vec<_>>());
            assert_eq!(producer.stats().evicted, surplus as u64);
        }
    }
}

#[test]
fn drop_newest_gives_the_incoming_item_back_and_counts_it() {
    for capacity in CAPACITIES {
        let (producer, consumer) = Policy::DropNewest.channel(capacity);
        for n in 0..capacity {
            producer.push(n).unwrap();
        }
        assert_eq!(producer.push(7777), Err(PushError::Full(7777)));
        assert_eq!(producer.stats().refused, 1);
        assert_eq!(drain(&consumer), (0..capacity).collect::<Vec<_>>());
    }
}

#[test]
fn block_waits_until_there_is_room() {
    for capacity in CAPACITIES {
        in_time(move || {
            let (producer, consumer) = Policy::Block.channel(capacity);
            for n in 0..capacity {
                producer.push(n).unwrap();
            }
            let pusher = thread::spawn({
                let producer = producer.clone();
                move || producer.push(capacity)
            });
            let_others_park();
            assert_eq!(producer.len(), capacity);
            assert_eq!(consumer.take(), Some(0));
            assert_eq!(pusher.join().unwrap(), Ok(()));
            assert_eq!(drain(&consumer), (1..=capacity).collect::<Vec<_>>());
        });
    }
}

#[test]
fn every_push_into_a_closed_channel_returns_its_items() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            for full in [false, true] {
                let (producer, consumer) = policy.channel(capacity);
                if full {
                    (0..capacity).for_each(|n| producer.push(n).unwrap());
                }
                assert!(consumer.close());
                assert!(!producer.close());
                assert_eq!(producer.push(7), Err(PushError::Closed(7)));
                assert_eq!(producer.try_push(7), Err(PushError::Closed(7)));
                assert_eq!(producer.push_displacing(7), Err(PushError::Closed(7)));
                assert_eq!(producer.push_timeout(7, Duration::MAX), Err(PushError::Closed(7)));
                let pushed = Err(BatchPushError::Closed { pushed: 0 });
                assert_eq!(producer.push_batch(&[7, 8]), pushed);
                let mut items = vec![7, 8];
                assert_eq!(producer.push_from(&mut items), pushed);
                assert_eq!(items, [7, 8]);
                assert_eq!(
                    futures::executor::block_on(producer.push_async(7)),
                    Err(PushError::Closed(7))
                );
                let pushing = producer.push_from_async(&mut items);
                assert_eq!(futures::executor::block_on(pushing), pushed);
                assert_eq!(items, [7, 8]);
                assert_eq!(drain(&consumer).len(), if full { capacity } else { 0 });
                assert_eq!(producer.stats().refused, 0);
            }
        }
    }
}

#[test]
fn try_push_never_evicts_and_is_not_counted_as_refused() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(2);
        producer.push_batch(&[1, 2]).unwrap();
        assert_eq!(producer.try_push(3), Err(PushError::Full(3)));
        assert_eq!(producer.stats().refused, 0);
        assert_eq!(drain(&consumer), [1, 2]);
    }
}

#[test]
fn try_push_finds_a_ring_with_evictions_outstanding_full() {
    let (producer, consumer) = Policy::DropOldest.channel(2);
    for n in 0..5 {
        producer.push(n).unwrap();
    }
    assert_eq!(producer.try_push(9), Err(PushError::Full(9)));
    assert_eq!(consumer.take(), Some(3));
    assert_eq!(producer.try_push(5), Ok(()));
    assert_eq!(drain(&consumer), [4, 5]);
}

#[test]
fn close_wakes_a_blocked_push_which_returns_its_item() {
    in_time(|| {
        let (producer, _consumer) = Policy::Block.channel(1);
        producer.push(1).unwrap();
        let pusher = thread::spawn({
            let producer = producer.clone();
            move || producer.push(2)
        });
        let_others_park();
        assert!(producer.close());
        assert_eq!(pusher.join().unwrap(), Err(PushError::Closed(2)));
    });
}

#[test]
fn a_push_returns_closed_once_the_last_consumer_is_gone() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(2);
        let other = consumer.clone();
        drop(consumer);
        producer.push(1).unwrap();
        drop(other);
        assert!(producer.is_closed());
        assert_eq!(producer.push(2), Err(PushError::Closed(2)));
        assert!(producer.is_empty());
        assert_eq!(producer.stats().discarded, 1);
    }
}

// ------------------------------------------------------------- push_displacing

#[test]
fn push_displacing_returns_exactly_the_item_that_goes() {
    for capacity in CAPACITIES {
        let (producer, consumer) = Policy::DropOldest.channel(capacity);
        for n in 0..3 * capacity + 40 {
            assert_eq!(producer.push_displacing(n), Ok(n.checked_sub(capacity)));
        }
        assert_eq!(producer.stats().evicted, (2 * capacity + 40) as u64);
        assert_eq!(
            drain(&consumer),
            (2 * capacity + 40..3 * capacity + 40).collect::<Vec<_>>()
        );
    }
}

#[test]
fn push_displacing_after_pushes_that_evicted_returns_the_oldest_that_was_left() {
    for capacity in CAPACITIES {
        for surplus in [1, 5, 32, 33] {
            let (producer, consumer) = Policy::DropOldest.channel(capacity);
            for n in 0..capacity + surplus {
                producer.push(n).unwrap();
            }
            assert_eq!(producer.push_displacing(9999), Ok(Some(surplus)));
            assert_eq!(producer.stats().evicted, surplus as u64 + 1);
            assert_eq!(drain(&consumer).len(), capacity);
        }
    }
}

#[test]
fn push_displacing_displaces_nothing_under_the_other_policies() {
    let (producer, _consumer) = Policy::DropNewest.channel(1);
    assert_eq!(producer.push_displacing(1), Ok(None));
    assert_eq!(producer.push_displacing(2), Err(PushError::Full(2)));
    assert_eq!(producer.stats().refused, 1);

    let (producer, consumer) = Policy::Block.channel(1);
    assert_eq!(producer.push_displacing(1), Ok(None));
    assert_eq!(consumer.take(), Some(1));
}

// ------------------------------------------------------------------- timeouts

// bug-classes G1
#[test]
fn push_timeout_with_any_time_pushes_while_there_is_room() {
    for policy in POLICIES {
        for timeout in [
            Duration::ZERO,
            Duration::from_nanos(1),
            Duration::from_secs(u64::MAX),
            Duration::MAX,
        ] {
            let (producer, consumer) = policy.channel(1);
            assert_eq!(producer.push_timeout(1, timeout), Ok(()));
            assert_eq!(consumer.take(), Some(1));
        }
    }
}

// bug-classes G1
#[test]
fn push_timeout_returns_the_item_when_the_time_is_up() {
    for timeout in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(3)] {
        let (producer, consumer) = Policy::Block.channel(1);
        producer.push(1).unwrap();
        assert_eq!(producer.push_timeout(2, timeout), Err(PushError::Timeout(2)));
        assert_eq!(drain(&consumer), [1]);
    }
}

#[test]
fn push_timeout_waits_only_under_block() {
    let (producer, _consumer) = Policy::DropNewest.channel(1);
    producer.push(1).unwrap();
    assert_eq!(producer.push_timeout(2, Duration::MAX), Err(PushError::Full(2)));

    let (producer, consumer) = Policy::DropOldest.channel(1);
    producer.push(1).unwrap();
    assert_eq!(producer.push_timeout(2, Duration::MAX), Ok(()));
    assert_eq!(drain(&consumer), [2]);
}

// bug-classes G1
#[test]
fn push_timeout_max_waits_until_there_is_room_or_the_channel_closes() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(1);
        producer.push(1).unwrap();
        let pusher = thread::spawn({
            let producer = producer.clone();
            move || {
                (
                    producer.push_timeout(2, Duration::MAX),
                    producer.push_timeout(3, Duration::MAX),
                )
            }
        });
        let_others_park();
        assert_eq!(consumer.take(), Some(1));
        let_others_park();
        consumer.close();
        assert_eq!(pusher.join().unwrap(), (Ok(()), Err(PushError::Closed(3))));
    });
}

// bug-classes G2
#[test]
fn a_push_that_times_out_while_room_appears_pushes_or_returns_the_item() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(1);
        let taker = thread::spawn(move || consumer.iter().inspect(|_| thread::yield_now()).collect::<Vec<_>>());
        let mut pushed = Vec::new();
        for n in up_to(100_000) {
            match producer.push_timeout(n, Duration::from_nanos(n as u64 % 64 * 100)) {
                Ok(()) => pushed.push(n),
                Err(error) => assert_eq!(error, PushError::Timeout(n)),
            }
        }
        drop(producer);
        assert_eq!(taker.join().unwrap(), pushed);
    });
}

// -------------------------------------------------------------------- batches

#[test]
fn an_empty_batch_pushes_nothing_even_into_a_full_or_closed_channel() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(1);
        assert_eq!(producer.push_batch(&[]), Ok(0));
        producer.push(1).unwrap();
        assert_eq!(producer.push_batch(&[]), Ok(0));
        assert_eq!(producer.push_from(&mut Vec::new()), Ok(0));
        consumer.close();
        assert_eq!(producer.push_batch(&[]), Ok(0));
        assert_eq!(drain(&consumer), [1]);
    }
}

// bug-classes C11
#[test]
fn batches_up_to_the_room_there_is_go_in_whole() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            for inside in [0, 1, capacity / 2] {
                for batch in [1, (capacity - inside) / 2, capacity - inside] {
                    let inside = if inside + batch > capacity { continue } else { inside };
                    let (producer, consumer) = policy.channel(capacity);
                    // Move on by some slots, so that batches wrap and the cached limit is old.
                    for n in 0..capacity * 2 / 3 {
                        producer.push(n).unwrap();
                        consumer.take().unwrap();
                    }
                    let items: Vec<_> = (0..inside + batch).collect();
                    assert_eq!(producer.push_batch(&items[..inside]), Ok(inside));
                    assert_eq!(producer.push_batch(&items[inside..]), Ok(batch));
                    assert_eq!(producer.len(), inside + batch);
                    assert_eq!(drain(&consumer), items);
                }
            }
        }
    }
}

// bug-classes C11
#[test]
fn a_batch_larger_than_the_room_follows_the_policy() {
    for capacity in CAPACITIES {
        for inside in [0, 1, capacity] {
            for surplus in [1, 2, 33, 3 * capacity] {
                let total = capacity + surplus;
                let items: Vec<_> = (0..total).collect();

                let (producer, consumer) = Policy::DropNewest.channel(capacity);
                producer.push_batch(&items[..inside]).unwrap();
                let mut rest = items[inside..].to_vec();
                let pushed = capacity - inside;
                assert_eq!(producer.push_from(&mut rest), Err(BatchPushError::Full { pushed }));
                assert_eq!(rest, items[capacity..]);
                assert_eq!(producer.stats().refused, surplus as u64);
                assert_eq!(drain(&consumer), items[..capacity]);

                let (producer, consumer) = Policy::DropOldest.channel(capacity);
                producer.push_batch(&items[..inside]).unwrap();
                let mut rest = items[inside..].to_vec();
                assert_eq!(producer.push_from(&mut rest), Ok(total - inside));
                assert!(rest.is_empty());
                assert_eq!(producer.len(), capacity);
                assert_eq!(drain(&consumer), items[surplus..]);
                assert_eq!(producer.stats().evicted, surplus as u64);
            }
        }
    }
}

// bug-classes C11, G7
#[test]
fn a_batch_larger_than_a_blocking_channel_goes_in_piece_by_piece() {
    for capacity in CAPACITIES {
        in_time(move || {
            let (producer, consumer) = Policy::Block.channel(capacity);
            let items: Vec<_> = (0..3 * capacity + 7).collect();
            let pusher = thread::spawn({
                let items = items.clone();
                move || producer.push_batch(&items)
            });
            let taken: Vec<_> = consumer.iter().collect();
            assert_eq!(taken, items);
            assert_eq!(pusher.join().unwrap(), Ok(items.len()));
        });
    }
}

// bug-classes D9
#[test]
fn closing_in_the_middle_of_a_batch_leaves_what_did_not_go_in() {
    for capacity in [1, 2, 3, 5] {
        in_time(move || {
            let (producer, consumer) = Policy::Block.channel(capacity);
            let pusher = thread::spawn(move || {
                let mut items: Vec<_> = (0..100).map(|n| n.to_string()).collect();
                let result = producer.push_from(&mut items);
                (result, items)
            });
            for n in 0..10 {
                assert_eq!(consumer.take(), Some(n.to_string()));
            }
            consumer.close();
            let (result, left) = pusher.join().unwrap();
            let pushed = 100 - left.len();
            assert_eq!(result, Err(BatchPushError::Closed { pushed }));
            let all: Vec<_> = (0..10)
                .map(|n| n.to_string())
                .chain(consumer.try_iter())
                .chain(left)
                .collect();
            assert_eq!(all, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
        });
    }
}

// bug-classes D9
#[test]
fn closing_between_the_polls_of_a_batch_leaves_what_did_not_go_in() {
    let (producer, consumer) = Policy::Block.channel(2);
    let task = Task::new();
    let mut items: Vec<_> = (0..7).collect();
    let mut push = Box::pin(producer.push_from_async(&mut items));
    assert!(task.poll(&mut push).is_pending());
    assert_eq!(consumer.take(), Some(0));
    assert!(task.poll(&mut push).is_pending());
    consumer.close();
    let result = task.poll(&mut push);
    assert_eq!(
        result,
        std::task::Poll::Ready(Err(BatchPushError::Closed { pushed: 3 }))
    );
    drop(push);
    assert_eq!(items, [3, 4, 5, 6]);
    assert_eq!(drain(&consumer), [1, 2]);
}

#[test]
fn a_dropped_push_from_async_leaves_what_has_not_been_pushed() {
    let (producer, consumer) = Policy::Block.channel(2);
    let task = Task::new();
    let mut items = vec![1, 2, 3, 4];
    {
        let mut push = Box::pin(producer.push_from_async(&mut items));
        assert!(task.poll(&mut push).is_pending());
    }
    assert_eq!(items, [3, 4]);
    assert_eq!(drain(&consumer), [1, 2]);
}

// bug-classes C1, C2, C3, C12
#[test]
fn every_wrap_of_the_counters_is_an_ordinary_place() {
    for policy in POLICIES {
        for capacity in [1, 2, 3, 5, 7, 10] {
            for slots in [capacity, capacity + 1, capacity + 32] {
                for lap in first_laps(slots) {
                    let (producer, consumer) = policy.channel_from(capacity, lap);
                    assert!(producer.is_empty());
                    let mut next = 0;
                    for n in 0..4 * slots + 8 {
                        producer.push(n).unwrap();
                        if producer.is_full() {
                            if policy == Policy::DropNewest {
                                assert_eq!(producer.push(9999), Err(PushError::Full(9999)));
                            }
                            assert_eq!(producer.len(), capacity);
                            assert_eq!(consumer.take(), Some(next));
                            next += 1;
                        }
                    }
                    assert_eq!(producer.stats().pushed, 4 * slots as u64 + 8);
                    assert_eq!(producer.stats().taken, next as u64);
                    assert_eq!(drain(&consumer), (next..4 * slots + 8).collect::<Vec<_>>());
                }
            }
        }
    }
}

// bug-classes C1
#[test]
fn evicting_across_every_wrap_keeps_the_newest() {
    for capacity in [1, 2, 3, 5, 7, 10] {
        for slots in [capacity + 1, capacity + 32] {
            for lap in first_laps(slots) {
                let count = 4 * slots + 8;
                let (producer, consumer) = Policy::DropOldest.channel_from(capacity, lap);
                (0..count).for_each(|n| producer.push(n).unwrap());
                assert_eq!(drain(&consumer), (count - capacity..count).collect::<Vec<_>>());

                let (producer, consumer) = Policy::DropOldest.channel_from(capacity, lap);
                (0..count).for_each(|n| producer.push(Box::new(n)).unwrap());
                assert_eq!(
                    drain(&consumer),
                    (count - capacity..count).map(Box::new).collect::<Vec<_>>()
                );
            }
        }
    }
}

// -------------------------------------------------------------------- handles

#[test]
fn handles_know_their_channel() {
    let (producer, consumer) = Policy::Block.channel::<u8>(1);
    let (other_producer, other_consumer) = Policy::Block.channel::<u8>(1);
    assert!(producer.same_channel(&producer.clone()));
    assert!(consumer.same_channel(&consumer.clone()));
    assert!(!producer.same_channel(&other_producer));
    assert!(!consumer.same_channel(&other_consumer));
}

#[test]
fn handles_are_counted() {
    let (producer, consumer) = Policy::Block.channel::<u8>(1);
    assert_eq!((producer.producer_count(), producer.consumer_count()), (1, 1));
    let second = producer.clone();
    let consumers = [consumer.clone(), consumer.clone()];
    assert_eq!((consumer.producer_count(), consumer.consumer_count()), (2, 3));
    drop(second);
    drop(consumers);
    assert_eq!((producer.producer_count(), producer.consumer_count()), (1, 1));
    assert!(!producer.is_closed());
}

#[test]
fn weak_producers_do_not_keep_a_channel_open() {
    let (producer, consumer) = Policy::Block.channel(4);
    let weak = producer.downgrade();
    let upgraded = weak.clone().upgrade().unwrap();
    drop(producer);
    assert!(!consumer.is_closed());
    upgraded.push(1).unwrap();
    drop(upgraded);
    assert!(consumer.is_closed());
    assert!(weak.upgrade().is_none());
    assert_eq!(consumer.take(), Some(1));
    assert_eq!(consumer.take(), None);
}

// bug-classes B5
#[test]
fn an_upgrade_racing_the_last_drop_gives_an_open_channel_or_nothing() {
    in_time(|| {
        for _ in up_to(5_000) {
            let (producer, consumer) = Policy::Block.channel(1);
            let weak = producer.downgrade();
            let upgrader = thread::spawn(move || {
                weak.upgrade().map(|upgraded| {
                    assert!(!upgraded.is_closed());
                    upgraded.push(1).unwrap();
                })
            });
            drop(producer);
            let upgraded = upgrader.join().unwrap().is_some();
            assert!(consumer.is_closed());
            assert_eq!(consumer.take(), upgraded.then_some(1));
            assert_eq!(consumer.producer_count(), 0);
        }
    });
}

#[test]
fn handles_show_what_they_are() {
    let (producer, consumer) = Policy::DropOldest.channel(2);
    producer.push(std::cell::Cell::new(1)).unwrap();
    for shown in [
        format!("{producer:?}"),
        format!("{consumer:?}"),
        format!("{:?}", producer.downgrade()),
    ] {
        assert!(shown.contains("len: 1") && shown.contains("DropOldest"), "{shown}");
    }
}

// ---------------------------------------------------------------------- stats

#[test]
fn stats_see_no_more_than_the_capacity() {
    for capacity in CAPACITIES {
        let (producer, _consumer) = Policy::DropOldest.channel(capacity);
        for n in 0..capacity + 40 {
            producer.push(n).unwrap();
            let stats = producer.stats();
            assert_eq!(stats.len, producer.len() as u64);
            assert_eq!(stats.evicted, (n + 1).saturating_sub(capacity) as u64);
        }
    }
}

#[test]
fn stats_account_for_every_item() {
    let (producer, consumer) = Policy::DropNewest.channel(4);
    assert_eq!(
        producer.push_batch(&[1, 2, 3, 4, 5, 6]),
        Err(BatchPushError::Full { pushed: 4 })
    );
    assert_eq!(producer.push(7), Err(PushError::Full(7)));
    assert_eq!(consumer.take(), Some(1));
    let stats = consumer.stats();
    assert_eq!((stats.pushed, stats.taken, stats.refused, stats.len), (4, 1, 3, 3));
    assert_eq!((stats.offered(), stats.lost()), (7, 3));
    drop(consumer);
    let stats = producer.stats();
    assert_eq!((stats.discarded, stats.len), (3, 0));
}
