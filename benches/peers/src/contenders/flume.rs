//! `flume::bounded`.

use flume::{Receiver, Sender};

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

    #[inline(always)]
    fn grab_some(&mut self, out: &mut Vec<T>, _max: usize) {
        out.extend(self.drain());
    }
}

impl<T: Payload> Push<T> for Sender<T> {
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

    #[inline(always)]
    fn get_batch(&mut self, out: &mut Vec<T>, _max: usize) {
        out.extend(self.drain());
        if out.is_empty() {
            out.extend(self.recv());
        }
    }
}

impl<T: Payload> PushAsync<T> for Sender<T> {
    #[inline(always)]
    async fn put_async(&mut self, item: T) {
        self.send_async(item).await.expect("an open channel");
    }
}

impl<T: Payload> TakeAsync<T> for Receiver<T> {
    #[inline(always)]
    async fn get_async(&mut self) -> Option<T> {
        self.recv_async().await.ok()
    }

    #[inline(always)]
    async fn get_batch_async(&mut self, out: &mut Vec<T>, _max: usize) {
        out.extend(self.drain());
        if out.is_empty() {
            out.extend(self.recv_async().await);
        }
    }
}
