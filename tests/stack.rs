//! Large items on small stacks. In a file of its own: an overflow ends the process.
#![cfg(not(loom))]

mod common;

use std::mem;
use std::thread;

use common::*;

const MIB: usize = 1 << 20;

/// Runs `test` with a stack of two MiB.
fn with_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(2 * MIB).spawn(test).unwrap();
    thread.join().unwrap();
}

// bug-classes D13
#[test]
fn building_puts_no_item_on_the_stack() {
    with_small_stack(|| {
        for policy in POLICIES {
            let (producer, consumer) = policy.channel::<[u8; MIB]>(64);
            assert_eq!((producer.capacity(), consumer.len()), (64, 0));
            // Dropping is another test's matter. The slots have never been touched, so this leaks no memory yet.
            mem::forget(consumer);
        }
    });
}

// bug-classes D13
#[test]
fn dropping_a_channel_puts_no_item_on_the_stack() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel::<[u8; MIB]>(64);
        with_small_stack(move || drop(consumer));
        assert!(producer.is_closed());
    }
}

// bug-classes D13
#[test]
fn batches_of_items_larger_than_the_stack_go_from_heap_to_heap() {
    const SIZE: usize = 3 * MIB;
    for policy in POLICIES {
        // Only making such items and channels takes a large stack.
        let maker = thread::Builder::new().stack_size(64 * MIB);
        let made = maker.spawn(move || (vec![[1_u8; SIZE], [2; SIZE], [3; SIZE]], policy.channel(3)));
        let (items, (producer, consumer)) = made.unwrap().join().unwrap();
        with_small_stack({
            let consumer = consumer.clone();
            move || {
                assert_eq!(producer.push_batch(&items), Ok(3));
                let batch = consumer.take_batch(9);
                assert!(
                    batch
                        .iter()
                        .zip(1..)
                        .all(|(item, n)| item[0] == n && item[SIZE - 1] == n)
                );
                assert_eq!(batch.len(), 3);
            }
        });
        mem::forget(consumer);
    }
}

// bug-classes D13
#[cfg(feature = "spill")]
#[test]
fn syncing_puts_no_item_on_the_stack() {
    use mpsc_ring::{BackPressurePolicy, Codec, Spill, channel};
    use std::error::Error;

    const SIZE: usize = 3 * MIB;

    struct First;

    impl Codec<[u8; SIZE]> for First {
        fn encode(&self, item: &[u8; SIZE], out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
            out.push(item[0]);
            Ok(())
        }

        fn decode(&self, _: &[u8]) -> Result<[u8; SIZE], Box<dyn Error + Send + Sync>> {
            Err("not needed".into())
        }
    }

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let maker = thread::Builder::new().stack_size(64 * MIB);
    let made = maker.spawn(move || {
        let policy = BackPressurePolicy::SpillToDisk(Spill::options().codec(First).open(path).unwrap());
        (vec![[1_u8; SIZE], [2; SIZE]], channel(3, policy))
    });
    let (items, (producer, consumer)) = made.unwrap().join().unwrap();
    with_small_stack({
        let producer = producer.clone();
        move || {
            assert_eq!(producer.push_batch(&items), Ok(2));
            producer.sync().unwrap();
            assert_eq!(producer.stats().on_disk, 2);
        }
    });
    drop((producer, consumer));
}

// bug-classes D13
#[test]
fn large_items_go_through_a_small_stack_one_by_one() {
    // Items pushed and taken one by one go by value, and every call on the way, or what was inlined of it, has room
    // for several copies on the stack; unoptimised, for more than a hundred.
    const SIZE: usize = if cfg!(debug_assertions) { MIB / 256 } else { MIB / 32 };
    with_small_stack(|| {
        for policy in POLICIES {
            let (producer, consumer) = policy.channel(2);
            for n in 0..5 {
                producer.push([n; SIZE]).unwrap();
                assert!(consumer.take().unwrap().iter().all(|&byte| byte == n));
            }
        }
    });
}
