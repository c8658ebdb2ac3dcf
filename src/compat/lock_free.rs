//! The ring for many threads.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use crate::channel::Channel;
use crate::error::{BuildError, PushError};
use crate::policy::BackPressurePolicy;
use crate::sync::{AtomicU64, Relaxed};

/// Holds the newest `capacity` items; any number of threads push and pop through shared references.
///
/// It has the methods of rings over `crossbeam_queue::ArrayQueue` such as the one of `ttlog` 0.1, but for the public fields
/// `queue` and `capacity`, and takes the place of one by its `use` line alone. Behind it is the ring of this crate with the
/// policy [`DropOldest`](crate::BackPressurePolicy::DropOldest):
///
/// - A push into a full ring is one step: nobody sees the ring without the oldest item and without the new one, and
///   nothing else is evicted for it.
/// - [`take_snapshot`](Self::take_snapshot) ends, however fast others push.
/// - `Clone` and `Serialize` look at the items and leave them where they are.
/// - What [`push_overwrite`](Self::push_overwrite) loses is counted: [`lost`](Self::lost).
///
/// # Examples
///
/// ```
/// use mpsc_ring::compat::LockFreeRingBuffer;
///
/// let ring = LockFreeRingBuffer::new_shared(2);
/// assert_eq!(ring.push("a"), Ok(None));
/// assert_eq!(ring.push("b"), Ok(None));
/// assert_eq!(ring.push("c"), Ok(Some("a")));
/// assert_eq!(ring.take_snapshot(), ["b", "c"]);
/// ```
pub struct LockFreeRingBuffer<T> {
    channel: Channel<T>,
    /// Items that `push_overwrite` could not push.
    not_pushed: AtomicU64,
}

impl<T> LockFreeRingBuffer<T> {
    /// An empty ring for exactly `capacity` items.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0, or there is no memory for so many items.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        match Self::try_new(capacity) {
            Ok(ring) => ring,
            Err(BuildError::ZeroCapacity) => panic!("Capacity must be greater than 0"),
            Err(error) => panic!("{error}"),
        }
    }

    fn try_new(capacity: usize) -> Result<Self, BuildError> {
        Ok(Self {
            channel: Channel::new(capacity, BackPressurePolicy::DropOldest, None, 1)?,
            not_pushed: AtomicU64::new(0),
        })
    }

    /// As [`new`](Self::new), to be shared.
    #[track_caller]
    pub fn new_shared(capacity: usize) -> Arc<Self> {
        Arc::new(Self::new(capacity))
    }

    /// This ring, to be shared.
    pub fn into_shared(self) -> Arc<Self> {
        Arc::new(self)
    }

    /// Pushes `item`; from a full ring the oldest item is returned for it.
    ///
    /// # Errors
    ///
    /// `item` comes back if the ring is full and its oldest item cannot be evicted: for some microseconds another thread
    /// has been in the middle of pushing, popping or cloning that very item.
    #[inline]
    pub fn push(&self, item: T) -> Result<Option<T>, T> {
        self.channel.push_displacing(item).map_err(PushError::into_inner)
    }

    /// Pushes `item`; from a full ring the oldest item is dropped and counted for it.
    ///
    /// If the oldest cannot be evicted (see [`push`](Self::push)), `item` itself is dropped and counted.
    ///
    /// # Panics
    ///
    /// If the destructor of what is dropped does.
    #[inline]
    pub fn push_overwrite(&self, item: T) {
        if let Err(error) = self.channel.push(item, || None) {
            self.not_pushed.fetch_add(1, Relaxed); // Relaxed: a count, read at rest.
            drop(error);
        }
    }

    /// Takes the oldest item; `None` if the ring is empty.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        self.channel.pop()
    }

    /// Takes out what is inside, oldest first: as many items as there are when it begins, less those that others take.
    pub fn take_snapshot(&self) -> Vec<T> {
        let mut left = self.len();
        let mut items = Vec::with_capacity(left);
        while left > 0 {
            match self.channel.try_take_into(&mut items, left, &mut None) {
                Ok(taken) => left -= taken,
                Err(_) => break,
            }
        }
        items
    }

    /// The items inside, oldest first. They stay there.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::compat::LockFreeRingBuffer;
    ///
    /// let mut ring = LockFreeRingBuffer::new(2);
    /// for n in 1..=3 {
    ///     ring.push_overwrite(n);
    /// }
    /// assert_eq!(ring.iter().collect::<Vec<_>>(), [&2, &3]);
    /// assert_eq!(ring.len(), 2);
    /// ```
    pub fn iter(&mut self) -> impl DoubleEndedIterator<Item = &T> {
        self.channel.ring_mut().resident()
    }

    /// How many items are inside, between 0 and the capacity.
    #[inline]
    pub fn len(&self) -> usize {
        self.channel.ring().len()
    }

    /// Whether no item is inside.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.channel.ring().is_empty()
    }

    /// Whether the next push will evict.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.channel.ring().is_full()
    }

    /// How many items the ring can hold: exactly what it was made for.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.channel.ring().capacity()
    }

    /// How many items can be pushed before one is evicted.
    pub fn remaining_capacity(&self) -> usize {
        self.capacity().saturating_sub(self.len())
    }

    /// How many items [`push_overwrite`](Self::push_overwrite) has dropped so far, old ones and new ones.
    ///
    /// Exact while nothing moves. What [`push`](Self::push) returned is not lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::compat::LockFreeRingBuffer;
    ///
    /// let ring = LockFreeRingBuffer::new(1);
    /// ring.push_overwrite(1);
    /// ring.push_overwrite(2);
    /// assert_eq!(ring.push(3), Ok(Some(2)));
    /// assert_eq!(ring.lost(), 1);
    /// ```
    pub fn lost(&self) -> u64 {
        let stats = self.channel.stats();
        let not_pushed = self.not_pushed.load(Relaxed); // Relaxed: a count, read at rest.
        stats.evicted.saturating_sub(stats.displaced) + not_pushed
    }

    /// Clones of the items inside.
    fn clones(&self) -> Vec<T>
    where
        T: Clone,
    {
        let mut clones = Vec::with_capacity(self.len());
        self.channel.ring().look_at_each(|item| clones.push(item.clone()));
        clones
    }

    /// A ring with these items, of which there are at most `capacity`.
    fn with_items(items: Vec<T>, capacity: usize) -> Result<Self, BuildError> {
        let ring = Self::try_new(capacity)?;
        items.into_iter().for_each(|item| ring.push_overwrite(item));
        Ok(ring)
    }
}

/// Clones the contents into a ring of their own; the count of what was lost begins anew.
///
/// The clone holds the items that are inside from beginning to end, in order, and of those that go meanwhile some. While
/// an item is being cloned, pops wait, and a push that would have to evict it is refused after some microseconds.
/// So `T::clone` must not pop from the ring it is in: that would wait for ever.
impl<T: Clone> Clone for LockFreeRingBuffer<T> {
    fn clone(&self) -> Self {
        match Self::with_items(self.clones(), self.capacity()) {
            Ok(ring) => ring,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<T> fmt::Debug for LockFreeRingBuffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockFreeRingBuffer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}

// A panic in code of the user leaves no item half moved.
impl<T> UnwindSafe for LockFreeRingBuffer<T> {}
impl<T> RefUnwindSafe for LockFreeRingBuffer<T> {}

#[cfg(feature = "serde")]
mod serial {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::LockFreeRingBuffer;
    use crate::compat::check;

    #[derive(Serialize, Deserialize)]
    #[serde(rename = "LockFreeRingBuffer")]
    struct Contents<T> {
        items: Vec<T>,
        capacity: usize,
    }

    /// Writes clones of the items, made as `Clone` makes them.
    impl<T: Clone + Serialize> Serialize for LockFreeRingBuffer<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let contents = Contents {
                items: self.clones(),
                capacity: self.capacity(),
            };
            contents.serialize(serializer)
        }
    }

    /// Allocates the capacity that was written: what comes from strangers should be limited before.
    impl<'de, T: Clone + Deserialize<'de>> Deserialize<'de> for LockFreeRingBuffer<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Contents { items, capacity } = Contents::deserialize(deserializer)?;
            check(items.len(), capacity).map_err(de::Error::custom)?;
            Self::with_items(items, capacity).map_err(de::Error::custom)
        }
    }
}
