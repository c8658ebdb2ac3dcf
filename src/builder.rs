//! Building a channel.

use std::fmt;

use crate::channel::Channel;
use crate::consumer::Consumer;
use crate::disposal::{DropCause, OnDrop};
use crate::error::BuildError;
use crate::policy::BackPressurePolicy;
use crate::producer::Producer;
use crate::sync::Arc;

/// Makes a channel step by step; [`channel`](crate::channel()) is the short form.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{BackPressurePolicy, Builder};
///
/// let (producer, consumer) = Builder::new(1024).policy(BackPressurePolicy::DropOldest).build();
/// producer.push("hello").unwrap();
/// assert_eq!(consumer.take(), Some("hello"));
/// ```
#[must_use = "a builder makes nothing until it is built"]
pub struct Builder<T> {
    capacity: usize,
    policy: BackPressurePolicy<T>,
    on_drop: Option<OnDrop<T>>,
    first_lap: u64,
}

impl<T> Builder<T> {
    /// A channel of exactly `capacity` items that blocks when full.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            policy: BackPressurePolicy::Block,
            on_drop: None,
            first_lap: 1,
        }
    }

    /// What a full channel does; [`Block`](BackPressurePolicy::Block) unless set.
    pub fn policy(mut self, policy: BackPressurePolicy<T>) -> Self {
        self.policy = policy;
        self
    }

    /// Calls `on_drop` with each item that the channel drops, and why, instead of dropping it.
    ///
    /// These are the items that [`DropOldest`](BackPressurePolicy::DropOldest) evicts, but for those that
    /// [`push_displacing`](Producer::push_displacing) returns, and those that are inside when the last consumer goes. What a push
    /// gives back is not dropped.
    ///
    /// It is called within the push that makes an item go, or within the next operation that takes, evicts or asks for
    /// [`stats`](Producer::stats), with nothing locked or claimed: it may use the channel, and while it blocks it holds up nobody else. Should it push into the same full channel,
    /// that push evicts and calls it again. Where it is set, items are evicted one by one: a push into a full channel takes
    /// about twice as long.
    ///
    /// If it panics, the operation does, once everything else has been done, and the channel goes on. What the operation would
    /// have returned goes with the panic: items that it took, and the report of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use mpsc_ring::{BackPressurePolicy, Builder, DropCause};
    ///
    /// let (lost, seen) = mpsc::channel();
    /// let (producer, consumer) = Builder::new(1)
    ///     .policy(BackPressurePolicy::DropOldest)
    ///     .on_drop(move |item, cause| lost.send((item, cause)).unwrap())
    ///     .build();
    /// producer.push("a").unwrap();
    /// producer.push("b").unwrap();
    /// drop(consumer);
    /// assert!(seen.try_iter().eq([("a", DropCause::Evicted), ("b", DropCause::Discarded)]));
    /// ```
    pub fn on_drop(mut self, on_drop: impl Fn(T, DropCause) + Send + Sync + 'static) -> Self {
        self.on_drop = Some(Box::new(on_drop));
        self
    }

    /// Starts positions in another lap, so that tests meet every wrap of the counters.
    #[doc(hidden)]
    pub fn first_lap(mut self, lap: u64) -> Self {
        self.first_lap = lap;
        self
    }

    /// Makes the channel.
    ///
    /// # Panics
    ///
    /// If the capacity is 0, or there is no memory for so many items. [`try_build`](Self::try_build) returns an error
    /// instead.
    #[track_caller]
    pub fn build(self) -> (Producer<T>, Consumer<T>) {
        self.try_build().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes the channel, or says why not.
    ///
    /// # Errors
    ///
    /// [`BuildError::ZeroCapacity`] for a capacity of 0, [`BuildError::TooLarge`] if there is no memory for so many
    /// items.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BuildError, Builder};
    ///
    /// let error = Builder::<u8>::new(0).try_build().unwrap_err();
    /// assert_eq!(error, BuildError::ZeroCapacity);
    /// ```
    pub fn try_build(self) -> Result<(Producer<T>, Consumer<T>), BuildError> {
        let channel = self.try_build_channel()?;
        Ok((Producer::of_new(channel.clone()), Consumer::of_new(channel)))
    }

    /// A channel that counts one producer and one consumer, which are yet to be made.
    pub(crate) fn try_build_channel(self) -> Result<Arc<Channel<T>>, BuildError> {
        Ok(Arc::new(Channel::new(
            self.capacity,
            self.policy,
            self.on_drop,
            self.first_lap,
        )?))
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("capacity", &self.capacity)
            .field("policy", &self.policy)
            .field("on_drop", &self.on_drop.is_some())
            .finish_non_exhaustive()
    }
}
