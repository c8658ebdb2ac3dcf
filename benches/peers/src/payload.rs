//! What goes through the channels.

use std::fmt::Debug;

/// An item that knows who pushed it and when.
pub trait Payload: Copy + Default + Debug + Send + Sync + Unpin + 'static {
    /// How a report names it.
    const NAME: &str;

    fn new(tag: u64) -> Self;

    fn tag(&self) -> u64;

    /// 0 if the item is in one piece.
    fn torn(&self) -> u64;
}

impl Payload for u64 {
    const NAME: &str = "u64";

    #[inline]
    fn new(tag: u64) -> Self {
        tag
    }

    #[inline]
    fn tag(&self) -> u64 {
        *self
    }

    #[inline]
    fn torn(&self) -> u64 {
        0
    }
}

/// A cache line of telemetry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event {
    fields: [u64; 8],
}

impl Payload for Event {
    const NAME: &str = "64 bytes";

    #[inline]
    fn new(tag: u64) -> Self {
        Self { fields: [tag; 8] }
    }

    #[inline]
    fn tag(&self) -> u64 {
        self.fields[0]
    }

    #[inline]
    fn torn(&self) -> u64 {
        self.fields[0] ^ self.fields[7]
    }
}
