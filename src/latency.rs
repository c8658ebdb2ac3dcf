//! How long pushes take, for those who want to know it.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::error::PushError;
use crate::producer::Producer;
use crate::sync::Relaxed;

/// The longest push that is told from longer ones.
const LONGEST: Duration = Duration::from_secs(60);

impl<T> Producer<T> {
    /// A producer that times one push in `every`; those of other producers are left as they are.
    ///
    /// # Panics
    ///
    /// If `every` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, _consumer) = channel(1024, BackPressurePolicy::DropOldest);
    /// let producer = producer.timed(64);
    /// for n in 0..640 {
    ///     _ = producer.push(n); // what is refused is counted
    /// }
    /// let latencies = producer.latencies();
    /// assert_eq!(latencies.count(), 10);
    /// println!("p99 of a push: {:?}", latencies.quantile(0.99));
    /// ```
    #[track_caller]
    pub fn timed(self, every: u32) -> TimedProducer<T> {
        assert!(every > 0, "cannot time one push in 0");
        TimedProducer {
            producer: self,
            every,
            left: AtomicU32::new(every),
            record: Arc::new(Record {
                nanos: Mutex::new(new_histogram()),
                missed: AtomicU64::new(0),
            }),
        }
    }
}

fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST.as_nanos() as u64, 2).expect("these bounds are valid")
}

/// Pushes items as a [`Producer`] does and times some of the pushes; made by [`Producer::timed`].
///
/// All clones record into one histogram. Each of them counts its own pushes and times the last of every so many, whatever
/// comes of it: that an item is refused, evicts another or waits for room is what the numbers are to show. They include one
/// look at the clock. Threads that share one clone by reference time about so many.
///
/// A push that is not timed costs one more count. One that is timed looks at the clock twice and enters the histogram's lock,
/// if nobody else is there: it waits for nobody. If somebody is, what it has measured is counted as
/// [missed](Latencies::missed). The histogram has 30 KiB from the start and never grows.
///
/// What that comes to for a push that finds room, on average (`cargo bench --bench latency --features latency`, one thread, one
/// run on an AMD EPYC on which a look at the clock takes 29 ns):
///
/// | timed | ns per push | times a plain push |
/// |---|--:|--:|
/// | none: `Producer::push` | 3.3 | 1 |
/// | one in 1024 | 3.6 | 1.1 |
/// | one in 64 | 4.4 | 1.3 |
/// | one in 16 | 7.1 | 2.2 |
/// | every one | 62 | 19 |
///
/// What can be timed is here; all else is done with the [`producer`](Self::producer), untimed.
pub struct TimedProducer<T> {
    producer: Producer<T>,
    every: u32,
    /// How many pushes there are from here to the one that is timed, with it: at least 1.
    left: AtomicU32,
    record: Arc<Record>,
}

struct Record {
    nanos: Mutex<Histogram<u64>>,
    missed: AtomicU64,
}

impl<T> TimedProducer<T> {
    /// Pushes `item`: [`Producer::push`].
    ///
    /// # Errors
    ///
    /// As [`Producer::push`].
    ///
    /// # Panics
    ///
    /// As [`Producer::push`].
    #[inline(always)]
    pub fn push(&self, item: T) -> Result<(), PushError<T>> {
        if self.is_due() {
            self.time(|producer| producer.push(item))
        } else {
            self.producer.push(item)
        }
    }

    /// Pushes `item` if there is room: [`Producer::try_push`].
    ///
    /// # Errors
    ///
    /// As [`Producer::try_push`].
    #[inline(always)]
    pub fn try_push(&self, item: T) -> Result<(), PushError<T>> {
        if self.is_due() {
            self.time(|producer| producer.try_push(item))
        } else {
            self.producer.try_push(item)
        }
    }

    /// Pushes `item` as a future: [`Producer::push_async`]. It is timed from the first poll to the last.
    ///
    /// # Errors
    ///
    /// As [`Producer::push_async`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready drops the item, which has not been pushed, and records nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// # futures::executor::block_on(async {
    /// let (producer, _consumer) = channel(1, BackPressurePolicy::Block);
    /// let producer = producer.timed(1);
    /// producer.push_async("hello").await.unwrap();
    /// assert_eq!(producer.latencies().count(), 1);
    /// # });
    /// ```
    pub fn push_async(&self, item: T) -> impl Future<Output = Result<(), PushError<T>>> + '_ {
        let push = self.producer.push_async(item);
        async move {
            if !self.is_due() {
                return push.await;
            }
            let began = Instant::now();
            let pushed = push.await;
            self.record.add(began.elapsed());
            pushed
        }
    }

    /// The producer whose pushes are timed, for all that is not.
    pub fn producer(&self) -> &Producer<T> {
        &self.producer
    }

    /// How long timed pushes have taken so far, of all clones.
    ///
    /// Copies 30 KiB within the lock, which takes some microseconds.
    pub fn latencies(&self) -> Latencies {
        Latencies {
            nanos: self.record.lock().clone(),
            missed: self.record.missed.load(Relaxed),
        }
    }

    /// Counts a push; says whether it is to be timed.
    #[inline(always)]
    fn is_due(&self) -> bool {
        // Relaxed, both, and not one step: a count of this handle, which is seldom another's.
        let left = self.left.load(Relaxed);
        let due = left <= 1;
        self.left.store(if due { self.every } else { left - 1 }, Relaxed);
        due
    }

    #[inline(never)]
    fn time<R>(&self, push: impl FnOnce(&Producer<T>) -> R) -> R {
        let began = Instant::now();
        let pushed = push(&self.producer);
        self.record.add(began.elapsed());
        pushed
    }
}

impl Record {
    fn add(&self, took: Duration) {
        let mut nanos = match self.nanos.try_lock() {
            Ok(nanos) => nanos,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.missed.fetch_add(1, Relaxed); // Relaxed: a count.
                return;
            }
        };
        nanos.saturating_record(took.min(LONGEST).as_nanos() as u64);
    }

    fn lock(&self) -> MutexGuard<'_, Histogram<u64>> {
        self.nanos.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records into the same histogram, and counts its own pushes.
impl<T> Clone for TimedProducer<T> {
    fn clone(&self) -> Self {
        Self {
            producer: self.producer.clone(),
            every: self.every,
            left: AtomicU32::new(self.every),
            record: self.record.clone(),
        }
    }
}

impl<T> fmt::Debug for TimedProducer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedProducer")
            .field("producer", &self.producer)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

/// How long pushes took, as [`TimedProducer::latencies`] found it: exact to 1 %, up to a minute, and a minute if longer.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mpsc_ring::{BackPressurePolicy, channel};
///
/// let (producer, _consumer) = channel(1, BackPressurePolicy::DropNewest);
/// let producer = producer.timed(1);
/// assert_eq!(producer.latencies().max(), Duration::ZERO);
/// producer.push(1).unwrap();
/// producer.push(2).unwrap_err(); // takes its time as well
/// let latencies = producer.latencies();
/// assert_eq!(latencies.count(), 2);
/// assert!(latencies.quantile(0.5) <= latencies.max());
/// ```
#[derive(Clone)]
pub struct Latencies {
    nanos: Histogram<u64>,
    missed: u64,
}

impl Latencies {
    /// How many pushes are in here.
    pub fn count(&self) -> u64 {
        self.nanos.len()
    }

    /// How many more were timed and not recorded, since another was being recorded at that moment.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// What the `quantile` of pushes took at most, such as 0.999 of them; zero if there are none.
    ///
    /// What is not between 0 and 1 is taken as the nearer of the two.
    pub fn quantile(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.nanos.value_at_quantile(quantile.clamp(0.0, 1.0)))
    }

    /// What the slowest push took; zero if there are none.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.nanos.max())
    }

    /// What pushes took on average; zero if there are none.
    pub fn mean(&self) -> Duration {
        Duration::from_nanos(self.nanos.mean() as u64)
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latencies")
            .field("count", &self.count())
            .field("missed", &self.missed)
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .field("max", &self.max())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::{BackPressurePolicy, channel};

    use super::*;

    #[test]
    fn the_histogram_is_as_small_as_documented_and_does_not_grow() {
        let (producer, _consumer) = channel::<u8>(1, BackPressurePolicy::Block);
        let producer = producer.timed(1);
        for took in [Duration::ZERO, LONGEST, Duration::MAX] {
            producer.record.add(took);
        }
        assert_eq!(producer.record.lock().distinct_values() * size_of::<u64>(), 30 * 1024);
        let latencies = producer.latencies();
        assert_eq!((latencies.count(), latencies.missed()), (3, 0));
        assert!((LONGEST..LONGEST * 101 / 100).contains(&latencies.max()));
    }

    #[test]
    fn a_timed_push_does_not_wait_for_another() {
        let (producer, consumer) = channel(1, BackPressurePolicy::Block);
        let producer = producer.timed(1);
        let busy = producer.record.lock();
        producer.push(1).unwrap();
        assert_eq!(consumer.take(), Some(1));
        drop(busy);
        let latencies = producer.latencies();
        assert_eq!((latencies.count(), latencies.missed()), (0, 1));
    }
}
