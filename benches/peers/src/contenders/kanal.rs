//! `kanal::bounded`.

use kanal::{AsyncReceiver, AsyncSender, Receiver, Sender};

use crate::payload::Payload;
use crate::roles::{Push, PushAsync, Take, TakeAsync, TryPush, TryTake};

impl<T: Payload> TryPush<T> for Sender<T> {
    #[inline(always)]
    fn offer(&mut self, item: T) -> bool {
        self.try_send(item).expect("an open channel")
    }
}

impl<T: Payload> TryTake<T> for Receiver<T> {
    #[inline(always)]
    fn grab(&mut self) -> Option<T> {
        self.try_recv().ok().flatten()
    }

    #[inline(always)]
    fn grab_some(&mut self, out: &mut Vec<T>, _max: usize) {
        self.drain_into(out).expect("an open channel");
    }
}

impl<T: Payload> TryTake<T> for AsyncReceiver<T> {
    #[inline(always)]
    fn grab(&mut self) -> Option<T> {
        self.try_recv().ok().flatten()
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
        if self.drain_into(out).is_ok_and(|drained| drained == 0) {
            out.extend(self.recv());
        }
    }
}

impl<T: Payload> PushAsync<T> for AsyncSender<T> {
    #[inline(always)]
    async fn put_async(&mut self, item: T) {
        self.send(item).await.expect("an open channel");
    }
}

impl<T: Payload> TakeAsync<T> for AsyncReceiver<T> {
    #[inline(always)]
    async fn get_async(&mut self) -> Option<T> {
        self.recv().await.ok()
    }

    #[inline(always)]
    async fn get_batch_async(&mut self, out: &mut Vec<T>, _max: usize) {
        if self.drain_into(out).is_ok_and(|drained| drained == 0) {
            out.extend(self.recv().await);
        }
    }
}
