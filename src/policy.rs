//! What a full ring means.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;

/// What [`push`](crate::Producer::push) and its kin do when the channel is full.
///
/// | policy | who loses | `push` on a full channel |
/// |---|---|---|
/// | [`Block`](Self::Block) | nobody | waits for room |
/// | [`DropOldest`](Self::DropOldest) | the item that waited longest | evicts it and goes on |
/// | [`DropNewest`](Self::DropNewest) | the item being pushed | returns it as [`Full`](crate::PushError::Full) |
///
/// The type parameter is the channel's; it is there for policies that must know how to store an item elsewhere.
#[non_exhaustive]
pub enum BackPressurePolicy<T> {
    /// Nothing is lost: the pusher waits until there is room.
    Block,
    /// The oldest item in the channel is dropped and counted; the pusher never waits.
    ///
    /// Consumers find the newest `capacity` of the items that went in. The destructor of the item that goes runs in this push, or in
    /// the next operation that takes, evicts or asks for [`stats`](crate::Producer::stats).
    ///
    /// If a thread was stopped in the middle of pushing or taking that very item, the pusher spins for some
    /// microseconds and then gets the *incoming* item back as [`Full`](crate::PushError::Full). Where threads outnumber
    /// cores this comes in bursts, one for each such thread.
    DropOldest,
    /// The incoming item comes back as [`Full`](crate::PushError::Full) and is counted; the pusher never waits.
    DropNewest,
    #[doc(hidden)]
    __Unbuildable(Infallible, PhantomData<fn() -> T>),
}

impl<T> fmt::Debug for BackPressurePolicy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        WhenFull::from(self).fmt(f)
    }
}

/// The policy as the channel keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    Block,
    DropOldest,
    DropNewest,
}

impl<T> From<&BackPressurePolicy<T>> for WhenFull {
    fn from(policy: &BackPressurePolicy<T>) -> Self {
        match policy {
            BackPressurePolicy::Block => Self::Block,
            BackPressurePolicy::DropOldest => Self::DropOldest,
            BackPressurePolicy::DropNewest => Self::DropNewest,
            BackPressurePolicy::__Unbuildable(never, _) => match *never {},
        }
    }
}
