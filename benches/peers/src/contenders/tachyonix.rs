//! `tachyonix::channel`: for tasks only.

use tachyonix::{Receiver, Sender};

use crate::payload::Payload;
use crate::roles::{PushAsync, TakeAsync, TryPush, TryTake};

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
