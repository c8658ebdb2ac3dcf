//! Models of the orderings and of the wake-ups, checked over all interleavings:
//! `RUSTFLAGS="--cfg loom" cargo test --release --features spill --test loom`.
//!
//! Each test names the edge (see the ring's module documentation) or the rule that it is there for.
#![cfg(loom)]
// The checker itself says whether an access to its cells is safe.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake, Waker};

use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Notify};
use loom::thread;
use mpsc_ring::compat::LockFreeRingBuffer;
use mpsc_ring::{BackPressurePolicy, Builder, Consumer, Producer, PushError, TryTakeError, channel};

use BackPressurePolicy::{Block, DropNewest, DropOldest};

/// Checks `f` under at most `preemptions` preemptions, which finds nearly everything at a fraction of the cost.
///
/// The checker forgets that one thread has loaded a word once another loads it: it then does not try what would have
/// come of the other's change before the first load. So who only looks does so in a thread of its own, which runs after
/// the one that changes things unless the checker decides otherwise.
fn model(preemptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.max_branches = 20_000;
    model.check(f);
}

/// A value that loom sees being written and read, so that a missing edge shows as a data race.
struct Value(loom::cell::UnsafeCell<usize>);

// The value is moved from thread to thread; loom checks the accesses.
unsafe impl Send for Value {}

impl Value {
    fn new(n: usize) -> Self {
        let value = Self(loom::cell::UnsafeCell::new(0));
        value.0.with_mut(|value| unsafe { *value = n });
        value
    }

    fn get(self) -> usize {
        self.0.with_mut(|value| unsafe { *value })
    }
}

fn push_all(producer: Producer<Value>, values: std::ops::Range<usize>) -> thread::JoinHandle<()> {
    thread::spawn(move || values.for_each(|n| producer.push(Value::new(n)).unwrap()))
}

fn drained(consumer: &Consumer<Value>) -> Vec<usize> {
    consumer.iter().map(Value::get).collect()
}

fn two_producers(capacity: usize, each: usize, preemptions: usize) {
    model(preemptions, move || {
        let (producer, consumer) = channel(capacity, Block);
        let other = push_all(producer.clone(), 10..11);
        let one = push_all(producer, 0..each);
        let taken = drained(&consumer);
        one.join().unwrap();
        other.join().unwrap();
        let of_one: Vec<_> = taken.iter().filter(|&&n| n < 10).copied().collect();
        assert_eq!(of_one, (0..each).collect::<Vec<_>>());
        assert_eq!(taken.len(), each + 1);
    });
}

// bug-classes A5, C5: Publish, Free, Sleep on both sides, and closing by the last producer.
#[test]
fn two_producers_and_a_consumer_at_capacity_1() {
    two_producers(1, 1, 2);
}

#[test]
fn two_producers_and_a_consumer_at_capacity_2() {
    two_producers(2, 2, 1);
}

/// Publish: without it the taker reads a value that is being written. Nobody sleeps and no lock is near.
#[test]
fn what_is_taken_has_been_written() {
    model(3, || {
        let (producer, consumer) = channel(2, DropNewest);
        let pusher = push_all(producer, 0..1);
        if let Ok(value) = consumer.try_take() {
            assert_eq!(value.get(), 0);
        }
        pusher.join().unwrap();
    });
}

/// Publish, for runs.
#[test]
fn a_batch_that_is_taken_has_been_written() {
    a_batch_has_been_written(3, 0);
}

/// Publish, for a run that goes on in the next lap.
#[test]
fn a_batch_across_the_lap_has_been_written() {
    a_batch_has_been_written(2, 1);
}

fn a_batch_has_been_written(capacity: usize, start: usize) {
    model(3, move || {
        let (producer, consumer) = channel(capacity, DropNewest);
        for n in 0..start {
            producer.push(Value::new(n)).unwrap();
            assert_eq!(consumer.try_take().unwrap().get(), n);
        }
        let pusher = thread::spawn(move || {
            producer.push_from(&mut vec![Value::new(0), Value::new(1)]).unwrap();
        });
        let mut taken = Vec::with_capacity(2);
        let _ = consumer.try_take_batch_into(&mut taken, 2);
        for (n, value) in taken.into_iter().enumerate() {
            assert_eq!(value.get(), n);
        }
        pusher.join().unwrap();
    });
}

/// Publish, relayed by `ready`: it says no more than what is published.
#[test]
fn what_a_take_has_seen_ahead_has_been_written() {
    model(2, || {
        let (producer, consumer) = channel(4, DropNewest);
        producer.push_from(&mut vec![Value::new(0), Value::new(1)]).unwrap();
        let pusher = push_all(producer, 2..3);
        // The first take looks as far ahead as the second; under the model checker it never looks further.
        for n in 0..3 {
            match consumer.try_take() {
                Ok(value) => assert_eq!(value.get(), n),
                Err(_) => assert_eq!(n, 2),
            }
        }
        pusher.join().unwrap();
    });
}

/// Publish, relayed by `ready` to another taker.
#[test]
fn what_another_take_has_seen_ahead_has_been_written() {
    model(2, || {
        let (producer, consumer) = channel(4, DropNewest);
        let pusher = push_all(producer, 0..2);
        let other = consumer.clone();
        let taker = thread::spawn(move || other.try_take().map(Value::get).ok());
        let _ = consumer.try_take().map(Value::get);
        let _ = taker.join().unwrap();
        pusher.join().unwrap();
    });
}

/// Free, for a run so long that its beginning is freed while the rest is copied.
#[test]
fn the_freed_front_of_a_long_run_has_been_copied_out() {
    model(1, || {
        // A run is freed in chunks; under the model checker a chunk is one item.
        let (producer, consumer) = channel(2, DropNewest);
        producer.push_from(&mut vec![Value::new(0), Value::new(1)]).unwrap();
        let pusher = thread::spawn(move || drop(producer.push(Value::new(2))));
        let mut taken = Vec::with_capacity(2);
        assert_eq!(consumer.try_take_batch_into(&mut taken, 2).unwrap().taken, 2);
        pusher.join().unwrap();
        for (n, value) in taken.into_iter().enumerate() {
            assert_eq!(value.get(), n);
        }
    });
}

/// The last handle's drop comes after what the others did, so that what it tears down is at rest.
#[test]
fn the_last_handle_tears_down_what_others_pushed() {
    model(3, || {
        let (producer, consumer) = channel(2, Block);
        let other = producer.clone();
        let pusher = thread::spawn(move || drop(other.push(Value::new(1))));
        drop(producer);
        let leaver = thread::spawn(move || drop(consumer));
        pusher.join().unwrap();
        leaver.join().unwrap();
    });
}

/// Free: without it a push overwrites a value that is being copied out.
#[test]
fn what_is_overwritten_has_been_copied_out() {
    model(3, || {
        let (producer, consumer) = channel(1, DropNewest);
        producer.push(Value::new(0)).unwrap();
        let pusher = thread::spawn(move || drop(producer.push(Value::new(1))));
        assert_eq!(consumer.try_take().unwrap().get(), 0);
        pusher.join().unwrap();
    });
}

/// Free, relayed by `limit`: the second pusher finds room that the first has seen in `freed`.
#[test]
fn room_that_another_push_found_is_free() {
    model(3, || {
        let (producer, consumer) = channel(2, DropNewest);
        producer.push_from(&mut vec![Value::new(0), Value::new(1)]).unwrap();
        let pushers: Vec<_> = (0..2)
            .map(|n| {
                let producer = producer.clone();
                thread::spawn(move || drop(producer.push(Value::new(n))))
            })
            .collect();
        let mut taken = Vec::with_capacity(2);
        assert_eq!(consumer.try_take_batch_into(&mut taken, 2).unwrap().taken, 2);
        for pusher in pushers {
            pusher.join().unwrap();
        }
    });
}

/// Free, between takers: two that evict count both their evictions. bug-classes C5, C7
#[test]
fn evictions_are_all_counted() {
    model(3, || {
        let (producer, consumer) = channel(1, DropOldest);
        for n in 0..2 {
            producer.push(Box::new(n)).unwrap();
        }
        let other = {
            let producer = producer.clone();
            thread::spawn(move || producer.push(Box::new(2)).is_ok())
        };
        let accepted = 2 + u64::from(producer.push(Box::new(3)).is_ok()) + u64::from(other.join().unwrap());
        let left = consumer.try_iter().count();
        let stats = consumer.stats();
        assert_eq!(left, 1);
        assert_eq!(stats.pushed, accepted);
        assert_eq!(stats.evicted, accepted - 1);
    });
}

/// Free, to who counts: an eviction is never shown as a take.
#[test]
fn evictions_are_not_counted_as_taken() {
    model(2, || {
        let (producer, consumer) = channel(1, DropOldest);
        producer.push(Box::new(0)).unwrap();
        let reader = thread::spawn(move || assert_eq!(consumer.stats().taken, 0));
        (1..3).for_each(|n| drop(producer.push(Box::new(n))));
        reader.join().unwrap();
    });
}

/// An item that was shown as evicted is never taken after all.
#[test]
fn what_counts_as_evicted_is_not_taken() {
    a_take_against_an_eviction_that_is_shown(|consumer| consumer.try_take().ok());
}

/// The same, for batches.
#[test]
fn what_counts_as_evicted_is_not_in_a_batch() {
    a_take_against_an_eviction_that_is_shown(|consumer| {
        let mut taken = Vec::with_capacity(1);
        _ = consumer.try_take_batch_into(&mut taken, 1);
        taken.pop()
    });
}

fn a_take_against_an_eviction_that_is_shown(take: fn(&Consumer<u8>) -> Option<u8>) {
    model(3, move || {
        let (producer, consumer) = channel(1, DropOldest);
        producer.push(0).unwrap();
        let taker = thread::spawn(move || (take(&consumer), consumer));
        let observer = {
            let producer = producer.clone();
            thread::spawn(move || producer.stats().evicted)
        };
        producer.push(1).unwrap();
        let shown = observer.join().unwrap();
        let (taken, consumer) = taker.join().unwrap();
        let taken = usize::from(taken.is_some()) + consumer.try_iter().count();
        assert_eq!(consumer.stats().taken, taken as u64);
        assert!(shown + taken as u64 <= 2, "{shown} evicted, {taken} taken");
    });
}

/// Nobody counts an eviction twice.
#[test]
fn an_eviction_is_counted_once() {
    model(3, || {
        let (producer, _consumer) = channel(1, DropOldest);
        for n in 0..2 {
            producer.push(Box::new(n)).unwrap();
        }
        let observer = {
            let producer = producer.clone();
            thread::spawn(move || producer.stats().evicted)
        };
        _ = producer.push(Box::new(2));
        assert!(observer.join().unwrap() <= producer.stats().pushed - 1);
    });
}

/// bug-classes C5, C7: each item is either taken or evicted, once.
#[test]
fn an_evicting_producer_against_a_consumer() {
    model(3, || {
        let dropped = Arc::new(AtomicUsize::new(0));
        struct Counted(#[allow(dead_code)] Value, Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.1.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (producer, consumer) = channel(1, DropOldest);
        let pusher = {
            let dropped = dropped.clone();
            thread::spawn(move || {
                let push = |n| producer.push(Counted(Value::new(n), dropped.clone())).is_ok();
                (0..3).filter(|&n| push(n)).count()
            })
        };
        let taken = consumer.try_iter().count();
        pusher.join().unwrap();
        let rest = consumer.try_iter().count();
        let stats = consumer.stats();
        assert_eq!(stats.taken, (taken + rest) as u64);
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn a_displacing_producer_against_a_consumer() {
    model(3, || {
        let (producer, consumer) = channel(1, DropOldest);
        producer.push(Value::new(0)).unwrap();
        let pusher = thread::spawn(move || match producer.push_displacing(Value::new(1)) {
            Ok(displaced) => displaced.map(Value::get),
            Err(error) => Some(error.into_inner().get()),
        });
        let mut seen: Vec<_> = consumer.try_take().map(Value::get).into_iter().collect();
        seen.extend(pusher.join().unwrap());
        seen.extend(drained(&consumer));
        seen.sort_unstable();
        assert_eq!(seen, [0, 1]);
    });
}

/// A value that is accessed when it is dropped, too. As it has a destructor, an evicting ring has one spare slot for it.
struct Dropped(Value);

impl Dropped {
    fn new(n: usize) -> Self {
        Self(Value::new(n))
    }

    fn seen(&self) -> usize {
        self.0.0.with(|value| unsafe { *value })
    }
}

impl Clone for Dropped {
    fn clone(&self) -> Self {
        Self::new(self.seen())
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.0.with_mut(|value| unsafe { *value = usize::MAX });
    }
}

/// Head: without it an item is moved out while another thread still looks at it.
#[test]
fn a_clone_against_a_pop() {
    a_clone_against(|ring| drop(ring.pop()));
}

/// Head, for who evicts.
#[test]
fn a_clone_against_pushes_that_evict() {
    a_clone_against(|ring| {
        ring.push_overwrite(Dropped::new(2));
        ring.push_overwrite(Dropped::new(3));
    });
}

/// Head, for who displaces.
#[test]
fn a_clone_against_a_push_that_displaces() {
    a_clone_against(|ring| drop(ring.push(Dropped::new(2))));
}

/// Head, for who takes runs.
#[test]
fn a_clone_against_a_snapshot() {
    a_clone_against(|ring| drop(ring.take_snapshot()));
}

/// Head, for who has looked in between.
#[test]
fn a_clone_against_a_clone_and_a_pop() {
    a_clone_against(|ring| {
        drop(ring.clone());
        drop(ring.pop());
    });
}

fn a_clone_against(other: fn(&LockFreeRingBuffer<Dropped>)) {
    model(3, move || {
        let ring = Arc::new(LockFreeRingBuffer::new(2));
        ring.push_overwrite(Dropped::new(0));
        ring.push_overwrite(Dropped::new(1));
        let shared = ring.clone();
        let cloning = thread::spawn(move || assert_in_order(&(*shared).clone()));
        other(&ring);
        cloning.join().unwrap();
        assert_in_order(&ring);
    });
}

fn assert_in_order(ring: &LockFreeRingBuffer<Dropped>) {
    let seen: Vec<_> = ring.take_snapshot().iter().map(Dropped::seen).collect();
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
}

/// Runs tasks on one thread, each polled only when its own waker was called, so that a wake-up for one does not help
/// another. (Two threads that both spin for a third would go on for ever under the model checker.)
fn run<R>(tasks: Vec<Pin<Box<dyn Future<Output = R> + '_>>>) -> Vec<R> {
    struct Flag {
        woken: loom::sync::atomic::AtomicBool,
        any: std::sync::Arc<Notify>,
    }
    impl Wake for Flag {
        fn wake(self: std::sync::Arc<Self>) {
            self.woken.swap(true, Ordering::AcqRel);
            self.any.notify();
        }
    }
    let any = std::sync::Arc::new(Notify::new());
    let flag = || {
        let woken = loom::sync::atomic::AtomicBool::new(true);
        std::sync::Arc::new(Flag {
            woken,
            any: any.clone(),
        })
    };
    let mut tasks: Vec<_> = tasks.into_iter().map(|task| (flag(), task)).collect();
    let mut results = Vec::new();
    loop {
        tasks.retain_mut(|(flag, task)| {
            if !flag.woken.swap(false, Ordering::AcqRel) {
                return true;
            }
            match task.as_mut().poll(&mut Context::from_waker(&Waker::from(flag.clone()))) {
                Poll::Ready(result) => results.push(result),
                Poll::Pending => return true,
            }
            false
        });
        if tasks.is_empty() {
            return results;
        }
        any.wait();
    }
}

/// Room: without it a push takes the ring for full by a `freed` older than its `tail`.
#[test]
fn a_ring_that_was_never_full_refuses_nothing() {
    a_ring_that_was_never_full(|producer| _ = producer.push(2), |producer| producer.push(3).is_ok());
}

/// Room, from a push that does not go by a guess.
#[test]
fn a_ring_that_was_never_full_refuses_nothing_after_a_batch() {
    a_ring_that_was_never_full(
        |producer| _ = producer.push_batch(&[2]),
        |producer| producer.push(3).is_ok(),
    );
}

/// Room, for who only asks.
#[test]
fn a_ring_that_was_never_full_is_not_said_to_be() {
    a_ring_that_was_never_full(|producer| _ = producer.push(2), |producer| !producer.is_full());
}

fn a_ring_that_was_never_full(push: fn(&Producer<u8>), has_room: fn(&Producer<u8>) -> bool) {
    model(3, move || {
        let (producer, consumer) = channel(2, DropNewest);
        producer.push(1).unwrap();
        let other = producer.clone();
        // But for what is pushed here, the ring never holds more than 1 of 2.
        let asker = thread::spawn(move || assert!(has_room(&other)));
        let _ = consumer.try_take();
        push(&producer);
        asker.join().unwrap();
    });
}

/// Head: without it a take finds the ring empty by a `tail` older than its `head`.
#[test]
fn a_ring_that_was_never_empty_yields_an_item() {
    a_ring_that_was_never_empty(1, |consumer| consumer.try_take().is_ok());
}

/// Head, for who has found others to have taken meanwhile.
#[test]
fn a_ring_that_was_never_empty_yields_a_batch() {
    a_ring_that_was_never_empty(3, |consumer| {
        consumer.try_take_batch_into(&mut Vec::with_capacity(1), 1).is_ok()
    });
}

/// Head, for who only asks.
#[test]
fn a_ring_that_was_never_empty_is_not_said_to_be() {
    a_ring_that_was_never_empty(1, |consumer| !consumer.is_empty());
}

fn a_ring_that_was_never_empty(rounds: usize, has_item: fn(&Consumer<Box<u8>>) -> bool) {
    never_empty(2, DropNewest, rounds, has_item, |producer, consumer| {
        let _ = producer.push(Box::new(1));
        // Only what leaves another.
        if consumer.len() == 2 {
            let _ = consumer.try_take();
        }
    });
    never_empty(1, DropOldest, rounds, has_item, |producer, _| {
        let _ = producer.push_displacing(Box::new(1));
    });
}

fn never_empty(
    capacity: usize,
    policy: BackPressurePolicy<Box<u8>>,
    rounds: usize,
    has_item: fn(&Consumer<Box<u8>>) -> bool,
    go_round: fn(&Producer<Box<u8>>, &Consumer<Box<u8>>),
) {
    let evicts = matches!(policy, DropOldest);
    model(2, move || {
        let policy = if evicts { DropOldest } else { DropNewest };
        let (producer, consumer) = channel(capacity, policy);
        producer.push(Box::new(0)).unwrap();
        let other = consumer.clone();
        // But for what is taken here, the ring always holds 1.
        let asker = thread::spawn(move || assert!(has_item(&other)));
        (0..rounds).for_each(|_| go_round(&producer, &consumer));
        asker.join().unwrap();
    });
}

/// A take finds the newest `capacity` items even if another was about to take when they were pushed.
#[test]
fn takes_find_the_newest() {
    model(3, || {
        let (producer, consumer) = channel(1, DropOldest);
        producer.push(1).unwrap();
        let other = consumer.clone();
        let taker = thread::spawn(move || other.try_take().is_ok());
        producer.push(2).unwrap();
        producer.push(3).unwrap();
        let taken = consumer.try_take();
        assert!(matches!(taken, Ok(3) | Err(TryTakeError::Empty)), "took {taken:?}");
        taker.join().unwrap();
    });
}

/// bug-classes A1: two sleepers, two pushes back to back. The channel stays open: nothing but the pushes wakes.
#[test]
fn two_sleeping_consumers_and_two_pushes() {
    model(3, || {
        let (producer, consumer) = channel(2, Block);
        let pusher = {
            let producer = producer.clone();
            thread::spawn(move || (1..3).for_each(|n| producer.push(n).unwrap()))
        };
        let taken = run(vec![Box::pin(consumer.take_async()), Box::pin(consumer.take_async())]);
        assert_eq!(taken.into_iter().flatten().sum::<i32>(), 3);
        pusher.join().unwrap();
        drop(producer);
    });
}

/// bug-classes A1, with a producer for each push.
#[test]
fn two_sleeping_consumers_and_two_pushers() {
    model(2, || {
        let (producer, consumer) = channel(2, Block);
        let pushers: Vec<_> = (1..3)
            .map(|n| {
                let producer = producer.clone();
                thread::spawn(move || producer.push(n).unwrap())
            })
            .collect();
        let taken = run(vec![Box::pin(consumer.take_async()), Box::pin(consumer.take_async())]);
        assert_eq!(taken.into_iter().flatten().sum::<i32>(), 3);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        drop(producer);
    });
}

/// The same for two that sleep for room, which two takes make.
#[test]
fn two_sleeping_producers_and_two_takes() {
    model(3, || {
        let (producer, consumer) = channel(2, Block);
        producer.push_batch(&[0, 1]).unwrap();
        let taker = thread::spawn(move || {
            assert_eq!(consumer.take(), Some(0));
            assert_eq!(consumer.take(), Some(1));
            consumer
        });
        let pushed = run(vec![Box::pin(producer.push_async(2)), Box::pin(producer.push_async(3))]);
        assert_eq!(pushed, [Ok(()), Ok(())]);
        assert_eq!(taker.join().unwrap().len(), 2);
    });
}

/// Sleep, on `head`: a taker wakes a pusher that waits for room.
#[test]
fn two_blocked_pushers_and_a_batch() {
    model(2, || {
        let (producer, consumer) = channel(2, Block);
        producer.push_batch(&[0, 1]).unwrap();
        let taker = thread::spawn(move || {
            let mut taken = Vec::with_capacity(2);
            assert_eq!(consumer.take_batch_into(&mut taken, 2).taken, 2);
            consumer
        });
        let pushed = run(vec![Box::pin(producer.push_async(2)), Box::pin(producer.push_async(3))]);
        assert_eq!(pushed, [Ok(()), Ok(())]);
        assert_eq!(taker.join().unwrap().len(), 2);
    });
}

/// Turns: a take of two wakes one of two sleeping threads, which wakes the other one when it has pushed.
#[test]
fn two_sleeping_threads_and_a_batch() {
    sleeping_threads(2, 2, |consumer| {
        let mut taken = Vec::with_capacity(2);
        assert_eq!(consumer.try_take_batch_into(&mut taken, 2).unwrap().taken, 2);
    });
}

/// Turns: so do two takes, the second of which may meet a thread that was woken and has not run.
#[test]
fn two_sleeping_threads_and_two_takes() {
    sleeping_threads(2, 2, |consumer| {
        (0..2).for_each(|_| assert!(consumer.try_take().is_ok()))
    });
}

/// Turns: a thread goes to sleep while another one is woken and has pushed.
#[test]
fn a_sleeping_thread_and_another_and_two_takes() {
    sleeping_threads(2, 1, |consumer| {
        (0..2).for_each(|_| assert!(consumer.try_take().is_ok()))
    });
}

/// Turns: who has pushed and leaves no room tells the next take that another one sleeps.
#[test]
fn two_sleeping_threads_and_one_slot() {
    sleeping_threads(1, 2, |consumer| (0..2).for_each(|_| assert!(consumer.take().is_some())));
}

/// Two threads push into a full ring, and those takes that begin once some of them sleep are enough for both.
fn sleeping_threads(capacity: usize, asleep: u64, take_two: fn(&Consumer<usize>)) {
    model(1, move || {
        let (producer, consumer) = channel(capacity, Block);
        (0..capacity).for_each(|n| producer.push(n).unwrap());
        let pushers: Vec<_> = (0..2)
            .map(|n| {
                let producer = producer.clone();
                thread::spawn(move || producer.push(n).unwrap())
            })
            .collect();
        while consumer.stats().pushers_parked < asleep {
            thread::yield_now();
        }
        take_two(&consumer);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        assert_eq!(consumer.len(), capacity);
    });
}

/// Sleep, on `tail`, with nothing else between a push and a taker.
#[test]
fn a_push_wakes_a_sleeping_consumer() {
    model(3, || {
        let (producer, consumer) = channel(1, Block);
        let pusher = thread::spawn(move || {
            producer.push(Value::new(7)).unwrap();
            producer
        });
        assert_eq!(consumer.take().unwrap().get(), 7);
        drop(pusher.join().unwrap());
    });
}

#[test]
fn a_take_wakes_a_sleeping_producer() {
    model(3, || {
        let (producer, consumer) = channel(1, Block);
        producer.push(Value::new(0)).unwrap();
        let pusher = push_all(producer, 1..2);
        assert_eq!(consumer.take().unwrap().get(), 0);
        pusher.join().unwrap();
    });
}

/// bug-classes B1, B7: what was pushed before closing is taken, then the end is seen.
#[test]
fn close_against_push_and_take() {
    model(3, || {
        let (producer, consumer) = channel(1, Block);
        let closer = {
            let consumer = consumer.clone();
            thread::spawn(move || consumer.close())
        };
        let pusher = thread::spawn(move || match producer.push(Value::new(1)) {
            Ok(()) => 1,
            Err(error) => {
                assert!(error.is_closed());
                0
            }
        });
        let taken = drained(&consumer).len();
        closer.join().unwrap();
        assert_eq!(taken, pusher.join().unwrap());
    });
}

/// bug-classes B1: the end is never seen before the last item.
#[test]
fn the_last_producer_leaves_after_its_push() {
    model(3, || {
        let (producer, consumer) = channel(1, Block);
        let pusher = push_all(producer, 5..6);
        assert_eq!(consumer.take().map(Value::get), Some(5));
        assert!(consumer.take().is_none());
        pusher.join().unwrap();
    });
}

/// Close: what the closing thread did before is visible to who is told, in each of the ways to be told.
#[test]
fn closing_carries_what_was_done_before() {
    closing_is_told(|_, consumer| consumer.is_closed());
    closing_is_told(|_, consumer| consumer.try_take() == Err(TryTakeError::Closed));
    closing_is_told(|producer, _| producer.push(1).is_err());
    closing_is_told(|_, consumer| consumer.take().is_none());
    closing_is_told(|producer, _| producer.try_push(1).is_err() || producer.push(2).is_err());
    closing_is_told(|producer, _| {
        block_on(producer.closed());
        true
    });
}

fn closing_is_told(told: fn(&Producer<u8>, &Consumer<u8>) -> bool) {
    model(3, move || {
        let (producer, consumer) = channel::<u8>(1, Block);
        let ours = producer.clone();
        let done = Arc::new(loom::cell::UnsafeCell::new(0));
        let closer = {
            let done = done.clone();
            thread::spawn(move || {
                done.with_mut(|done| unsafe { *done = 1 });
                producer.close();
            })
        };
        if told(&ours, &consumer) {
            done.with(|done| assert_eq!(unsafe { *done }, 1));
            assert!(consumer.is_closed());
        }
        closer.join().unwrap();
    });
}

/// Close, by the last producer: what all of them did before they left is visible to who finds the channel closed.
#[test]
fn leaving_carries_what_was_done_before() {
    model(3, || {
        let (producer, consumer) = channel::<u8>(1, Block);
        let done = Arc::new(loom::cell::UnsafeCell::new(0));
        let leaver = {
            let (producer, done) = (producer.clone(), done.clone());
            thread::spawn(move || {
                done.with_mut(|done| unsafe { *done = 1 });
                drop(producer);
            })
        };
        let asker = thread::spawn(move || {
            if consumer.is_closed() {
                done.with(|done| assert_eq!(unsafe { *done }, 1));
            }
        });
        drop(producer);
        leaver.join().unwrap();
        asker.join().unwrap();
    });
}

/// bug-classes A9: a pusher that waits is told that the last consumer has gone, and its item comes back.
#[test]
fn the_last_consumer_leaves_a_blocked_pusher() {
    model(3, || {
        let (producer, consumer) = channel(1, Block);
        producer.push(Value::new(0)).unwrap();
        let leaver = thread::spawn(move || drop(consumer));
        match producer.push(Value::new(1)) {
            Err(PushError::Closed(value)) => assert_eq!(value.get(), 1),
            other => panic!("{other:?}"),
        }
        leaver.join().unwrap();
        assert_eq!(producer.stats().discarded, 1);
    });
}

/// bug-classes B2, B3, B8: a push races the last consumer; the item comes back or is dropped, once.
#[test]
fn a_push_races_the_last_consumer() {
    model(3, || {
        let (producer, consumer) = channel(2, Block);
        let item = Arc::new(());
        let leaver = thread::spawn(move || drop(consumer));
        let pushed = producer.push(item.clone()).is_ok();
        leaver.join().unwrap();
        let stats = producer.stats();
        assert_eq!(stats.discarded, u64::from(pushed));
        // Gone at once, though a producer is left.
        assert_eq!(Arc::strong_count(&item), 1);
    });
}

/// bug-classes B5: an upgrade races the last producer.
#[test]
fn an_upgrade_does_not_resurrect_a_closed_channel() {
    model(3, || {
        let (producer, consumer) = channel::<u8>(1, Block);
        let weak = producer.downgrade();
        let leaver = thread::spawn(move || drop(producer));
        if let Some(producer) = weak.upgrade() {
            assert!(!producer.is_closed());
            assert_eq!(producer.push(1), Ok(()));
        }
        leaver.join().unwrap();
        assert!(consumer.is_closed());
    });
}

/// bug-classes A2, A3: a taker that gives up while it is being woken does not swallow the wake.
#[test]
fn a_cancelled_take_passes_its_wake_on() {
    model(2, || {
        let (producer, consumer) = channel(2, Block);
        let waiting = {
            let consumer = consumer.clone();
            thread::spawn(move || block_on(consumer.take_async()))
        };
        let pusher = thread::spawn(move || {
            producer.push(1).unwrap();
            producer
        });
        let mut taken = None;
        {
            let mut take = pin!(consumer.take_async());
            if let Poll::Ready(item) = take.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                taken = item;
            }
        }
        let producer = pusher.join().unwrap();
        if taken.is_some() {
            producer.push(2).unwrap();
        }
        assert!(waiting.join().unwrap().is_some());
    });
}

/// bug-classes A2, A3, on the pushing side; the item that was not pushed comes back.
#[test]
fn a_cancelled_push_passes_its_wake_on() {
    model(2, || {
        let (producer, consumer) = channel(1, Block);
        producer.push(0).unwrap();
        let waiting = {
            let producer = producer.clone();
            thread::spawn(move || block_on(producer.push_async(1)).unwrap())
        };
        let taker = thread::spawn(move || {
            assert_eq!(consumer.take(), Some(0));
            consumer
        });
        let mut push = producer.push_async(2);
        let ready = std::pin::Pin::new(&mut push)
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready();
        assert_eq!(push.into_item().is_none(), ready);
        let consumer = taker.join().unwrap();
        if ready {
            assert_eq!(consumer.take(), Some(2));
        }
        waiting.join().unwrap();
        assert_eq!(consumer.take(), Some(1));
    });
}

/// Mark: the push that makes them enough wakes, whichever it is.
#[test]
fn a_consumer_waits_for_two_of_two_pushers() {
    model(2, || {
        let (producer, consumer) = channel(2, Block);
        let pushers = [0, 1].map(|n| {
            let producer = producer.clone();
            thread::spawn(move || producer.push(n).unwrap())
        });
        assert!(consumer.wait_ready(2, std::time::Duration::MAX));
        assert_eq!(consumer.len(), 2);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
    });
}

/// Mark, lowered while it is up: a push that knows of the higher one only would wake nobody.
#[test]
fn consumers_wait_for_different_numbers() {
    model(2, || {
        let (producer, consumer) = channel(3, Block);
        let other = consumer.clone();
        let one = thread::spawn(move || block_on(other.ready(1)));
        let pusher = thread::spawn({
            let producer = producer.clone();
            move || producer.push(0).unwrap()
        });
        {
            let mut ready = pin!(consumer.ready(3));
            let polled = run_once(ready.as_mut());
            one.join().unwrap();
            assert!(polled.is_pending());
        }
        pusher.join().unwrap();
        assert_eq!(producer.stats().len, 1);
    });
}

/// A mark above what pushers have been told before is not announced: who gets to the lower one must look for it.
#[test]
fn a_consumer_waits_for_more_than_pushers_were_told() {
    model(2, || {
        let (producer, consumer) = channel(3, Block);
        assert!(run_once(pin!(consumer.ready(1))).is_pending());
        let pushers = [0, 1].map(|n| {
            let producer = producer.clone();
            thread::spawn(move || producer.push(n).unwrap())
        });
        block_on(consumer.ready(2));
        assert_eq!(consumer.len(), 2);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
    });
}

/// bug-classes A9: nobody announces a mark here, so the close must find it, and a push that looks for marks after the close must
/// not count as one that others will follow.
#[test]
fn closing_ends_a_wait_for_more_than_pushers_were_told() {
    model(3, || {
        let (producer, consumer) = channel(3, Block);
        assert!(run_once(pin!(consumer.ready(1))).is_pending());
        let pusher = thread::spawn({
            let producer = producer.clone();
            move || producer.push(0)
        });
        let closer = thread::spawn(move || producer.close());
        block_on(consumer.ready(2));
        _ = pusher.join().unwrap();
        assert!(closer.join().unwrap());
    });
}

/// bug-classes A9: the push that wakes may look for marks once more when the channel has been closed.
#[test]
fn closing_ends_a_wait_after_another() {
    model(3, || {
        let (producer, consumer) = channel(3, Block);
        let pusher = thread::spawn({
            let producer = producer.clone();
            move || producer.push(0)
        });
        let closer = thread::spawn({
            let producer = producer.clone();
            move || producer.close()
        });
        block_on(consumer.ready(1));
        _ = consumer.try_take();
        block_on(consumer.ready(1));
        _ = pusher.join().unwrap();
        assert!(closer.join().unwrap());
    });
}

/// Pushes that evict move `head`, by which marks are set, while they look for marks.
#[test]
fn a_consumer_waits_for_more_than_evicting_pushers_were_told() {
    model(2, || {
        let (producer, consumer) = channel(2, DropOldest);
        assert!(run_once(pin!(consumer.ready(1))).is_pending());
        let pusher = thread::spawn(move || {
            (0..3).for_each(|n| _ = producer.push(n));
            producer
        });
        block_on(consumer.ready(2));
        assert_eq!(consumer.len(), 2);
        drop(pusher.join().unwrap());
    });
}

/// Polls a future for nobody.
fn run_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A mark that was reached only because others have taken meanwhile is not enough.
#[test]
fn nobody_is_told_of_two_where_there_was_never_more_than_one() {
    model(3, || {
        let (producer, consumer) = channel(3, Block);
        let other = consumer.clone();
        let mover = thread::spawn(move || {
            producer.push(0).unwrap();
            other.try_take().unwrap();
            producer.push(1).unwrap();
            (producer, other)
        });
        assert!(run_once(pin!(consumer.ready(2))).is_pending());
        drop(mover.join().unwrap());
    });
}

/// bug-classes A3: who gives up waiting takes no wake with it.
#[test]
fn a_cancelled_wait_for_more_leaves_the_others_theirs() {
    model(2, || {
        let (producer, consumer) = channel(3, Block);
        let other = consumer.clone();
        let waiting = thread::spawn(move || block_on(other.ready(2)));
        let pusher = thread::spawn(move || {
            producer.push(0).unwrap();
            producer.push(1).unwrap();
            producer
        });
        _ = run_once(pin!(consumer.ready(1)));
        _ = run_once(pin!(consumer.ready(3)));
        waiting.join().unwrap();
        drop(pusher.join().unwrap());
    });
}

/// bug-classes A9
#[test]
fn closing_ends_a_wait_for_more() {
    model(3, || {
        let (producer, consumer) = channel(2, Block);
        let closer = thread::spawn(move || {
            producer.push(0).unwrap();
            drop(producer);
        });
        block_on(consumer.ready(2));
        assert!(consumer.is_closed());
        closer.join().unwrap();
    });
}

/// A take that waits for a full batch, beside one that takes at once.
#[test]
fn a_full_batch_against_single_takes() {
    model(1, || {
        let (producer, consumer) = channel(2, Block);
        let other = consumer.clone();
        let single = thread::spawn(move || usize::from(other.try_take().is_ok()));
        let pusher = thread::spawn(move || {
            for n in 0..2 {
                producer.push(n).unwrap();
            }
        });
        let batch = consumer.take_batch_timeout(2, std::time::Duration::MAX);
        let rest = consumer.iter().count();
        pusher.join().unwrap();
        assert_eq!(batch.map_or(0, |batch| batch.len()) + rest + single.join().unwrap(), 2);
    });
}

/// A future that waits for closing is told.
#[test]
fn closed_is_told() {
    model(3, || {
        let (producer, consumer) = channel::<u8>(1, Block);
        let leaver = thread::spawn(move || drop(consumer));
        block_on(producer.closed());
        leaver.join().unwrap();
    });
}

/// bug-classes C1, C3, C12: stamps and laps wrap while two producers and a consumer run.
#[test]
fn the_stamp_wraps() {
    for first_lap in [254, u64::MAX - 1] {
        model(2, move || {
            let (producer, consumer) = Builder::new(1).policy(DropNewest).first_lap(first_lap).build();
            let pusher = thread::spawn(move || (0..3).filter(|&n| producer.push(Value::new(n)).is_ok()).count());
            let mut taken = consumer.try_iter().count();
            let pushed = pusher.join().unwrap();
            taken += consumer.try_iter().count();
            assert_eq!(taken, pushed);
        });
    }
}

/// The count of items is between 0 and the capacity at every moment. bug-classes C13
#[test]
fn len_stays_within_the_capacity() {
    model(3, || {
        let (producer, consumer) = channel(1, DropOldest);
        let pusher = thread::spawn(move || (0..2).for_each(|n| drop(producer.push(Value::new(n)))));
        assert!(consumer.len() <= 1);
        let _ = consumer.try_take();
        assert!(consumer.len() <= 1);
        pusher.join().unwrap();
    });
}

/// The switch between the ring and the log on disk (see the overflow's module documentation), with the log in memory.
#[cfg(feature = "spill")]
mod overflow {
    use super::*;

    use mpsc_ring::{AtCap, Fsync, Spill};

    fn spilling(capacity: usize) -> (Producer<usize>, Consumer<usize>) {
        let spill = Spill::in_memory(Spill::options().fsync(Fsync::Never));
        channel(capacity, BackPressurePolicy::SpillToDisk(spill))
    }

    fn push(producer: Producer<usize>, items: std::ops::Range<usize>) -> thread::JoinHandle<()> {
        thread::spawn(move || items.for_each(|n| producer.push(n).unwrap()))
    }

    /// All items, in batches of two, the reports of which have the items' numbers.
    fn batches(consumer: &Consumer<usize>) -> Vec<usize> {
        let mut out = Vec::new();
        loop {
            let report = consumer.take_batch_into(&mut out, 2);
            if report.taken == 0 {
                return out;
            }
            assert_eq!(report.first, out[out.len() - report.taken] as u64);
        }
    }

    /// All items: two consumers try twice to take one while something `else_happens`, and each sees them in order.
    fn taken_by_two(consumer: Consumer<usize>, else_happens: impl FnOnce() -> thread::JoinHandle<()>) -> Vec<usize> {
        let two = |consumer: Consumer<usize>| (0..2).filter_map(|_| consumer.try_take().ok()).collect::<Vec<_>>();
        let other = consumer.clone();
        let taker = thread::spawn(move || two(other));
        let happening = else_happens();
        let mut taken = two(consumer.clone());
        assert!(taken.is_sorted(), "{taken:?}");
        let others = taker.join().unwrap();
        assert!(others.is_sorted(), "{others:?}");
        happening.join().unwrap();
        taken.extend(others);
        taken.extend(consumer.try_iter());
        taken.sort_unstable();
        taken
    }

    /// One order, into the log and back, and nobody sleeps beside an item.
    #[test]
    fn a_producer_and_a_consumer_switch_in_order() {
        model(2, || {
            let (producer, consumer) = spilling(1);
            let pusher = push(producer, 0..4);
            assert!(consumer.iter().eq(0..4));
            pusher.join().unwrap();
        });
    }

    /// A batch is numbered by what went past the ring before it.
    #[test]
    fn numbers_go_on_where_pushes_return_to_the_ring() {
        model(2, || {
            let (producer, consumer) = spilling(1);
            let pusher = push(producer, 0..4);
            assert_eq!(batches(&consumer), [0, 1, 2, 3]);
            pusher.join().unwrap();
        });
    }

    /// Two producers, the second of which begins its last push when the first has ended its own.
    #[test]
    fn what_was_pushed_before_is_taken_before() {
        model(1, || {
            let (producer, consumer) = spilling(1);
            let second = producer.clone();
            producer.push(0).unwrap();
            let pusher = thread::spawn(move || {
                producer.push(1).unwrap();
                push(second, 2..4).join().unwrap();
            });
            assert!(consumer.iter().eq(0..4));
            pusher.join().unwrap();
        });
    }

    #[test]
    fn two_producers_push_past_the_ring() {
        model(1, || {
            let (producer, consumer) = spilling(1);
            let one = push(producer.clone(), 0..2);
            let other = push(producer, 10..11);
            let taken: Vec<_> = consumer.iter().collect();
            assert_eq!(taken.len(), 3);
            assert!(taken.into_iter().filter(|&n| n < 10).eq(0..2));
            one.join().unwrap();
            other.join().unwrap();
        });
    }

    /// A consumer that found the ring empty looks again once it has the lock: meanwhile others may have read the log empty, and the
    /// ring may be full and the log in use again.
    #[test]
    fn two_consumers_see_one_order() {
        model(1, || {
            let (producer, consumer) = spilling(1);
            (0..2).for_each(|n| producer.push(n).unwrap());
            let taken = taken_by_two(consumer, || push(producer, 2..4));
            assert_eq!(taken, [0, 1, 2, 3]);
        });
    }

    /// A push that was accepted is found, whenever the channel is closed.
    #[test]
    fn nothing_is_accepted_behind_the_end() {
        model(2, || {
            let (producer, consumer) = spilling(1);
            producer.push(0).unwrap();
            let closer = producer.clone();
            let pusher = thread::spawn(move || producer.push(1).is_ok());
            let closing = thread::spawn(move || closer.close());
            let taken = consumer.iter().count();
            closing.join().unwrap();
            assert_eq!(taken, 1 + usize::from(pusher.join().unwrap()));
        });
    }

    /// Who waits for several is told when there are more than fit.
    #[test]
    fn a_mark_is_reached_by_what_goes_past_the_ring() {
        model(2, || {
            let (producer, consumer) = spilling(2);
            let pusher = thread::spawn(move || {
                producer.push_batch(&[0, 1, 2]).unwrap();
                producer
            });
            block_on(consumer.ready(2));
            drop(pusher.join().unwrap());
            assert!(consumer.iter().eq(0..3));
        });
    }

    /// Who waits for several is told when a push that met a full ring goes past it, even if the ring has been emptied meanwhile.
    #[test]
    fn a_mark_is_reached_by_the_first_item_past_the_ring() {
        model(2, || {
            let (producer, consumer) = spilling(1);
            producer.push(0).unwrap();
            let pusher = thread::spawn(move || {
                producer.push(1).unwrap();
                producer
            });
            assert_eq!(consumer.take(), Some(0));
            block_on(consumer.ready(1));
            drop(pusher.join().unwrap());
            assert_eq!(consumer.take(), Some(1));
        });
    }

    /// Head: who was never at the log knows how many items went past the ring.
    #[test]
    fn who_takes_from_the_ring_knows_what_went_past_it() {
        model(1, || {
            let (producer, consumer) = spilling(1);
            (0..2).for_each(|n| producer.push(n).unwrap());
            assert_eq!(consumer.take(), Some(0));
            let other = consumer.clone();
            let pusher = push(producer, 2..3);
            let taker = thread::spawn(move || {
                let mut out = Vec::new();
                if let Ok(report) = other.try_take_batch_into(&mut out, 1) {
                    assert_eq!(report.first, out[0] as u64);
                }
            });
            _ = consumer.try_take(); // From the log, which is empty then.
            _ = consumer.try_take(); // Says so.
            taker.join().unwrap();
            pusher.join().unwrap();
        });
    }

    /// Close: who meets the end knows how many items went past the ring, even if it has not seen that takes were sent past it.
    #[test]
    fn who_meets_the_end_knows_what_went_past_the_ring() {
        model(2, || {
            let (producer, consumer) = spilling(1);
            (0..2).for_each(|n| producer.push(n).unwrap());
            assert_eq!(consumer.take(), Some(0));
            let other = consumer.clone();
            let taker = thread::spawn(move || _ = consumer.try_take());
            let looking = thread::spawn(move || {
                let report = other.take_batch_into(&mut Vec::new(), 1);
                assert_eq!(report.first, 2 - report.taken as u64);
            });
            producer.close();
            taker.join().unwrap();
            looking.join().unwrap();
        });
    }

    /// A push that waits for room in the log goes on once there is some.
    #[test]
    fn who_waits_at_the_cap_goes_on() {
        model(1, || {
            let options = Spill::options().fsync(Fsync::Never).at_cap(AtCap::Block).max_bytes(0);
            let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(Spill::in_memory(options)));
            let large = |n| vec![n; 3000];
            // The smallest log holds some of these, and not all.
            let mut pushed = 0;
            while producer.push_timeout(large(pushed), std::time::Duration::ZERO).is_ok() {
                pushed += 1;
            }
            let pusher = thread::spawn(move || producer.push(large(pushed)).unwrap());
            let taken = consumer.iter().map(|item: Vec<u8>| item[0]);
            assert!(taken.eq(0..=pushed));
            pusher.join().unwrap();
        });
    }

    /// If a log at its cap holds nothing to be taken, a push waits for the ring.
    #[test]
    fn who_waits_at_the_cap_of_an_empty_log_goes_on() {
        model(1, || {
            let options = Spill::options().fsync(Fsync::Never).at_cap(AtCap::Block).max_bytes(0);
            let spill = Spill::in_memory(options);
            let large = || vec![0; 3000];
            let mut items: Vec<_> = (0..10).map(|_| large()).collect();
            assert!(spill.append(&mut items).is_err());
            while !spill.is_empty() {
                spill.read(&mut Vec::new(), usize::MAX).unwrap();
            }
            let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
            producer.push(large()).unwrap();
            let pusher = thread::spawn(move || block_on(producer.push_async(large())).unwrap());
            assert_eq!(consumer.iter().count(), 2);
            pusher.join().unwrap();
        });
    }

    /// What leaves the ring for the disk is found there, whatever a taker has seen of the ring when it goes to sleep.
    #[test]
    fn nobody_sleeps_beside_what_was_moved_ahead() {
        model(3, || {
            let (producer, consumer) = spilling(1);
            let syncing = thread::spawn(move || {
                producer.push(0).unwrap();
                producer.flush().unwrap();
                producer
            });
            assert_eq!(consumer.take(), Some(0));
            drop(syncing.join().unwrap());
            assert_eq!(consumer.take(), None);
        });
    }

    #[test]
    fn what_is_moved_ahead_keeps_its_place() {
        model(1, || {
            let (producer, consumer) = spilling(2);
            producer.push(0).unwrap();
            let syncing = producer.clone();
            let syncing = thread::spawn(move || syncing.flush().unwrap());
            let pusher = push(producer, 1..3);
            assert_eq!(batches(&consumer), [0, 1, 2]);
            syncing.join().unwrap();
            pusher.join().unwrap();
        });
    }

    #[test]
    fn two_consumers_see_what_is_moved_ahead_in_order() {
        model(1, || {
            let (producer, consumer) = spilling(3);
            (0..3).for_each(|n| producer.push(n).unwrap());
            let taken = taken_by_two(consumer, || thread::spawn(move || producer.flush().unwrap()));
            assert_eq!(taken, [0, 1, 2]);
        });
    }

    /// Two at once move each item once.
    #[test]
    fn two_producers_move_ahead() {
        model(2, || {
            let (producer, consumer) = spilling(2);
            (0..2).for_each(|n| producer.push(n).unwrap());
            let other = producer.clone();
            let syncing = thread::spawn(move || other.flush().unwrap());
            producer.flush().unwrap();
            assert_eq!(producer.stats().on_disk, 2);
            syncing.join().unwrap();
            drop(producer);
            assert!(consumer.iter().eq(0..2));
        });
    }

    #[test]
    fn a_mark_is_reached_by_what_is_moved_ahead_and_what_follows() {
        model(2, || {
            let (producer, consumer) = spilling(2);
            let pusher = thread::spawn(move || {
                producer.push(0).unwrap();
                producer.flush().unwrap();
                producer.push(1).unwrap();
                producer
            });
            block_on(consumer.ready(2));
            drop(pusher.join().unwrap());
            assert!(consumer.iter().eq(0..2));
        });
    }

    /// An item that cannot be written.
    struct Unwritable(usize);

    impl serde::Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom(self.0))
        }
    }

    impl<'a> serde::Deserialize<'a> for Unwritable {
        fn deserialize<D: serde::Deserializer<'a>>(_: D) -> Result<Self, D::Error> {
            Err(serde::de::Error::custom("there is none"))
        }
    }

    /// Head: who takes an item that somebody has looked at does so afterwards.
    #[test]
    fn what_is_not_moved_ahead_is_taken_once_nobody_looks() {
        model(3, || {
            let spill = Spill::in_memory(Spill::options().fsync(Fsync::Never));
            let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
            assert!(producer.push(Unwritable(7)).is_ok());
            let syncing = thread::spawn(move || _ = producer.flush());
            assert_eq!(consumer.take().map(|item| item.0), Some(7));
            syncing.join().unwrap();
        });
    }

    /// What is in the ring is dropped, what is on disk stays, and there is nothing else.
    #[test]
    fn the_last_consumer_goes_while_items_are_moved_ahead() {
        model(3, || {
            let (producer, consumer) = spilling(2);
            (0..2).for_each(|n| producer.push(n).unwrap());
            let syncing = producer.clone();
            let syncing = thread::spawn(move || syncing.flush().unwrap());
            drop(consumer);
            syncing.join().unwrap();
            let stats = producer.stats();
            assert_eq!((stats.len, stats.discarded + stats.on_disk), (0, 2));
        });
    }
}
