//! `Mutex<VecDeque>`, dropping the oldest item when there is no room: what one writes by hand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::payload::Payload;
use crate::roles::{TryPush, TryTake};

pub struct MutexDeque<T> {
    items: Arc<Mutex<VecDeque<T>>>,
    capacity: usize,
}

impl<T> Clone for MutexDeque<T> {
    fn clone(&self) -> Self {
        Self {
            items: self.items.clone(),
            capacity: self.capacity,
        }
    }
}

pub fn mutex_deque<T: Payload>(capacity: usize) -> (MutexDeque<T>, MutexDeque<T>) {
    let items = Arc::new(Mutex::new(VecDeque::with_capacity(capacity)));
    let end = |items| MutexDeque { items, capacity };
    (end(items.clone()), end(items))
}

impl<T: Payload> TryPush<T> for MutexDeque<T> {
    #[inline(always)]
    fn offer(&mut self, item: T) -> bool {
        let mut items = self.items.lock().expect("nobody panicked");
        if items.len() == self.capacity {
            items.pop_front();
        }
        items.push_back(item);
        true
    }
}

impl<T: Payload> TryTake<T> for MutexDeque<T> {
    #[inline(always)]
    fn grab(&mut self) -> Option<T> {
        self.items.lock().expect("nobody panicked").pop_front()
    }
}
