//! Waiting without sleeping.

use std::hint;
use std::thread;

/// How often to look before letting another thread have the core: the one waited for may need it.
const PATIENCE: u32 = 1000;

/// A wait in which the thread looks again and again.
#[derive(Default)]
pub struct Spin {
    looked: u32,
}

impl Spin {
    /// To be called between two looks.
    #[inline]
    pub fn once(&mut self) {
        if self.looked < PATIENCE {
            self.looked += 1;
            hint::spin_loop();
        } else {
            thread::yield_now();
        }
    }
}
