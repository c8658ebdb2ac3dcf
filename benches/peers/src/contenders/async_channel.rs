//! `async_channel::bounded`.

use async_channel::{Receiver, Sender};

use crate::payload::Payload;
use crate::roles::{Push, PushAsync, Take, TakeAsync, TryPush, TryTake};

impl<T: Payload> TryPush<T> for Sender<T> {
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
}

impl<T: Payload> Push<T> for Sender<T> {
    #[inline(always)]
    fn put(&mut self, item: T) {
        self.send_blocking(item).expect("an open channel");
    }
}

impl<T: Payload> Take<T> for Receiver<T> {
    #[inline(always)]
    fn get(&mut self) -> Option<T> {
        self.recv_blocking().ok()
    }
}

impl<T: Payload> PushAsync<T> for Sender<T> {
    #[inline(always)]
    async fn put_async(&mut self, item: T) {
        self.send(item).await.expect("an open channel");
    }
}

impl<T: Payload> TakeAsync<T> for Receiver<T> {
    #[inline(always)]
    async fn get_async(&mut self) -> Option<T> {
        self.recv().await.ok()
    }
}
