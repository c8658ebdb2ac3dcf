//! What appending to a log on disk and reading back cost, next to writing and reading the same bytes as a plain file.
//!
//! Nothing is synced: this is the cost of the log, not of the medium. `TMPDIR` says which file system it is.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Seek, Write};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mpsc_ring::{Codec, Compression, Fsync, Spill};

type Item = [u8; 64];

const BATCH: usize = 256;
/// So many batches are on disk at a time, 64 MiB.
const MOST: u64 = 4096;

/// Items as they are.
struct Fixed;

impl Codec<Item> for Fixed {
    #[inline]
    fn encode(&self, item: &Item, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
        out.extend_from_slice(item);
        Ok(())
    }

    #[inline]
    fn decode(&self, bytes: &[u8]) -> Result<Item, Box<dyn Error + Send + Sync>> {
        Ok(bytes.try_into()?)
    }
}

fn appends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("256 items of 64 bytes, written");
    group.throughput(Throughput::Elements(BATCH as u64));

    group.bench_function("plain file", |bencher| {
        let mut file = tempfile::tempfile().unwrap();
        let batch = [[7; 64]; BATCH];
        bencher.iter_custom(|iterations| {
            in_portions(iterations, |batches| {
                file.set_len(0).unwrap();
                file.rewind().unwrap();
                timed(batches, || file.write_all(black_box(&batch).as_flattened()).unwrap())
            })
        });
    });

    for (name, compression) in [
        ("append", Compression::None),
        ("append, LZ4, all alike", Compression::Lz4),
    ] {
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            let dir = tempfile::tempdir().unwrap();
            let spill = Spill::options().codec(Fixed).fsync(Fsync::Never);
            let spill = spill.compression(compression).open(dir.path()).unwrap();
            let mut batch = Vec::with_capacity(BATCH);
            bencher.iter_custom(|iterations| {
                in_portions(iterations, |batches| {
                    let took = timed(batches, || append(&spill, &mut batch));
                    read_all(&spill);
                    took
                })
            });
        });
    }

    group.bench_function("append_one", |bencher| {
        let dir = tempfile::tempdir().unwrap();
        let spill = open(dir.path());
        bencher.iter_custom(|iterations| {
            in_portions(iterations, |batches| {
                let took = timed(batches, || {
                    (0..BATCH).for_each(|_| spill.append_one(black_box([7; 64])).unwrap());
                });
                read_all(&spill);
                took
            })
        });
    });

    group.finish();
}

fn reads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("256 items of 64 bytes, read back");
    group.throughput(Throughput::Elements(BATCH as u64));

    group.bench_function("plain file", |bencher| {
        let mut file = plain_file();
        let mut batch = [[0; 64]; BATCH];
        bencher.iter_custom(|iterations| {
            in_portions(iterations, |batches| {
                file.rewind().unwrap();
                timed(batches, || {
                    file.read_exact(batch.as_flattened_mut()).unwrap();
                    black_box(&batch);
                })
            })
        });
    });

    group.bench_function("read", |bencher| {
        let dir = tempfile::tempdir().unwrap();
        let spill = open(dir.path());
        let mut batch = Vec::with_capacity(BATCH);
        bencher.iter_custom(|iterations| {
            in_portions(iterations, |batches| {
                (0..batches).for_each(|_| append(&spill, &mut batch));
                spill.sync().unwrap();
                let began = Instant::now();
                let mut left = batches as usize * BATCH;
                while left > 0 {
                    // A read may hand out fewer, where what is read ahead ends.
                    left -= spill.read(&mut batch, BATCH).unwrap().count;
                    black_box(&batch);
                    batch.clear();
                }
                let took = began.elapsed();
                assert!(spill.is_empty());
                took
            })
        });
    });

    group.finish();
}

/// Runs `portion` with as many batches as may be on disk at a time, until there have been `iterations`.
fn in_portions(iterations: u64, mut portion: impl FnMut(u64) -> Duration) -> Duration {
    let mut took = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let batches = left.min(MOST);
        took += portion(batches);
        left -= batches;
    }
    took
}

fn timed(batches: u64, mut batch: impl FnMut()) -> Duration {
    let began = Instant::now();
    (0..batches).for_each(|_| batch());
    began.elapsed()
}

fn open(dir: &std::path::Path) -> Spill<Item> {
    Spill::options().codec(Fixed).fsync(Fsync::Never).open(dir).unwrap()
}

fn append(spill: &Spill<Item>, batch: &mut Vec<Item>) {
    batch.resize(BATCH, black_box([7; 64]));
    spill.append(batch).unwrap();
}

fn read_all(spill: &Spill<Item>) {
    let mut batch = Vec::new();
    while spill.read(&mut batch, MOST as usize).unwrap().count > 0 {
        batch.clear();
    }
}

fn plain_file() -> File {
    let mut file = tempfile::tempfile().unwrap();
    for _ in 0..MOST {
        file.write_all(&[7; 64 * BATCH]).unwrap();
    }
    file
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = appends, reads
}
criterion_main!(benches);
