//! What has happened to a channel's items, as metrics: for dashboards and alarms, through the facade of the crate
//! [`metrics`](https://docs.rs/metrics).
//!
//! All of [`Stats`] is published from a snapshot, whenever [`Publisher::publish`] is called or at intervals by `spawn`, which
//! comes with the feature `tokio`. Pushing and taking know nothing of it and cost the same.
//!
//! Every metric has the label `channel`, the name that the publisher was given:
//!
//! | metric | kind | unit | field of [`Stats`] |
//! |---|---|---|---|
//! | `mpsc_ring_pushed_total` | counter | items | [`pushed`](Stats::pushed) |
//! | `mpsc_ring_taken_total` | counter | items | [`taken`](Stats::taken) |
//! | `mpsc_ring_evicted_total` | counter | items | [`evicted`](Stats::evicted) |
//! | `mpsc_ring_displaced_total` | counter | items, part of `evicted` | [`displaced`](Stats::displaced) |
//! | `mpsc_ring_discarded_total` | counter | items | [`discarded`](Stats::discarded) |
//! | `mpsc_ring_refused_total` | counter | items | [`refused`](Stats::refused) |
//! | `mpsc_ring_refused_pinned_total` | counter | items, part of `refused` | [`refused_pinned`](Stats::refused_pinned) |
//! | `mpsc_ring_takers_parked_total` | counter | times | [`takers_parked`](Stats::takers_parked) |
//! | `mpsc_ring_takers_woken_total` | counter | times | [`takers_woken`](Stats::takers_woken) |
//! | `mpsc_ring_pushers_parked_total` | counter | times | [`pushers_parked`](Stats::pushers_parked) |
//! | `mpsc_ring_pushers_woken_total` | counter | times | [`pushers_woken`](Stats::pushers_woken) |
//! | `mpsc_ring_length` | gauge | items | [`len`](Stats::len) |
//! | `mpsc_ring_high_water` | gauge | items | [`high_water`](Stats::high_water) |
//! | `mpsc_ring_capacity` | gauge | items | [`capacity`](Stats::capacity) |
//! | `mpsc_ring_memory_bytes` | gauge | bytes | [`bytes`](Stats::bytes) |
//!
//! Worth an alarm: a rate of `mpsc_ring_evicted_total` or `mpsc_ring_refused_total` above zero, for items are being lost; and
//! `mpsc_ring_length / mpsc_ring_capacity` that stays near one, for they soon will be, or producers will wait.

#[cfg(feature = "tokio")]
use std::time::Duration;

use ::metrics::{Counter, Gauge, SharedString, Unit, counter, describe_counter, describe_gauge, gauge};

#[cfg(feature = "tokio")]
use crate::producer::Producer;
use crate::stats::Stats;

/// A metric, and where its value comes from.
struct Metric {
    name: &'static str,
    unit: Unit,
    what: &'static str,
    value: fn(&Stats) -> u64,
}

const COUNTERS: [Metric; 14] = [
    Metric::count("mpsc_ring_pushed_total", "Items accepted.", |stats| stats.pushed),
    Metric::count("mpsc_ring_taken_total", "Items that consumers took.", |stats| {
        stats.taken
    }),
    Metric::count(
        "mpsc_ring_evicted_total",
        "Items that had to make room for newer ones.",
        |stats| stats.evicted,
    ),
    Metric::count(
        "mpsc_ring_displaced_total",
        "Evicted items that the push returned.",
        |stats| stats.displaced,
    ),
    Metric::count(
        "mpsc_ring_discarded_total",
        "Items that were inside when the last consumer went.",
        |stats| stats.discarded,
    ),
    Metric::count(
        "mpsc_ring_refused_total",
        "Items given back because the channel was full.",
        |stats| stats.refused,
    ),
    Metric::count(
        "mpsc_ring_refused_pinned_total",
        "Refused because the oldest item could not be evicted.",
        |stats| stats.refused_pinned,
    ),
    Metric::count(
        "mpsc_ring_refused_spill_total",
        "Refused because they could not be written to disk.",
        |stats| stats.refused_spill,
    ),
    Metric::count(
        "mpsc_ring_spilled_total",
        "Accepted items that went to disk.",
        |stats| stats.spilled,
    ),
    Metric::count(
        "mpsc_ring_spill_lost_total",
        "Items on disk that were damaged, unreadable, or dropped at the cap.",
        |stats| stats.spill_lost,
    ),
    Metric::count(
        "mpsc_ring_takers_parked_total",
        "How often a consumer found nothing and went to sleep.",
        |stats| stats.takers_parked,
    ),
    Metric::count(
        "mpsc_ring_takers_woken_total",
        "How often a sleeping consumer was woken.",
        |stats| stats.takers_woken,
    ),
    Metric::count(
        "mpsc_ring_pushers_parked_total",
        "How often a producer found no room and went to sleep.",
        |stats| stats.pushers_parked,
    ),
    Metric::count(
        "mpsc_ring_pushers_woken_total",
        "How often a sleeping producer was woken.",
        |stats| stats.pushers_woken,
    ),
];

const GAUGES: [Metric; 6] = [
    Metric::count("mpsc_ring_length", "Items inside.", |stats| stats.len),
    Metric::count("mpsc_ring_on_disk", "Items on disk.", |stats| stats.on_disk),
    Metric::count(
        "mpsc_ring_recovered",
        "Items that were on disk when the channel was made.",
        |stats| stats.recovered,
    ),
    Metric::count(
        "mpsc_ring_high_water",
        "The most items that were seen inside at once.",
        |stats| stats.high_water,
    ),
    Metric::count("mpsc_ring_capacity", "How many items the channel can hold.", |stats| {
        stats.capacity
    }),
    Metric {
        unit: Unit::Bytes,
        ..Metric::count(
            "mpsc_ring_memory_bytes",
            "Memory that the channel allocated for items.",
            |stats| stats.bytes,
        )
    },
];

impl Metric {
    const fn count(name: &'static str, what: &'static str, value: fn(&Stats) -> u64) -> Self {
        Self {
            name,
            unit: Unit::Count,
            what,
            value,
        }
    }
}

/// Publishes the [`Stats`] of one channel.
///
/// The names are in the [module](self)'s table.
///
/// # Examples
///
/// ```
/// use mpsc_ring::metrics::Publisher;
/// use mpsc_ring::{BackPressurePolicy, channel};
///
/// // After the program has installed a recorder, such as that of `metrics-exporter-prometheus`:
/// let (producer, _consumer) = channel(1024, BackPressurePolicy::DropOldest);
/// let publisher = Publisher::new("events");
/// producer.push("hello").unwrap();
/// publisher.publish(&producer.stats()); // now and then
/// ```
#[derive(Debug)]
pub struct Publisher {
    counters: [Counter; COUNTERS.len()],
    gauges: [Gauge; GAUGES.len()],
}

impl Publisher {
    /// Describes the metrics and registers them for the channel of that name.
    ///
    /// They belong to the recorder that is installed now. If none is, nothing is ever published. Counters only rise, so two
    /// channels need two names.
    pub fn new(channel: impl Into<String>) -> Self {
        let channel = SharedString::from(channel.into());
        let counters = COUNTERS.map(|Metric { name, unit, what, .. }| {
            describe_counter!(name, unit, what);
            counter!(name, "channel" => channel.clone())
        });
        let gauges = GAUGES.map(|Metric { name, unit, what, .. }| {
            describe_gauge!(name, unit, what);
            gauge!(name, "channel" => channel.clone())
        });
        Self { counters, gauges }
    }

    /// Publishes a snapshot.
    ///
    /// Counters are set to what the snapshot says, not added to: one that is published twice does no harm. Gauges show what
    /// was published last. Whether this waits for anybody is up to the recorder; those in common use store a few numbers.
    pub fn publish(&self, stats: &Stats) {
        for (counter, metric) in self.counters.iter().zip(COUNTERS) {
            counter.absolute((metric.value)(stats));
        }
        for (gauge, metric) in self.gauges.iter().zip(GAUGES) {
            gauge.set((metric.value)(stats) as f64);
        }
    }
}

/// Publishes the [`Stats`] of `producer`'s channel `every` so often, from a task of its own, and once more at the end.
///
/// `name` is as in [`Publisher::new`]. The first time is at once. The task does not keep the channel open. It ends by itself,
/// up to a tenth of a second after the channel has been closed and drained, or closed by its last consumer's going; dropping
/// the handle that is returned lets it run until then.
///
/// # Panics
///
/// If `every` is zero, or outside a tokio runtime with its timer enabled. If dropping an evicted item panics, the task ends.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mpsc_ring::{BackPressurePolicy, channel, metrics};
///
/// # tokio_test::block_on(async {
/// let (producer, consumer) = channel(1024, BackPressurePolicy::DropOldest);
/// let publishing = metrics::spawn(&producer, "events", Duration::from_secs(10));
/// producer.push("hello").unwrap();
/// drop(producer);
/// assert_eq!(consumer.take_async().await, Some("hello"));
/// publishing.await.unwrap(); // the recorder has the last word of the channel
/// # });
/// ```
#[cfg(feature = "tokio")]
pub fn spawn<T: Send + 'static>(
    producer: &Producer<T>,
    name: impl Into<String>,
    every: Duration,
) -> tokio::task::JoinHandle<()> {
    assert!(!every.is_zero(), "metrics cannot be published every zero seconds");
    let channel = producer.downgrade();
    let publisher = Publisher::new(name);
    tokio::spawn(async move {
        loop {
            let open = !channel.is_closed();
            let over = !open && channel.is_empty(); // Asked before the snapshot, which then has everything.
            publisher.publish(&channel.stats());
            if over {
                return;
            }
            if open {
                _ = tokio::time::timeout(every, channel.closed()).await;
            } else {
                tokio::time::sleep(every.min(DRAINING)).await;
            }
        }
    })
}

/// How often to look whether a closed channel has been drained.
#[cfg(feature = "tokio")]
const DRAINING: Duration = Duration::from_millis(100);
