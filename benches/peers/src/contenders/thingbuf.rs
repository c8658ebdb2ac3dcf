//! `thingbuf::mpsc`, which has one channel for threads and another for tasks.

use thingbuf::mpsc::{Receiver, Sender, blocking};

use crate::payload::Payload;
use crate::roles::{Push, PushAsync, Take, TakeAsync, TryPush, TryTake};

impl<T: Payload> TryPush<T> for blocking::Sender<T> {
    #[inline(always)]
    fn offer(&mut self, item: T) -> bool {
        self.try_send(item).is_ok()
    }
}

impl<T: Payload> TryTake<T> for blocking::Receiver<T> {
    #[inline(always)]
    fn grab(&mut self) -> Option<T> {
        self.try_recv().ok()
    }
}

impl<T: Payload> Push<T> for blocking::Sender<T> {
    #[inline(always)]
    fn put(&mut self, item: T) {
        self.send(item).expect("an open channel");
    }
}

impl<T: Payload> Take<T> for blocking::Receiver<T> {
    #[inline(always)]
    fn get(&mut self) -> Option<T> {
        self.recv()
    }
}

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
        self.recv().await
    }
}
