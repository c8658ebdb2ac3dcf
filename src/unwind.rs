//! Running users' code so that a panic in it loses nothing else.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

/// Drops values, wakes tasks: whatever may panic. The first panic is kept until [`finish`](Self::finish).
///
/// It is no destructor that resumes the panic, because a return value that has been written already would leak.
#[must_use = "a panic is lost unless it is finished"]
pub(crate) struct Dropper {
    panic: Option<Box<dyn Any + Send>>,
}

impl Dropper {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { panic: None }
    }

    /// Drops `value`.
    #[inline]
    pub(crate) fn drop<V>(&mut self, value: V) {
        if mem::needs_drop::<V>() {
            self.run(|| drop(value));
        }
    }

    /// Drops `values` where they lie: a large one may not fit on the stack.
    #[cfg(feature = "spill")]
    pub(crate) fn drop_each<V>(&mut self, mut values: Vec<V>) {
        while mem::needs_drop::<V>() && !values.is_empty() {
            self.run(|| values.truncate(values.len() - 1));
        }
    }

    /// Runs `f`.
    pub(crate) fn run(&mut self, f: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
            // A payload whose own destructor panics would end the process: only the first is looked after.
            match self.panic {
                None => self.panic = Some(panic),
                Some(_) => mem::forget(panic),
            }
        }
    }

    /// Resumes the first panic, once everything else has been done; not while the thread is panicking already.
    #[inline]
    pub(crate) fn finish(self) {
        if let Some(panic) = self.panic {
            if thread::panicking() {
                mem::forget(panic);
            } else {
                resume_unwind(panic);
            }
        }
    }
}
