//! No allocation where nobody has to park, and no more memory than the items need.
#![cfg(not(loom))]
// The one test that needs it: an allocator that counts.
#![allow(unsafe_code)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::*;

struct Counting;

thread_local! {
    /// Allocations of this thread, and bytes it holds.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

impl Counting {
    fn count(allocations: usize, bytes: isize) {
        ALLOCATIONS.set(ALLOCATIONS.get() + allocations);
        BYTES.set(BYTES.get() + bytes);
    }
}

// SAFETY: `System` does the work; the counters are thread-locals that need neither an allocation nor a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count(1, layout.size() as isize);
        // SAFETY: as for this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        Self::count(0, -(layout.size() as isize));
        // SAFETY: as for this function.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count(1, size as isize - layout.size() as isize);
        // SAFETY: as for this function.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Asserts that `f` does not allocate.
fn without_allocating<R>(what: &str, f: impl FnOnce() -> R) -> R {
    let before = ALLOCATIONS.get();
    let result = f();
    assert_eq!(ALLOCATIONS.get() - before, 0, "allocations in {what}");
    result
}

#[test]
fn the_allocator_counts() {
    let before = (ALLOCATIONS.get(), BYTES.get());
    let held = std::hint::black_box(vec![0_u8; 100]);
    assert_eq!((ALLOCATIONS.get() - before.0, BYTES.get() - before.1), (1, 100));
    drop(held);
    assert_eq!(BYTES.get() - before.1, 0);
}

#[test]
fn pushing_does_not_allocate() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            // Waiting is for others: under `Block`, no more than fit.
            let count = if policy == Policy::Block {
                capacity
            } else {
                3 * capacity + 70
            };
            let (producer, consumer) = policy.channel(capacity);
            without_allocating("push", || (0..count).for_each(|n| _ = producer.push(n)));
            consumer.take_batch(usize::MAX);
            without_allocating("try_push", || {
                (0..3 * capacity + 70).for_each(|n| _ = producer.try_push(n))
            });
            consumer.take_batch(usize::MAX);
            without_allocating("push_displacing", || {
                (0..count).for_each(|n| _ = producer.push_displacing(n))
            });
            consumer.take_batch(usize::MAX);
            let mut items: Vec<_> = (0..count).collect();
            without_allocating("push_from", || _ = producer.push_from(&mut items));
            consumer.take_batch(usize::MAX);
            without_allocating("push_async", || {
                for n in 0..count {
                    assert!(Task::poll_unpin_noop(&mut producer.push_async(n)).is_ready());
                }
            });
            consumer.close();
            without_allocating("a closed push", || assert!(producer.push(1).is_err()));
        }
    }
}

#[test]
fn pushing_items_with_destructors_does_not_allocate() {
    struct Dropped;
    impl Drop for Dropped {
        fn drop(&mut self) {}
    }
    for policy in [Policy::DropOldest, Policy::DropNewest] {
        for capacity in CAPACITIES {
            let (producer, consumer) = policy.channel(capacity);
            let mut items: Vec<_> = (0..2 * capacity).map(|_| Dropped).collect();
            without_allocating("push", || {
                for _ in 0..3 * capacity {
                    drop(producer.push(Dropped));
                    drop(producer.push_displacing(Dropped));
                }
                let _ = producer.push_from(&mut items);
                while consumer.try_take().is_ok() {}
            });
        }
    }
}

#[test]
fn taking_does_not_allocate() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            let (producer, consumer) = policy.channel(capacity);
            let mut out = Vec::with_capacity(capacity);
            let surplus = if policy == Policy::DropOldest { 40 } else { 0 };
            let fill = || (0..capacity + surplus).for_each(|n| producer.push(n).unwrap());
            fill();
            without_allocating("take", || {
                (0..capacity).for_each(|_| assert!(consumer.take().is_some()))
            });
            fill();
            without_allocating("try_take", || while consumer.try_take().is_ok() {});
            fill();
            without_allocating("take_timeout", || {
                (0..capacity).for_each(|_| assert!(consumer.take_timeout(std::time::Duration::MAX).is_ok()));
            });
            fill();
            without_allocating("iter", || assert_eq!(consumer.try_iter().count(), capacity));
            for max in [capacity, usize::MAX] {
                fill();
                without_allocating("take_batch_into", || {
                    assert_eq!(consumer.take_batch_into(&mut out, max).taken, capacity)
                });
                out.clear();
                fill();
                let taken = without_allocating("try_take_batch_into", || consumer.try_take_batch_into(&mut out, max));
                assert_eq!(taken.unwrap().taken, capacity);
                out.clear();
            }
            without_allocating("an empty try_take_batch_into", || {
                assert!(consumer.try_take_batch_into(&mut Vec::new(), usize::MAX).is_err());
            });
        }
    }
}

#[test]
fn a_batch_allocates_once_and_no_more_than_it_takes() {
    let (producer, consumer) = Policy::Block.channel(1000);
    (0..100_u64).for_each(|n| producer.push(n).unwrap());
    let before = ALLOCATIONS.get();
    let batch = consumer.take_batch(usize::MAX);
    assert_eq!(ALLOCATIONS.get() - before, 1);
    assert_eq!((batch.len(), batch.capacity()), (100, 100));
}

#[test]
fn counts_and_handles_do_not_allocate() {
    let (producer, consumer) = Policy::Block.channel::<u8>(4);
    without_allocating("handles", || {
        let clones = (producer.clone(), consumer.clone(), producer.downgrade().upgrade());
        let _ = (producer.stats(), consumer.len(), producer.same_channel(&clones.0));
    });
}

#[test]
fn a_million_slots_take_a_byte_each_beside_the_values() {
    const COUNT: usize = 1_000_000;
    for policy in POLICIES {
        let before = BYTES.get();
        let (producer, consumer) = policy.channel::<[u64; 8]>(COUNT);
        let bytes = (BYTES.get() - before) as usize;
        assert!(bytes <= COUNT * 64 + 1_100_000, "{bytes} bytes");
        drop((producer, consumer));
        assert_eq!(BYTES.get(), before);
    }
}

// bug-classes G3
#[test]
fn items_without_size_take_no_memory() {
    for policy in POLICIES {
        let before = BYTES.get();
        let (producer, _consumer) = policy.channel::<()>(100_000);
        assert!(BYTES.get() - before <= 100_000 + 4096);
        without_allocating("push", || (0..100_000).for_each(|_| producer.push(()).unwrap()));
    }
}

// bug-classes A12, D5
#[test]
fn a_channel_that_was_waited_for_gives_all_its_memory_back() {
    let before = BYTES.get();
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(1);
        let task = Task::new();
        for n in 0..100 {
            let mut take = Box::pin(consumer.take_async());
            assert!(task.poll(&mut take).is_pending());
            producer.push(n).unwrap();
            if n % 2 == 0 {
                assert!(task.poll(&mut take).is_ready());
            } else {
                drop(take);
                assert_eq!(consumer.try_take(), Ok(n));
            }
        }
    }
    assert_eq!(BYTES.get(), before);
}
