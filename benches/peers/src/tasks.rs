//! Tasks that push, and a task that takes batches, on two workers.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Barrier;

use crate::ledger::{Ledger, tag};
use crate::payload::Payload;
use crate::roles::{PushAsync, PushBatchAsync, TakeAsync};
use crate::{BATCH, CAPACITY};

pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime")
});

/// Producers push item by item.
pub fn singly<T, S, R>(open: impl Fn(usize) -> (S, R), producers: usize, items: u64) -> Duration
where
    T: Payload,
    S: PushAsync<T> + Clone,
    R: TakeAsync<T>,
{
    let (sender, receiver) = open(CAPACITY);
    race(vec![sender; producers], receiver, items, push_singly)
}

/// Producers push batches.
pub fn in_batches<T, S, R>(open: impl Fn(usize) -> (S, R), producers: usize, items: u64) -> Duration
where
    T: Payload,
    S: PushBatchAsync<T> + Clone,
    R: TakeAsync<T>,
{
    let (sender, receiver) = open(CAPACITY);
    race(vec![sender; producers], receiver, items, push_batches)
}

async fn push_singly<T: Payload, S: PushAsync<T>>(mut sender: S, producer: usize, count: u64) {
    for number in 0..count {
        sender.put_async(T::new(tag(producer, number))).await;
    }
}

async fn push_batches<T: Payload, S: PushBatchAsync<T>>(mut sender: S, producer: usize, count: u64) {
    let mut batch = Vec::with_capacity(BATCH);
    for first in (0..count).step_by(BATCH) {
        let last = count.min(first + BATCH as u64);
        batch.extend((first..last).map(|number| T::new(tag(producer, number))));
        sender.put_batch_async(&mut batch).await;
    }
}

/// From when the first of the tasks starts to when the consumer has everything.
fn race<T, S, R, P>(senders: Vec<S>, receiver: R, items: u64, push: impl Fn(S, usize, u64) -> P) -> Duration
where
    T: Payload,
    R: TakeAsync<T>,
    P: Future<Output = ()> + Send + 'static,
{
    let producers = senders.len();
    let each = items / producers as u64;
    assert_eq!(each * producers as u64, items);
    let line = Arc::new(Barrier::new(producers + 1));
    let pushing: Vec<_> = senders
        .into_iter()
        .enumerate()
        .map(|(producer, sender)| {
            let pushed = push(sender, producer, each);
            let line = line.clone();
            RUNTIME.spawn(async move {
                line.wait().await;
                let began = Instant::now();
                pushed.await;
                began
            })
        })
        .collect();
    let taking = RUNTIME.spawn(async move {
        line.wait().await;
        let began = Instant::now();
        (began, take_batches(receiver, items).await)
    });
    RUNTIME.block_on(async {
        let (mut began, ended) = taking.await.expect("a consumer that does not panic");
        for task in pushing {
            began = began.min(task.await.expect("a producer that does not panic"));
        }
        ended - began
    })
}

pub async fn take_batches<T: Payload, R: TakeAsync<T>>(mut receiver: R, items: u64) -> Instant {
    let mut ledger = Ledger::default();
    let mut batch = Vec::with_capacity(CAPACITY);
    while ledger.seen() < items {
        receiver.get_batch_async(&mut batch, BATCH).await;
        if black_box(&batch).is_empty() {
            break;
        }
        for item in batch.drain(..) {
            ledger.see(&item);
        }
    }
    let ended = Instant::now();
    assert!(receiver.get_async().await.is_none());
    ledger.settle(items);
    ended
}
