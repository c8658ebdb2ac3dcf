//! What the machine itself takes.

use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::thread;
use std::time::Instant;

use crate::spin::Spin;

/// Something to hold the figures against.
#[derive(Debug)]
pub struct Calibration {
    /// How a report names it.
    pub name: &'static str,
    /// How many times a round does it.
    pub count: u64,
    run: fn(u64) -> f64,
}

impl Calibration {
    /// Nanoseconds each of `count` times.
    pub fn run(&self, count: u64) -> f64 {
        (self.run)(count)
    }
}

/// Every calibration.
pub fn all() -> Vec<Calibration> {
    vec![
        Calibration {
            name: "fetch_add, uncontended",
            count: 8 << 20,
            run: fetch_add,
        },
        Calibration {
            name: "compare_exchange, uncontended",
            count: 8 << 20,
            run: compare_exchange,
        },
        Calibration {
            name: "a cache line from core to core",
            count: 1 << 18,
            run: line_transfer,
        },
    ]
}

fn fetch_add(count: u64) -> f64 {
    let number = black_box(AtomicU64::new(0));
    each(count, || {
        for _ in 0..count {
            black_box(&number).fetch_add(1, AcqRel);
        }
    })
}

fn compare_exchange(count: u64) -> f64 {
    let number = black_box(AtomicU64::new(0));
    each(count, || {
        for n in 0..count {
            let _ = black_box(&number).compare_exchange(n, n + 1, AcqRel, Relaxed);
        }
    })
}

/// Half of a round trip between two threads.
fn line_transfer(count: u64) -> f64 {
    let (there, back) = (&Line::default(), &Line::default());
    thread::scope(|scope| {
        scope.spawn(move || {
            for n in 1..=count {
                there.await_value(n);
                back.0.store(n, Release);
            }
        });
        // The first trip waits for the thread to start.
        there.0.store(1, Release);
        back.await_value(1);
        each(2 * (count - 1), || {
            for n in 2..=count {
                there.0.store(n, Release);
                back.await_value(n);
            }
        })
    })
}

/// Two cache lines, as the second is fetched along with the first.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

impl Line {
    fn await_value(&self, value: u64) {
        let mut spin = Spin::default();
        while self.0.load(Acquire) != value {
            spin.once();
        }
    }
}

fn each(count: u64, work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_nanos() as f64 / count as f64
}
