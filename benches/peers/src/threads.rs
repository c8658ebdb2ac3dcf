//! Threads that push, and a thread that takes.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::ledger::{Ledger, tag};
use crate::payload::Payload;
use crate::roles::{Push, PushBatch, Take};
use crate::{BATCH, CAPACITY};

/// How the consumer takes.
#[derive(Clone, Copy)]
pub enum Taking {
    Items,
    Batches,
}

/// Producers push item by item.
pub fn singly<T, S, R>(open: impl Fn(usize) -> (S, R), producers: usize, items: u64, taking: Taking) -> Duration
where
    T: Payload,
    S: Push<T> + Clone,
    R: Take<T>,
{
    let (sender, receiver) = open(CAPACITY);
    race(vec![sender; producers], receiver, items, push_singly::<T, S>, taking)
}

/// Producers push batches.
pub fn in_batches<T, S, R>(open: impl Fn(usize) -> (S, R), producers: usize, items: u64, taking: Taking) -> Duration
where
    T: Payload,
    S: PushBatch<T> + Clone,
    R: Take<T>,
{
    let (sender, receiver) = open(CAPACITY);
    race(vec![sender; producers], receiver, items, push_batches::<T, S>, taking)
}

/// The one producer a channel has pushes item by item.
pub fn alone_singly<T, S, R>(open: impl Fn(usize) -> (S, R), items: u64, taking: Taking) -> Duration
where
    T: Payload,
    S: Push<T>,
    R: Take<T>,
{
    let (sender, receiver) = open(CAPACITY);
    race(vec![sender], receiver, items, push_singly::<T, S>, taking)
}

/// The one producer a channel has pushes batches.
pub fn alone_in_batches<T, S, R>(open: impl Fn(usize) -> (S, R), items: u64, taking: Taking) -> Duration
where
    T: Payload,
    S: PushBatch<T>,
    R: Take<T>,
{
    let (sender, receiver) = open(CAPACITY);
    race(vec![sender], receiver, items, push_batches::<T, S>, taking)
}

pub fn push_singly<T: Payload, S: Push<T>>(mut sender: S, producer: usize, count: u64) {
    for number in 0..count {
        sender.put(T::new(tag(producer, number)));
    }
}

pub fn push_batches<T: Payload, S: PushBatch<T>>(mut sender: S, producer: usize, count: u64) {
    let mut batch = Vec::with_capacity(BATCH);
    for first in (0..count).step_by(BATCH) {
        let last = count.min(first + BATCH as u64);
        batch.extend((first..last).map(|number| T::new(tag(producer, number))));
        sender.put_batch(&mut batch);
    }
}

/// From when the first of the threads starts to when the consumer has everything.
fn race<T, S, R>(senders: Vec<S>, receiver: R, items: u64, push: fn(S, usize, u64), taking: Taking) -> Duration
where
    T: Payload,
    S: Send,
    R: Take<T>,
{
    let producers = senders.len();
    let each = items / producers as u64;
    assert_eq!(each * producers as u64, items);
    let line = &Barrier::new(producers + 1);
    thread::scope(|scope| {
        let pushing: Vec<_> = senders
            .into_iter()
            .enumerate()
            .map(|(producer, sender)| {
                scope.spawn(move || {
                    line.wait();
                    let began = Instant::now();
                    push(sender, producer, each);
                    began
                })
            })
            .collect();
        line.wait();
        let began = Instant::now();
        let ended = match taking {
            Taking::Items => take_items(receiver, items),
            Taking::Batches => take_batches(receiver, items),
        };
        let began = pushing
            .into_iter()
            .map(|thread| thread.join().expect("a producer that does not panic"))
            .fold(began, Instant::min);
        ended - began
    })
}

fn take_items<T: Payload, R: Take<T>>(mut receiver: R, items: u64) -> Instant {
    let mut ledger = Ledger::default();
    while ledger.seen() < items {
        match receiver.get() {
            Some(item) => ledger.see(black_box(&item)),
            None => break,
        }
    }
    let ended = Instant::now();
    assert!(receiver.get().is_none());
    ledger.settle(items);
    ended
}

fn take_batches<T: Payload, R: Take<T>>(mut receiver: R, items: u64) -> Instant {
    let mut ledger = Ledger::default();
    let mut batch = Vec::with_capacity(CAPACITY);
    while ledger.seen() < items {
        receiver.get_batch(&mut batch, BATCH);
        if black_box(&batch).is_empty() {
            break;
        }
        for item in batch.drain(..) {
            ledger.see(&item);
        }
    }
    let ended = Instant::now();
    assert!(receiver.get().is_none());
    ledger.settle(items);
    ended
}
