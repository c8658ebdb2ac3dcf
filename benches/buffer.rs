//! The buffer: events pushed by one thread and by four, a look at what is inside, and the check of a batch's order.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use mpsc_ring::{BackPressurePolicy, LockFreeRingBuffer, Timestamped};

const CAPACITY: usize = 1024;
const PUSHES: u64 = 1_000_000;

/// What a service reports: an allocation each, made by the one who pushes and freed by whoever is rid of it.
#[derive(Clone)]
struct Event {
    timestamp: u64,
    level: Level,
    target: &'static str,
    message: String,
}

#[derive(Clone, Copy)]
enum Level {
    Info,
    Error,
}

impl Event {
    fn new(timestamp: u64) -> Self {
        Self {
            timestamp,
            level: if timestamp % 64 == 0 { Level::Error } else { Level::Info },
            target: "service::requests",
            message: String::from("request served from the cache"),
        }
    }

    fn weight(&self) -> usize {
        self.timestamp as usize ^ self.level as usize ^ self.target.len() ^ self.message.len()
    }
}

fn policies<T>() -> [(&'static str, BackPressurePolicy<T>); 2] {
    [
        ("drop the oldest", BackPressurePolicy::DropOldest),
        ("drop the newest", BackPressurePolicy::DropNewest),
    ]
}

/// A million events into a buffer of 1024: nobody takes and the policy drops, or a thread takes and nothing is dropped.
fn pushes(criterion: &mut Criterion) {
    for producers in [1, 4] {
        let mut group = criterion.benchmark_group(format!("a million events, producers: {producers}"));
        group
            .sampling_mode(SamplingMode::Flat)
            .throughput(Throughput::Elements(PUSHES));
        for (name, policy) in policies() {
            let buffer = LockFreeRingBuffer::new(CAPACITY, policy);
            group.bench_function(name, |bencher| bencher.iter(|| push_all(&buffer, producers)));
            assert_eq!(buffer.stats().offered() % PUSHES, 0);
        }
        group.bench_function("block, one more thread takes", |bencher| {
            let buffer = LockFreeRingBuffer::new(CAPACITY, BackPressurePolicy::Block);
            bencher.iter(|| {
                thread::scope(|scope| {
                    let taker = scope.spawn(|| take_all(&buffer));
                    push_all(&buffer, producers);
                    taker.join().unwrap()
                })
            });
        });
        group.finish();
    }
}

fn push_all(buffer: &LockFreeRingBuffer<Event>, producers: u64) {
    let push = || {
        for timestamp in 0..PUSHES / producers {
            _ = buffer.push(Event::new(timestamp)); // What is refused is counted.
        }
    };
    if producers == 1 {
        return push();
    }
    thread::scope(|scope| {
        for _ in 0..producers {
            scope.spawn(push);
        }
    });
}

fn take_all(buffer: &LockFreeRingBuffer<Event>) -> usize {
    let consumer = buffer.clone_consumer();
    let mut batch = Vec::with_capacity(256);
    let (mut taken, mut weight) = (0, 0);
    while taken < PUSHES as usize {
        taken += consumer.take_batch_into(&mut batch, 256).taken;
        weight ^= batch
            .drain(..)
            .map(|event| event.weight())
            .fold(0, |all, one| all ^ one);
    }
    weight
}

/// Telemetry of a cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Line {
    timestamp: u64,
}

/// A look at everything in a ring of 8 MiB, with and without prefetching the item so many further on.
fn iter(criterion: &mut Criterion) {
    const ITEMS: usize = (8 << 20) / size_of::<Line>();
    let mut group = criterion.benchmark_group("iter, 8 MiB of 64-byte items");
    group.throughput(Throughput::Elements(ITEMS as u64));
    let mut buffer = LockFreeRingBuffer::new(ITEMS, BackPressurePolicy::DropOldest);
    // The look wraps in the middle.
    for timestamp in 0..ITEMS as u64 * 3 / 2 {
        buffer.push(Line { timestamp }).unwrap();
    }
    group.bench_function("as it is", |bencher| {
        bencher.iter(|| buffer.iter().unwrap().map(|item| item.timestamp).sum::<u64>());
    });
    #[cfg(target_arch = "x86_64")]
    for ahead in [4, 16, 64] {
        group.bench_function(BenchmarkId::new("prefetching ahead", ahead), |bencher| {
            bencher.iter(|| {
                let items = buffer.iter().unwrap();
                items
                    .map(|item| {
                        prefetch(std::ptr::from_ref(item).wrapping_add(ahead));
                        item.timestamp
                    })
                    .sum::<u64>()
            });
        });
    }
    group.finish();
}

#[cfg(target_arch = "x86_64")]
fn prefetch<T>(item: *const T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch is a hint; it may be given any address.
    #[allow(unsafe_code)]
    unsafe {
        _mm_prefetch(item.cast(), _MM_HINT_T0);
    }
}

#[derive(Clone, Copy)]
struct Sized<const SIZE: usize> {
    timestamp: u64,
    _rest: [u8; SIZE],
}

impl<const SIZE: usize> Timestamped for Sized<SIZE> {
    fn timestamp(&self) -> u64 {
        self.timestamp
    }
}

/// The check of 4,096 items of which the last goes back, so that nothing is pushed, and the same item by item.
fn order(criterion: &mut Criterion) {
    order_of(criterion, 8, |timestamp| timestamp);
    order_of(criterion, 16, |timestamp| Sized {
        timestamp,
        _rest: [0; 8],
    });
    order_of(criterion, 24, |timestamp| Sized {
        timestamp,
        _rest: [0; 16],
    });
    order_of(criterion, 64, |timestamp| Sized {
        timestamp,
        _rest: [0; 56],
    });
}

fn order_of<T: Timestamped + Clone>(criterion: &mut Criterion, size: usize, new: fn(u64) -> T) {
    const ITEMS: usize = 4096;
    assert_eq!(size, size_of::<T>());
    let mut group = criterion.benchmark_group(format!("order of 4,096 items of {size} bytes"));
    group.throughput(Throughput::Elements(ITEMS as u64));
    let items: Vec<_> = (1..ITEMS as u64).chain([0]).map(new).collect();
    let buffer = LockFreeRingBuffer::new(1, BackPressurePolicy::DropNewest);
    group.bench_function("push_batch_ordered", |bencher| {
        bencher.iter(|| buffer.push_batch_ordered(black_box(&items)).unwrap_err());
    });
    group.bench_function("one by one", |bencher| {
        bencher.iter(|| first_back(black_box(&items)).unwrap())
    });
    group.finish();
}

fn first_back<T: Timestamped>(items: &[T]) -> Option<usize> {
    (1..items.len()).find(|&at| items[at].timestamp() < items[at - 1].timestamp())
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = pushes, iter, order
}
criterion_main!(benches);
