//! Threads that push, and a task that takes batches.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crate::CAPACITY;
use crate::payload::Payload;
use crate::roles::{Push, PushBatch, TakeAsync};
use crate::tasks::{RUNTIME, take_batches};
use crate::threads::{push_batches, push_singly};

/// Producers push item by item.
pub fn singly<T, S, R>(open: impl Fn(usize) -> (S, R), producers: usize, items: u64) -> Duration
where
    T: Payload,
    S: Push<T> + Clone,
    R: TakeAsync<T>,
{
    let (sender, receiver) = open(CAPACITY);
    race(vec![sender; producers], receiver, items, push_singly::<T, S>)
}

/// Producers push batches.
pub fn in_batches<T, S, R>(open: impl Fn(usize) -> (S, R), producers: usize, items: u64) -> Duration
where
    T: Payload,
    S: PushBatch<T> + Clone,
    R: TakeAsync<T>,
{
    let (sender, receiver) = open(CAPACITY);
    race(vec![sender; producers], receiver, items, push_batches::<T, S>)
}

/// From when the first of the threads starts to when the task has everything.
fn race<T, S, R>(senders: Vec<S>, receiver: R, items: u64, push: fn(S, usize, u64)) -> Duration
where
    T: Payload,
    S: Send + 'static,
    R: TakeAsync<T>,
{
    let producers = senders.len();
    let each = items / producers as u64;
    assert_eq!(each * producers as u64, items);
    let line = Arc::new(Barrier::new(producers + 1));
    let pushing: Vec<_> = senders
        .into_iter()
        .enumerate()
        .map(|(producer, sender)| {
            let line = line.clone();
            thread::spawn(move || {
                line.wait();
                let began = Instant::now();
                push(sender, producer, each);
                began
            })
        })
        .collect();
    let taking = RUNTIME.spawn(async move {
        // Blocks the worker, once: nothing else is to run there.
        line.wait();
        let began = Instant::now();
        (began, take_batches(receiver, items).await)
    });
    let (began, ended) = RUNTIME.block_on(taking).expect("a consumer that does not panic");
    let began = pushing
        .into_iter()
        .map(|thread| thread.join().expect("a producer that does not panic"))
        .fold(began, Instant::min);
    ended - began
}
