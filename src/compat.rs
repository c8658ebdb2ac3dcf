//! Drop-in replacements for ring buffers that hold the newest items: change the `use` line and nothing else.
//!
//! | held today | here | shared by |
//! |---|---|---|
//! | a ring over a `VecDeque`, `push(&mut self)` | [`RingBuffer`] | one thread, or a lock of yours |
//! | a ring over an `ArrayQueue`, `push(&self)` | [`LockFreeRingBuffer`] | any number of threads |
//!
//! New code is better served by a [`channel`](crate::channel()), which waits, closes and accounts for every item, or by
//! both its ends in one value: [`LockFreeRingBuffer`](crate::LockFreeRingBuffer) at the root of the crate.

mod lock_free;
mod vec_deque;

pub use lock_free::LockFreeRingBuffer;
pub use vec_deque::RingBuffer;

/// Whether a ring of this `capacity` can have held so many items.
#[cfg(feature = "serde")]
fn check(items: usize, capacity: usize) -> Result<(), String> {
    if capacity == 0 {
        return Err(String::from("the capacity of a ring must be greater than 0"));
    }
    if items > capacity {
        return Err(format!("{items} items in a ring of capacity {capacity}"));
    }
    Ok(())
}
