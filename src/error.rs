//! Every error of the crate: what could not be pushed comes back in it.

use std::error::Error;
use std::fmt;
#[cfg(feature = "spill")]
use std::sync::Arc;

#[cfg(feature = "spill")]
use crate::spill::SpillError;

/// A push did not take the item; it comes back in the error.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{BackPressurePolicy, PushError, channel};
///
/// let (producer, _consumer) = channel(1, BackPressurePolicy::DropNewest);
/// producer.push("kept").unwrap();
/// let error = producer.push("refused").unwrap_err();
/// assert!(error.is_full());
/// assert_eq!(error.into_inner(), "refused");
/// ```
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub enum PushError<T> {
    /// The channel holds `capacity` items and its policy, or the call, says not to wait and not to evict.
    ///
    /// Under [`DropOldest`](crate::BackPressurePolicy::DropOldest) this is the exception: the oldest item could not be evicted
    /// because a thread was stopped in the middle of pushing or taking it.
    Full(T),
    /// The channel was closed, or all its consumers are gone.
    Closed(T),
    /// The channel was still full when the time was up.
    Timeout(T),
    /// The channel was full and the item could not be written to its log on disk.
    #[cfg(feature = "spill")]
    Spill {
        /// The item that was not pushed.
        item: T,
        /// What was in the way.
        source: Arc<SpillError>,
    },
}

impl<T> PushError<T> {
    /// The item that was not pushed.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item) | Self::Timeout(item) => item,
            #[cfg(feature = "spill")]
            Self::Spill { item, .. } => item,
        }
    }

    /// Whether the channel was full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether the channel is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// Whether the time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
            Self::Timeout(_) => "Timeout(..)",
            #[cfg(feature = "spill")]
            Self::Spill { source, .. } => {
                return f.debug_struct("Spill").field("source", source).finish_non_exhaustive();
            }
        })
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "pushing into a full channel",
            Self::Closed(_) => "pushing into a closed channel",
            Self::Timeout(_) => "timed out pushing into a full channel",
            #[cfg(feature = "spill")]
            Self::Spill { source, .. } => return write!(f, "pushing past a full channel: {source}"),
        })
    }
}

impl<T> Error for PushError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            #[cfg(feature = "spill")]
            Self::Spill { source, .. } => source.source(),
            _ => None,
        }
    }
}

/// A batch was pushed in part or not at all; says how many of its items, counted from the front, went in.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{BackPressurePolicy, BatchPushError, channel};
///
/// let (producer, _consumer) = channel(2, BackPressurePolicy::DropNewest);
/// let error = producer.push_batch(&[1, 2, 3]).unwrap_err();
/// assert_eq!(error, BatchPushError::Full { pushed: 2 });
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchPushError {
    /// The channel was full and its policy says not to wait.
    Full {
        /// How many items went in.
        pushed: usize,
    },
    /// The channel was closed, or all its consumers are gone.
    Closed {
        /// How many items went in.
        pushed: usize,
    },
    /// The channel was full and an item could not be written to its log on disk.
    #[cfg(feature = "spill")]
    Spill {
        /// How many items went in.
        pushed: usize,
        /// What was in the way of the next one.
        source: Arc<SpillError>,
    },
    /// A timestamp is less than the one before it; nothing was pushed.
    OutOfOrder {
        /// Which item of the batch goes back, counted from 0.
        index: usize,
        /// Its timestamp.
        timestamp: u64,
        /// The timestamp of the item before it.
        previous: u64,
    },
}

impl BatchPushError {
    /// How many items of the batch, counted from its front, went in.
    pub fn pushed(&self) -> usize {
        match *self {
            Self::Full { pushed } | Self::Closed { pushed } => pushed,
            #[cfg(feature = "spill")]
            Self::Spill { pushed, .. } => pushed,
            Self::OutOfOrder { .. } => 0,
        }
    }

    /// Whether the channel was full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    /// Whether the channel is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// Whether the batch's timestamps went back.
    pub fn is_out_of_order(&self) -> bool {
        matches!(self, Self::OutOfOrder { .. })
    }

    /// What it comes to if `before` items of the batch had gone in earlier.
    pub(crate) fn after(self, before: usize) -> Self {
        match self {
            Self::Full { pushed } => Self::Full {
                pushed: before + pushed,
            },
            Self::Closed { pushed } => Self::Closed {
                pushed: before + pushed,
            },
            #[cfg(feature = "spill")]
            Self::Spill { pushed, source } => Self::Spill {
                pushed: before + pushed,
                source,
            },
            Self::OutOfOrder { .. } => self,
        }
    }
}

impl fmt::Display for BatchPushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { pushed } => write!(f, "pushing a batch into a full channel, {pushed} items pushed"),
            Self::Closed { pushed } => write!(f, "pushing a batch into a closed channel, {pushed} items pushed"),
            #[cfg(feature = "spill")]
            Self::Spill { pushed, source } => {
                write!(
                    f,
                    "pushing a batch past a full channel, {pushed} items pushed: {source}"
                )
            }
            Self::OutOfOrder {
                index,
                timestamp,
                previous,
            } => write!(
                f,
                "item {index} of the batch has timestamp {timestamp}, the one before it {previous}"
            ),
        }
    }
}

impl Error for BatchPushError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            #[cfg(feature = "spill")]
            Self::Spill { source, .. } => source.source(),
            _ => None,
        }
    }
}

/// There was nothing to take.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryTakeError {
    /// The channel is empty, or what it has cannot be read from disk, for now.
    Empty,
    /// The channel is closed and drained: nothing will ever come.
    Closed,
}

impl TryTakeError {
    /// Whether the channel was empty.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether the channel is closed and drained.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}

impl fmt::Display for TryTakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "taking from an empty channel",
            Self::Closed => "taking from an empty and closed channel",
        })
    }
}

impl Error for TryTakeError {}

/// Nothing was taken in time.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeTimeoutError {
    /// The channel was still empty when the time was up.
    Timeout,
    /// The channel is closed and drained: nothing will ever come.
    Closed,
}

impl TakeTimeoutError {
    /// Whether the time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }

    /// Whether the channel is closed and drained.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}

impl fmt::Display for TakeTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "timed out taking from an empty channel",
            Self::Closed => "taking from an empty and closed channel",
        })
    }
}

impl Error for TakeTimeoutError {}

/// A channel of the capacity asked for cannot be built.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// A channel holds at least one item.
    ZeroCapacity,
    /// There is no memory for so many items.
    TooLarge {
        /// The capacity asked for.
        capacity: usize,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroCapacity => f.write_str("the capacity of a channel must be at least 1"),
            Self::TooLarge { capacity } => write!(f, "no memory for a channel of {capacity} items"),
        }
    }
}

impl Error for BuildError {}
