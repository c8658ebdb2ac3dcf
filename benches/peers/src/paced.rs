//! Threads that push at a steady rate, and somebody who takes.

use std::hint;
use std::sync::{Arc, Barrier, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use hdrhistogram::Histogram;
use mpsc_ring::Consumer;
use tokio::runtime::{Builder, Runtime};

use crate::cpu;
use crate::ledger::Ledger;
use crate::pace::{Cores, Pace, Pushes, histogram, push_paced};
use crate::payload::Payload;
use crate::roles::{LINGER, Push, Take, TakeAsync};

/// One worker, on the core that the producer is not on.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .on_thread_start(cpu::pin_to_first)
        .build();
    runtime.expect("a runtime")
});

/// How many items the channels hold: enough for a consumer that comes late.
pub const CAPACITY: usize = 8192;

/// What a round at a steady rate came to.
pub struct Paced {
    /// Nanoseconds a push took.
    pub pushes: Histogram<u64>,
    /// What receiving took of a core; not a number if it is not known here.
    pub cpu: f64,
}

/// `consume` runs on a thread of its own, and is told how many items to take.
pub fn to_thread<T, S, R>(
    open: impl Fn(usize) -> (S, R),
    producers: usize,
    pace: Pace,
    items: u64,
    consume: fn(R, u64),
) -> Paced
where
    T: Payload,
    S: Push<T> + Clone,
    R: Send + 'static,
{
    let (sender, receiver) = open(CAPACITY);
    let line = Arc::new(Barrier::new(producers + 1));
    let pushing = start(sender, producers, pace, items, &line);
    let taking = thread::spawn(move || {
        if pace.cores == Cores::Pinned {
            cpu::pin_to_first();
        }
        line.wait();
        let (cpu, began) = (cpu::of_thread(), Instant::now());
        consume(receiver, items);
        share(cpu, cpu::of_thread(), began.elapsed())
    });
    let cpu = taking.join().expect("a consumer that does not panic");
    let (pushes, _) = gather(pushing);
    Paced { pushes, cpu }
}

/// `consume` runs as a task, and is told how many items to take.
pub fn to_task<T, S, R, F>(
    open: impl Fn(usize) -> (S, R),
    pace: Pace,
    items: u64,
    consume: impl FnOnce(R, u64) -> F + Send + 'static,
) -> Paced
where
    T: Payload,
    S: Push<T> + Clone,
    R: Send + 'static,
    F: Future<Output = ()> + Send,
{
    let (sender, receiver) = open(CAPACITY);
    let line = Arc::new(Barrier::new(2));
    let pushing = start(sender, 1, pace, items, &line);
    let taking = RUNTIME.spawn(async move {
        // Blocks the worker, once: nothing else is to run there.
        line.wait();
        let (cpu, began) = (cpu::of_process(), Instant::now());
        consume(receiver, items).await;
        (cpu, cpu::of_process(), began.elapsed())
    });
    let (before, after, took) = RUNTIME.block_on(taking).expect("a consumer that does not panic");
    let (pushes, producing) = gather(pushing);
    // The producer's time is not the consumer's.
    let after = after.zip(producing).map(|(after, own)| after.saturating_sub(own));
    let cpu = share(before, after, took);
    Paced { pushes, cpu }
}

/// Takes item by item, waiting as the channel does.
pub fn asleep<T: Payload, R: Take<T>>(mut receiver: R, items: u64) {
    let mut ledger = Ledger::default();
    while ledger.seen() < items {
        let Some(item) = receiver.get() else { break };
        ledger.see(&item);
    }
    ledger.settle(items);
}

/// As [`asleep`] for a task.
pub async fn asleep_task<T: Payload, R: TakeAsync<T>>(mut receiver: R, items: u64) {
    let mut ledger = Ledger::default();
    while ledger.seen() < items {
        let Some(item) = receiver.get_async().await else { break };
        ledger.see(&item);
    }
    ledger.settle(items);
}

/// As [`lingering`] for a task, by a stream of batches.
pub async fn lingering_task<T: Payload>(receiver: Consumer<T>, items: u64) {
    let mut ledger = Ledger::default();
    let mut batches = receiver.batches_linger(CAPACITY, LINGER);
    while ledger.seen() < items {
        let Some(batch) = batches.next().await else { break };
        batch.iter().for_each(|item| ledger.see(item));
    }
    ledger.settle(items);
}

/// Takes item by item, asking again and again.
pub fn spinning<T: Payload, R: Take<T>>(mut receiver: R, items: u64) {
    let mut ledger = Ledger::default();
    while ledger.seen() < items {
        match receiver.grab() {
            Some(item) => ledger.see(&item),
            None => hint::spin_loop(),
        }
    }
    ledger.settle(items);
}

/// Takes batches, letting items gather before each.
pub fn lingering<T: Payload, R: Take<T>>(mut receiver: R, items: u64) {
    let mut ledger = Ledger::default();
    let mut batch = Vec::with_capacity(CAPACITY);
    while ledger.seen() < items {
        receiver.get_lingering(&mut batch, CAPACITY);
        if batch.is_empty() {
            break;
        }
        for item in batch.drain(..) {
            ledger.see(&item);
        }
    }
    ledger.settle(items);
}

fn start<T, S>(
    sender: S,
    producers: usize,
    pace: Pace,
    items: u64,
    line: &Arc<Barrier>,
) -> Vec<thread::JoinHandle<Pushes>>
where
    T: Payload,
    S: Push<T> + Clone,
{
    let each = items / producers as u64;
    assert_eq!(each * producers as u64, items);
    vec![sender; producers]
        .into_iter()
        .enumerate()
        .map(|(producer, sender)| {
            let line = line.clone();
            thread::spawn(move || {
                line.wait();
                push_paced(sender, producer, each, pace)
            })
        })
        .collect()
}

fn gather(pushing: Vec<thread::JoinHandle<Pushes>>) -> (Histogram<u64>, Option<Duration>) {
    let mut all = histogram();
    let mut cpu = Some(Duration::ZERO);
    for thread in pushing {
        let pushes = thread.join().expect("a producer that does not panic");
        all.add(pushes.took).expect("the same bounds");
        cpu = cpu.zip(pushes.cpu).map(|(all, one)| all + one);
    }
    (all, cpu)
}

/// What of a core was taken, in %.
fn share(before: Option<Duration>, after: Option<Duration>, took: Duration) -> f64 {
    before.zip(after).map_or(f64::NAN, |(before, after)| {
        100.0 * after.saturating_sub(before).as_secs_f64() / took.as_secs_f64()
    })
}
