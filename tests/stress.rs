//! Many threads at once. What is checked is never a time but a law: nothing lost, nothing twice, order per producer,
//! and every item accounted for.
#![cfg(not(loom))]

mod common;

use std::future::Future;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use common::*;
use futures::executor::block_on;
use futures::{FutureExt, StreamExt};
use mpsc_ring::{Consumer, Producer, PushError, TakeTimeoutError, TryTakeError};

/// Which producer an item comes from, and which of its items it is.
fn id(producer: usize, n: usize) -> usize {
    producer << 32 | n
}

/// Items that know their id.
trait Load: Send + 'static {
    fn new(id: usize) -> Self;
    fn id(&self) -> usize;
}

impl Load for u64 {
    fn new(id: usize) -> Self {
        id as u64
    }
    fn id(&self) -> usize {
        *self as usize
    }
}

impl Load for Box<usize> {
    fn new(id: usize) -> Self {
        Box::new(id)
    }
    fn id(&self) -> usize {
        **self
    }
}

impl Load for String {
    fn new(id: usize) -> Self {
        id.to_string()
    }
    fn id(&self) -> usize {
        self.parse().unwrap()
    }
}

/// Several cache lines; torn if they do not agree.
impl Load for [usize; 20] {
    fn new(id: usize) -> Self {
        [id; 20]
    }
    fn id(&self) -> usize {
        assert!(self.iter().all(|&part| part == self[0]));
        self[0]
    }
}

/// What a producer has seen of its items, by their numbers.
#[derive(Default)]
struct Pushed {
    accepted: Vec<usize>,
    /// Given back because the channel was full, as far as that is counted.
    refused: usize,
    displaced: Vec<usize>,
    offered: usize,
}

impl Pushed {
    fn one<T: Load>(&mut self, n: usize, result: Result<(), PushError<T>>) -> bool {
        match result {
            Ok(()) => self.accepted.push(n),
            Err(PushError::Full(_)) => self.refused += 1,
            Err(PushError::Timeout(_)) => return false,
            Err(error) => panic!("{error}"),
        }
        true
    }
}

/// Pushes items 0 to `count`, or fewer if that takes too long, in every way there is.
fn produce<T: Load>(mut producer: Producer<T>, policy: Policy, p: usize, count: usize) -> Pushed {
    let mut pushed = Pushed::default();
    let mut n = 0;
    let mut way = p;
    let mut turns = up_to(usize::MAX);
    while n < count && turns.next().is_some() {
        way += 1;
        let item = T::new(id(p, n));
        let done = match way % 8 {
            0 => pushed.one(n, producer.push(item)),
            1 => pushed.one(n, block_on(producer.push_async(item))),
            2 => pushed.one(n, producer.push_timeout(item, Duration::from_micros(10))),
            3 => match producer.try_push(item) {
                Ok(()) => pushed.one::<T>(n, Ok(())),
                Err(_) => false,
            },
            4 => match producer.push_displacing(item) {
                Ok(displaced) => {
                    pushed.displaced.extend(displaced.map(|item| item.id()));
                    pushed.one::<T>(n, Ok(()))
                }
                Err(error) => pushed.one(n, Err(error)),
            },
            5 => {
                // A push that is cancelled, if it is not done at once.
                let mut push = producer.push_async(item);
                match push.poll_unpin(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(result) => pushed.one(n, result),
                    Poll::Pending => {
                        assert_eq!(push.into_item().unwrap().id(), id(p, n));
                        false
                    }
                }
            }
            way => {
                let size = (1 + n % 9).min(count - n);
                let mut items: Vec<_> = (n..n + size).map(|n| T::new(id(p, n))).collect();
                let result = if way == 6 {
                    producer.push_from(&mut items)
                } else {
                    block_on(producer.push_from_async(&mut items))
                };
                let accepted = result.unwrap_or_else(|error| error.pushed());
                assert_eq!(accepted + items.len(), size);
                assert!(policy != Policy::Block || items.is_empty());
                assert!(items.iter().map(T::id).eq((n + accepted..n + size).map(|n| id(p, n))));
                pushed.accepted.extend(n..n + accepted);
                pushed.refused += items.len();
                n += size - 1;
                true
            }
        };
        n += usize::from(done);
        if way % 64 == 0 {
            producer = producer.downgrade().upgrade().unwrap();
        }
    }
    pushed.offered = n;
    pushed
}

/// Takes items in every way there is until the channel is drained.
fn consume<T: Load>(mut consumer: Consumer<T>, c: usize) -> Vec<usize> {
    let mut taken = Vec::new();
    let mut out = Vec::new();
    let mut way = c;
    loop {
        way += 1;
        let mut closed = false;
        match way % 8 {
            0 => match consumer.take() {
                Some(item) => out.push(item),
                None => closed = true,
            },
            1 => match consumer.try_take() {
                Ok(item) => out.push(item),
                Err(error) => closed = error == TryTakeError::Closed,
            },
            2 => match consumer.take_timeout(Duration::from_micros(10)) {
                Ok(item) => out.push(item),
                Err(error) => closed = error == TakeTimeoutError::Closed,
            },
            3 => match block_on(consumer.take_async()) {
                Some(item) => out.push(item),
                None => closed = true,
            },
            4 => closed = consumer.take_batch_into(&mut out, 1 + way % 50).taken == 0,
            5 => closed = block_on(consumer.take_batch_into_async(&mut out, 1 + way % 50)).taken == 0,
            6 => {
                // A take that is cancelled, if it is not done at once.
                let mut take = Box::pin(consumer.take_async());
                if let Poll::Ready(item) = take.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    closed = item.is_none();
                    out.extend(item);
                }
            }
            _ => out.extend(consumer.try_iter().take(3)),
        }
        taken.extend(out.drain(..).map(|item| item.id()));
        if closed {
            return taken;
        }
        if way % 64 == 0 {
            consumer = consumer.clone();
        }
    }
}

/// Runs `producers` against `consumers` and checks every law.
fn run<T: Load>(policy: Policy, capacity: usize, producers: usize, consumers: usize, count: usize) {
    let (producer, consumer) = policy.channel_from::<T>(capacity, 254);
    let done = Arc::new(AtomicBool::new(false));
    let watcher = thread::spawn({
        let (weak, done) = (producer.downgrade(), done.clone());
        move || {
            while !done.load(Ordering::SeqCst) {
                if let Some(producer) = weak.upgrade() {
                    assert!(producer.len() <= capacity);
                    assert!(producer.stats().len <= capacity as u64);
                }
                thread::yield_now();
            }
        }
    });
    let pushers: Vec<_> = (0..producers)
        .map(|p| {
            let producer = producer.clone();
            thread::spawn(move || produce(producer, policy, p, count))
        })
        .collect();
    let takers: Vec<_> = (0..consumers)
        .map(|c| {
            let consumer = consumer.clone();
            thread::spawn(move || consume(consumer, c))
        })
        .collect();
    drop(producer);
    let pushed: Vec<_> = pushers.into_iter().map(|pusher| pusher.join().unwrap()).collect();
    done.store(true, Ordering::SeqCst);
    watcher.join().unwrap();
    let taken: Vec<_> = takers.into_iter().map(|taker| taker.join().unwrap()).collect();

    // Each consumer sees the items of each producer in order.
    for ids in &taken {
        let mut last = vec![None; producers];
        for &item in ids {
            let (p, n) = (item >> 32, item & 0xffff_ffff);
            assert!(last[p] < Some(n), "item {n} of producer {p} after {:?}", last[p]);
            last[p] = Some(n);
        }
    }
    // No item comes out twice, none that did not go in, and all where none may be lost.
    let displaced = pushed.iter().map(|pushed| pushed.displaced.len()).sum::<usize>();
    let mut out: Vec<_> = taken.iter().flatten().copied().collect();
    let taken = out.len();
    out.extend(pushed.iter().flat_map(|pushed| &pushed.displaced));
    out.sort_unstable();
    let mut accepted: Vec<_> = (0..)
        .zip(&pushed)
        .flat_map(|(p, pushed)| pushed.accepted.iter().map(move |&n| id(p, n)))
        .collect();
    accepted.sort_unstable();
    let stats = consumer.stats();
    if policy == Policy::DropOldest {
        assert!(out.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(out.iter().all(|item| accepted.binary_search(item).is_ok()));
        assert_eq!(stats.displaced, displaced as u64);
        assert!(stats.evicted >= stats.displaced);
    } else {
        assert_eq!(out, accepted);
        assert_eq!(stats.evicted, 0);
    }
    assert_eq!(stats.pushed, accepted.len() as u64);
    assert_eq!(stats.taken, taken as u64);
    assert_eq!(stats.evicted + stats.taken, stats.pushed);
    assert_eq!(
        stats.refused,
        pushed.iter().map(|pushed| pushed.refused as u64).sum::<u64>()
    );
    assert_eq!(
        stats.offered(),
        pushed.iter().map(|pushed| pushed.offered as u64).sum::<u64>()
    );
    assert_eq!((stats.len, stats.discarded), (0, 0));
    assert!(policy != Policy::Block || stats.refused == 0);
}

// bug-classes C5, C7, C13, G5
#[test]
fn numbers_are_accounted_for() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in CAPACITIES {
                run::<u64>(policy, capacity, 4, 1, rounds(20_000));
                run::<u64>(policy, capacity, 2, 3, rounds(20_000));
            }
        }
    });
}

// bug-classes C7, D12, G5
#[test]
fn boxes_are_accounted_for() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in CAPACITIES {
                run::<Box<usize>>(policy, capacity, 3, 2, rounds(20_000));
            }
        }
    });
}

// bug-classes C7, D12
#[test]
fn strings_are_accounted_for() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in [1, 3, 64] {
                run::<String>(policy, capacity, 3, 2, rounds(20_000));
            }
        }
    });
}

// bug-classes C7, C8
#[test]
fn large_items_are_never_torn() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in [1, 2, 64] {
                run::<[usize; 20]>(policy, capacity, 3, 2, rounds(20_000));
            }
        }
    });
}

// bug-classes F5
#[test]
fn many_more_threads_than_cores_get_through() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in [1, 2, 64] {
                run::<u64>(policy, capacity, 16, 1, rounds(2_000));
                run::<Box<usize>>(policy, capacity, 8, 8, rounds(2_000));
            }
        }
    });
}

// bug-classes G3
#[test]
fn items_without_size_are_accounted_for() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in CAPACITIES {
                let (producer, consumer) = policy.channel::<()>(capacity);
                let pushers: [_; 3] = std::array::from_fn(|_| {
                    let producer = producer.clone();
                    thread::spawn(move || {
                        let (pushed, refused): (Vec<_>, Vec<_>) =
                            up_to(50_000).map(|_| producer.push(())).partition(Result::is_ok);
                        [pushed, refused].map(|of| of.len() as u64)
                    })
                });
                drop(producer);
                let takers: [_; 2] = std::array::from_fn(|_| {
                    let consumer = consumer.clone();
                    thread::spawn(move || consumer.iter().count() as u64)
                });
                let counts = pushers.map(|pusher| pusher.join().unwrap());
                let pushed: u64 = counts.iter().map(|[pushed, _]| pushed).sum();
                let refused: u64 = counts.iter().map(|[_, refused]| refused).sum();
                let taken: u64 = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
                let stats = consumer.stats();
                assert_eq!((stats.pushed, stats.taken, stats.refused), (pushed, taken, refused));
            }
        }
    });
}

// bug-classes D1, D2, C7
#[test]
fn items_that_panic_are_dropped_once_each() {
    in_time(|| {
        // Thousands of backtraces would be the slowest part.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let message = info.payload().downcast_ref::<String>();
            if !message.is_some_and(|message| message.starts_with("dropping item")) {
                hook(info);
            }
        }));
        for policy in POLICIES {
            for capacity in [1, 2, 5, 64] {
                let count = rounds(10_000);
                let ledger = Ledger::new(3 * count);
                let (producer, consumer) = policy.channel(capacity);
                let pushing = Arc::new(AtomicUsize::new(3));
                let pushers: [_; 3] = std::array::from_fn(|p| {
                    let (producer, ledger, pushing) = (producer.clone(), ledger.clone(), pushing.clone());
                    thread::spawn(move || {
                        let mut offered = 0;
                        for n in up_to(10_000).map(|n| p * count + n) {
                            let item = if n % 7 == 0 { ledger.bomb(n) } else { ledger.item(n) };
                            let _ = panics(|| match n % 3 {
                                0 => drop(producer.push(item)),
                                1 => drop(producer.push_displacing(item)),
                                _ => _ = producer.push_from(&mut vec![item]),
                            });
                            offered += 1;
                        }
                        pushing.fetch_sub(1, Ordering::SeqCst);
                        offered
                    })
                });
                let taker = thread::spawn(move || {
                    // Leaves the last to be discarded.
                    while pushing.load(Ordering::SeqCst) > 0 {
                        let _ = panics(|| drop(consumer.try_take_batch(3)));
                        let _ = panics(|| _ = consumer.try_take());
                        thread::yield_now();
                    }
                    let _ = panics(|| drop(consumer));
                });
                let offered: u64 = pushers.into_iter().map(|pusher| pusher.join().unwrap()).sum();
                producer.close();
                taker.join().unwrap();
                ledger.assert_each_dropped_once();
                let stats = producer.stats();
                assert_eq!((stats.offered(), stats.len), (offered, 0));
                assert_eq!(stats.pushed, stats.taken + stats.evicted + stats.discarded);
            }
        }
        let _ = std::panic::take_hook();
    });
}

/// An item whose `Drop` pushes a number into the same channel while there is room.
struct Echo {
    producer: Option<Producer<Echo>>,
    alive: Arc<AtomicUsize>,
}

impl Echo {
    fn new(producer: Option<Producer<Echo>>, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self {
            producer,
            alive: alive.clone(),
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        if let Some(producer) = self.producer.take() {
            drop(producer.try_push(Self::new(None, &self.alive)));
        }
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

// bug-classes F2, C7
#[test]
fn items_that_push_when_they_are_dropped_are_accounted_for() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in [1, 2, 64] {
                let alive = Arc::new(AtomicUsize::new(0));
                let (producer, consumer) = policy.channel(capacity);
                let pushers: [_; 3] = std::array::from_fn(|_| {
                    let (producer, alive) = (producer.clone(), alive.clone());
                    thread::spawn(move || {
                        for _ in up_to(10_000) {
                            let item = Echo::new(Some(producer.clone()), &alive);
                            drop(producer.push(item));
                        }
                    })
                });
                let taker = thread::spawn(move || {
                    while let Some(item) = consumer.take() {
                        drop(item);
                    }
                    consumer
                });
                pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
                producer.close();
                let consumer = taker.join().unwrap();
                assert_eq!(alive.load(Ordering::SeqCst), 0);
                let stats = consumer.stats();
                assert_eq!(stats.pushed, stats.taken + stats.evicted);
            }
        }
    });
}

// bug-classes C7
#[test]
fn drop_oldest_leaves_exactly_the_newest() {
    fn check<T: Load>(capacity: usize) {
        for _ in up_to(100) {
            let (producer, consumer) = Policy::DropOldest.channel::<T>(capacity);
            let pushers: [_; 4] = std::array::from_fn(|p| {
                let producer = producer.clone();
                thread::spawn(move || produce(producer, Policy::DropOldest, p, 200))
            });
            // Makes room, too: `produce` repeats a `try_push` that finds none.
            let taker = thread::spawn({
                let consumer = consumer.clone();
                move || {
                    while !consumer.is_closed() {
                        let _ = consumer.try_take();
                        thread::yield_now();
                    }
                }
            });
            let pushed = pushers.map(|pusher| pusher.join().unwrap());
            // From here on nobody else takes.
            let stopped = producer.len();
            producer.close();
            taker.join().unwrap();
            assert!(stopped <= capacity);
            let left: Vec<_> = consumer.try_iter().map(|item| item.id()).collect();
            assert!(left.len() <= stopped);
            // What is left of each producer is the end of what it pushed.
            for (p, pushed) in pushed.iter().enumerate() {
                let of_p: Vec<_> = left
                    .iter()
                    .filter(|&&item| item >> 32 == p)
                    .map(|item| item & 0xffff_ffff)
                    .collect();
                assert!(pushed.accepted.ends_with(&of_p), "{of_p:?}");
            }
        }
    }
    in_time(|| {
        for capacity in [1, 2, 5, 64] {
            check::<u64>(capacity);
            check::<Box<usize>>(capacity);
        }
    });
}

// bug-classes C7
#[test]
fn drop_oldest_without_a_consumer_is_full_of_the_newest() {
    fn check<T: Load>(capacity: usize) {
        let (producer, consumer) = Policy::DropOldest.channel::<T>(capacity);
        let pushers: [_; 4] = std::array::from_fn(|p| {
            let producer = producer.clone();
            thread::spawn(move || {
                up_to(20_000)
                    .chain(rounds(20_000)..rounds(20_000) + capacity)
                    .filter(|&n| producer.push(T::new(id(p, n))).is_ok())
                    .collect::<Vec<_>>()
            })
        });
        let pushed = pushers.map(|pusher| pusher.join().unwrap());
        let accepted: usize = pushed.iter().map(Vec::len).sum();
        let left: Vec<_> = consumer.try_iter().map(|item| item.id()).collect();
        assert_eq!(left.len(), capacity);
        for (p, pushed) in pushed.iter().enumerate() {
            let of_p: Vec<_> = left
                .iter()
                .filter(|&&item| item >> 32 == p)
                .map(|item| item & 0xffff_ffff)
                .collect();
            assert!(pushed.ends_with(&of_p));
        }
        let stats = consumer.stats();
        assert_eq!(stats.pushed, accepted as u64);
        assert_eq!(stats.evicted, (accepted - capacity) as u64);
        assert_eq!(stats.refused, stats.refused_pinned);
    }
    in_time(|| {
        for capacity in [1, 2, 3, 5, 64] {
            check::<u64>(capacity);
            check::<Box<usize>>(capacity);
        }
    });
}

// bug-classes C13
#[test]
fn counts_stay_within_their_bounds() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in [1, 2, 3, 64] {
                let (producer, consumer) = policy.channel(capacity);
                let pusher = thread::spawn({
                    let producer = producer.clone();
                    move || while !matches!(producer.push(1), Err(PushError::Closed(_))) {}
                });
                let taker = thread::spawn({
                    let consumer = consumer.clone();
                    move || while !consumer.take_batch(2).is_empty() {}
                });
                let failed = panics(|| {
                    for _ in up_to(200_000) {
                        assert!(producer.len() <= capacity);
                        let stats = consumer.stats();
                        assert!(stats.len <= capacity as u64 && stats.taken + stats.evicted <= stats.pushed);
                    }
                });
                producer.close();
                pusher.join().unwrap();
                taker.join().unwrap();
                assert!(!failed);
                assert!(consumer.is_empty() && !consumer.is_full());
                assert_eq!(consumer.len(), 0);
            }
        }
    });
}

// bug-classes C13
#[test]
fn evictions_are_never_shown_as_takes() {
    in_time(|| {
        for capacity in [1, 64] {
            let (producer, _consumer) = Policy::DropOldest.channel(capacity);
            let pushers: [_; 2] = std::array::from_fn(|_| {
                let producer = producer.clone();
                thread::spawn(move || while producer.push(1) != Err(PushError::Closed(1)) {})
            });
            let watched = panics(|| {
                for _ in up_to(200_000) {
                    // Nobody takes.
                    assert_eq!(producer.stats().taken, 0);
                }
            });
            producer.close();
            pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
            assert!(!watched);
        }
    });
}

// bug-classes A10
#[test]
fn selecting_from_two_channels_never_hangs() {
    in_time(|| {
        let (producer, consumer) = Policy::Block.channel(1);
        let (other_producer, other) = Policy::Block.channel(1);
        let pushers = [producer, other_producer].map(|producer| {
            thread::spawn(move || {
                let push = |n| match n % 2 {
                    0 => producer.push(n).unwrap(),
                    _ => block_on(producer.push_async(n)).unwrap(),
                };
                up_to(1_000_000).inspect(|&n| push(n)).count()
            })
        });
        let mut next = [0; 2];
        block_on(async {
            // Both takes are made, and one is cancelled, for each item.
            while !(consumer.is_closed() && consumer.is_empty() && other.is_closed() && other.is_empty()) {
                let (item, from) = futures::select! {
                    item = Box::pin(consumer.take_async()).fuse() => (item, 0),
                    item = Box::pin(other.take_async()).fuse() => (item, 1),
                };
                if let Some(item) = item {
                    assert_eq!(item, next[from]);
                    next[from] += 1;
                }
            }
        });
        assert_eq!(next, pushers.map(|pusher| pusher.join().unwrap()));
    });
}

// bug-classes A2, A3, A4
#[test]
fn takes_that_are_cancelled_and_forgotten_lose_no_item() {
    in_time(|| {
        for policy in POLICIES {
            let (producer, consumer) = policy.channel(rounds(20_000));
            let takers: [_; 4] = std::array::from_fn(|c| {
                let consumer = consumer.clone();
                thread::spawn(move || {
                    let mut taken = 0;
                    if c == 0 {
                        // A thread that really sleeps, among takers who come and go.
                        return consumer.iter().count();
                    }
                    while !consumer.is_closed() || !consumer.is_empty() {
                        let mut take = Box::pin(consumer.take_async());
                        match take.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                            Poll::Ready(item) => taken += usize::from(item.is_some()),
                            Poll::Pending if taken % 100 == 7 => mem::forget(take),
                            Poll::Pending => thread::yield_now(),
                        }
                    }
                    taken
                })
            });
            for n in up_to(20_000) {
                producer.push(n).unwrap();
                if n % 16 == 0 {
                    thread::yield_now();
                }
            }
            drop(producer);
            let taken: usize = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
            assert_eq!(taken as u64, consumer.stats().pushed);
        }
    });
}

// bug-classes A3, A7
#[test]
fn pushes_that_are_cancelled_lose_no_room() {
    in_time(|| {
        for capacity in [1, 3] {
            let (producer, consumer) = Policy::Block.channel(capacity);
            let done = Arc::new(AtomicBool::new(false));
            let fickle: [_; 2] = std::array::from_fn(|_| {
                let (producer, done) = (producer.clone(), done.clone());
                thread::spawn(move || {
                    let mut pushed = 0;
                    while !done.load(Ordering::SeqCst) {
                        let mut push = producer.push_async(1);
                        match push.poll_unpin(&mut Context::from_waker(Waker::noop())) {
                            Poll::Ready(result) => pushed += usize::from(result.is_ok()),
                            Poll::Pending => thread::yield_now(),
                        }
                    }
                    pushed
                })
            });
            let steady: [_; 2] = std::array::from_fn(|_| {
                let producer = producer.clone();
                thread::spawn(move || up_to(20_000).inspect(|_| producer.push(1).unwrap()).count())
            });
            drop(producer);
            let taker = thread::spawn(move || consumer.iter().count());
            let steadily: usize = steady.into_iter().map(|pusher| pusher.join().unwrap()).sum();
            done.store(true, Ordering::SeqCst);
            let pushed: usize = fickle.into_iter().map(|pusher| pusher.join().unwrap()).sum();
            assert_eq!(taker.join().unwrap(), pushed + steadily);
        }
    });
}

// bug-classes A9, B1
#[test]
fn handles_that_come_and_go_leave_the_channel_open_until_the_last() {
    in_time(|| {
        for policy in POLICIES {
            for _ in up_to(500) {
                let (producer, consumer) = policy.channel(64);
                let pushers: [_; 4] = std::array::from_fn(|_| {
                    let mut producer = producer.clone();
                    thread::spawn(move || {
                        for n in 0..16 {
                            producer = producer.clone();
                            producer.push(n).unwrap();
                        }
                    })
                });
                drop(producer);
                let takers: [_; 2] = std::array::from_fn(|_| {
                    let consumer = consumer.clone();
                    thread::spawn(move || {
                        let mut taken = 0;
                        while consumer.clone().take().is_some() {
                            taken += 1;
                        }
                        taken
                    })
                });
                pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
                let taken: i32 = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
                assert_eq!(taken, 64);
            }
        }
    });
}

// bug-classes A1, A4, G6
#[test]
fn tasks_and_threads_wait_side_by_side() {
    in_time(|| {
        for capacity in [1, 2, 64] {
            let (producer, consumer) = Policy::Block.channel(capacity);
            let takers: Vec<_> = (0..4)
                .map(|c| {
                    let consumer = consumer.clone();
                    thread::spawn(move || match c {
                        0 => consumer.iter().count(),
                        1 => block_on(consumer.stream().count()),
                        2 => smol::block_on(
                            consumer
                                .batches(3)
                                .map(|batch| batch.len())
                                .fold(0, async |sum, n| sum + n),
                        ),
                        _ => block_on(async {
                            // Two tasks in one.
                            let (a, b) = futures::join!(consumer.stream().count(), consumer.stream().count());
                            a + b
                        }),
                    })
                })
                .collect();
            let pushers: Vec<_> = (0..4)
                .map(|p| {
                    let producer = producer.clone();
                    thread::spawn(move || {
                        for n in up_to(20_000) {
                            if p % 2 == 0 {
                                producer.push(n).unwrap();
                            } else {
                                block_on(producer.push_async(n)).unwrap();
                            }
                        }
                    })
                })
                .collect();
            drop(producer);
            pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
            let taken: usize = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
            assert_eq!(taken as u64, consumer.stats().pushed);
        }
    });
}

// bug-classes A1, A3
#[test]
fn threads_that_wake_each_other_leave_nobody_behind() {
    const THREADS: usize = 8;
    in_time(|| {
        for capacity in [1, 2, 4] {
            let (producer, consumer) = Policy::Block.channel(capacity);
            let (start, over) = (Arc::new(Barrier::new(THREADS + 1)), Arc::new(AtomicBool::new(false)));
            let push = |thread| {
                let (producer, start, over) = (producer.clone(), start.clone(), over.clone());
                move || {
                    loop {
                        start.wait();
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        match thread % 4 {
                            // Gives up now and then, maybe when it has just been woken.
                            0 => while producer.push_timeout(1, Duration::from_micros(50)).is_err() {},
                            1 => assert_eq!(producer.push_batch(&[1]), Ok(1)),
                            _ => producer.push(1).unwrap(),
                        }
                    }
                }
            };
            let pushers: Vec<_> = (0..THREADS).map(|thread| thread::spawn(push(thread))).collect();
            for _ in up_to(1_000) {
                start.wait();
                thread::sleep(Duration::from_micros(100)); // Most of them go to sleep.
                for _ in 0..THREADS / capacity {
                    // Nothing is taken from a ring that is not full: who sleeps beside room sleeps for ever.
                    assert!(consumer.wait_ready(capacity, Duration::MAX));
                    (0..capacity).for_each(|_| assert_eq!(consumer.try_take(), Ok(1)));
                }
            }
            over.store(true, Ordering::Relaxed);
            start.wait();
            pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
            let stats = consumer.stats();
            assert_eq!((stats.taken, stats.len), (stats.pushed, 0));
        }
    });
}
