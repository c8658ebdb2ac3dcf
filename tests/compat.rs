//! The drop-in rings: what code written for the old ones relies on, and what the old ones got wrong.
#![cfg(not(loom))]

mod common;

use std::cell::Cell;
use std::collections::{HashSet, VecDeque};
use std::fmt::Debug;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use common::*;
use mpsc_ring::compat::{LockFreeRingBuffer, RingBuffer};
use proptest::collection::vec;
use proptest::prelude::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};

// bug-classes E1
mod traits {
    use super::*;
    assert_impl_all!(LockFreeRingBuffer<Cell<u8>>: Send, Sync, UnwindSafe, RefUnwindSafe, Clone, Debug, Unpin);
    assert_impl_all!(LockFreeRingBuffer<Rc<Cell<u8>>>: UnwindSafe, RefUnwindSafe, Clone, Debug);
    assert_not_impl_any!(LockFreeRingBuffer<Rc<u8>>: Send, Sync);
    assert_not_impl_any!(LockFreeRingBuffer<AtomicBool>: Clone);
    assert_impl_all!(RingBuffer<u8>: Send, Sync, Clone, Debug);
}

// ------------------------------------------------------------------ one thread

#[test]
fn a_capacity_of_zero_is_refused_in_clear_words() {
    for made in [
        || drop(RingBuffer::<u8>::new(0)),
        || {
            drop(LockFreeRingBuffer::<u8>::new(0));
        },
    ] {
        let message = *std::panic::catch_unwind(made).unwrap_err().downcast::<&str>().unwrap();
        assert_eq!(message, "Capacity must be greater than 0");
    }
}

#[test]
fn every_method_of_the_lock_free_ring() {
    for capacity in [1, 2, 3, 5, 10, 100, 10_000] {
        let ring = LockFreeRingBuffer::new(capacity);
        assert_eq!(
            (ring.capacity(), ring.remaining_capacity(), ring.len()),
            (capacity, capacity, 0)
        );
        assert!(ring.is_empty() && !ring.is_full());
        assert_eq!(ring.pop(), None);
        assert!(ring.take_snapshot().is_empty());
        for n in 0..capacity {
            assert_eq!(ring.remaining_capacity(), capacity - n);
            assert_eq!(ring.push(n), Ok(None));
        }
        assert!(ring.is_full() && !ring.is_empty());
        assert_eq!((ring.len(), ring.remaining_capacity()), (capacity, 0));
        assert_eq!(ring.push(capacity), Ok(Some(0)));
        ring.push_overwrite(capacity + 1);
        assert_eq!(ring.lost(), 1);
        assert_eq!(ring.len(), capacity);
        assert_eq!(ring.pop(), Some(2));
        let shared: Arc<LockFreeRingBuffer<usize>> = ring.into_shared();
        assert_eq!(shared.take_snapshot(), (3..capacity + 2).collect::<Vec<_>>());
        assert!(shared.is_empty());
    }
}

#[test]
fn a_clone_holds_the_same_and_shares_nothing() {
    let mut ring = LockFreeRingBuffer::new(3);
    (0..5).for_each(|n| ring.push_overwrite(n));
    let mut clone = ring.clone();
    assert_eq!((clone.capacity(), clone.lost(), ring.lost()), (3, 0, 2));
    assert!(clone.iter().eq(&[2, 3, 4]));
    clone.push_overwrite(5);
    assert!(clone.iter().eq(&[3, 4, 5]));
    assert!(ring.iter().eq(&[2, 3, 4]));
    assert!(ring.iter().rev().eq(&[4, 3, 2]));
    assert_eq!(
        format!("{ring:?}"),
        "LockFreeRingBuffer { len: 3, capacity: 3, lost: 2, .. }"
    );

    let mut ring = RingBuffer::new(2);
    (0..3).for_each(|n| ring.push(n));
    let clone = ring.clone();
    ring.push(3);
    assert!(ring.iter().eq(&[2, 3]));
    assert!(clone.iter().eq(&[1, 2]));
    assert_eq!(format!("{ring:?}"), "RingBuffer { data: [2, 3], capacity: 2 }");
}

#[derive(Clone, Debug)]
enum Op {
    Push,
    Overwrite,
    Pop,
    Snapshot,
    Clone,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(rounds(400) as u32))]

    #[test]
    fn both_rings_do_what_a_deque_does(
        capacity in 1..9_usize,
        ops in vec(prop_oneof![
            8 => Just(Op::Push), 8 => Just(Op::Overwrite), 4 => Just(Op::Pop), 1 => Just(Op::Snapshot), 1 => Just(Op::Clone),
        ], 0..200),
    ) {
        let mut model = VecDeque::new();
        let mut lock_free = LockFreeRingBuffer::new(capacity);
        let mut single = RingBuffer::new(capacity);
        let mut lost = 0;
        for (n, op) in ops.into_iter().enumerate() {
            // Boxed, so that a sanitizer sees what is dropped twice or never.
            let n = Box::new(n);
            match op {
                Op::Push | Op::Overwrite => {
                    let evicted = if model.len() == capacity { model.pop_front() } else { None };
                    if matches!(op, Op::Push) {
                        prop_assert_eq!(lock_free.push(n.clone()), Ok(evicted));
                    } else {
                        lost += u64::from(evicted.is_some());
                        lock_free.push_overwrite(n.clone());
                    }
                    single.push(n.clone());
                    model.push_back(n);
                }
                Op::Pop => {
                    prop_assert_eq!(lock_free.pop(), model.pop_front());
                    let left = single.take_snapshot();
                    left.into_iter().skip(1).for_each(|n| single.push(n));
                }
                Op::Snapshot => {
                    let all: Vec<_> = model.drain(..).collect();
                    prop_assert_eq!(&lock_free.take_snapshot(), &all);
                    prop_assert_eq!(&single.take_snapshot(), &all);
                }
                Op::Clone => {
                    prop_assert_eq!(lock_free.lost(), lost);
                    lost = 0;
                    lock_free = lock_free.clone();
                    single = single.clone();
                }
            }
            prop_assert!(lock_free.iter().eq(&model));
            prop_assert!(single.iter().eq(&model));
            prop_assert_eq!((lock_free.len(), single.len()), (model.len(), model.len()));
            prop_assert_eq!((lock_free.is_empty(), single.is_empty()), (model.is_empty(), model.is_empty()));
            prop_assert_eq!(lock_free.is_full(), model.len() == capacity);
        }
        prop_assert_eq!(lock_free.lost(), lost);
    }
}

// bug-classes D1, D2
#[test]
fn a_clone_that_panics_leaves_every_item_where_it_is() {
    /// Panics when its third sibling is cloned.
    #[derive(Debug, PartialEq)]
    struct Fragile(u8);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            assert!(self.0 != 2, "cannot be cloned");
            Self(self.0)
        }
    }
    let ring = LockFreeRingBuffer::new(4);
    (0..4).for_each(|n| ring.push_overwrite(Fragile(n)));
    assert!(panics(|| drop(ring.clone())));
    assert_eq!(ring.push(Fragile(4)), Ok(Some(Fragile(0))));
    assert_eq!(ring.pop(), Some(Fragile(1)));
    assert_eq!(ring.take_snapshot(), [Fragile(2), Fragile(3), Fragile(4)]);
}

#[test]
fn a_clone_may_push_into_the_ring_that_it_is_cloned_from() {
    /// Pushes when it is cloned.
    struct Pushing(Arc<LockFreeRingBuffer<Pushing>>, u8);
    impl Clone for Pushing {
        fn clone(&self) -> Self {
            self.0.push_overwrite(Self(self.0.clone(), 9));
            Self(self.0.clone(), self.1)
        }
    }
    in_time(|| {
        // The first push evicts. For the second there is no room, as nothing goes while an item is being cloned.
        let ring = LockFreeRingBuffer::new_shared(2);
        (0..2).for_each(|n| ring.push_overwrite(Pushing(ring.clone(), n)));
        let clone = (*ring).clone();
        assert_eq!(ids(clone.take_snapshot()), [0, 1]);
        assert_eq!(ids(ring.take_snapshot()), [1, 9]);
        assert_eq!(ring.lost(), 2);
    });
    fn ids(items: Vec<Pushing>) -> Vec<u8> {
        items.iter().map(|item| item.1).collect()
    }
}

// ---------------------------------------------------------------- many threads

// bug-classes A1
#[test]
fn five_producers_and_three_consumers() {
    for capacity in [1, 3, 64] {
        in_time(move || {
            let each = rounds(20_000);
            let ring = LockFreeRingBuffer::new_shared(capacity);
            let pushing = Arc::new(AtomicUsize::new(5));
            let producers: Vec<_> = (0..5)
                .map(|producer| {
                    let (ring, pushing) = (ring.clone(), pushing.clone());
                    thread::spawn(move || {
                        let mut back = Vec::new();
                        for n in 0..each {
                            match ring.push((producer, Box::new(n))) {
                                Ok(evicted) => back.extend(evicted),
                                Err(refused) => back.push(refused),
                            }
                        }
                        pushing.fetch_sub(1, Ordering::Release);
                        back
                    })
                })
                .collect();
            let consumers: Vec<_> = (0..3)
                .map(|_| {
                    let (ring, pushing) = (ring.clone(), pushing.clone());
                    thread::spawn(move || {
                        let mut taken = Vec::new();
                        loop {
                            let over = pushing.load(Ordering::Acquire) == 0;
                            match ring.pop() {
                                Some(item) => taken.push(item),
                                None if over => return taken,
                                None => thread::yield_now(),
                            }
                        }
                    })
                })
                .collect();
            let plain = |items: Vec<(usize, Box<usize>)>| items.into_iter().map(|(p, n)| (p, *n)).collect::<Vec<_>>();
            let mut all = Vec::new();
            for consumer in consumers {
                let taken = plain(consumer.join().unwrap());
                assert_order(&taken);
                all.extend(taken);
            }
            all.extend(
                producers
                    .into_iter()
                    .flat_map(|producer| plain(producer.join().unwrap())),
            );
            assert_eq!(all.len(), 5 * each, "each item is popped or given back, once");
            assert_eq!(all.iter().collect::<HashSet<_>>().len(), 5 * each);
            assert_eq!(ring.lost(), 0);
        });
    }
}

#[test]
fn nothing_is_lost_uncounted() {
    for capacity in [1, 2, 64] {
        in_time(move || {
            let each = rounds(50_000);
            let ring = LockFreeRingBuffer::new_shared(capacity);
            let popped = AtomicUsize::new(0);
            let over = AtomicBool::new(false);
            thread::scope(|scope| {
                let producers: Vec<_> = (0..4)
                    .map(|producer| {
                        let ring = &ring;
                        scope.spawn(move || (0..each).for_each(|n| ring.push_overwrite((producer, Box::new(n)))))
                    })
                    .collect();
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        popped.fetch_add(usize::from(ring.pop().is_some()), Ordering::Relaxed);
                        popped.fetch_add(ring.take_snapshot().len(), Ordering::Relaxed);
                    }
                });
                producers.into_iter().for_each(|producer| producer.join().unwrap());
                over.store(true, Ordering::Relaxed);
            });
            let left = ring.take_snapshot().len();
            assert_eq!(ring.lost() as usize + popped.load(Ordering::Relaxed) + left, 4 * each);
        });
    }
}

/// The old ring's snapshot went on for as long as there was something to pop.
#[test]
fn snapshots_and_clones_end_while_others_push() {
    for capacity in [1, 3, 1000] {
        in_time(move || {
            let ring = LockFreeRingBuffer::new_shared(capacity);
            let over = AtomicBool::new(false);
            thread::scope(|scope| {
                for producer in 0..3 {
                    let (ring, over) = (&ring, &over);
                    scope.spawn(move || {
                        let mut n = 0;
                        while !over.load(Ordering::Relaxed) {
                            ring.push_overwrite((producer, n));
                            n += 1;
                        }
                    });
                }
                for _ in up_to(300) {
                    for items in [(*ring).clone().take_snapshot(), ring.take_snapshot()] {
                        assert!(items.len() <= capacity);
                        assert_order(&items);
                    }
                }
                over.store(true, Ordering::Relaxed);
            });
        });
    }
}

#[test]
fn a_clone_has_everything_that_stays() {
    in_time(|| {
        let ring = LockFreeRingBuffer::new_shared(64);
        (0..32).for_each(|n| ring.push_overwrite((0, Box::new(n))));
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for producer in 1..3 {
                let (ring, over) = (&ring, &over);
                scope.spawn(move || {
                    for n in 0..16 {
                        ring.push_overwrite((producer, Box::new(n)));
                        thread::yield_now();
                    }
                    over.store(true, Ordering::Release);
                });
            }
            let mut ended = false;
            while !ended {
                ended = over.load(Ordering::Acquire);
                let items: Vec<_> = (*ring).clone().take_snapshot();
                let items: Vec<_> = items.into_iter().map(|(producer, n)| (producer, *n)).collect();
                assert_order(&items);
                assert!(items.iter().take(32).copied().eq((0..32).map(|n| (0, n))));
            }
        });
    });
}

// ----------------------------------------------------------------------- serde

#[cfg(feature = "serde")]
mod serial {
    use super::*;

    #[test]
    fn the_form_is_that_of_the_old_rings() {
        let ring = LockFreeRingBuffer::new(3);
        (0..5).for_each(|n| ring.push_overwrite(n));
        let text = r#"{"items":[2,3,4],"capacity":3}"#;
        assert_eq!(serde_json::to_string(&ring).unwrap(), text);
        assert_eq!(ring.len(), 3, "writing does not take");
        let mut read: LockFreeRingBuffer<i32> = serde_json::from_str(text).unwrap();
        assert_eq!((read.capacity(), read.lost()), (3, 0));
        assert!(read.iter().eq(&[2, 3, 4]));

        let mut ring = RingBuffer::new(2);
        (0..3).for_each(|n| ring.push(n));
        let text = r#"{"data":[1,2],"capacity":2}"#;
        assert_eq!(serde_json::to_string(&ring).unwrap(), text);
        let mut read: RingBuffer<i32> = serde_json::from_str(text).unwrap();
        assert!(read.iter().eq(&[1, 2]));
        read.push(3);
        assert!(read.iter().eq(&[2, 3]));
    }

    #[test]
    fn what_cannot_be_a_ring_is_refused() {
        let refused = |items: &str, capacity: &str| {
            let lock_free = format!(r#"{{"items":{items},"capacity":{capacity}}}"#);
            let single = format!(r#"{{"data":{items},"capacity":{capacity}}}"#);
            let lock_free = serde_json::from_str::<LockFreeRingBuffer<i32>>(&lock_free).unwrap_err();
            let single = serde_json::from_str::<RingBuffer<i32>>(&single).unwrap_err();
            (lock_free.to_string(), single.to_string())
        };
        let (lock_free, single) = refused("[]", "0");
        assert_eq!(lock_free, "the capacity of a ring must be greater than 0");
        assert_eq!(single, lock_free);
        let (lock_free, single) = refused("[1,2,3]", "2");
        assert_eq!(lock_free, "3 items in a ring of capacity 2");
        assert_eq!(single, lock_free);
        for capacity in ["-1", "null", "\"many\""] {
            assert!(refused("[]", capacity).0.starts_with("invalid "));
        }
        let missing = serde_json::from_str::<LockFreeRingBuffer<i32>>(r#"{"items":[]}"#).unwrap_err();
        assert!(missing.to_string().starts_with("missing field `capacity`"));
    }

    /// A claim of more than there is memory for is an error, not an abort.
    #[test]
    fn a_claimed_capacity_is_not_believed() {
        let text = format!(r#"{{"items":[1],"capacity":{}}}"#, usize::MAX);
        let error = serde_json::from_str::<LockFreeRingBuffer<i32>>(&text).unwrap_err();
        assert!(error.to_string().starts_with("no memory for a channel of "));
        let text = text.replace("items", "data");
        let mut ring: RingBuffer<i32> = serde_json::from_str(&text).unwrap();
        ring.push(2);
        assert!(ring.iter().eq(&[1, 2]));
    }
}
