//! An array that begins at a cache line.

use std::alloc::{Layout, alloc, dealloc};
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::slice;

/// A fixed array that begins at a cache line, so that values as large as a line do not lie across two.
///
/// Lines are fetched in pairs, hence 128 bytes.
pub(super) struct Lines<V> {
    first: NonNull<V>,
    /// How many values there are: none before they are filled in, `capacity` from then on.
    len: usize,
    capacity: usize,
}

// SAFETY: it owns its values, as a `Box` of a slice does.
#[allow(unsafe_code)]
unsafe impl<V: Send> Send for Lines<V> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl<V: Sync> Sync for Lines<V> {}

impl<V> Lines<V> {
    const LINE: usize = 128;

    /// Memory for `capacity` values, or `None` if there is not enough.
    pub(super) fn reserve(capacity: usize) -> Option<Self> {
        let layout = Self::layout(capacity)?;
        let first = if layout.size() == 0 {
            NonNull::dangling()
        } else {
            // SAFETY: the layout has a size.
            #[allow(unsafe_code)]
            NonNull::new(unsafe { alloc(layout) })?.cast()
        };
        Some(Self {
            first,
            len: 0,
            capacity,
        })
    }

    /// Fills the memory with values made by `make`.
    pub(super) fn fill(mut self, mut make: impl FnMut() -> V) -> Self {
        while self.len < self.capacity {
            // SAFETY: the allocation has room for `capacity` values.
            #[allow(unsafe_code)]
            unsafe {
                self.first.as_ptr().add(self.len).write(make());
            }
            self.len += 1;
        }
        self
    }

    /// Takes the memory for filled as it is.
    ///
    /// # Safety
    ///
    /// Uninitialised memory is a value of `V`.
    #[cfg(not(loom))]
    #[allow(unsafe_code)]
    pub(super) unsafe fn assume_filled(mut self) -> Self {
        self.len = self.capacity;
        self
    }

    /// With a pair of lines at its end that pushes may fetch: nobody else's are taken away by them.
    fn layout(capacity: usize) -> Option<Layout> {
        let values = Layout::array::<V>(capacity).ok()?.align_to(Self::LINE).ok()?;
        if values.size() == 0 {
            return Some(values);
        }
        let size = values.pad_to_align().size().checked_add(Self::LINE)?;
        Layout::from_size_align(size, values.align()).ok()
    }
}

impl<V> Deref for Lines<V> {
    type Target = [V];

    #[inline(always)]
    fn deref(&self) -> &[V] {
        // SAFETY: `len` values were written at `first`.
        #[allow(unsafe_code)]
        unsafe {
            slice::from_raw_parts(self.first.as_ptr(), self.len)
        }
    }
}

impl<V> Drop for Lines<V> {
    fn drop(&mut self) {
        let values = ptr::slice_from_raw_parts_mut(self.first.as_ptr(), self.len);
        // SAFETY: the values are this array's and nobody uses them any more.
        #[allow(unsafe_code)]
        unsafe {
            ptr::drop_in_place(values);
        }
        if let Some(layout) = Self::layout(self.capacity) {
            if layout.size() > 0 {
                // SAFETY: `reserve` allocated it with this layout.
                #[allow(unsafe_code)]
                unsafe {
                    dealloc(self.first.as_ptr().cast(), layout);
                }
            }
        }
    }
}
