//! Pushes that drop the oldest item when there is no room.

use std::hint::black_box;
use std::sync::Arc;

use async_channel::{Receiver, Sender};
use crossbeam_queue::ArrayQueue;

use super::array_queue;
use crate::payload::Payload;
use crate::roles::TryPush;

/// Pushes by force.
#[derive(Clone)]
pub struct Forcing<S>(S);

pub fn force_array_queue<T: Payload>(capacity: usize) -> (Forcing<Arc<ArrayQueue<T>>>, Arc<ArrayQueue<T>>) {
    let (sender, receiver) = array_queue(capacity);
    (Forcing(sender), receiver)
}

pub fn force_async_channel<T: Payload>(capacity: usize) -> (Forcing<Sender<T>>, Receiver<T>) {
    let (sender, receiver) = async_channel::bounded(capacity);
    (Forcing(sender), receiver)
}

impl<T: Payload> TryPush<T> for Forcing<Arc<ArrayQueue<T>>> {
    #[inline(always)]
    fn offer(&mut self, item: T) -> bool {
        black_box(self.0.force_push(item));
        true
    }
}

impl<T: Payload> TryPush<T> for Forcing<Sender<T>> {
    #[inline(always)]
    fn offer(&mut self, item: T) -> bool {
        black_box(self.0.force_send(item)).is_ok()
    }
}
