//! What a case needs of a channel's two ends. No name here is a channel's own, so that each call says whose it is.

use std::future::Future;
use std::thread;
use std::time::Duration;

use crate::payload::Payload;

/// How long a consumer that lingers lets items gather.
pub const LINGER: Duration = Duration::from_millis(1);

/// Pushes without waiting.
pub trait TryPush<T: Payload> {
    /// Whether the item went in.
    fn offer(&mut self, item: T) -> bool;

    /// Pushes all of `items`, for which there is room; `scratch` is for channels that push from a `Vec`.
    #[inline]
    fn offer_all(&mut self, items: impl Iterator<Item = T>, _scratch: &mut Vec<T>) -> bool {
        let mut all = true;
        for item in items {
            all &= self.offer(item);
        }
        all
    }
}

/// Takes without waiting.
pub trait TryTake<T: Payload> {
    fn grab(&mut self) -> Option<T>;

    /// Takes up to `max` items into `out`, or all there are if the channel has no other batch.
    #[inline]
    fn grab_some(&mut self, out: &mut Vec<T>, max: usize) {
        for _ in 0..max {
            match self.grab() {
                Some(item) => out.push(item),
                None => break,
            }
        }
    }
}

/// Pushes, blocking the thread while the channel is full.
pub trait Push<T: Payload>: Send + 'static {
    fn put(&mut self, item: T);
}

/// Pushes batches, blocking the thread while the channel is full.
pub trait PushBatch<T: Payload>: Send + 'static {
    /// Leaves `items` empty.
    fn put_batch(&mut self, items: &mut Vec<T>);
}

/// Takes, blocking the thread while the channel is empty.
pub trait Take<T: Payload>: TryTake<T> {
    /// `None` once the channel is closed and drained.
    fn get(&mut self) -> Option<T>;

    /// Takes at least one item into the empty `out`, by the best batch the channel has; none once it is closed and
    /// drained.
    #[inline]
    fn get_batch(&mut self, out: &mut Vec<T>, max: usize) {
        if let Some(first) = self.get() {
            out.push(first);
            self.grab_some(out, max - 1);
        }
    }

    /// As [`get_batch`](Self::get_batch), but lets items gather first, during which no push has anybody to wake.
    #[inline]
    fn get_lingering(&mut self, out: &mut Vec<T>, max: usize) {
        thread::sleep(LINGER);
        self.get_batch(out, max);
    }
}

/// Pushes, letting the task wait while the channel is full.
pub trait PushAsync<T: Payload>: Send + 'static {
    fn put_async(&mut self, item: T) -> impl Future<Output = ()> + Send;
}

/// Pushes batches, letting the task wait while the channel is full.
pub trait PushBatchAsync<T: Payload>: Send + 'static {
    /// Leaves `items` empty.
    fn put_batch_async(&mut self, items: &mut Vec<T>) -> impl Future<Output = ()> + Send;
}

/// Takes, letting the task wait while the channel is empty.
pub trait TakeAsync<T: Payload>: TryTake<T> + Send + 'static {
    /// `None` once the channel is closed and drained.
    fn get_async(&mut self) -> impl Future<Output = Option<T>> + Send;

    /// As [`Take::get_batch`].
    #[inline]
    fn get_batch_async(&mut self, out: &mut Vec<T>, max: usize) -> impl Future<Output = ()> + Send {
        async move {
            if let Some(first) = self.get_async().await {
                out.push(first);
                self.grab_some(out, max - 1);
            }
        }
    }
}
