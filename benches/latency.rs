//! What it costs to time some of the pushes.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mpsc_ring::{BackPressurePolicy, Consumer, channel};

const CAPACITY: usize = 65_536;

fn pushes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timed push");
    group.throughput(Throughput::Elements(1));
    group.bench_function("none", |bencher| {
        let (producer, consumer) = channel(CAPACITY, BackPressurePolicy::DropNewest);
        bencher.iter_custom(|count| pushing(count, &consumer, |number| producer.push(number).unwrap()));
    });
    for every in [1024, 64, 16, 1] {
        group.bench_function(BenchmarkId::new("one in", every), |bencher| {
            let (producer, consumer) = channel(CAPACITY, BackPressurePolicy::DropNewest);
            let producer = producer.timed(every);
            bencher.iter_custom(|count| pushing(count, &consumer, |number| producer.push(number).unwrap()));
        });
    }
    group.finish();
}

/// How long `count` pushes into a channel take that is never full.
#[inline(always)]
fn pushing(count: u64, consumer: &Consumer<u64>, push: impl Fn(u64)) -> Duration {
    let mut batch = Vec::with_capacity(CAPACITY);
    let (mut took, mut left) = (Duration::ZERO, count);
    while left > 0 {
        let run = left.min(CAPACITY as u64);
        let began = Instant::now();
        (0..run).for_each(&push);
        took += began.elapsed();
        assert_eq!(consumer.take_batch_into(&mut batch, CAPACITY).taken as u64, run);
        batch.clear();
        left -= run;
    }
    took
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = pushes
}
criterion_main!(benches);
