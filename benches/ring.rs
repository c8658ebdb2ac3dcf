//! What the channel's own operations cost, without peers; those are in `benches/peers`.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use mpsc_ring::{BackPressurePolicy, Consumer, Producer, channel};

const LARGE: usize = 65_536;
const CAPACITY: usize = 1024;

fn pushes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("push");
    group.throughput(Throughput::Elements(1));

    group.bench_function("never full", |bencher| {
        let (producer, consumer) = channel(LARGE, BackPressurePolicy::DropNewest);
        let mut batch = Vec::with_capacity(LARGE);
        bencher.iter_custom(|iterations| {
            let mut took = Duration::ZERO;
            let mut left = iterations;
            while left > 0 {
                let count = left.min(LARGE as u64);
                let began = Instant::now();
                for number in 0..count {
                    producer.push(number).unwrap();
                }
                took += began.elapsed();
                assert_eq!(consumer.take_batch_into(&mut batch, LARGE).taken as u64, count);
                batch.clear();
                left -= count;
            }
            took
        });
    });

    group.bench_function("refused", |bencher| {
        let (producer, _consumer) = full(BackPressurePolicy::DropNewest);
        bencher.iter(|| producer.push(black_box(0)).is_err());
    });

    group.bench_function("try_push refused", |bencher| {
        let (producer, _consumer) = full(BackPressurePolicy::DropNewest);
        bencher.iter(|| producer.try_push(black_box(0)).is_err());
    });

    group.bench_function("evicts", |bencher| {
        let (producer, _consumer) = full(BackPressurePolicy::DropOldest);
        bencher.iter(|| producer.push(black_box(0)).is_ok());
    });

    group.bench_function("and take", |bencher| {
        let (producer, consumer) = channel(CAPACITY, BackPressurePolicy::Block);
        bencher.iter(|| {
            producer.push(black_box(0_u64)).unwrap();
            consumer.take()
        });
    });

    group.finish();
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("push_from and take_batch_into");
    for size in [64, 256] {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            let (producer, consumer) = channel(CAPACITY, BackPressurePolicy::Block);
            let mut items = Vec::with_capacity(size);
            let mut taken = Vec::with_capacity(size);
            bencher.iter(|| {
                items.extend(0..size as u64);
                producer.push_from(&mut items).unwrap();
                let count = consumer.take_batch_into(&mut taken, size).taken;
                black_box(&taken);
                taken.clear();
                count
            });
        });
    }
    group.finish();
}

fn threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("threads");
    group
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(ITEMS));
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for producers in [1, 4] {
        let name = format!("{producers} to 1");
        group.bench_function(BenchmarkId::new("item by item", &name), |bencher| {
            bencher.iter_custom(|iterations| race(producers, iterations * ITEMS, push_items, take_items));
        });
        group.bench_function(BenchmarkId::new("batches taken", &name), |bencher| {
            bencher.iter_custom(|iterations| race(producers, iterations * ITEMS, push_items, take_batches));
        });
        group.bench_function(BenchmarkId::new("batches pushed and taken", &name), |bencher| {
            bencher.iter_custom(|iterations| race(producers, iterations * ITEMS, push_batches, take_batches));
        });
    }
    group.finish();
}

/// How many items go from thread to thread in an iteration.
const ITEMS: u64 = 1 << 16;
const BATCH: usize = 256;

/// From when the first of the threads starts to when the consumer has everything.
fn race(
    producers: u64,
    items: u64,
    push: fn(Producer<u64>, u64),
    take: fn(&Consumer<u64>, u64) -> (Instant, u64),
) -> Duration {
    let (producer, consumer) = channel(CAPACITY, BackPressurePolicy::Block);
    let each = items / producers;
    let line = &Barrier::new(producers as usize + 1);
    thread::scope(|scope| {
        let pushing: Vec<_> = (0..producers)
            .map(|_| {
                let producer = producer.clone();
                scope.spawn(move || {
                    line.wait();
                    let began = Instant::now();
                    push(producer, each);
                    began
                })
            })
            .collect();
        line.wait();
        let began = Instant::now();
        let (ended, sum) = take(&consumer, items);
        assert_eq!(sum, producers * (each * (each - 1) / 2));
        let began = pushing
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .fold(began, Instant::min);
        ended - began
    })
}

fn push_items(producer: Producer<u64>, count: u64) {
    for number in 0..count {
        producer.push(number).unwrap();
    }
}

fn push_batches(producer: Producer<u64>, count: u64) {
    let mut batch = Vec::with_capacity(BATCH);
    for first in (0..count).step_by(BATCH) {
        batch.extend(first..count.min(first + BATCH as u64));
        producer.push_from(&mut batch).unwrap();
    }
}

fn take_items(consumer: &Consumer<u64>, count: u64) -> (Instant, u64) {
    let sum = consumer.iter().take(count as usize).map(black_box).sum();
    (Instant::now(), sum)
}

fn take_batches(consumer: &Consumer<u64>, count: u64) -> (Instant, u64) {
    let mut batch = Vec::with_capacity(BATCH);
    let (mut seen, mut sum) = (0, 0);
    while seen < count {
        seen += consumer.take_batch_into(&mut batch, BATCH).taken as u64;
        sum += black_box(&batch).iter().sum::<u64>();
        batch.clear();
    }
    (Instant::now(), sum)
}

/// A channel without room, and the consumer that keeps it open.
fn full(policy: BackPressurePolicy<u64>) -> (Producer<u64>, Consumer<u64>) {
    let (producer, consumer) = channel(CAPACITY, policy);
    for number in 0..CAPACITY as u64 {
        producer.push(number).unwrap();
    }
    (producer, consumer)
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = pushes, batches, threads
}
criterion_main!(benches);
