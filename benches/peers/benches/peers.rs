//! The cases between threads and within one, as criterion sees them.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use mpsc_ring_peers::{cases, prepare};

/// How many items an iteration moves.
const ITEMS: u64 = 1 << 16;

fn peers(criterion: &mut Criterion) {
    prepare();
    for case in [cases::one_thread(), cases::drop_ins(), cases::between_threads()]
        .into_iter()
        .flatten()
    {
        let mut group = criterion.benchmark_group(&case.name);
        group
            .sampling_mode(SamplingMode::Flat)
            .throughput(Throughput::Elements(ITEMS));
        for contender in &case.contenders {
            group.bench_function(BenchmarkId::from_parameter(contender.name), |bencher| {
                bencher.iter_custom(|iterations| contender.time(iterations * ITEMS));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = peers
}
criterion_main!(benches);
