//! Building: capacities that cannot be, items of any size.
#![cfg(not(loom))]

mod common;

use common::*;
use mpsc_ring::{BuildError, Builder, TryTakeError};

/// No machine has the memory for so many, not even for a byte each.
const IMPOSSIBLE: [usize; 5] = [
    usize::MAX,
    usize::MAX - 1,
    usize::MAX / 2 + 1,
    usize::MAX / 2,
    isize::MAX as usize - 40,
];

// bug-classes C6
#[test]
fn a_capacity_without_memory_is_an_error() {
    fn check<T>() {
        for policy in POLICIES {
            for capacity in IMPOSSIBLE {
                let built = Builder::<T>::new(capacity).policy(policy.of()).try_build();
                assert_eq!(built.unwrap_err(), BuildError::TooLarge { capacity });
            }
        }
    }
    check::<u8>();
    check::<u64>();
    check::<[u64; 1000]>();
    check::<String>();
    check::<()>();
}

// bug-classes C6
#[test]
fn a_capacity_whose_bytes_overflow_is_an_error() {
    for policy in POLICIES {
        for shift in [usize::BITS - 12, usize::BITS - 14] {
            let capacity = 1 << shift;
            let built = Builder::<[u64; 4096]>::new(capacity).policy(policy.of()).try_build();
            assert_eq!(built.unwrap_err(), BuildError::TooLarge { capacity });
        }
    }
}

// bug-classes C6
#[test]
fn build_panics_with_a_clear_message() {
    fn message(capacity: usize) -> String {
        let built = std::panic::catch_unwind(|| Policy::DropOldest.channel::<u64>(capacity));
        *built.map(|_| ()).unwrap_err().downcast::<String>().unwrap()
    }
    assert_eq!(message(0), "the capacity of a channel must be at least 1");
    for capacity in IMPOSSIBLE {
        assert_eq!(
            message(capacity),
            format!("no memory for a channel of {capacity} items")
        );
    }
}

#[test]
fn a_capacity_of_zero_is_an_error() {
    for policy in POLICIES {
        let built = Builder::<u8>::new(0).policy(policy.of()).try_build();
        assert_eq!(built.unwrap_err(), BuildError::ZeroCapacity);
    }
}

#[test]
fn a_builder_blocks_unless_told_otherwise() {
    let (producer, _consumer) = Builder::<u8>::new(3).build();
    assert!(format!("{producer:?}").contains("Block"));
    assert_eq!(producer.capacity(), 3);
}

// bug-classes G3
#[test]
fn items_without_size_are_counted_like_others() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            let (producer, consumer) = policy.channel(capacity);
            for _ in 0..3 {
                for n in 0..capacity {
                    assert_eq!(consumer.len(), n);
                    producer.push(()).unwrap();
                }
                assert!(producer.is_full());
                assert!(producer.try_push(()).is_err());
                assert_eq!(consumer.take_batch(usize::MAX).len(), capacity);
                assert_eq!(consumer.try_take(), Err(TryTakeError::Empty));
                assert_eq!(producer.push_batch(&vec![(); capacity]), Ok(capacity));
                for _ in 0..capacity {
                    assert_eq!(consumer.take(), Some(()));
                }
            }
            assert_eq!(producer.stats().pushed, 6 * capacity as u64);
        }
    }
}

// bug-classes G3
#[test]
fn surplus_items_without_size_follow_the_policy() {
    for capacity in CAPACITIES {
        let (producer, consumer) = Policy::DropNewest.channel(capacity);
        let mut items = vec![(); capacity + 7];
        assert_eq!(producer.push_from(&mut items).unwrap_err().pushed(), capacity);
        assert_eq!(items.len(), 7);
        assert_eq!(consumer.take_batch(usize::MAX).len(), capacity);

        let (producer, consumer) = Policy::DropOldest.channel(capacity);
        assert_eq!(producer.push_from(&mut vec![(); capacity + 77]), Ok(capacity + 77));
        assert_eq!(consumer.take_batch(usize::MAX).len(), capacity);
        assert_eq!(consumer.stats().evicted, 77);
    }
}

// bug-classes G3
#[test]
fn items_without_size_are_dropped_once_each() {
    use std::cell::Cell;
    thread_local! {
        static DROPS: Cell<usize> = const { Cell::new(0) };
    }
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.set(DROPS.get() + 1);
        }
    }
    for policy in POLICIES {
        for capacity in CAPACITIES {
            DROPS.set(0);
            let (producer, consumer) = policy.channel(capacity);
            let offered = if policy == Policy::Block {
                capacity
            } else {
                2 * capacity + 3
            };
            for _ in 0..offered {
                drop(producer.push(Nothing));
            }
            assert_eq!(producer.len(), capacity);
            // The one that goes next may be inside still: what is evicted is dropped with the next operation.
            assert!(DROPS.get() + 1 >= offered - capacity);
            drop(consumer.take());
            assert_eq!(DROPS.get(), offered - capacity + 1);
            drop(consumer);
            assert_eq!(DROPS.get(), offered);
        }
    }
}

// bug-classes D12
#[test]
fn items_with_forbidden_bit_patterns_keep_their_values() {
    use std::num::NonZeroU8;
    for policy in POLICIES {
        for capacity in CAPACITIES {
            let (producer, consumer) = policy.channel(capacity);
            for n in 1..=200 {
                producer
                    .push((NonZeroU8::new(n).unwrap(), n % 2 == 0, "text", Box::new(n)))
                    .unwrap();
                let (number, even, text, boxed) = consumer.take().unwrap();
                assert_eq!((number.get(), even, text, *boxed), (n, n % 2 == 0, "text", n));
            }
            // What is left of a batch is moved to the front of its buffer.
            let (producer, consumer) = Policy::DropNewest.channel(capacity);
            let mut items: Vec<_> = (1..=255)
                .cycle()
                .take(capacity + 100)
                .map(|n| NonZeroU8::new(n).unwrap())
                .collect();
            let left = items[capacity..].to_vec();
            assert_eq!(producer.push_from(&mut items).unwrap_err().pushed(), capacity);
            assert_eq!(items, left);
            assert!(consumer.try_iter().zip(1..=255).all(|(item, n)| item.get() == n));
        }
    }
}
