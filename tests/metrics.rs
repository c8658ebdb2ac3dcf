//! What is published of a channel, and until when.
#![cfg(all(feature = "metrics", not(loom)))]

mod common;

use std::collections::BTreeMap;

use ::metrics::{Unit, with_local_recorder};
use common::*;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use mpsc_ring::Stats;
use mpsc_ring::metrics::Publisher;
use static_assertions::assert_impl_all;

assert_impl_all!(Publisher: Send, Sync, std::fmt::Debug, Unpin);

/// What has been published: the values of each name, of all channels.
fn published(snapshotter: &Snapshotter) -> BTreeMap<String, Vec<DebugValue>> {
    let mut published = BTreeMap::<_, Vec<_>>::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let name = key.key().name().to_owned();
        published.entry(name).or_default().push(value);
    }
    published
}

fn counted(snapshotter: &Snapshotter, name: &str) -> u64 {
    match &published(snapshotter)[name][..] {
        [DebugValue::Counter(count)] => *count,
        other => panic!("{name}: {other:?}"),
    }
}

/// Statistics in which no two numbers are the same.
fn distinct() -> Stats {
    let mut stats = Stats::default();
    stats.capacity = 101;
    stats.bytes = 102;
    stats.len = 103;
    stats.high_water = 104;
    stats.pushed = 105;
    stats.taken = 106;
    stats.evicted = 107;
    stats.displaced = 108;
    stats.discarded = 109;
    stats.refused = 110;
    stats.refused_pinned = 111;
    stats.takers_parked = 112;
    stats.takers_woken = 113;
    stats.pushers_parked = 114;
    stats.pushers_woken = 115;
    stats.refused_spill = 116;
    stats.spilled = 117;
    stats.recovered = 118;
    stats.on_disk = 119;
    stats.spill_lost = 120;
    stats
}

#[test]
fn all_of_the_stats_are_published() {
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, || Publisher::new("events").publish(&distinct()));

    let counter = |value| vec![DebugValue::Counter(value)];
    let gauge = |value: f64| vec![DebugValue::Gauge(value.into())];
    let expected = [
        ("mpsc_ring_capacity", gauge(101.0)),
        ("mpsc_ring_memory_bytes", gauge(102.0)),
        ("mpsc_ring_length", gauge(103.0)),
        ("mpsc_ring_high_water", gauge(104.0)),
        ("mpsc_ring_pushed_total", counter(105)),
        ("mpsc_ring_taken_total", counter(106)),
        ("mpsc_ring_evicted_total", counter(107)),
        ("mpsc_ring_displaced_total", counter(108)),
        ("mpsc_ring_discarded_total", counter(109)),
        ("mpsc_ring_refused_total", counter(110)),
        ("mpsc_ring_refused_pinned_total", counter(111)),
        ("mpsc_ring_takers_parked_total", counter(112)),
        ("mpsc_ring_takers_woken_total", counter(113)),
        ("mpsc_ring_pushers_parked_total", counter(114)),
        ("mpsc_ring_pushers_woken_total", counter(115)),
        ("mpsc_ring_refused_spill_total", counter(116)),
        ("mpsc_ring_spilled_total", counter(117)),
        ("mpsc_ring_recovered", gauge(118.0)),
        ("mpsc_ring_on_disk", gauge(119.0)),
        ("mpsc_ring_spill_lost_total", counter(120)),
    ];
    let fields = format!("{:?}", distinct()).matches(": ").count();
    assert_eq!(fields, expected.len());
    let expected = expected.map(|(name, value)| (name.to_owned(), value)).into();
    assert_eq!(published(&recorder.snapshotter()), expected);
}

#[test]
fn metrics_say_what_they_are_and_of_which_channel() {
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, || {
        Publisher::new(String::from("events")).publish(&distinct())
    });
    for (key, unit, what, _) in recorder.snapshotter().snapshot().into_vec() {
        let key = key.key();
        let labels: Vec<_> = key.labels().map(|label| (label.key(), label.value())).collect();
        assert_eq!(labels, [("channel", "events")]);
        let bytes = key.name().ends_with("_bytes");
        assert_eq!(unit, Some(if bytes { Unit::Bytes } else { Unit::Count }));
        assert!(what.is_some_and(|what| !what.is_empty()));
    }
}

#[test]
fn channels_are_published_apart() {
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, || {
        Publisher::new("a").publish(&distinct());
        Publisher::new("b").publish(&Stats::default());
    });
    let mut published = published(&recorder.snapshotter());
    let pushed = published.get_mut("mpsc_ring_pushed_total").unwrap();
    pushed.sort_by_key(|value| *value == DebugValue::Counter(105));
    assert_eq!(*pushed, [DebugValue::Counter(0), DebugValue::Counter(105)]);
}

#[test]
fn counters_are_set_and_not_added_to() {
    let recorder = DebuggingRecorder::new();
    let (producer, _consumer) = Policy::DropNewest.channel(2);
    let publisher = with_local_recorder(&recorder, || Publisher::new("events"));
    let snapshotter = recorder.snapshotter();
    for n in 0..4 {
        _ = producer.push(n);
        publisher.publish(&producer.stats());
        publisher.publish(&producer.stats());
    }
    let published = published(&snapshotter);
    assert_eq!(published["mpsc_ring_pushed_total"], [DebugValue::Counter(2)]);
    assert_eq!(published["mpsc_ring_refused_total"], [DebugValue::Counter(2)]);
    assert_eq!(published["mpsc_ring_length"], [DebugValue::Gauge(2.0.into())]);
}

#[test]
fn without_a_recorder_nothing_happens() {
    let publisher = Publisher::new("events");
    publisher.publish(&distinct());
    let recorder = DebuggingRecorder::new();
    with_local_recorder(&recorder, || publisher.publish(&distinct()));
    assert!(published(&recorder.snapshotter()).is_empty());
}

#[cfg(feature = "tokio")]
mod spawned {
    use std::time::Duration;

    use futures::FutureExt;
    use mpsc_ring::metrics::spawn;
    use mpsc_ring::{Consumer, Producer};
    use tokio::task::JoinHandle;
    use tokio::time::{sleep, timeout};

    use super::*;

    const EVERY: Duration = Duration::from_secs(1);
    const MOMENT: Duration = Duration::from_millis(200);

    struct Published {
        producer: Producer<u32>,
        consumer: Consumer<u32>,
        task: JoinHandle<()>,
        recorder: DebuggingRecorder,
    }

    impl Published {
        fn new(policy: Policy) -> Self {
            let (producer, consumer) = policy.channel(4);
            let recorder = DebuggingRecorder::new();
            let task = with_local_recorder(&recorder, || spawn(&producer, "events", EVERY));
            Self {
                producer,
                consumer,
                task,
                recorder,
            }
        }

        /// What has been published since the last look, which sets this recorder back to 0.
        fn pushed(&self) -> u64 {
            counted(&self.recorder.snapshotter(), "mpsc_ring_pushed_total")
        }
    }

    /// Runs `test` in a time that passes at once when everybody waits for it.
    fn run(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(test);
    }

    #[test]
    fn publishes_at_once_and_every_interval() {
        run(async {
            let published = Published::new(Policy::Block);
            published.producer.push(1).unwrap();
            sleep(MOMENT).await;
            assert_eq!(published.pushed(), 1);
            published.producer.push(2).unwrap();
            sleep(EVERY / 2).await;
            assert_eq!(published.pushed(), 0, "not yet");
            sleep(EVERY / 2).await;
            assert_eq!(published.pushed(), 2);
        });
    }

    #[test]
    fn ends_with_the_last_word_when_the_channel_is_closed_and_drained() {
        run(async {
            let Published {
                producer,
                consumer,
                task,
                recorder,
            } = Published::new(Policy::Block);
            tokio::pin!(task);
            sleep(MOMENT).await;
            producer.push_batch(&[1, 2, 3]).unwrap();
            // That the task is there does not keep the channel open.
            drop(producer);
            assert!(consumer.is_closed());
            sleep(EVERY * 3).await;
            assert!((&mut task).now_or_never().is_none(), "not drained");
            assert_eq!(consumer.take_batch(8), [1, 2, 3]);
            timeout(MOMENT, task).await.unwrap().unwrap();
            let snapshotter = recorder.snapshotter();
            assert_eq!(counted(&snapshotter, "mpsc_ring_taken_total"), 3);
        });
    }

    #[test]
    fn ends_with_the_last_word_when_the_consumers_are_gone() {
        run(async {
            for policy in POLICIES {
                let Published {
                    producer,
                    consumer,
                    task,
                    recorder,
                } = Published::new(policy);
                sleep(MOMENT).await;
                producer.push_batch(&[1, 2, 3]).unwrap();
                drop(consumer);
                timeout(MOMENT, task).await.unwrap().unwrap();
                let snapshotter = recorder.snapshotter();
                assert_eq!(counted(&snapshotter, "mpsc_ring_discarded_total"), 3);
            }
        });
    }

    #[test]
    fn ends_when_closed_by_hand() {
        run(async {
            let Published { producer, task, .. } = Published::new(Policy::DropOldest);
            producer.close();
            timeout(MOMENT, task).await.unwrap().unwrap();
        });
    }

    #[test]
    fn an_interval_of_zero_panics() {
        run(async {
            let (producer, _consumer) = Policy::Block.channel::<u8>(1);
            assert!(panics(|| drop(spawn(&producer, "events", Duration::ZERO))));
        });
    }
}
