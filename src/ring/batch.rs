//! Items on their way into a ring.

use std::ptr;
#[cfg(feature = "spill")]
use std::slice;

#[cfg(feature = "spill")]
use crate::disposal::Disposal;

/// The items of a `Vec` on their way into a ring. What has not gone in is in the `Vec` again when this is dropped.
pub(crate) struct Batch<'a, T> {
    items: &'a mut Vec<T>,
    /// Items before this have gone; from here to `end` they are still in the buffer of `items`, whose length is 0.
    gone: usize,
    end: usize,
}

impl<'a, T> Batch<'a, T> {
    pub(crate) fn new(items: &'a mut Vec<T>) -> Self {
        let end = items.len();
        // SAFETY: a shorter length only makes the `Vec` forget items, which `drop` gives back.
        #[allow(unsafe_code)]
        unsafe {
            items.set_len(0)
        };
        Self { items, gone: 0, end }
    }

    /// How many items are still to be pushed.
    pub(crate) fn len(&self) -> usize {
        self.end - self.gone
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items have gone in.
    pub(crate) fn pushed(&self) -> usize {
        self.gone
    }

    /// The items that are still to be pushed.
    #[cfg(feature = "spill")]
    pub(crate) fn left(&self) -> &[T] {
        // SAFETY: the items from `gone` to `end` are in the buffer, and are not changed while this is borrowed.
        #[allow(unsafe_code)]
        unsafe {
            slice::from_raw_parts(self.front(), self.len())
        }
    }

    /// Drops the first `count` of the items that are still to be pushed: they have been written elsewhere.
    #[cfg(feature = "spill")]
    pub(crate) fn drop_front(&mut self, count: usize, disposal: &mut Disposal<'_, T>) {
        for _ in 0..count.min(self.len()) {
            let item = self.items.as_mut_ptr().wrapping_add(self.gone);
            self.gone += 1;
            // SAFETY: the item is in the buffer, and nobody looks at it any more.
            #[allow(unsafe_code)]
            disposal.run(|| unsafe { item.drop_in_place() });
        }
    }

    pub(super) fn front(&self) -> *const T {
        self.items.as_ptr().wrapping_add(self.gone)
    }

    /// # Safety
    ///
    /// At least `count` items are left, and the caller has copied them to where they are owned from now on.
    #[allow(unsafe_code)]
    pub(super) unsafe fn forget_front(&mut self, count: usize) {
        self.gone += count;
    }
}

impl<T> Drop for Batch<'_, T> {
    fn drop(&mut self) {
        let left = self.len();
        let buffer = self.items.as_mut_ptr();
        // SAFETY: the items from `gone` to `end` are in the buffer and nobody else's; they move to its front.
        #[allow(unsafe_code)]
        unsafe {
            ptr::copy(buffer.add(self.gone), buffer, left);
            self.items.set_len(left);
        }
    }
}
