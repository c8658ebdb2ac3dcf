//! Items that know how old they are.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

/// An item with the time at which it was made, so that its consumer can tell how long it was on its way.
///
/// Costs one look at the clock for each item, some 20 to 50 ns, and 16 bytes of room in the channel. A channel of other
/// items pays neither.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use mpsc_ring::{Aged, BackPressurePolicy, channel};
///
/// struct Event(u32);
///
/// let (producer, consumer) = channel(8, BackPressurePolicy::Block);
/// for n in 0..3 {
///     producer.push(Aged::new(Event(n))).unwrap();
/// }
/// drop(producer);
///
/// let (mut oldest, mut sum) = (Duration::ZERO, 0);
/// for event in consumer {
///     oldest = oldest.max(event.age());
///     sum += event.into_inner().0;
/// }
/// assert_eq!(sum, 3);
/// println!("no event took longer than {oldest:?}");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Aged<T> {
    item: T,
    made: Instant,
}

impl<T> Aged<T> {
    /// Notes the time.
    pub fn new(item: T) -> Self {
        Self::made_at(Instant::now(), item)
    }

    /// An item that was made at `made`: for those who have looked at the clock already.
    pub fn made_at(made: Instant, item: T) -> Self {
        Self { item, made }
    }

    /// When the item was made.
    pub fn made(&self) -> Instant {
        self.made
    }

    /// How long ago the item was made.
    pub fn age(&self) -> Duration {
        self.made.elapsed()
    }

    /// How old the item was at `now`, or zero if it was made later: one look at the clock does for a batch.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use mpsc_ring::Aged;
    ///
    /// let batch = [Aged::new("a"), Aged::new("b")];
    /// let now = Instant::now();
    /// let ages: Vec<Duration> = batch.iter().map(|item| item.age_at(now)).collect();
    /// assert!(ages[0] >= ages[1]);
    /// ```
    pub fn age_at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.made)
    }

    /// The item without the time.
    pub fn into_inner(self) -> T {
        self.item
    }
}

/// Notes the time.
impl<T> From<T> for Aged<T> {
    fn from(item: T) -> Self {
        Self::new(item)
    }
}

impl<T> Deref for Aged<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T> DerefMut for Aged<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}
