//! `std::sync::mpsc::sync_channel`.

use std::sync::mpsc::{Receiver, SyncSender};

use crate::payload::Payload;
use crate::roles::{Push, Take, TryPush, TryTake};

impl<T: Payload> TryPush<T> for SyncSender<T> {
    #[inline(always)]
    fn offer(&mut self, item: T) -> bool {
        self.try_send(item).is_ok()
    }
}

impl<T: Payload> TryTake<T> for Receiver<T> {
    #[inline(always)]
    fn grab(&mut self) -> Option<T> {
        self.try_recv().ok()
    }

    #[inline(always)]
    fn grab_some(&mut self, out: &mut Vec<T>, max: usize) {
        out.extend(self.try_iter().take(max));
    }
}

impl<T: Payload> Push<T> for SyncSender<T> {
    #[inline(always)]
    fn put(&mut self, item: T) {
        self.send(item).expect("an open channel");
    }
}

impl<T: Payload> Take<T> for Receiver<T> {
    #[inline(always)]
    fn get(&mut self) -> Option<T> {
        self.recv().ok()
    }
}
