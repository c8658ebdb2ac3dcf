//! `mpsc_ring`.

use mpsc_ring::{BackPressurePolicy, Consumer, Producer, channel};

use crate::payload::Payload;
use crate::roles::{LINGER, Push, PushAsync, PushBatch, PushBatchAsync, Take, TakeAsync, TryPush, TryTake};

pub fn block<T: Payload>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    channel(capacity, BackPressurePolicy::Block)
}

pub fn drop_newest<T: Payload>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    channel(capacity, BackPressurePolicy::DropNewest)
}

pub fn drop_newest_by_policy<T: Payload>(capacity: usize) -> (ByPolicy<T>, Consumer<T>) {
    by_policy(capacity, BackPressurePolicy::DropNewest)
}

pub fn drop_oldest<T: Payload>(capacity: usize) -> (ByPolicy<T>, Consumer<T>) {
    by_policy(capacity, BackPressurePolicy::DropOldest)
}

fn by_policy<T: Payload>(capacity: usize, policy: BackPressurePolicy<T>) -> (ByPolicy<T>, Consumer<T>) {
    let (producer, consumer) = channel(capacity, policy);
    (ByPolicy(producer), consumer)
}

/// Pushes by `push`, which does what the policy says and counts it.
#[derive(Clone)]
pub struct ByPolicy<T>(Producer<T>);

impl<T: Payload> TryPush<T> for ByPolicy<T> {
    #[inline(always)]
    fn offer(&mut self, item: T) -> bool {
        self.0.push(item).is_ok()
    }
}

impl<T: Payload> TryPush<T> for Producer<T> {
    #[inline(always)]
    fn offer(&mut self, item: T) -> bool {
        self.try_push(item).is_ok()
    }

    #[inline(always)]
    fn offer_all(&mut self, items: impl Iterator<Item = T>, scratch: &mut Vec<T>) -> bool {
        scratch.extend(items);
        self.push_from(scratch).is_ok()
    }
}

impl<T: Payload> TryTake<T> for Consumer<T> {
    #[inline(always)]
    fn grab(&mut self) -> Option<T> {
        self.try_take().ok()
    }

    #[inline(always)]
    fn grab_some(&mut self, out: &mut Vec<T>, max: usize) {
        let _ = self.try_take_batch_into(out, max);
    }
}

impl<T: Payload> Push<T> for Producer<T> {
    #[inline(always)]
    fn put(&mut self, item: T) {
        self.push(item).expect("an open channel");
    }
}

impl<T: Payload> PushBatch<T> for Producer<T> {
    #[inline(always)]
    fn put_batch(&mut self, items: &mut Vec<T>) {
        self.push_from(items).expect("an open channel");
    }
}

impl<T: Payload> Take<T> for Consumer<T> {
    #[inline(always)]
    fn get(&mut self) -> Option<T> {
        self.take()
    }

    #[inline(always)]
    fn get_batch(&mut self, out: &mut Vec<T>, max: usize) {
        self.take_batch_into(out, max);
    }

    #[inline(always)]
    fn get_lingering(&mut self, out: &mut Vec<T>, max: usize) {
        linger(self, out, max);
    }
}

/// Takes at least one item into the empty `out`, letting items gather; none once the channel is closed and drained.
fn linger<T: Payload>(consumer: &Consumer<T>, out: &mut Vec<T>, max: usize) {
    while let Err(error) = consumer.take_batch_timeout_into(out, max, LINGER) {
        if error.is_closed() {
            break;
        }
    }
}

impl<T: Payload> PushAsync<T> for Producer<T> {
    #[inline(always)]
    async fn put_async(&mut self, item: T) {
        self.push_async(item).await.expect("an open channel");
    }
}

impl<T: Payload> PushBatchAsync<T> for Producer<T> {
    #[inline(always)]
    async fn put_batch_async(&mut self, items: &mut Vec<T>) {
        self.push_from_async(items).await.expect("an open channel");
    }
}

impl<T: Payload> TakeAsync<T> for Consumer<T> {
    #[inline(always)]
    async fn get_async(&mut self) -> Option<T> {
        self.take_async().await
    }

    #[inline(always)]
    async fn get_batch_async(&mut self, out: &mut Vec<T>, max: usize) {
        self.take_batch_into_async(out, max).await;
    }
}
