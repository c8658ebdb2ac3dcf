//! What the machine itself takes.

use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::thread;
use std::time::Instant;

use crate::case::Case;
use crate::cpu;
use crate::group::Group;
use crate::outcome::{Column, Outcome};
use crate::spin::Spin;

/// Nanoseconds each time.
struct Each(f64);

impl Outcome for Each {
    const COLUMNS: &'static [Column] = &[Column::headline("time", "ns")];

    fn figures(&self, _items: u64) -> Vec<f64> {
        vec![self.0]
    }
}

/// All that is calibrated.
pub fn case() -> Case {
    Case::new(Group::Calibration, "calibration", 2, 4 << 20)
        .reference("fetch_add, uncontended", fetch_add)
        .reference("compare_exchange, uncontended", compare_exchange)
        .reference("a cache line from core to core", |n| line_transfer(n / 16))
        .reference("reading the clock", read_clock)
}

fn fetch_add(count: u64) -> Each {
    let number = black_box(AtomicU64::new(0));
    each(count, || {
        for _ in 0..count {
            black_box(&number).fetch_add(1, AcqRel);
        }
    })
}

fn compare_exchange(count: u64) -> Each {
    let number = black_box(AtomicU64::new(0));
    each(count, || {
        for n in 0..count {
            let _ = black_box(&number).compare_exchange(n, n + 1, AcqRel, Relaxed);
        }
    })
}

fn read_clock(count: u64) -> Each {
    each(count, || {
        for _ in 0..count {
            black_box(Instant::now());
        }
    })
}

/// Half of a round trip between two threads, on a core each if there are two.
fn line_transfer(count: u64) -> Each {
    let (there, back) = (&Line::default(), &Line::default());
    thread::scope(|scope| {
        scope.spawn(move || {
            cpu::pin_to_last();
            for n in 1..=count {
                there.await_value(n);
                back.0.store(n, Release);
            }
        });
        let timed = scope.spawn(move || {
            cpu::pin_to_first();
            // The first trip waits for the other thread to start.
            there.0.store(1, Release);
            back.await_value(1);
            each(2 * (count - 1), || {
                for n in 2..=count {
                    there.0.store(n, Release);
                    back.await_value(n);
                }
            })
        });
        timed.join().expect("a thread that does not panic")
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

fn each(count: u64, work: impl FnOnce()) -> Each {
    let began = Instant::now();
    work();
    Each(began.elapsed().as_nanos() as f64 / count as f64)
}
