//! Every item is dropped exactly once: when dropping or cloning panics, when futures are dropped or forgotten, when
//! handles go while others push.
#![cfg(not(loom))]

mod common;

use std::cell::Cell;
use std::mem;
use std::pin::Pin;
use std::task::Poll;
use std::thread;

use common::*;
use futures::executor::block_on;
use futures::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use mpsc_ring::{BatchPushError, Consumer, Producer, PushError, TryTakeError};

// ------------------------------------------------------------- panics in Drop

// bug-classes D1, D2
#[test]
fn a_push_whose_evicted_item_panics_has_pushed() {
    for capacity in CAPACITIES {
        let ledger = Ledger::new(3 * capacity);
        let (producer, consumer) = Policy::DropOldest.channel(capacity);
        let mut panicked = 0;
        for id in 0..3 * capacity {
            let item = if id % 3 == 1 { ledger.bomb(id) } else { ledger.item(id) };
            panicked += usize::from(panics(|| assert!(producer.push(item).is_ok())));
            if id % 2 == 0 {
                // What the push has left to be evicted panics in the snapshot, which the next one does without.
                panicked += usize::from(panics(|| _ = producer.stats()));
                assert_eq!(producer.stats().pushed, id as u64 + 1);
            }
        }
        assert!(panicked > 0);
        // What was still to be evicted may panic in a take, but what that takes stays in the `Vec`.
        let mut taken = Vec::new();
        while !consumer.is_empty() {
            let _ = panics(|| _ = consumer.try_take_batch_into(&mut taken, 2));
        }
        assert_eq!(ids(taken), (2 * capacity..3 * capacity).collect::<Vec<_>>());
        assert_eq!(consumer.try_take().map(|_| ()), Err(TryTakeError::Empty));
        ledger.assert_each_dropped_once();
    }
}

// bug-classes D1
#[test]
fn a_batch_whose_evicted_items_panic_keeps_what_it_has_not_pushed() {
    for capacity in [1, 2, 3, 5] {
        let ledger = Ledger::new(capacity + 20);
        let (producer, consumer) = Policy::DropOldest.channel(capacity);
        for id in 0..capacity {
            producer
                .push(if id % 2 == 0 { ledger.bomb(id) } else { ledger.item(id) })
                .ok()
                .unwrap();
        }
        let mut items: Vec<_> = (capacity..capacity + 20).map(|id| ledger.item(id)).collect();
        let mut panicked = 0;
        while !items.is_empty() {
            panicked += usize::from(panics(|| _ = producer.push_from(&mut items)));
            // What is left is in order and at the front.
            let left = capacity + 20 - items.len();
            assert!(items.iter().map(|item| item.id).eq(left..capacity + 20));
            assert_eq!(producer.stats().pushed, left as u64);
        }
        assert!(panicked > 0);
        assert_eq!(
            ids(consumer.take_batch(usize::MAX)),
            (20..capacity + 20).collect::<Vec<_>>()
        );
        ledger.assert_each_dropped_once();
    }
}

// bug-classes D1
#[test]
fn a_displaced_item_that_panics_is_the_callers() {
    let ledger = Ledger::new(4);
    let (producer, consumer) = Policy::DropOldest.channel(1);
    producer.push(ledger.bomb(0)).ok().unwrap();
    let displaced = producer.push_displacing(ledger.item(1)).ok().unwrap();
    assert_eq!(ledger.dropped(), 0);
    assert!(panics(|| drop(displaced)));
    producer.push(ledger.bomb(2)).ok().unwrap();
    assert_eq!(producer.len(), 1);
    assert!(panics(|| _ = producer.push_displacing(ledger.item(3))));
    assert_eq!(ids(consumer.take()), [3]);
    ledger.assert_each_dropped_once();
}

// bug-classes D1
#[test]
fn an_item_displaced_after_one_that_panics_when_evicted_is_dropped_once() {
    for capacity in [1, 2, 5] {
        let ledger = Ledger::new(capacity + 2);
        let (producer, consumer) = Policy::DropOldest.channel(capacity);
        producer.push(ledger.bomb(0)).ok().unwrap();
        // The last of these may leave the bomb to be evicted by whoever comes next.
        for id in 1..=capacity {
            let _ = panics(|| _ = producer.push(ledger.item(id)));
        }
        // So that there is a panic and a displaced item at the same time.
        let _ = panics(|| _ = producer.push_displacing(ledger.item(capacity + 1)));
        assert_eq!((ledger.drops(0), ledger.drops(1)), (1, 1));
        assert_eq!(ids(consumer.try_iter()), (2..capacity + 2).collect::<Vec<_>>());
        ledger.assert_each_dropped_once();
    }
}

// bug-classes D1
#[test]
fn a_take_whose_evicted_item_panics_drops_what_it_would_return() {
    let takes: [fn(&Consumer<Item>); 4] = [
        |consumer| drop(consumer.take()),
        |consumer| drop(consumer.try_take()),
        |consumer| drop(consumer.take_batch(9)),
        |consumer| drop(block_on(consumer.take_async())),
    ];
    for take in takes {
        let ledger = Ledger::new(3);
        let (producer, consumer) = Policy::DropOldest.channel(1);
        producer.push(ledger.bomb(0)).ok().unwrap();
        // Evicts the bomb, or leaves that to the take.
        let pushing = panics(|| _ = producer.push(ledger.item(1)));
        let taking = panics(|| take(&consumer));
        assert!(pushing != taking);
        assert_eq!((ledger.drops(0), ledger.drops(1)), (1, 1));
        assert_eq!((consumer.stats().taken, consumer.stats().evicted), (1, 1));
        producer.push(ledger.item(2)).ok().unwrap();
        assert_eq!(ids(consumer.take()), [2]);
        ledger.assert_each_dropped_once();
    }
}

// bug-classes D1
#[test]
fn a_batch_whose_evicted_item_panics_stays_in_its_vec() {
    type Take = fn(&Consumer<Item>, &mut Vec<Item>);
    let takes: [Take; 3] = [
        |consumer, out| _ = consumer.take_batch_into(out, 9),
        |consumer, out| _ = consumer.try_take_batch_into(out, 1),
        |consumer, out| _ = block_on(consumer.take_batch_into_async(out, 9)),
    ];
    for take in takes {
        let ledger = Ledger::new(2);
        let (producer, consumer) = Policy::DropOldest.channel(1);
        producer.push(ledger.bomb(0)).ok().unwrap();
        let pushing = panics(|| _ = producer.push(ledger.item(1)));
        let mut out = Vec::new();
        let taking = panics(|| take(&consumer, &mut out));
        assert!(pushing != taking);
        assert_eq!(ids(out), [1]);
        ledger.assert_each_dropped_once();
    }
}

// bug-classes D1, A8
#[test]
fn a_push_whose_evicted_item_panics_wakes_as_any_other() {
    let pushes: [fn(&Producer<Item>, Item); 3] = [
        |producer, item| _ = producer.push(item),
        |producer, item| _ = producer.push_from(&mut vec![item]),
        |producer, item| _ = producer.push_displacing(item),
    ];
    for push in pushes {
        let ledger = Ledger::new(9);
        let (producer, consumer) = Policy::DropOldest.channel(1);
        let tasks: Vec<_> = (0..9).map(|_| Task::new()).collect();
        let mut takes: Vec<_> = tasks.iter().map(|_| Box::pin(consumer.take_async())).collect();
        for (task, take) in tasks.iter().zip(&mut takes) {
            assert!(task.poll(take).is_pending());
        }
        for id in 0..9 {
            let _ = panics(|| push(&producer, ledger.bomb(id)));
            // Those woken before might never run.
            assert_eq!(tasks.iter().filter(|task| task.is_woken()).count(), id + 1);
        }
        drop(takes);
        while panics(|| _ = consumer.try_take()) {}
        ledger.assert_each_dropped_once();
    }
}

// bug-classes D1, D2
#[test]
fn items_that_panic_when_the_last_consumer_goes_do_not_keep_others_from_being_dropped() {
    for policy in POLICIES {
        for capacity in CAPACITIES {
            let count = if policy == Policy::DropOldest {
                2 * capacity
            } else {
                capacity
            };
            let ledger = Ledger::new(count);
            let (producer, consumer) = policy.channel(capacity);
            for id in 0..count {
                let _ = panics(|| _ = producer.push(if id % 2 == 0 { ledger.bomb(id) } else { ledger.item(id) }));
            }
            let panicked = panics(|| drop(consumer));
            assert!(panicked || capacity == 1);
            ledger.assert_each_dropped_once();
            assert!(producer.is_closed());
            assert!(producer.stats().discarded >= capacity as u64);
        }
    }
}

// bug-classes D1
#[test]
fn an_item_that_panics_when_refused_is_dropped_once() {
    let ledger = Ledger::new(3);
    let (producer, consumer) = Policy::DropNewest.channel(1);
    producer.push(ledger.item(0)).ok().unwrap();
    assert!(panics(|| drop(producer.push(ledger.bomb(1)))));
    consumer.close();
    assert!(panics(|| drop(producer.push(ledger.bomb(2)))));
    drop(consumer);
    ledger.assert_each_dropped_once();
}

// bug-classes D2
#[test]
fn an_item_that_panics_among_those_drained_does_not_lose_the_rest() {
    let ledger = Ledger::new(5);
    let (producer, consumer) = Policy::Block.channel(5);
    for id in 0..5 {
        producer
            .push(if id == 1 { ledger.bomb(id) } else { ledger.item(id) })
            .ok()
            .unwrap();
    }
    assert!(panics(|| consumer.try_iter().for_each(drop)));
    assert_eq!(ledger.dropped(), 2);
    assert_eq!(ids(consumer.try_iter()), [2, 3, 4]);
    ledger.assert_each_dropped_once();
}

// ------------------------------------------------------------- panics in Clone

/// Its clones are known to the ledger as item 9.
struct Fragile(Item, Ledger);

thread_local! {
    /// How many more clones succeed.
    static CLONES_LEFT: Cell<usize> = const { Cell::new(0) };
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(CLONES_LEFT.get() > 0, "a clone panics");
        CLONES_LEFT.set(CLONES_LEFT.get() - 1);
        Self(self.1.item(9), self.1.clone())
    }
}

// bug-classes D3
#[test]
fn a_batch_whose_clone_panics_pushes_nothing() {
    for policy in POLICIES {
        for good in 0..5 {
            let ledger = Ledger::new(10);
            let (producer, consumer) = policy.channel(8);
            let items: Vec<_> = (0..5).map(|id| Fragile(ledger.item(id), ledger.clone())).collect();
            CLONES_LEFT.set(good);
            assert!(panics(|| _ = producer.push_batch(&items)));
            assert_eq!((producer.len(), ledger.drops(9)), (0, good));
            CLONES_LEFT.set(5);
            assert_eq!(producer.push_batch(&items), Ok(5));
            assert_eq!(ledger.drops(9), good);
            assert!(consumer.take_batch(9).iter().all(|clone| clone.0.id == 9));
            assert_eq!(ledger.drops(9), good + 5);
            drop(items);
            assert!((0..5).all(|id| ledger.drops(id) == 1));
        }
    }
}

// -------------------------------------------------------------------- futures

// bug-classes D5, D6
#[test]
fn forgotten_futures_leave_the_channel_as_it_is() {
    for policy in POLICIES {
        let ledger = Ledger::new(4);
        let (producer, consumer) = policy.channel(2);
        let task = Task::new();
        for _ in 0..3 {
            let mut take = Box::pin(consumer.take_async());
            assert!(task.poll(&mut take).is_pending());
            mem::forget(take);
            let mut closed = Box::pin(producer.closed());
            assert!(task.poll(&mut closed).is_pending());
            mem::forget(closed);
        }
        producer.push(ledger.item(0)).ok().unwrap();
        producer.push(ledger.item(1)).ok().unwrap();
        if policy == Policy::Block {
            let mut push = producer.push_async(ledger.item(2));
            assert!(task.poll_unpin(&mut push).is_pending());
            mem::forget(push);
        } else {
            drop(ledger.item(2));
        }
        drop(consumer.take());
        producer.push(ledger.item(3)).ok().unwrap();
        drop((producer, consumer));
        let leaked = usize::from(policy == Policy::Block);
        assert_eq!(ledger.dropped(), 4 - leaked);
        assert_eq!(ledger.drops(2), 1 - leaked);
    }
}

#[test]
fn a_cancelled_push_drops_its_item_once_or_gives_it_back() {
    let ledger = Ledger::new(4);
    let (producer, consumer) = Policy::Block.channel(1);
    producer.push(ledger.item(0)).ok().unwrap();
    let task = Task::new();
    // Never polled, polled, and woken.
    assert_eq!(ids(producer.push_async(ledger.item(1)).into_item()), [1]);
    let mut push = producer.push_async(ledger.item(2));
    assert!(task.poll_unpin(&mut push).is_pending());
    drop(push);
    assert_eq!(ledger.drops(2), 1);
    let mut push = producer.push_async(ledger.item(3));
    assert!(task.poll_unpin(&mut push).is_pending());
    drop(consumer.take());
    assert!(task.is_woken());
    assert_eq!(ids(push.into_item()), [3]);
    assert!(consumer.is_empty());
    ledger.assert_each_dropped_once();
}

#[test]
fn a_push_that_is_done_has_no_item_to_give_back() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(2);
        let task = Task::new();
        let mut push = producer.push_async(1);
        assert_eq!(task.poll_unpin(&mut push), Poll::Ready(Ok(())));
        assert_eq!(push.into_item(), None);
        consumer.close();
        let mut push = producer.push_async(2);
        assert_eq!(task.poll_unpin(&mut push), Poll::Ready(Err(PushError::Closed(2))));
        assert_eq!(push.into_item(), None);
    }
}

// bug-classes D8
#[test]
fn a_push_that_is_done_may_be_polled_again() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(1);
        let task = Task::new();
        let mut push = producer.push_async(Box::new(1));
        assert!(task.poll_unpin(&mut push).is_ready());
        assert_eq!(task.poll_unpin(&mut push), Poll::Ready(Ok(())));
        assert_eq!(consumer.try_iter().collect::<Vec<_>>(), [Box::new(1)]);
    }
}

// bug-classes D8
#[test]
fn a_take_that_is_done_may_be_polled_again() {
    let (producer, consumer) = Policy::Block.channel(2);
    let task = Task::new();
    let mut take = Box::pin(consumer.take_async());
    producer.push(Box::new(1)).unwrap();
    assert_eq!(task.poll(&mut take), Poll::Ready(Some(Box::new(1))));
    let _ = task.poll(&mut take);
    producer.push(Box::new(2)).unwrap();
    drop(take);
    assert_eq!(consumer.try_take(), Ok(Box::new(2)));
}

// bug-classes D7
#[test]
fn a_pending_future_may_be_dropped_while_the_other_side_goes() {
    in_time(|| {
        for round in up_to(5_000) {
            let (producer, consumer) = Policy::Block.channel::<u32>(1);
            let task = Task::new();
            if round % 2 == 0 {
                let mut take = Box::pin(consumer.take_async());
                assert!(task.poll(&mut take).is_pending());
                let closer = thread::spawn(move || drop(producer));
                drop(take);
                closer.join().unwrap();
            } else {
                producer.push(1).unwrap();
                let mut push = producer.push_async(2);
                assert!(task.poll_unpin(&mut push).is_pending());
                let closer = thread::spawn(move || drop(consumer));
                drop(push);
                closer.join().unwrap();
            }
            assert_eq!(task.kept(), 0);
        }
    });
}

// bug-classes D8
#[test]
fn a_stream_may_be_polled_after_its_end() {
    let (producer, consumer) = Policy::Block.channel(4);
    producer.push_batch(&["a".to_string(), "b".to_string()]).unwrap();
    drop(producer);
    let task = Task::new();
    let mut items = Box::pin(consumer.clone().into_stream());
    let mut next = || task.with(|cx| items.as_mut().poll_next(cx));
    assert_eq!(next(), Poll::Ready(Some("a".into())));
    assert_eq!(next(), Poll::Ready(Some("b".into())));
    for _ in 0..3 {
        assert_eq!(next(), Poll::Ready(None));
    }
    let mut batches = Box::pin(consumer.batches(9));
    for _ in 0..3 {
        assert_eq!(task.with(|cx| batches.as_mut().poll_next(cx)), Poll::Ready(None));
    }
}

/// Pending once.
async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

// bug-classes D8
#[test]
fn a_stream_that_is_buffered_unordered_gives_every_item_once() {
    in_time(|| {
        let count = 100;
        let ledger = Ledger::new(count);
        let (producer, consumer) = Policy::Block.channel(4);
        let pusher = thread::spawn({
            let ledger = ledger.clone();
            move || (0..count).for_each(|id| producer.push(ledger.item(id)).ok().unwrap())
        });
        let work = consumer.stream().map(|item| async move {
            yield_now().await;
            item
        });
        let mut taken = ids(block_on(work.buffer_unordered(2).collect::<Vec<_>>()));
        taken.sort_unstable();
        assert_eq!(taken, (0..count).collect::<Vec<_>>());
        pusher.join().unwrap();
        ledger.assert_each_dropped_once();
    });
}

// ---------------------------------------------------------------------- sinks

#[test]
fn a_sink_gives_back_the_item_that_found_no_room() {
    let (producer, consumer) = Policy::Block.channel(1);
    let task = Task::new();
    let mut sink = producer.sink();
    assert!(task.with(|cx| Pin::new(&mut sink).poll_ready(cx)).is_ready());
    producer.push(Box::new(1)).unwrap();
    Pin::new(&mut sink).start_send(Box::new(2)).unwrap();
    assert!(task.with(|cx| Pin::new(&mut sink).poll_flush(cx)).is_pending());
    assert_eq!(sink.into_item(), Some(Box::new(2)));
    assert_eq!(consumer.try_iter().collect::<Vec<_>>(), [Box::new(1)]);
    assert_eq!(task.kept(), 0);
    assert_eq!(producer.sink().into_item(), None);
}

#[test]
fn a_sink_that_is_dropped_drops_the_item_that_found_no_room_once() {
    let ledger = Ledger::new(2);
    let (producer, consumer) = Policy::Block.channel(1);
    let task = Task::new();
    let mut sink = producer.sink();
    assert!(task.with(|cx| Pin::new(&mut sink).poll_ready(cx)).is_ready());
    producer.push(ledger.item(0)).ok().unwrap();
    Pin::new(&mut sink).start_send(ledger.item(1)).ok().unwrap();
    drop(sink);
    assert_eq!((ledger.drops(0), ledger.drops(1)), (0, 1));
    drop(consumer);
    ledger.assert_each_dropped_once();
}

#[test]
fn a_sink_returns_its_item_when_the_channel_closes() {
    for policy in POLICIES {
        let (producer, consumer) = policy.channel(1);
        let mut sink = producer.sink();
        block_on(sink.send(1)).unwrap();
        consumer.close();
        assert_eq!(block_on(sink.send(2)), Err(PushError::Closed(2)));
        assert_eq!(sink.flush().now_or_never(), Some(Ok(())));
    }
}

// -------------------------------------------------------------- parts of batches

// bug-classes D11
#[test]
fn the_part_of_a_batch_that_was_refused_is_dropped_with_its_vec() {
    for policy in [Policy::DropNewest, Policy::Block] {
        let ledger = Ledger::new(10);
        let (producer, consumer) = policy.channel(4);
        let mut items: Vec<_> = (0..10).map(|id| ledger.item(id)).collect();
        if policy == Policy::Block {
            let task = Task::new();
            let mut push = Box::pin(producer.push_from_async(&mut items));
            assert!(task.poll(&mut push).is_pending());
        } else {
            assert_eq!(producer.push_from(&mut items), Err(BatchPushError::Full { pushed: 4 }));
        }
        assert_eq!((items.len(), ledger.dropped()), (6, 0));
        drop(items);
        assert_eq!(ledger.dropped(), 6);
        drop(consumer);
        ledger.assert_each_dropped_once();
    }
}

// bug-classes D11
#[test]
fn a_forgotten_push_from_async_leaves_every_item_in_one_place() {
    let ledger = Ledger::new(10);
    let (producer, consumer) = Policy::Block.channel(4);
    let mut items: Vec<_> = (0..10).map(|id| ledger.item(id)).collect();
    let task = Task::new();
    let mut push = Box::pin(producer.push_from_async(&mut items));
    assert!(task.poll(&mut push).is_pending());
    mem::forget(push);
    assert_eq!(ids(items), [4, 5, 6, 7, 8, 9]);
    assert_eq!(ids(consumer.try_iter()), [0, 1, 2, 3]);
    ledger.assert_each_dropped_once();
}

// ----------------------------------------------------------------------- races

// bug-classes B2, B3, B8
#[test]
fn what_is_pushed_as_the_last_consumer_goes_is_dropped_at_once_or_given_back() {
    in_time(|| {
        for policy in POLICIES {
            for round in up_to(3_000) {
                let ledger = Ledger::new(20);
                let (producer, consumer) = policy.channel(3);
                let pushers: Vec<_> = (0..2)
                    .map(|t| {
                        let (producer, ledger) = (producer.clone(), ledger.clone());
                        thread::spawn(move || {
                            for id in 10 * t..10 * t + 10 {
                                let _ = match id % 3 {
                                    0 => producer.push(ledger.item(id)).is_ok(),
                                    1 => block_on(producer.push_async(ledger.item(id))).is_ok(),
                                    _ => producer.push_from(&mut vec![ledger.item(id)]).is_ok(),
                                };
                            }
                        })
                    })
                    .collect();
                for _ in 0..round % 8 {
                    drop(consumer.try_take());
                }
                drop(consumer);
                for pusher in pushers {
                    pusher.join().unwrap();
                }
                // A producer is alive, yet nothing is left.
                ledger.assert_each_dropped_once();
                assert_eq!(producer.len(), 0);
            }
        }
    });
}

// bug-classes B3
#[test]
fn all_handles_may_go_at_the_same_time() {
    in_time(|| {
        for policy in POLICIES {
            for _ in up_to(1_000) {
                let ledger = Ledger::new(3);
                let (producer, consumer) = policy.channel(3);
                for id in 0..3 {
                    producer.push(ledger.item(id)).ok().unwrap();
                }
                let producers = [producer.clone(), producer].map(|producer| thread::spawn(move || drop(producer)));
                let consumers = [consumer.clone(), consumer].map(|consumer| thread::spawn(move || drop(consumer)));
                producers
                    .into_iter()
                    .chain(consumers)
                    .for_each(|thread| thread.join().unwrap());
                ledger.assert_each_dropped_once();
            }
        }
    });
}
