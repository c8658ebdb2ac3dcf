//! `crossfire`: its channels for many producers, and the one for a single producer as a reference.

use crossfire::flavor::Flavor;
use crossfire::{AsyncRx, MAsyncTx, MTx, Rx, Tx};

use crate::payload::Payload;
use crate::roles::{Push, PushAsync, Take, TakeAsync, TryPush, TryTake};

impl<T: Payload, F: Flavor<Item = T>> TryPush<T> for MTx<F> {
    #[inline(always)]
    fn offer(&mut self, item: T) -> bool {
        self.try_send(item).is_ok()
    }
}

impl<T: Payload, F: Flavor<Item = T>> TryTake<T> for Rx<F> {
    #[inline(always)]
    fn grab(&mut self) -> Option<T> {
        self.try_recv().ok()
    }
}

impl<T: Payload, F: Flavor<Item = T>> TryTake<T> for AsyncRx<F> {
    #[inline(always)]
    fn grab(&mut self) -> Option<T> {
        self.try_recv().ok()
    }
}

impl<T: Payload, F: Flavor<Item = T>> Push<T> for MTx<F> {
    #[inline(always)]
    fn put(&mut self, item: T) {
        self.send(item).expect("an open channel");
    }
}

impl<T: Payload, F: Flavor<Item = T>> Push<T> for Tx<F> {
    #[inline(always)]
    fn put(&mut self, item: T) {
        self.send(item).expect("an open channel");
    }
}

impl<T: Payload, F: Flavor<Item = T>> Take<T> for Rx<F> {
    #[inline(always)]
    fn get(&mut self) -> Option<T> {
        self.recv().ok()
    }
}

impl<T: Payload, F: Flavor<Item = T>> PushAsync<T> for MAsyncTx<F> {
    #[inline(always)]
    async fn put_async(&mut self, item: T) {
        self.send(item).await.expect("an open channel");
    }
}

impl<T: Payload, F: Flavor<Item = T>> TakeAsync<T> for AsyncRx<F> {
    #[inline(always)]
    async fn get_async(&mut self) -> Option<T> {
        self.recv().await.ok()
    }
}
