//! How long pushes take.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// A histogram of nanoseconds, up to a minute, to two digits: 4,000 counters, so that adding two takes microseconds.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 2).expect("these bounds are valid")
}

/// The latencies of all pushers, who add theirs now and then.
pub struct Latencies(Mutex<Histogram<u64>>);

impl Latencies {
    pub fn new() -> Self {
        Self(Mutex::new(histogram()))
    }

    /// Moves `local` here, unless somebody else is here: then there will be another time. So a pusher never waits.
    pub fn try_absorb(&self, local: &mut Histogram<u64>) {
        if let Ok(mut all) = self.0.try_lock() {
            *all += &*local;
            local.reset();
        }
    }

    /// Adds `local`, for the last time.
    pub fn absorb(&self, local: &Histogram<u64>) {
        *self.lock() += local;
    }

    pub fn snapshot(&self) -> Histogram<u64> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Histogram<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the clock itself adds to a measured push: the time between two looks at it.
pub fn empty_measurement() -> Histogram<u64> {
    let mut empty = histogram();
    for _ in 0..20_000 {
        let began = Instant::now();
        record(&mut empty, began.elapsed());
    }
    empty
}

pub fn record(histogram: &mut Histogram<u64>, took: Duration) {
    histogram.saturating_record(took.as_nanos() as u64);
}

/// A quantile, such as 0.999, to read.
pub fn quantile(histogram: &Histogram<u64>, quantile: f64) -> String {
    if histogram.is_empty() {
        return "-".to_owned();
    }
    match histogram.value_at_quantile(quantile) {
        nanos @ 0..10_000 => format!("{nanos} ns"),
        nanos @ 10_000..10_000_000 => format!("{} µs", nanos / 1_000),
        nanos @ 10_000_000..10_000_000_000 => format!("{} ms", nanos / 1_000_000),
        nanos => format!("{} s", nanos / 1_000_000_000),
    }
}
