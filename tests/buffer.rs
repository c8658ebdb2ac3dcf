//! The channel with both its ends in one value, and batches in the order of time.
#![cfg(not(loom))]

mod common;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use common::*;
use futures::FutureExt;
use futures::executor::block_on;
use mpsc_ring::{BackPressurePolicy, BatchPushError, LockFreeRingBuffer, PushError, Timestamped, TryTakeError};
use proptest::collection::vec;
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

// bug-classes E1
mod traits {
    use std::cell::Cell;
    use std::fmt::Debug;
    use std::rc::Rc;

    use super::*;
    struct Plain;
    assert_impl_all!(LockFreeRingBuffer<Cell<u8>>: Send, Sync);
    assert_impl_all!(LockFreeRingBuffer<Plain>: Send, Sync, Debug, Unpin);
    assert_not_impl_any!(LockFreeRingBuffer<Rc<u8>>: Send, Sync);
    assert_not_impl_any!(LockFreeRingBuffer<u8>: Clone);
}

fn buffer<T>(capacity: usize, policy: Policy) -> LockFreeRingBuffer<T> {
    LockFreeRingBuffer::new(capacity, policy.of())
}

// ------------------------------------------------------------------- one buffer

#[derive(Clone, Debug)]
enum Op {
    Push,
    PushBatch(usize),
    TakeBatch(usize),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every item taken was pushed and accepted, and comes in order; every accepted one is taken or evicted.
    #[test]
    fn what_is_taken_was_accepted(
        ops in vec(prop_oneof![
            12 => Just(Op::Push), 1 => (0..400_usize).prop_map(Op::PushBatch), 1 => (0..200_usize).prop_map(Op::TakeBatch),
        ], 0..=10_000),
        policy in prop::sample::select(&POLICIES[..]),
    ) {
        const CAPACITY: usize = 1024;
        let buffer = buffer(CAPACITY, policy);
        let mut inside: VecDeque<u32> = VecDeque::new();
        let (mut next, mut evicted, mut refused) = (0_u32, 0, 0);
        for op in ops {
            match op {
                Op::Push | Op::PushBatch(_) => {
                    let wanted = if let Op::PushBatch(count) = op { count } else { 1 };
                    let room = CAPACITY - inside.len();
                    // One thread alone would wait for itself.
                    let count = if policy == Policy::Block { wanted.min(room) } else { wanted };
                    let items: Vec<_> = (next..next + count as u32).collect();
                    next += count as u32;
                    let accepted = if policy == Policy::DropNewest { count.min(room) } else { count };
                    if let Op::PushBatch(_) = op {
                        let pushed = buffer.push_batch(&items);
                        let full = Err(BatchPushError::Full { pushed: accepted });
                        prop_assert_eq!(pushed, if accepted == count { Ok(count) } else { full });
                    } else if let [item] = items[..] {
                        let pushed = buffer.push(item);
                        prop_assert_eq!(pushed, if accepted == 1 { Ok(()) } else { Err(PushError::Full(item)) });
                    }
                    refused += count - accepted;
                    inside.extend(&items[..accepted]);
                    while inside.len() > CAPACITY {
                        inside.pop_front();
                        evicted += 1;
                    }
                }
                Op::TakeBatch(max) => {
                    let expected: Vec<_> = inside.drain(..max.min(inside.len())).collect();
                    prop_assert_eq!(buffer.take_batch(max), expected);
                }
            }
            prop_assert_eq!(buffer.len(), inside.len());
        }
        let stats = buffer.stats();
        prop_assert_eq!((stats.evicted, stats.refused), (evicted, refused as u64));
        prop_assert_eq!(buffer.take_batch(usize::MAX), Vec::from(inside));
    }
}

#[test]
fn threads_that_share_a_buffer_lose_nothing_uncounted() {
    for (policy, capacity) in POLICIES.into_iter().flat_map(|policy| [(policy, 3), (policy, 1024)]) {
        let each = rounds(50_000);
        in_time(move || {
            let buffer = LockFreeRingBuffer::new_shared(capacity, policy.of());
            let over = AtomicBool::new(false);
            let taken: Vec<_> = thread::scope(|scope| {
                let producers: Vec<_> = (0..4)
                    .map(|producer| {
                        let buffer = &buffer;
                        scope.spawn(move || (0..each).for_each(|n| _ = buffer.push((producer, Box::new(n)))))
                    })
                    .collect();
                let taker = scope.spawn(|| {
                    let mut taken = Vec::new();
                    while !over.load(Ordering::Acquire) || !buffer.is_empty() {
                        taken.extend(buffer.take_batch(256));
                    }
                    taken
                });
                producers.into_iter().for_each(|producer| producer.join().unwrap());
                over.store(true, Ordering::Release);
                taker.join().unwrap()
            });
            let stats = buffer.stats();
            assert_eq!(stats.offered() as usize, 4 * each);
            assert_eq!(taken.len() + stats.lost() as usize, 4 * each);
            let taken: Vec<_> = taken.into_iter().map(|(producer, n)| (producer, *n)).collect();
            assert_order(&taken);
        });
    }
}

#[test]
fn takes_never_wait() {
    let buffer = buffer::<u8>(4, Policy::Block);
    assert_eq!(buffer.take_batch(10), []);
    buffer.push(1).unwrap();
    assert_eq!(buffer.take_batch(0), []);
    buffer.close();
    assert_eq!(buffer.take_batch(10), [1]);
    assert_eq!(buffer.take_batch(10), []);
    assert_eq!(buffer.push(2), Err(PushError::Closed(2)));
    assert_eq!(buffer.push_batch(&[2]), Err(BatchPushError::Closed { pushed: 0 }));
}

#[test]
#[should_panic(expected = "the capacity of a channel must be at least 1")]
fn a_capacity_of_zero_is_refused_in_clear_words() {
    LockFreeRingBuffer::<u8>::new_shared(0, BackPressurePolicy::Block);
}

// -------------------------------------------------------------------- both roles

#[test]
fn a_buffer_is_a_producer_and_a_consumer() {
    let buffer = buffer::<u8>(4, Policy::Block);
    assert_eq!((buffer.producer_count(), buffer.consumer_count()), (1, 1));
    let (producer, consumer) = (buffer.clone_producer(), buffer.clone_consumer());
    assert_eq!((buffer.producer_count(), buffer.consumer_count()), (2, 2));
    assert!(!buffer.same_channel(&self::buffer(4, Policy::Block)));
    drop((producer, consumer));
    assert_eq!((buffer.producer_count(), buffer.consumer_count()), (1, 1));
    assert!(!buffer.is_closed());
    let shown = format!("{buffer:?}");
    assert!(
        shown.starts_with("LockFreeRingBuffer { len: 0, capacity: 4, policy: Block"),
        "{shown}"
    );
}

#[test]
fn the_channel_outlives_the_buffer_while_both_ends_exist() {
    let buffer = buffer(4, Policy::Block);
    let (producer, consumer) = (buffer.clone_producer(), buffer.clone_consumer());
    buffer.push(1).unwrap();
    drop(buffer);
    assert!(!producer.is_closed());
    producer.push(2).unwrap();
    drop(producer);
    assert_eq!(consumer.take_batch(10), [1, 2]);
    assert_eq!(consumer.try_take(), Err(TryTakeError::Closed));
}

#[test]
fn without_a_buffer_the_end_that_is_left_is_alone() {
    let first = buffer(4, Policy::Block);
    let producer = first.clone_producer();
    first.push(Arc::new(1)).unwrap();
    drop(first);
    assert!(producer.push(Arc::new(2)).unwrap_err().is_closed());
    assert_eq!(producer.stats().discarded, 1);

    let second = buffer(4, Policy::Block);
    let consumer = second.clone_consumer();
    second.push(1).unwrap();
    drop(second);
    assert!(consumer.is_closed());
    assert_eq!(consumer.try_take(), Ok(1));
}

#[test]
fn a_buffer_drops_what_it_holds_once_and_all_of_it() {
    struct Explosive(#[allow(dead_code)] Arc<()>, bool);
    impl Drop for Explosive {
        fn drop(&mut self) {
            if self.1 {
                panic!("a destructor");
            }
        }
    }
    let alive = Arc::new(());
    let buffer = buffer(8, Policy::Block);
    for n in 0..8 {
        assert!(buffer.push(Explosive(alive.clone(), n == 2)).is_ok());
    }
    drop(buffer.take_batch(2));
    assert_eq!(Arc::strong_count(&alive), 7);
    assert!(panics(|| drop(buffer)));
    assert_eq!(Arc::strong_count(&alive), 1);
}

// ---------------------------------------------------------------------- looking

#[test]
fn a_look_shows_what_is_inside_and_leaves_it() {
    for policy in POLICIES {
        for capacity in [1, 3, 8] {
            let mut buffer = buffer(capacity, policy);
            assert_eq!(buffer.iter().unwrap().count(), 0);
            for n in 0..3 * capacity {
                if policy == Policy::Block && buffer.is_full() {
                    assert_eq!(buffer.take_batch(1), [Box::new(n - capacity)]);
                }
                _ = buffer.push(Box::new(n));
                let inside: Vec<_> = buffer.iter().unwrap().map(|item| **item).collect();
                let first = if policy == Policy::DropNewest {
                    0
                } else {
                    (n + 1).saturating_sub(capacity)
                };
                assert!(inside.iter().copied().eq(first..first + inside.len()), "{inside:?}");
                assert_eq!(inside.len(), (n + 1).min(capacity));
                assert!(
                    buffer
                        .iter()
                        .unwrap()
                        .rev()
                        .map(|item| **item)
                        .eq(inside.iter().rev().copied())
                );
            }
            assert_eq!(buffer.take_batch(100).len(), capacity);
        }
    }
}

#[test]
fn a_look_is_refused_while_others_could_move_items() {
    let mut buffer = buffer::<u8>(4, Policy::DropOldest);
    buffer.push(1).unwrap();
    let producer = buffer.clone_producer();
    let weak = producer.downgrade();
    assert!(buffer.iter().is_none());
    drop(producer);
    assert!(buffer.iter().is_none(), "a weak producer can become one");
    drop(weak);
    assert!(buffer.iter().unwrap().eq(&[1]));
    let consumer = buffer.clone_consumer();
    assert!(buffer.iter().is_none());
    drop(consumer);
    assert!(buffer.iter().unwrap().eq(&[1]));
}

// ------------------------------------------------------------------------ tasks

#[test]
fn tasks_push_and_take_through_one_buffer() {
    in_time(|| {
        let buffer = buffer(2, Policy::Block);
        let count = rounds(20_000);
        let taken = block_on(async {
            let pushes = async {
                for n in 0..count {
                    buffer.push_async(n).await.unwrap();
                }
                buffer.close();
            };
            let takes = async {
                let mut taken = Vec::new();
                loop {
                    let batch = buffer.take_batch_async(10).await;
                    if batch.is_empty() {
                        return taken;
                    }
                    taken.extend(batch);
                }
            };
            futures::join!(pushes, takes).1
        });
        assert!(taken.into_iter().eq(0..count));
    });
}

#[test]
fn cancelled_waits_lose_nothing() {
    let buffer = buffer(1, Policy::Block);
    assert!(buffer.take_batch_async(1).now_or_never().is_none());
    buffer.push(1).unwrap();
    let mut push = buffer.push_async(2);
    assert!((&mut push).now_or_never().is_none());
    assert_eq!(push.into_item(), Some(2));
    assert_eq!(buffer.take_batch_async(10).now_or_never(), Some(vec![1]));
    assert_eq!(buffer.take_batch_async(0).now_or_never(), Some(vec![]));
}

#[test]
fn closing_ends_every_wait() {
    in_time(|| {
        let buffer = buffer(1, Policy::Block);
        thread::scope(|scope| {
            let taker = scope.spawn(|| block_on(buffer.take_batch_async(1)));
            thread::sleep(Duration::from_millis(10));
            buffer.close();
            assert_eq!(taker.join().unwrap(), [0_u8; 0]);
        });
        assert_eq!(block_on(buffer.push_async(1)), Err(PushError::Closed(1)));
    });
}

// ------------------------------------------------------------- the order of time

#[derive(Clone, Debug, PartialEq)]
struct Event(u64, Box<str>);

impl Timestamped for Event {
    fn timestamp(&self) -> u64 {
        assert_ne!(self.0, 999_999, "a clock that fails");
        self.0
    }
}

fn events(times: impl IntoIterator<Item = u64>) -> Vec<Event> {
    times.into_iter().map(|time| Event(time, "event".into())).collect()
}

#[test]
fn a_batch_in_order_goes_in_as_any_other() {
    let buffer = buffer(4, Policy::DropNewest);
    assert_eq!(buffer.push_batch_ordered(&[]), Ok(0));
    let items = events([0, 0, u64::MAX]);
    assert_eq!(buffer.push_batch_ordered(&items), Ok(3));
    // Batches are not compared with each other.
    let full = BatchPushError::Full { pushed: 1 };
    assert_eq!(buffer.push_batch_ordered(&events([5, 6])), Err(full));
    assert_eq!(buffer.take_batch(3), items);
    assert_eq!(buffer.take_batch(3), events([5]));
    buffer.close();
    assert_eq!(
        buffer.push_batch_ordered(&items),
        Err(BatchPushError::Closed { pushed: 0 })
    );
}

#[test]
fn a_batch_that_goes_back_leaves_no_trace() {
    let buffer = buffer(1024, Policy::Block);
    let producer = buffer.clone_producer();
    for len in [2, 3, 64, 65, 66, 127, 128, 129, 1000] {
        for index in (1..len).step_by(1 + len / 50).chain([len - 1]) {
            let mut items = events(100..100 + len as u64);
            items[index].0 = 99;
            let error = producer.push_batch_ordered(&items).unwrap_err();
            assert_eq!(
                error,
                BatchPushError::OutOfOrder {
                    index,
                    timestamp: 99,
                    previous: 99 + index as u64
                }
            );
            assert_eq!(buffer.push_batch_ordered(&items), Err(error.clone()));
            assert_eq!(
                (error.pushed(), error.is_out_of_order(), error.is_full()),
                (0, true, false)
            );
        }
    }
    let stats = buffer.stats();
    assert_eq!((stats.offered(), stats.len), (0, 0));
    let error = buffer.push_batch_ordered(&events([7, 9, 8])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "item 2 of the batch has timestamp 8, the one before it 9"
    );
}

#[test]
fn a_clock_that_panics_leaves_no_trace() {
    let buffer = buffer(8, Policy::Block);
    assert!(panics(|| _ = buffer.push_batch_ordered(&events([1, 2, 999_999, 3]))));
    assert_eq!(buffer.stats().offered(), 0);
    assert_eq!(buffer.push_batch_ordered(&events([1])), Ok(1));
}

/// The answer may change between two looks; it decides nothing but which error comes.
#[test]
fn a_clock_that_lies_does_no_harm() {
    use std::sync::atomic::AtomicU64;
    #[derive(Debug)]
    struct Liar(AtomicU64);
    impl Timestamped for Liar {
        fn timestamp(&self) -> u64 {
            self.0.fetch_xor(u64::MAX, Ordering::Relaxed)
        }
    }
    for seed in 0..64_u64 {
        let buffer = buffer(8, Policy::Block);
        let items: Vec<_> = (0..3).map(|n| Arc::new(Liar(AtomicU64::new(seed >> n & 1)))).collect();
        let pushed = buffer.push_batch_ordered(&items);
        let expected = pushed.unwrap_or(0);
        assert_eq!(buffer.take_batch(10).len(), expected);
    }
}
