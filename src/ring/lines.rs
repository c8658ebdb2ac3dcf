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
    len: usize,
}

// SAFETY: it owns its values, as a `Box` of a slice does.
#[allow(unsafe_code)]
unsafe impl<V: Send> Send for Lines<V> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl<V: Sync> Sync for Lines<V> {}

impl<V> Lines<V> {
    const LINE: usize = 128;

    /// `len` values (at least 1) made by `make`, which does not panic; or `None` if there is no memory for them.
    pub(super) fn new(len: usize, mut make: impl FnMut() -> V) -> Option<Self> {
        let layout = Self::layout(len)?;
        let first: NonNull<V> = if layout.size() == 0 {
            NonNull::dangling()
        } else {
            // SAFETY: the layout has a size.
            #[allow(unsafe_code)]
            NonNull::new(unsafe { alloc(layout) })?.cast()
        };
        for index in 0..len {
            // SAFETY: the allocation has room for `len` values.
            #[allow(unsafe_code)]
            unsafe {
                first.as_ptr().add(index).write(make());
            }
        }
        Some(Self { first, len })
    }

    fn layout(len: usize) -> Option<Layout> {
        Layout::array::<V>(len).ok()?.align_to(Self::LINE).ok()
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
        if let Some(layout) = Self::layout(self.len) {
            if layout.size() > 0 {
                // SAFETY: `new` allocated it with this layout.
                #[allow(unsafe_code)]
                unsafe {
                    dealloc(self.first.as_ptr().cast(), layout);
                }
            }
        }
    }
}
