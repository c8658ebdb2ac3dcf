//! Every item is accounted for: by numbers, reports, callbacks and snapshots.
#![cfg(not(loom))]

mod common;

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Waker};
use std::thread;

use common::*;
use futures::StreamExt;
use futures::executor::block_on;
use mpsc_ring::{Builder, Consumer, DropCause, LossWarning, Losses, Producer, Report, Stats};

/// Adds what `report` says was lost.
fn add(sum: &mut Losses, losses: Losses) {
    sum.evicted += losses.evicted;
    sum.displaced += losses.displaced;
    sum.refused += losses.refused;
    sum.refused_pinned += losses.refused_pinned;
}

fn lost(stats: &Stats) -> Losses {
    let mut losses = Losses::default();
    losses.evicted = stats.evicted;
    losses.displaced = stats.displaced;
    losses.refused = stats.refused;
    losses.refused_pinned = stats.refused_pinned;
    losses
}

fn assert_at_rest(stats: &Stats) {
    assert_eq!(stats.pushed, stats.taken + stats.evicted + stats.discarded + stats.len);
    assert!(stats.high_water <= stats.capacity && stats.len <= stats.high_water);
}

/// Threads that push numbers, by turns one by one, displacing, and in batches.
fn pushing(producer: &Producer<u64>, threads: u64, each: usize) -> Vec<thread::JoinHandle<()>> {
    let each = rounds(each) as u64;
    (0..threads)
        .map(|id| {
            let producer = producer.clone();
            thread::spawn(move || {
                for n in 0..each {
                    match (id + n) % 7 {
                        0 => _ = producer.push_displacing(n),
                        1 => _ = producer.push_batch(&[n; 5]),
                        _ => _ = producer.push(n),
                    }
                }
            })
        })
        .collect()
}

/// Takes batches until the channel is drained.
fn reports(consumer: &Consumer<u64>) -> Vec<Report> {
    let mut out = Vec::new();
    let mut reports = Vec::new();
    loop {
        out.clear();
        let report = if reports.len() % 2 == 0 {
            consumer.take_batch_into(&mut out, 1 + reports.len() % 40)
        } else {
            block_on(consumer.take_batch_into_async(&mut out, 30))
        };
        assert_eq!(report.taken, out.len());
        reports.push(report);
        if report.taken == 0 {
            return reports;
        }
    }
}

#[test]
fn reports_tile_the_order_without_a_gap_that_is_not_told() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in CAPACITIES {
                for lap in first_laps(capacity) {
                    let (producer, consumer) = policy.channel_from(capacity, lap);
                    let threads = pushing(&producer, 3, 3_000);
                    drop(producer);
                    let (mut next, mut sum) = (0, Losses::default());
                    for report in reports(&consumer) {
                        assert_eq!(report.first, next + report.losses.evicted);
                        next = report.first + report.taken as u64;
                        add(&mut sum, report.losses);
                    }
                    threads.into_iter().for_each(|thread| thread.join().unwrap());
                    let stats = consumer.stats();
                    assert_at_rest(&stats);
                    assert_eq!(next, stats.pushed);
                    assert_eq!(sum, lost(&stats));
                }
            }
        }
    });
}

#[test]
fn of_several_consumers_each_loss_is_reported_to_one() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in CAPACITIES {
                let (producer, consumer) = policy.channel(capacity);
                let pushers = pushing(&producer, 2, 6_000);
                drop(producer);
                let takers: Vec<_> = (0..3)
                    .map(|_| {
                        let consumer = consumer.clone();
                        thread::spawn(move || reports(&consumer))
                    })
                    .collect();
                let all: Vec<_> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
                pushers.into_iter().for_each(|pusher| pusher.join().unwrap());

                let mut sum = Losses::default();
                all.iter().for_each(|report| add(&mut sum, report.losses));
                let stats = consumer.stats();
                assert_eq!(sum, lost(&stats));
                // Runs of numbers that nobody else has, with gaps where something was evicted.
                let mut runs: Vec<_> = all.iter().filter(|report| report.taken > 0).collect();
                runs.sort_unstable_by_key(|run| run.first);
                let (mut next, mut gaps) = (0, 0);
                for run in runs {
                    assert!(run.first >= next);
                    gaps += run.first - next;
                    next = run.first + run.taken as u64;
                }
                assert_eq!((next, gaps), (stats.pushed, stats.evicted));
            }
        }
    });
}

#[test]
fn plain_takes_leave_losses_for_the_next_report() {
    let (producer, consumer) = Policy::DropOldest.channel(2);
    let push = |count: u64| (0..count).for_each(|n| producer.push(n).unwrap());
    push(5);
    assert_eq!(consumer.take(), Some(3));
    assert_eq!(consumer.take_batch(9), [4]);
    assert_eq!(
        consumer.try_take_batch(9).unwrap_err().to_string(),
        "taking from an empty channel"
    );
    push(1);
    let mut out = Vec::new();
    let report = consumer.try_take_batch_into(&mut out, 9).unwrap();
    assert_eq!((report.taken, report.first, report.losses.evicted), (1, 5, 3));
    push(4);
    assert!(consumer.batches(9).next().now().is_some());
    assert_eq!(consumer.report_losses().evicted, 2);
    assert_eq!(consumer.report_losses(), Losses::default());
}

/// What a future that is ready at once comes to.
trait Now: Future + Sized {
    fn now(self) -> Self::Output {
        futures::FutureExt::now_or_never(self).expect("a future that is ready")
    }
}
impl<F: Future> Now for F {}

#[test]
fn what_was_lost_last_comes_before_the_end_of_a_stream() {
    let (producer, consumer) = Policy::DropNewest.channel(1);
    producer.push(1).unwrap();
    producer.push(2).unwrap_err();
    let mut stream = consumer.reported_batches(9);
    let (batch, report) = stream.next().now().unwrap();
    assert_eq!((batch, report.first, report.losses.refused), (vec![1], 0, 1));
    producer.push(3).unwrap();
    assert_eq!(stream.next().now().unwrap().0, [3]);
    producer.push(4).unwrap();
    assert_eq!(stream.next().now().unwrap().0, [4]);
    producer.push(5).unwrap();
    producer.push(6).unwrap_err();
    assert_eq!(consumer.take(), Some(5)); // Behind the stream's back.
    producer.close();
    let (batch, report) = stream.next().now().unwrap();
    assert_eq!(
        (batch, report.taken, report.first, report.losses.refused),
        (vec![], 0, 4, 1)
    );
    assert!(stream.next().now().is_none());
    assert!(stream.next().now().is_none());
}

/// An observer that never sees a count fall, nor more inside than the channel holds.
fn observe(producer: &Producer<u64>, done: &AtomicBool) {
    let mut before = producer.stats();
    let counts = |stats: &Stats| {
        [
            stats.pushed,
            stats.taken,
            stats.evicted,
            stats.displaced,
            stats.discarded,
            stats.refused,
            stats.refused_pinned,
            stats.high_water,
            stats.takers_parked,
            stats.takers_woken,
            stats.pushers_parked,
            stats.pushers_woken,
        ]
    };
    while !done.load(Ordering::SeqCst) {
        let now = producer.stats();
        assert!(now.len <= now.capacity);
        for (now, before) in counts(&now).into_iter().zip(counts(&before)) {
            assert!(now >= before, "{now} after {before}");
        }
        assert!(now.since(&before).pushed <= now.pushed);
        before = now;
    }
}

// bug-classes C13
#[test]
fn no_count_ever_falls() {
    in_time(|| {
        for policy in POLICIES {
            for capacity in CAPACITIES {
                let (producer, consumer) = policy.channel(capacity);
                let done = AtomicBool::new(false);
                thread::scope(|scope| {
                    let observers = [(); 2].map(|()| scope.spawn(|| observe(&producer, &done)));
                    let pushers = pushing(&producer, 2, 10_000);
                    let taker = scope.spawn(|| {
                        for n in 0.. {
                            match n % 3 {
                                0 => _ = consumer.try_take(),
                                1 => _ = consumer.try_take_batch(7),
                                _ => thread::yield_now(),
                            }
                            if done.load(Ordering::SeqCst) {
                                break;
                            }
                        }
                    });
                    pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
                    done.store(true, Ordering::SeqCst);
                    taker.join().unwrap();
                    observers.into_iter().for_each(|observer| observer.join().unwrap());
                });
                assert_at_rest(&producer.stats());
                let stats = consumer.close_and_report();
                assert_at_rest(&stats);
                assert_eq!(stats.len, 0);
            }
        }
    });
}

/// What a callback was given.
type Seen = Arc<Mutex<Vec<(u64, DropCause)>>>;

fn seeing(capacity: usize, policy: Policy) -> (Producer<u64>, Consumer<u64>, Seen) {
    let seen = Seen::default();
    let sight = seen.clone();
    let (producer, consumer) = Builder::new(capacity)
        .policy(policy.of())
        .on_drop(move |item, cause| sight.lock().unwrap().push((item, cause)))
        .build();
    (producer, consumer, seen)
}

#[test]
fn the_callback_gets_each_item_that_is_dropped_in_order_and_no_other() {
    for capacity in [1, 2, 5] {
        let (producer, consumer, seen) = seeing(capacity, Policy::DropOldest);
        let count = 4 * capacity as u64;
        for n in 0..count {
            producer.push(n).unwrap();
        }
        let batch: Vec<_> = (count..count + 3).collect();
        producer.push_batch(&batch).unwrap();
        let displaced = producer.push_displacing(count + 3).unwrap();
        drop(consumer);
        let evicted = count + 3 - capacity as u64;
        assert_eq!(displaced, Some(evicted));
        let expected = (0..evicted)
            .map(|n| (n, DropCause::Evicted))
            .chain((evicted + 1..count + 4).map(|n| (n, DropCause::Discarded)));
        assert!(seen.lock().unwrap().iter().copied().eq(expected));
        let stats = producer.stats();
        assert_eq!((stats.evicted, stats.displaced), (evicted + 1, 1));
        assert_eq!(stats.discarded, capacity as u64);
    }
}

#[test]
fn what_is_given_back_is_not_dropped() {
    for policy in [Policy::Block, Policy::DropNewest] {
        let (producer, consumer, seen) = seeing(1, policy);
        producer.push(1).unwrap();
        assert!(producer.try_push(2).is_err());
        assert!(policy == Policy::Block || producer.push(3).is_err());
        let mut push = producer.push_async(4);
        _ = std::pin::Pin::new(&mut push).poll(&mut Context::from_waker(Waker::noop()));
        assert!(policy == Policy::DropNewest || push.into_item() == Some(4));
        drop(consumer);
        assert!(producer.push(5).is_err());
        assert_eq!(*seen.lock().unwrap(), [(1, DropCause::Discarded)]);
    }
}

// bug-classes D1, D2, F2, F4
#[test]
fn with_threads_and_a_callback_that_panics_every_item_goes_one_way() {
    in_time(|| {
        for capacity in CAPACITIES {
            let dropped = Arc::new(AtomicU64::new(0));
            let sum = Arc::new(AtomicU64::new(0));
            let callback = {
                let (dropped, sum) = (dropped.clone(), sum.clone());
                move |item: u64, _| {
                    dropped.fetch_add(1, Ordering::SeqCst);
                    sum.fetch_add(item, Ordering::SeqCst);
                    if item % 16 == 0 {
                        // Without the message, of which there would be thousands.
                        std::panic::resume_unwind(Box::new("a callback that panics"));
                    }
                }
            };
            let (producer, consumer) = Builder::new(capacity)
                .policy(Policy::DropOldest.of())
                .on_drop(callback)
                .build();
            let count = rounds(5_000) as u64;
            let accepted = AtomicU64::new(0);
            let taken = AtomicU64::new(0);
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        for n in 1..=count {
                            let before = producer.clone();
                            // The item is in, whether or not dropping another panics, unless it comes back.
                            let mut refused = 0;
                            _ = panics(|| refused = before.push(n).map_or_else(|error| error.into_inner(), |()| 0));
                            accepted.fetch_add(n - refused, Ordering::SeqCst);
                        }
                    });
                }
                scope.spawn(|| {
                    for _ in 0..count {
                        _ = panics(|| {
                            if let Ok(items) = consumer.try_take_batch(3) {
                                taken.fetch_add(items.iter().sum::<u64>(), Ordering::SeqCst);
                            }
                        });
                    }
                });
            });
            // A take that panics has lost its own items, to the unwinding: with them the sums agree.
            _ = panics(|| drop(consumer));
            let stats = producer.stats();
            assert_at_rest(&stats);
            assert_eq!(stats.evicted + stats.discarded, dropped.load(Ordering::SeqCst));
            let gone = taken.load(Ordering::SeqCst) + sum.load(Ordering::SeqCst);
            assert!(gone <= accepted.load(Ordering::SeqCst));
        }
    });
}

/// While a callback runs, its own push, or that of another, may take the room that was made.
#[test]
fn the_room_that_an_eviction_makes_is_taken_before_the_callback_runs() {
    let own: Arc<Mutex<Option<Producer<u64>>>> = Arc::default();
    let again = own.clone();
    let (producer, consumer) = Builder::new(1)
        .policy(Policy::DropOldest.of())
        .on_drop(move |item, cause| {
            let producer = again.lock().unwrap().clone();
            if let Some(producer) = producer.filter(|_| cause == DropCause::Evicted && item < 100) {
                producer.push(item + 100).unwrap();
            }
        })
        .build();
    *own.lock().unwrap() = Some(producer.clone());
    for n in 0..50 {
        assert_eq!(producer.push(n), Ok(()));
        assert_eq!(producer.push_batch(&[n, n]), Ok(2));
        producer.push_displacing(n).unwrap();
    }
    let stats = consumer.stats();
    assert_eq!((stats.refused, stats.len), (0, 1));
}

#[test]
fn a_take_that_fails_leaves_losses_to_be_reported() {
    let takes: [fn(&Consumer<u64>) -> bool; 3] = [
        |consumer| consumer.try_take_batch_into(&mut Vec::new(), 9).is_err(),
        |consumer| {
            consumer
                .take_batch_timeout_into(&mut Vec::new(), 9, std::time::Duration::MAX)
                .is_err()
        },
        |consumer| block_on(consumer.take_batch_until_into(&mut Vec::new(), 9, std::future::pending::<()>())).is_err(),
    ];
    for policy in [Policy::DropOldest, Policy::DropNewest] {
        for take in takes {
            let (producer, consumer) = policy.channel(1);
            producer.push(1).unwrap();
            _ = producer.push(2);
            assert!(consumer.take().is_some());
            drop(producer);
            assert!(take(&consumer));
            assert_eq!(consumer.report_losses().total(), 1);
        }
    }
}

#[test]
fn the_pinned_are_of_those_refused() {
    let (producer, consumer) = Policy::DropOldest.channel(1);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    _ = producer.push(Box::new(0));
                }
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                _ = consumer.try_take();
            }
        });
        let failed = panics(|| {
            for _ in up_to(1_000_000) {
                let stats = producer.stats();
                assert!(stats.refused_pinned <= stats.refused);
                let losses = consumer.report_losses();
                assert!(losses.refused_pinned <= losses.refused);
            }
        });
        done.store(true, Ordering::Relaxed);
        assert!(!failed);
    });
}

// bug-classes F4
#[test]
fn a_callback_may_use_the_channel() {
    let (producer, consumer, calls) = {
        let calls = Arc::new([(); 2].map(|()| AtomicUsize::new(0)));
        let own: Arc<Mutex<Option<Producer<u64>>>> = Arc::default();
        let (again, counted) = (own.clone(), calls.clone());
        let (producer, consumer) = Builder::new(2)
            .policy(Policy::DropOldest.of())
            .on_drop(move |item, cause| {
                let pushes = item < 100 && cause == DropCause::Evicted;
                counted[usize::from(pushes)].fetch_add(1, Ordering::SeqCst);
                let producer = again.lock().unwrap().clone();
                if let Some(producer) = producer.filter(|_| pushes) {
                    assert!(producer.len() <= 2 && producer.stats().evicted > 0);
                    producer.push(item + 100).unwrap();
                }
            })
            .build();
        *own.lock().unwrap() = Some(producer.clone());
        (producer, consumer, calls)
    };
    for n in 0..10 {
        producer.push(n).unwrap();
    }
    let stats = consumer.close_and_report();
    assert_at_rest(&stats);
    let [only_counted, pushed] = [0, 1].map(|n| calls[n].load(Ordering::SeqCst) as u64);
    assert_eq!(stats.pushed, 10 + pushed);
    assert_eq!(stats.evicted + stats.discarded, only_counted + pushed);
    assert_eq!(stats.discarded, 2);
}

#[test]
fn while_a_callback_blocks_others_go_on() {
    in_time(|| {
        let (enter, entered) = mpsc::channel();
        let gate = Arc::new(Barrier::new(2));
        let held = gate.clone();
        let (producer, consumer) = Builder::new(2)
            .policy(Policy::DropOldest.of())
            .on_drop(move |item, _| {
                if item == 0 {
                    enter.send(()).unwrap();
                    held.wait();
                }
            })
            .build();
        let pusher = thread::spawn({
            let producer = producer.clone();
            move || (0..4).for_each(|n| producer.push(n).unwrap())
        });
        entered.recv().unwrap();
        producer.push(10).unwrap();
        // The item for which the first one went is in.
        assert_eq!(consumer.take_batch(9), [3, 10]);
        assert_eq!(producer.stats().evicted, 3);
        gate.wait();
        pusher.join().unwrap();
    });
}

#[test]
fn sleeps_and_wakes_are_counted() {
    let (producer, consumer) = Policy::Block.channel(1);
    let task = Task::new();
    let mut take = Box::pin(consumer.take_async());
    assert!(task.poll(&mut take).is_pending());
    assert!(task.poll(&mut take).is_pending());
    let parked = producer.stats();
    assert_eq!((parked.takers_parked, parked.takers_woken), (1, 0));
    producer.push(1).unwrap();
    assert_eq!(producer.stats().takers_woken, 1);
    assert!(task.poll(&mut take).is_ready());

    producer.push(2).unwrap();
    let mut push = producer.push_async(3);
    assert!(task.poll_unpin(&mut push).is_pending());
    assert_eq!(consumer.take(), Some(2));
    assert!(task.poll_unpin(&mut push).is_ready());
    let stats = producer.stats();
    assert_eq!((stats.pushers_parked, stats.pushers_woken), (1, 1));
    assert_eq!((stats.takers_parked, stats.takers_woken), (1, 1));
    assert_eq!(stats.high_water, 1);
}

#[test]
fn the_high_water_mark_is_what_takes_and_snapshots_have_met() {
    let (producer, consumer) = Policy::Block.channel(100);
    producer.push_batch(&[0; 30]).unwrap();
    assert_eq!(consumer.take_batch(1), [0]);
    producer.push_batch(&[0; 5]).unwrap();
    assert_eq!(consumer.take_batch(100).len(), 34);
    assert_eq!(producer.stats().high_water, 34);
    producer.push_batch(&[0; 40]).unwrap();
    assert_eq!(producer.stats().high_water, 40);
    assert_eq!(producer.stats().bytes, 100 * 4 + 100);
}

#[test]
fn closing_and_reporting_tells_what_was_not_read() {
    let (producer, consumer) = Policy::Block.channel(8);
    producer.push_batch(&[1, 2, 3, 4, 5]).unwrap();
    assert_eq!(consumer.take(), Some(1));
    let other = consumer.clone();
    let stats = consumer.close_and_report();
    assert_eq!((stats.discarded, stats.len), (0, 4)); // The other goes on.
    assert!(producer.push(6).unwrap_err().is_closed());
    assert_eq!(other.take(), Some(2));
    let stats = other.close_and_report();
    assert_eq!((stats.taken, stats.discarded, stats.len), (2, 3, 0));
    assert_at_rest(&stats);
}

#[test]
fn a_warning_is_due_once_for_each_power_of_two() {
    let warning = LossWarning::new();
    assert!(!warning.is_due(0));
    let due: Vec<_> = (1..100).filter(|&lost| warning.is_due(lost)).collect();
    assert_eq!(due, [1, 2, 4, 8, 16, 32, 64]);
    assert!(!warning.is_due(100));
    assert!(warning.is_due(1 << 40)); // Many at once are one warning.
    assert!(!warning.is_due(1 << 39));
    assert!(warning.is_due(u64::MAX));

    let warning = Arc::new(LossWarning::new());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let warning = warning.clone();
            let is_due = move |&lost: &u64| warning.is_due(lost);
            thread::spawn(move || (1..2_000).filter(is_due).map(u64::ilog2).collect::<Vec<_>>())
        })
        .collect();
    let mut warned: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    warned.sort_unstable();
    assert!(warned.windows(2).all(|pair| pair[0] < pair[1]));
}

#[cfg(feature = "serde")]
#[test]
fn snapshots_and_reports_are_written_by_their_field_names() {
    let (producer, consumer) = Policy::DropNewest.channel(1);
    producer.push(1).unwrap();
    producer.push(2).unwrap_err();
    let stats = serde_json::to_value(producer.stats()).unwrap();
    assert_eq!(
        (stats["pushed"].as_u64(), stats["refused"].as_u64()),
        (Some(1), Some(1))
    );
    let report = serde_json::to_value(consumer.take_batch_into(&mut Vec::new(), 9)).unwrap();
    assert_eq!(
        (report["taken"].as_u64(), report["losses"]["refused"].as_u64()),
        (Some(1), Some(1))
    );
}

#[test]
fn a_weak_producer_tells_the_stats_without_keeping_the_channel_open() {
    let (producer, consumer) = Policy::Block.channel(2);
    let weak = producer.downgrade();
    producer.push(1).unwrap();
    assert_eq!(weak.stats(), producer.stats());
    let task = Task::new();
    let mut closed = Box::pin(weak.closed());
    assert!(task.poll(&mut closed).is_pending());
    drop(producer);
    assert!(weak.is_closed());
    assert!(task.is_woken() && task.poll(&mut closed).is_ready());
    drop(consumer);
    assert_eq!(weak.stats().discarded, 1);
}
