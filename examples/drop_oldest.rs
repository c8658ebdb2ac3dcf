//! A flight recorder: threads record what they do, all the time and for nearly nothing; the ring keeps the newest, and
//! nobody looks until something goes wrong.
//!
//! ```text
//! cargo run --example drop_oldest
//! ```

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use mpsc_ring::{BackPressurePolicy, Consumer, Producer, PushError, channel};

const THREADS: usize = 3;
const KEPT: usize = 64;

/// What a thread has done.
#[derive(Debug)]
struct Event {
    at: Duration,
    thread: usize,
    /// Counts the thread's events.
    n: u64,
    what: &'static str,
}

fn main() {
    let began = Instant::now();
    // A full ring evicts its oldest event for each new one.
    let (recorder, tape) = channel(KEPT, BackPressurePolicy::DropOldest);
    let (trouble, stop) = (AtomicBool::new(false), AtomicBool::new(false));

    let recorded: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (recorder, trouble, stop) = (recorder.clone(), &trouble, &stop);
                scope.spawn(move || work(thread, &recorder, began, trouble, stop))
            })
            .collect();

        // On demand: the newest events of the moment, while the threads go on recording.
        while tape.stats().evicted == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let seen = dump("on demand", &tape);
        assert!(!seen.is_empty() && seen.len() <= KEPT);

        thread::sleep(Duration::from_millis(20));
        trouble.store(true, Relaxed);

        threads
            .into_iter()
            .map(|thread| thread.join().expect("recording does not panic"))
            .sum()
    });

    // After the fault: nobody records any more, and the ring has what led up to it.
    let seen = dump("after the fault", &tape);
    assert!(
        seen.iter().any(|event| event.what == "fault"),
        "the fault itself is on tape"
    );
    for thread in 0..THREADS {
        let its = seen.iter().filter(|event| event.thread == thread);
        assert!(its.map(|event| event.n).is_sorted(), "a thread's events are in order");
    }

    // Most events were evicted, on purpose; each is accounted for.
    let stats = tape.stats();
    println!("{recorded} recorded: {} dumped, {} evicted", stats.taken, stats.evicted);
    assert_eq!(recorded, stats.pushed);
    assert_eq!(stats.pushed, stats.taken + stats.evicted);
    assert!(stats.evicted > 0);
}

/// Works and records until there is trouble, which the last thread runs into; returns how many events it recorded.
fn work(thread: usize, recorder: &Producer<Event>, began: Instant, trouble: &AtomicBool, stop: &AtomicBool) -> u64 {
    for n in 0.. {
        let fault = thread == THREADS - 1 && trouble.load(Relaxed);
        if !fault && stop.load(Relaxed) {
            return n;
        }
        let what = match n % 3 {
            _ if fault => "fault",
            0 => "request",
            1 => "query",
            _ => "answer",
        };
        record(
            recorder,
            Event {
                at: began.elapsed(),
                thread,
                n,
                what,
            },
        );
        if fault {
            stop.store(true, Relaxed);
            return n + 1;
        }
    }
    unreachable!("a thread has not recorded 2^64 events")
}

/// Records `event`, in nanoseconds and without ever waiting for the one who dumps.
///
/// If the oldest event cannot be evicted, because the thread that pushes or takes it has been stopped in the middle of
/// that, the new one comes back. That is rare, and most recorders would let it go. This one tries again.
fn record(recorder: &Producer<Event>, mut event: Event) {
    while let Err(PushError::Full(back)) = recorder.push(event) {
        event = back;
        thread::yield_now();
    }
}

/// Takes what the ring holds and shows the end of it.
fn dump(when: &str, tape: &Consumer<Event>) -> Vec<Event> {
    let events = tape.try_take_batch(KEPT).unwrap_or_default();
    println!("{when}, the last of {} events:", events.len());
    for Event { at, thread, n, what } in events.iter().rev().take(4).rev() {
        println!("  {at:>12?}  thread {thread}  #{n:<8} {what}");
    }
    events
}
