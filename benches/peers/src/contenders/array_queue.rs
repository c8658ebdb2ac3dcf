//! `crossbeam_queue::ArrayQueue`: a queue without waiting.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;

use crate::payload::Payload;
use crate::roles::{TryPush, TryTake};

pub fn array_queue<T: Payload>(capacity: usize) -> (Arc<ArrayQueue<T>>, Arc<ArrayQueue<T>>) {
    let queue = Arc::new(ArrayQueue::new(capacity));
    (queue.clone(), queue)
}

impl<T: Payload> TryPush<T> for Arc<ArrayQueue<T>> {
    #[inline(always)]
    fn offer(&mut self, item: T) -> bool {
        self.push(item).is_ok()
    }
}

impl<T: Payload> TryTake<T> for Arc<ArrayQueue<T>> {
    #[inline(always)]
    fn grab(&mut self) -> Option<T> {
        self.pop()
    }
}
