//! An allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI64};

/// The system's allocator. Counts only once it is told to: counting would slow those down who allocate as they go.
pub struct Counting {
    counts: AtomicBool,
    held: AtomicI64,
}

impl Counting {
    pub const fn new() -> Self {
        Self {
            counts: AtomicBool::new(false),
            held: AtomicI64::new(0),
        }
    }

    pub fn start(&self) {
        self.counts.store(true, Relaxed);
    }

    /// Bytes allocated less bytes freed since the start.
    pub fn held(&self) -> i64 {
        self.held.load(Relaxed)
    }

    #[inline]
    fn count(&self, bytes: i64) {
        if self.counts.load(Relaxed) {
            self.held.fetch_add(bytes, Relaxed);
        }
    }
}

// SAFETY: `System` does all of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size() as i64);
        // SAFETY: what the caller promises is what `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size() as i64);
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count(size as i64 - layout.size() as i64);
        // SAFETY: as in `alloc`; `memory` came from `System`.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.count(-(layout.size() as i64));
        // SAFETY: as in `realloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}
