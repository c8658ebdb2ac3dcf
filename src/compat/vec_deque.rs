//! The ring for one thread.

use std::collections::VecDeque;

/// Holds the newest `capacity` items, for one thread.
///
/// It has the methods and the serialised form of the rings that people write over a [`VecDeque`], and takes the place of
/// one by its `use` line alone. When it is full, a push drops the oldest item.
///
/// # Examples
///
/// ```
/// use mpsc_ring::compat::RingBuffer;
///
/// let mut ring = RingBuffer::new(2);
/// for n in 1..=3 {
///     ring.push(n);
/// }
/// assert_eq!(ring.iter().collect::<Vec<_>>(), [&2, &3]);
/// assert_eq!(ring.take_snapshot(), [2, 3]);
/// assert!(ring.is_empty());
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Unchecked<T>")
)]
pub struct RingBuffer<T: Clone> {
    data: VecDeque<T>,
    capacity: usize,
}

impl<T: Clone> RingBuffer<T> {
    /// An empty ring for `capacity` items, with the memory for all of them.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0, or there is no memory for so many items.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "Capacity must be greater than 0");
        Self {
            data: VecDeque::with_capacity(capacity),
            capacity,
        }
    }

    /// Appends `item`; when the ring is full, drops the oldest one for it.
    #[inline]
    pub fn push(&mut self, item: T) {
        if self.data.len() == self.capacity {
            self.data.pop_front();
        }
        self.data.push_back(item);
    }

    /// Takes all items out, oldest first.
    pub fn take_snapshot(&mut self) -> Vec<T> {
        self.data.drain(..).collect()
    }

    /// The items inside, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.data.iter()
    }

    /// How many items are inside.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether no item is inside.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
}

/// What was written by somebody else.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "RingBuffer")]
struct Unchecked<T> {
    data: VecDeque<T>,
    capacity: usize,
}

#[cfg(feature = "serde")]
impl<T: Clone> TryFrom<Unchecked<T>> for RingBuffer<T> {
    type Error = String;

    /// The memory is that of `data`, whatever capacity is claimed.
    fn try_from(Unchecked { data, capacity }: Unchecked<T>) -> Result<Self, String> {
        super::check(data.len(), capacity)?;
        Ok(Self { data, capacity })
    }
}
