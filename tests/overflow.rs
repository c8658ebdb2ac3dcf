//! What users of a channel that spills to disk rely on.
#![cfg(all(feature = "spill", not(loom)))]

mod common;

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use futures::{SinkExt, StreamExt};
use mpsc_ring::{
    AtCap, BackPressurePolicy, BatchPushError, Builder, Codec, Consumer, DropCause, Fsync, LockFreeRingBuffer,
    Producer, PushError, Spill, SpillError, SpillOptions, Stats, TryTakeError, channel,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use common::{in_time, let_others_park, panics};

fn spilling<T>(capacity: usize, dir: &Path) -> (Producer<T>, Consumer<T>)
where
    T: Serialize + for<'a> Deserialize<'a>,
{
    channel(capacity, BackPressurePolicy::SpillToDisk(Spill::open(dir).unwrap()))
}

/// The smallest log.
fn small(dir: &Path, at_cap: AtCap) -> Spill<u64> {
    let options: SpillOptions<u64> = Spill::options().segment_bytes(4 << 10).max_bytes(16 << 10);
    options.at_cap(at_cap).open(dir).unwrap()
}

/// Everything is somewhere; to be asked at rest.
#[track_caller]
fn assert_accounted(stats: &Stats) {
    let gone = stats.taken + stats.evicted + stats.discarded + stats.spill_lost;
    assert_eq!(
        stats.pushed + stats.recovered,
        gone + stats.len + stats.on_disk,
        "{stats:?}"
    );
}

#[test]
fn what_the_ring_does_not_hold_comes_back_from_disk_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(3, dir.path());
    for n in 0..10 {
        producer.push(n).unwrap();
    }
    let stats = producer.stats();
    assert_eq!((stats.pushed, stats.spilled, stats.len, stats.on_disk), (10, 7, 3, 7));
    assert_eq!(
        (producer.len(), producer.is_full(), consumer.is_empty()),
        (3, true, false)
    );
    assert_eq!(producer.try_push(10), Err(PushError::Full(10)));
    assert_eq!(consumer.take(), Some(0));
    assert_eq!(producer.try_push(10), Err(PushError::Full(10)), "it would overtake");
    producer.push(10).unwrap();
    assert_eq!(consumer.try_take_batch(5).unwrap(), [1, 2]);
    assert!(!consumer.is_empty());
    assert_eq!(consumer.try_take_batch(5).unwrap(), [3, 4, 5, 6, 7]);
    assert_eq!(consumer.take_batch(5), [8, 9, 10]);
    assert_accounted(&consumer.stats());

    // The log has been read empty: the ring is in use again.
    assert!(consumer.is_empty());
    producer.push(11).unwrap();
    assert_eq!(producer.stats().spilled, 8);
    assert_eq!(consumer.try_take(), Ok(11));
    assert_eq!(consumer.try_take(), Err(TryTakeError::Empty));
    producer.close();
    assert_eq!(producer.push(12), Err(PushError::Closed(12)));
    assert_eq!(consumer.take(), None);
}

#[test]
fn items_are_numbered_through_ring_and_log() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(2, dir.path());
    let mut next = 0;
    let mut out = Vec::new();
    for round in 0..50 {
        let pushed = producer.push_from(&mut (next..next + round % 7).collect()).unwrap();
        next += pushed as u64;
        if round % 3 == 0 {
            continue;
        }
        while let Ok(report) = consumer.try_take_batch_into(&mut out, 1 + round as usize % 4) {
            assert_eq!(report.first, out[out.len() - report.taken]);
            assert_eq!(report.losses.total(), 0);
        }
    }
    producer.close();
    while consumer.take_batch_into(&mut out, 10).taken > 0 {}
    assert_eq!(consumer.take_batch_into(&mut out, 10).first, next);
    assert!(out.into_iter().eq(0..next));
}

#[test]
fn batches_go_past_the_ring_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(5, dir.path());
    assert_eq!(producer.push_batch(&(0..1000).collect::<Vec<u32>>()), Ok(1000));
    let mut more: Vec<u32> = (1000..1010).collect();
    assert_eq!(block_on(producer.push_from_async(&mut more)), Ok(10));
    assert!(more.is_empty());
    producer.close();
    assert_eq!(producer.push_batch(&[1]), Err(BatchPushError::Closed { pushed: 0 }));
    assert!(consumer.iter().eq(0..1010));
    assert_accounted(&consumer.stats());
}

#[test]
fn tasks_push_and_take_past_the_ring() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(2, dir.path());
    block_on(async {
        producer.push_async(0).await.unwrap();
        let mut sink = producer.sink();
        for n in 1..10 {
            sink.send(n).await.unwrap();
        }
        assert_eq!(consumer.take_async().await, Some(0));
        assert_eq!(consumer.take_batch_async(4).await, [1]);
        assert_eq!(consumer.take_batch_async(4).await, [2, 3, 4, 5]);
        producer.close();
        assert_eq!(consumer.stream().collect::<Vec<_>>().await, [6, 7, 8, 9]);
    });
}

#[test]
fn a_buffer_with_both_ends_spills_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = LockFreeRingBuffer::new(2, BackPressurePolicy::SpillToDisk(Spill::open(dir.path()).unwrap()));
    (0..7).for_each(|n| buffer.push(n).unwrap());
    let mut found = Vec::new();
    while found.len() < 7 {
        found.extend(buffer.take_batch(3));
    }
    assert!(found.into_iter().eq(0..7));
}

/// Who waits for a batch does not wait for items that are on disk already.
#[test]
fn more_items_than_fit_are_as_many_as_anybody_waits_for() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(4, dir.path());
    (0..6).for_each(|n| producer.push(n).unwrap());
    assert_eq!(consumer.take_batch(4), [0, 1, 2, 3]);
    assert!(
        consumer.wait_ready(4, Duration::MAX),
        "two are left, but they are on disk"
    );
    assert_eq!(consumer.take_batch_timeout(4, Duration::MAX).unwrap(), [4, 5]);
    assert!(!consumer.wait_ready(1, Duration::ZERO));
}

#[test]
fn a_sleeping_consumer_is_woken_by_what_goes_past_the_ring() {
    in_time(|| {
        let dir = tempfile::tempdir().unwrap();
        let (producer, consumer) = spilling(1, dir.path());
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let consumer = consumer.clone();
                thread::spawn(move || consumer.iter().count())
            })
            .collect();
        for _ in 0..200 {
            thread::sleep(Duration::from_micros(200));
            producer.push_batch(&[0; 9]).unwrap();
        }
        drop(producer);
        let taken: usize = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
        assert_eq!(taken, 1800);
    });
}

/// Who was asleep before pushes went past the ring is woken for each item, not only for the first.
#[test]
fn every_item_past_the_ring_wakes_a_sleeper() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(1, dir.path());
    let mut tasks: Vec<_> = (0..4).map(|_| tokio_test::task::spawn(consumer.take_async())).collect();
    assert!(tasks.iter_mut().all(|task| task.poll().is_pending()));
    for n in 0..4 {
        producer.push(n).unwrap();
        assert_eq!(tasks.iter().filter(|task| task.is_woken()).count(), n + 1);
    }
    for (n, task) in tasks.iter_mut().enumerate() {
        assert_eq!(task.poll(), Poll::Ready(Some(n)));
    }
}

#[test]
fn what_is_on_disk_is_there_for_the_next_channel() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(2, dir.path());
    (0..8).for_each(|n| producer.push(n).unwrap());
    assert_eq!(consumer.take_batch(2), [0, 1]);
    assert_eq!(consumer.take_batch(2), [2, 3]);
    assert_eq!(consumer.take_batch(2), [4, 5]); // Says that 2 and 3 are consumed; nothing says so of these.
    drop((producer, consumer));

    let (producer, consumer) = spilling(2, dir.path());
    producer.push(8).unwrap();
    let stats = producer.stats();
    assert_eq!((stats.recovered, stats.pushed, stats.on_disk, stats.len), (4, 1, 5, 0));
    producer.close();
    let mut out = Vec::new();
    let report = consumer.take_batch_into(&mut out, 3);
    assert_eq!((report.first, &out[..]), (0, &[4, 5, 6][..]));
    assert_eq!(consumer.take_batch_into(&mut out, 3).first, 3);
    assert_eq!(out, [4, 5, 6, 7, 8]);
    assert_eq!(consumer.take(), None);
    assert_accounted(&consumer.stats());
    drop((producer, consumer));
    assert!(Spill::<i32>::open(dir.path()).unwrap().is_empty());
}

/// The last batch from disk is consumed by the next take, even if that finds its item in memory.
#[test]
fn a_take_from_the_ring_consumes_what_came_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(1, dir.path());
    producer.push_batch(&[0, 1]).unwrap();
    assert_eq!((consumer.take(), consumer.take()), (Some(0), Some(1)));
    producer.push(2).unwrap();
    assert_eq!(producer.stats().spilled, 1, "the ring is in use again");
    assert_eq!(consumer.take(), Some(2));
    drop((producer, consumer));
    assert!(Spill::<i32>::open(dir.path()).unwrap().is_empty());
}

#[test]
fn the_last_consumer_drops_what_is_in_memory_and_leaves_what_is_on_disk() {
    struct Counted(Arc<AtomicUsize>, u8);
    struct Numbers(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }
    impl Codec<Counted> for Numbers {
        fn encode(&self, item: &Counted, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
            out.push(item.1);
            Ok(())
        }
        fn decode(&self, bytes: &[u8]) -> Result<Counted, Box<dyn Error + Send + Sync>> {
            Ok(Counted(self.0.clone(), bytes[0]))
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let drops = Arc::new(AtomicUsize::new(0));
    let spill = Spill::options().codec(Numbers(drops.clone())).open(dir.path()).unwrap();
    let (producer, consumer) = channel(2, BackPressurePolicy::SpillToDisk(spill));
    let item = |n| Counted(drops.clone(), n);
    assert!((0..4).all(|n| producer.push(item(n)).is_ok()));
    assert_eq!(drops.load(Relaxed), 2, "what is written is dropped");
    let mut batch = vec![item(4), item(5)];
    assert_eq!(producer.push_from(&mut batch).unwrap(), 2);
    assert_eq!((drops.load(Relaxed), batch.len()), (4, 0));
    let taken = consumer.take_batch(2).len() + consumer.take_batch(9).len();
    assert_eq!((taken, drops.load(Relaxed)), (6, 10), "two from memory, four made anew");
    assert!(producer.push(item(6)).is_ok() && producer.push(item(7)).is_ok() && producer.push(item(8)).is_ok());
    drop(consumer);
    assert_eq!(drops.load(Relaxed), 13, "two in memory, one written");
    let stats = producer.stats();
    assert_eq!((stats.discarded, stats.on_disk), (2, 1));
    assert_accounted(&stats);
    drop(producer);
    // Those that were read last have not been consumed by anything.
    assert_eq!(
        Spill::options()
            .codec(Numbers(drops.clone()))
            .open(dir.path())
            .unwrap()
            .len(),
        5
    );
}

#[test]
fn at_its_cap_a_log_refuses_and_the_channel_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(small(dir.path(), AtCap::Refuse)));
    let accepted = (0..).find(|&n| producer.push(n).is_err()).unwrap();
    assert_eq!(producer.push(accepted), Err(PushError::Full(accepted)));
    let mut batch = vec![accepted, accepted + 1];
    assert_eq!(producer.push_from(&mut batch), Err(BatchPushError::Full { pushed: 0 }));
    assert_eq!(batch.len(), 2);
    let stats = producer.stats();
    assert_eq!((stats.refused, stats.refused_spill, stats.pushed), (4, 0, accepted));
    assert_accounted(&stats);
    let taken: Vec<u64> = consumer.try_iter().collect();
    assert!(taken.into_iter().eq(0..accepted));
    producer.push_batch(&[1, 2, 3]).unwrap();
    assert_eq!(consumer.report_losses().refused, 4);
}

#[test]
fn at_its_cap_a_log_drops_the_oldest_and_the_report_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(small(dir.path(), AtCap::DropOldest)));
    producer.push_from(&mut (0..5000).collect()).unwrap();
    let stats = producer.stats();
    assert!(stats.spill_lost > 0);
    assert_accounted(&stats);
    producer.close();
    let mut out = Vec::new();
    assert_eq!(consumer.take_batch_into(&mut out, 1).losses.total(), 0);
    let report = consumer.take_batch_into(&mut out, 1);
    assert_eq!((report.losses.spill_lost, report.first), (stats.spill_lost, out[1]));
    assert_eq!(out, [0, 1 + stats.spill_lost]);
    while consumer.take_batch_into(&mut out, 100).taken > 0 {}
    assert!(out[1..].iter().copied().eq(1 + stats.spill_lost..5000));
    assert_accounted(&consumer.stats());
}

#[test]
fn at_its_cap_a_log_may_hold_the_pusher() {
    in_time(|| {
        let dir = tempfile::tempdir().unwrap();
        let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(small(dir.path(), AtCap::Block)));
        let short = Duration::from_millis(1);
        let first = (0..).find(|&n| producer.push_timeout(n, short).is_err()).unwrap();
        assert_eq!(producer.push_timeout(first, short), Err(PushError::Timeout(first)));
        assert_eq!(producer.stats().refused, 0);
        let last = first + 20_000;
        let pushers = [
            thread::spawn({
                let producer = producer.clone();
                move || (first..last).for_each(|n| producer.push(n).unwrap())
            }),
            thread::spawn({
                let producer = producer.clone();
                move || {
                    block_on(async {
                        producer
                            .push_from_async(&mut vec![u64::MAX; 20_000])
                            .await
                            .map(drop)
                            .unwrap()
                    })
                }
            }),
            thread::spawn(move || {
                block_on(async {
                    let mut sink = producer.into_sink();
                    for _ in 0..20_000 {
                        sink.send(u64::MAX).await.unwrap();
                    }
                });
            }),
        ];
        let (mut next, mut others, mut batch) = (0, 0, Vec::new());
        while consumer.take_batch_into(&mut batch, 100).taken > 0 {
            for item in batch.drain(..) {
                if item == u64::MAX {
                    others += 1;
                } else {
                    assert_eq!(item, next);
                    next += 1;
                }
            }
        }
        assert_eq!((next, others), (last, 40_000));
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        assert_accounted(&consumer.stats());
    });
}

#[test]
fn closing_frees_who_waits_at_the_cap() {
    in_time(|| {
        let dir = tempfile::tempdir().unwrap();
        let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(small(dir.path(), AtCap::Block)));
        let pusher = thread::spawn(move || (0..).find_map(|n| producer.push(n).err()));
        thread::sleep(Duration::from_millis(20));
        consumer.close();
        assert!(pusher.join().unwrap().unwrap().is_closed());
    });
}

/// Writes every number but one.
struct Picky;

impl Codec<u64> for Picky {
    fn encode(&self, item: &u64, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
        match item {
            13 => Err("unlucky".into()),
            14 => panic!("worse"),
            _ => {
                out.extend_from_slice(&item.to_le_bytes());
                Ok(())
            }
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<u64, Box<dyn Error + Send + Sync>> {
        match u64::from_le_bytes(bytes.try_into()?) {
            17 => Err("not readable".into()),
            n => Ok(n),
        }
    }
}

#[test]
fn what_cannot_be_written_comes_back_and_the_channel_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::options().codec(Picky).open(dir.path()).unwrap();
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    producer.push(13).unwrap(); // There is room in memory.
    let error = producer.push(13).unwrap_err();
    assert!(error.source().is_some() && error.to_string().contains("unlucky"));
    assert!(matches!(error, PushError::Spill { item: 13, ref source } if source.is_about_item()));
    assert_eq!(error.clone(), error);
    assert_eq!(producer.try_push(13), Err(PushError::Full(13)));
    assert_eq!(producer.stats().on_disk, 0);

    let mut batch = vec![1, 2, 13, 3];
    let error = producer.push_from(&mut batch).unwrap_err();
    assert!(matches!(error, BatchPushError::Spill { pushed: 2, .. }));
    assert_eq!(batch, [13, 3]);
    assert!(panics(|| _ = producer.push(14)));
    producer.push_batch(&[17, 5]).unwrap();
    let stats = producer.stats();
    assert_eq!((stats.refused, stats.refused_spill), (3, 3));
    producer.close();
    assert_eq!(consumer.iter().collect::<Vec<_>>(), [13, 1, 2, 5]);
    let stats = consumer.stats();
    assert_eq!(stats.spill_lost, 1);
    assert_accounted(&stats);
    let losses = consumer.report_losses();
    assert_eq!((losses.refused_spill, losses.spill_lost), (3, 1));
}

/// What cannot be kept at the end is discarded, and all else is there for the next channel.
#[test]
fn what_is_in_memory_at_the_end_can_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let spill = || Spill::options().codec(Picky).keep_ring(true).open(dir.path()).unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let (producer, consumer) = Builder::new(3000)
        .policy(BackPressurePolicy::SpillToDisk(spill()))
        .on_drop(move |item, cause| {
            assert_eq!((item, cause), (13, DropCause::Discarded));
            count.fetch_add(1, Relaxed);
        })
        .build();
    let memory = [vec![100; 1500], vec![13], vec![101; 1498], vec![13]].concat();
    producer.push_batch(&memory).unwrap();
    producer.push_batch(&[102; 10]).unwrap();
    drop(consumer);
    let stats = producer.stats();
    assert_eq!((stats.pushed, stats.taken, stats.discarded), (3010, 0, 2));
    assert_eq!((stats.len, stats.on_disk, stats.spilled), (0, 3008, 3008));
    assert_accounted(&stats);
    assert_eq!(
        (producer.push(1), dropped.load(Relaxed)),
        (Err(PushError::Closed(1)), 2)
    );
    drop(producer);

    let (producer, consumer) = channel(2, BackPressurePolicy::SpillToDisk(spill()));
    producer.close();
    let mut out = Vec::new();
    loop {
        let report = consumer.take_batch_into(&mut out, 100);
        assert_eq!(report.first as usize, out.len() - report.taken);
        if report.taken == 0 {
            break;
        }
    }
    let expected = [vec![100; 1500], vec![101; 1498], vec![102; 10]].concat();
    assert_eq!(out, expected);
    assert_accounted(&consumer.stats());
}

/// What was handed out stays where it is if there is no room to move it; nothing comes twice, and nothing is counted twice.
#[test]
fn at_the_cap_what_was_handed_out_stays_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let open = || -> Spill<u64> {
        let options = Spill::options().segment_bytes(4 << 10).max_bytes(16 << 10);
        options.keep_ring(true).open(dir.path()).unwrap()
    };
    let (producer, consumer) = channel(2, BackPressurePolicy::SpillToDisk(open()));
    producer.push_batch(&(0..1000).collect::<Vec<_>>()).unwrap();
    assert_eq!(consumer.take_batch(10_000), [0, 1]);
    assert_eq!(consumer.take_batch(10_000).len(), 998);
    producer.push_batch(&(1000..2200).collect::<Vec<_>>()).unwrap();
    drop(consumer);
    let stats = producer.stats();
    assert_eq!((stats.pushed, stats.taken, stats.discarded), (2200, 1000, 2));
    assert_accounted(&stats);
    drop(producer);
    let (spill, mut found) = (open(), Vec::new());
    while spill.read(&mut found, 10_000).unwrap().count > 0 {}
    assert!(found.into_iter().eq((2..1000).chain(1002..2200)));
}

/// A codec that panics while items are kept costs the item that it panics for.
#[test]
fn a_codec_that_panics_at_the_end_loses_nothing_uncounted() {
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::options().codec(Picky).keep_ring(true).open(dir.path()).unwrap();
    let (producer, consumer) = channel(2000, BackPressurePolicy::SpillToDisk(spill));
    producer
        .push_batch(&[vec![1; 1500], vec![14], vec![2; 499]].concat())
        .unwrap();
    assert!(panics(|| drop(consumer)));
    let stats = producer.stats();
    assert_eq!((stats.discarded, stats.on_disk), (1, 1999));
    assert_accounted(&stats);
}

#[test]
fn an_item_larger_than_a_segment_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::options().segment_bytes(4096).open(dir.path()).unwrap();
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    producer.push("short".to_owned()).unwrap();
    let error = producer.push("long".repeat(2000)).unwrap_err();
    assert!(matches!(&error, PushError::Spill { source, .. } if matches!(**source, SpillError::TooLarge { .. })));
    assert_eq!(error.into_inner().len(), 8000);
    producer.push("short, too".to_owned()).unwrap();
    producer.close();
    assert_eq!(consumer.iter().collect::<Vec<_>>(), ["short", "short, too"]);
}

#[test]
fn a_directory_that_vanishes_and_returns_loses_nothing_in_memory() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("spill");
    let spill = Spill::options().fsync(Fsync::EveryBatch).open(&dir).unwrap();
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    producer.push(0).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    fs::write(&dir, "in the way").unwrap();
    let error = producer.push(1).unwrap_err();
    assert!(matches!(error, PushError::Spill { item: 1, .. }), "{error}");
    assert_eq!(consumer.take(), Some(0));
    producer.push(1).unwrap(); // In memory.
    fs::remove_file(&dir).unwrap();
    producer.push(2).unwrap();
    producer.close();
    assert_eq!(consumer.iter().collect::<Vec<_>>(), [1, 2]);
    assert_accounted(&consumer.stats());
}

#[test]
fn a_directory_that_vanishes_is_made_again_even_if_something_was_kept_in_it() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("spill");
    let open = || {
        let spill = Spill::options().keep_ring(true).open(&dir).unwrap();
        channel(1, BackPressurePolicy::SpillToDisk(spill))
    };
    let (producer, consumer) = open();
    producer.push_batch(&[1, 2]).unwrap();
    drop((producer, consumer));
    let (producer, consumer) = open();
    assert_eq!(consumer.take_batch(1), [1]);
    fs::remove_dir_all(&dir).unwrap();
    producer.push_batch(&[3, 4, 5]).unwrap();
    _ = producer.sync();
    producer.push(6).unwrap();
    producer.sync().unwrap();
}

/// The files as a process leaves them that is killed.
fn copy_of(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let mut left = vec![PathBuf::new()];
    while let Some(inside) = left.pop() {
        for entry in fs::read_dir(dir.join(&inside)).unwrap() {
            let path = inside.join(entry.unwrap().file_name());
            if dir.join(&path).is_dir() {
                fs::create_dir(copy.path().join(&path)).unwrap();
                left.push(path);
            } else {
                fs::copy(dir.join(&path), copy.path().join(path)).unwrap();
            }
        }
    }
    copy
}

#[test]
fn what_is_synced_outlives_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(2, dir.path());
    let survivors = || {
        let copy = copy_of(dir.path());
        let (producer, consumer) = spilling::<i32>(1, copy.path());
        drop(producer);
        consumer.iter().collect::<Vec<_>>()
    };
    producer.push_batch(&[0, 1, 2, 3]).unwrap();
    producer.flush().unwrap();
    assert_eq!(survivors(), [0, 1, 2, 3]);
    producer.sync().unwrap();
    assert_eq!(consumer.take_batch(1), [0]);
    assert_eq!(consumer.take_batch(9), [1]);
    assert_eq!(consumer.take_batch(1), [2]);
    consumer.commit().unwrap();
    assert_eq!(survivors(), [3]);
    // What was handed out comes once more, and before what was pushed after it.
    assert_eq!(consumer.take_batch(9), [3]);
    producer.push(4).unwrap();
    producer.sync().unwrap();
    producer.push(5).unwrap();
    assert_eq!(survivors(), [3, 4]);
    producer.close();
    assert_eq!(consumer.iter().collect::<Vec<_>>(), [4, 5]);
}

/// What is moved to disk is taken in order, and counted and numbered as before.
#[test]
fn syncing_changes_nothing_but_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(10, dir.path());
    let mut out = Vec::new();
    for round in 0..100_u64 {
        let next = 7 * round;
        producer.push_batch(&(next..next + 4).collect::<Vec<_>>()).unwrap();
        producer.sync().unwrap();
        producer.push_batch(&(next + 4..next + 7).collect::<Vec<_>>()).unwrap();
        if round % 3 == 0 {
            producer.flush().unwrap();
        }
        let max = round as usize % 17;
        let report = consumer.try_take_batch_into(&mut out, max).unwrap();
        assert!(report.taken == 0 || report.first == out[out.len() - report.taken]);
        assert!(out.iter().copied().eq(0..out.len() as u64));
        let stats = consumer.stats();
        assert_eq!((stats.pushed, stats.taken), (next + 7, out.len() as u64));
        assert_accounted(&stats);
    }
    drop(producer);
    loop {
        let report = consumer.take_batch_into(&mut out, 5);
        if report.taken == 0 {
            assert_eq!(report.first, 700);
            break;
        }
        assert_eq!(report.first, out[out.len() - report.taken]);
    }
    assert!(out.into_iter().eq(0..700));
}

/// What is on disk in front of what is in memory stays there when the channel ends.
#[test]
fn the_last_consumer_leaves_what_was_synced() {
    for keep in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            channel(
                2,
                BackPressurePolicy::SpillToDisk(Spill::options().keep_ring(keep).open(dir.path()).unwrap()),
            )
        };
        let (producer, consumer) = open();
        producer.push(0).unwrap();
        producer.sync().unwrap();
        producer.push_batch(&[1, 2, 3]).unwrap();
        drop(consumer);
        let stats = producer.stats();
        let discarded = if keep { 0 } else { 2 };
        assert_eq!(
            (stats.len, stats.discarded, stats.on_disk),
            (0, discarded, 4 - discarded)
        );
        assert_accounted(&stats);
        drop(producer);
        let (producer, consumer) = open();
        drop(producer);
        let expected = if keep { vec![0, 1, 2, 3] } else { vec![0, 3] };
        assert_eq!(consumer.iter().collect::<Vec<i32>>(), expected);
    }
}

/// An item that cannot be written stays where it is, with what is behind it.
#[test]
fn what_cannot_be_synced_is_not_overtaken() {
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::options().codec(Picky).open(dir.path()).unwrap();
    let (producer, consumer) = channel(9, BackPressurePolicy::SpillToDisk(spill));
    producer.push_batch(&[1, 2, 13, 3]).unwrap();
    assert!(matches!(producer.sync(), Err(SpillError::Encode(_))));
    assert!(matches!(producer.flush(), Err(SpillError::Encode(_))));
    let stats = producer.stats();
    assert_eq!((stats.on_disk, stats.len), (2, 2));
    producer.push_batch(&[14, 4]).unwrap();
    assert_eq!(consumer.take_batch(1), [1]);
    assert_eq!(consumer.take_batch(9), [2]);
    assert_eq!(consumer.take(), Some(13));
    assert!(panics(|| producer.sync().unwrap()));
    assert_eq!(producer.len(), 3);
    assert_eq!(consumer.take_batch(9), [3, 14, 4]);
    producer.sync().unwrap();
    assert_accounted(&consumer.stats());
}

/// Bug class: a threshold that is missed, or reached too early. What has been moved to disk counts.
#[test]
fn what_is_synced_counts_for_who_waits_for_several() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = spilling(8, dir.path());
    producer.push_batch(&[0, 1]).unwrap();
    producer.sync().unwrap();
    let is_ready = |n| consumer.wait_ready(n, Duration::ZERO);
    assert!(is_ready(2) && !is_ready(3));
    producer.push(2).unwrap();
    assert!(is_ready(3) && !is_ready(4));
    assert_eq!(consumer.take_batch(9), [0, 1]);
    assert!(is_ready(1) && !is_ready(2)); // The next take still has to say that they are consumed.
    in_time(move || {
        let waiting = thread::spawn(move || {
            assert!(consumer.wait_ready(4, Duration::MAX));
            consumer
        });
        while producer.stats().takers_parked == 0 {
            thread::yield_now();
        }
        producer.push(3).unwrap();
        producer.sync().unwrap();
        producer.push(4).unwrap();
        assert!(!waiting.is_finished());
        producer.push(5).unwrap();
        let consumer = waiting.join().unwrap();
        assert_eq!(consumer.take_batch(9), [2, 3]);
        assert_eq!(consumer.take_batch(9), [4, 5]);
    });
}

/// What the cap drops from the log does not change the numbers of older items, which are moved to disk afterwards.
#[test]
fn items_that_are_synced_keep_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let (producer, consumer) = channel(4, BackPressurePolicy::SpillToDisk(small(dir.path(), AtCap::DropOldest)));
    let mut next = 0;
    while producer.stats().spill_lost == 0 || producer.sync().is_err() {
        producer.push(next).unwrap(); // Something has been dropped, and there is room again.
        next += 1;
    }
    let mut out = Vec::new();
    for first in [0, 2] {
        let report = consumer.try_take_batch_into(&mut out, 2).unwrap();
        assert_eq!((report.first, report.taken, out[out.len() - 2]), (first, 2, first));
    }
    producer.close();
    while consumer.take_batch_into(&mut out, 999).taken > 0 {}
    let stats = consumer.stats();
    assert_eq!(out.len() as u64, next - stats.spill_lost);
    assert!(out.is_sorted());
    assert_accounted(&stats);
}

/// Bug class: a waiting push that burns a core. What lies in front has filled the log.
#[test]
fn who_waits_at_a_cap_that_what_was_synced_has_reached_sleeps() {
    let dir = tempfile::tempdir().unwrap();
    let counting = Counting::default();
    let open = || {
        let options = Spill::options().segment_bytes(4 << 10).max_bytes(16 << 10);
        let options = options.at_cap(AtCap::Block).codec(counting.clone());
        channel(
            10_000,
            BackPressurePolicy::SpillToDisk(options.open(dir.path()).unwrap()),
        )
    };
    let (producer, consumer) = open();
    producer.push_batch(&(0..10_000).collect::<Vec<u64>>()).unwrap();
    assert!(producer.sync().unwrap_err().is_at_cap());
    assert!(producer.stats().on_disk > 500);
    drop((producer, consumer));

    let (producer, consumer) = open();
    counting.0.store(0, Relaxed);
    let pushed = producer.push_timeout(1, Duration::from_millis(300));
    assert_eq!(pushed, Err(PushError::Timeout(1)));
    assert!(counting.0.load(Relaxed) < 100, "it spins");
    in_time(move || {
        let pusher = thread::spawn(move || producer.push(1).unwrap());
        assert_eq!(consumer.iter().last(), Some(1));
        pusher.join().unwrap();
    });
}

/// An error that came too late to matter is foreign code.
#[test]
fn an_unused_error_that_panics_keeps_no_pusher_asleep() {
    struct Faulty;

    impl Codec<Vec<u8>> for Faulty {
        fn encode(&self, item: &Vec<u8>, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
            if item.is_empty() {
                return Err(Box::new(Spiteful));
            }
            out.extend_from_slice(item);
            Ok(())
        }

        fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
            Ok(bytes.to_vec())
        }
    }

    let dir = tempfile::tempdir().unwrap();
    let options = Spill::options().segment_bytes(4 << 10).max_bytes(16 << 10);
    let spill = options.at_cap(AtCap::Block).codec(Faulty).open(dir.path()).unwrap();
    let (producer, _consumer) = channel(3, BackPressurePolicy::SpillToDisk(spill));
    for _ in 0..4 {
        producer.push(vec![1; 3500]).unwrap();
        producer.sync().unwrap();
    }
    producer.push(vec![2; 10]).unwrap();
    producer.push(vec![3; 5 << 10]).unwrap(); // Too large for a segment.
    producer.push(Vec::new()).unwrap(); // Cannot be encoded.
    let mut pushing = tokio_test::task::spawn(producer.push_async(vec![4; 3500]));
    assert!(pushing.poll().is_pending());
    assert!(panics(|| _ = producer.sync()));
    assert_eq!(producer.len(), 2, "the first one has moved");
    assert!(pushing.is_woken(), "there is room in the ring");
}

/// What was handed out and was the last of the log need not be written once more.
#[test]
fn what_was_handed_out_does_not_keep_the_ring_from_being_kept() {
    let dir = tempfile::tempdir().unwrap();
    let open = || -> (Producer<u64>, Consumer<u64>) {
        let options = Spill::options().segment_bytes(4 << 10).max_bytes(16 << 10);
        channel(
            4,
            BackPressurePolicy::SpillToDisk(options.keep_ring(true).open(dir.path()).unwrap()),
        )
    };
    let (producer, consumer) = open();
    producer.push_batch(&(0..1600).collect::<Vec<_>>()).unwrap();
    assert_eq!(consumer.take_batch(4), [0, 1, 2, 3]);
    assert_eq!(consumer.take_batch(9999).len(), 1596);
    producer.push_batch(&[1600, 1601]).unwrap();
    drop(consumer);
    let stats = producer.stats();
    assert_eq!((stats.discarded, stats.on_disk), (0, 2));
    drop(producer);
    let (producer, consumer) = open();
    drop(producer);
    assert!(consumer.iter().eq(4..1602));
}

/// What was dropped at the cap, taken or committed makes room for what is synced.
#[test]
fn what_has_been_consumed_makes_room_for_a_sync() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let (producer, consumer) = channel(4, BackPressurePolicy::SpillToDisk(small(dir.path(), AtCap::Refuse)));
        let mut next = 0;
        while producer.push(next).is_ok() {
            next += 1;
        }
        while consumer.try_take_batch(9999).is_ok() {}
        consumer.commit().unwrap();
        producer.push_batch(&[1, 2, 3]).unwrap();
        producer.sync().unwrap();
        assert_eq!(consumer.take_batch(9), [1, 2, 3]);
    }
}

/// At a cap that is met all the time, under every policy.
#[test]
fn order_and_count_hold_while_all_is_synced_at_the_cap() {
    for (at_cap, capacity) in [
        (AtCap::Block, 1),
        (AtCap::Refuse, 64),
        (AtCap::DropOldest, 3),
        (AtCap::Block, 2000),
    ] {
        in_time(move || {
            const PRODUCERS: u64 = 2;
            const EACH: u64 = 20_000;
            let dir = tempfile::tempdir().unwrap();
            let (producer, consumer) = channel(capacity, BackPressurePolicy::SpillToDisk(small(dir.path(), at_cap)));
            let pushers = (0..PRODUCERS).map(|id| {
                let producer = producer.clone();
                thread::spawn(move || {
                    for n in 0..EACH {
                        let mut item = n * PRODUCERS + id;
                        while let Err(error) = producer.push(item) {
                            item = error.into_inner();
                            thread::yield_now();
                        }
                    }
                })
            });
            let mut threads: Vec<_> = pushers.collect();
            for _ in 0..2 {
                let producer = producer.downgrade();
                threads.push(thread::spawn(move || {
                    while let Some(producer) = producer.upgrade() {
                        _ = producer.flush(); // There may be no room.
                        drop(producer);
                        thread::yield_now();
                    }
                }));
            }
            drop(producer);
            let (mut next, mut number, mut batch) = ([0; PRODUCERS as usize], 0, Vec::new());
            loop {
                let report = consumer.take_batch_into(&mut batch, 1 + number as usize % 50);
                assert!(report.first == number || at_cap == AtCap::DropOldest && report.first > number);
                number = report.first + report.taken as u64;
                if report.taken == 0 {
                    break;
                }
                for item in batch.drain(..) {
                    let (id, n) = ((item % PRODUCERS) as usize, item / PRODUCERS);
                    assert!(n == next[id] || at_cap == AtCap::DropOldest && n > next[id]);
                    next[id] = n + 1;
                }
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            let stats = consumer.stats();
            assert_eq!(stats.pushed, PRODUCERS * EACH);
            assert_accounted(&stats);
        });
    }
}

#[test]
fn other_policies_have_nothing_to_sync() {
    let (producer, consumer) = channel::<u8>(1, BackPressurePolicy::Block);
    producer.flush().unwrap();
    producer.sync().unwrap();
    consumer.commit().unwrap();
}

/// Puts what cannot be opened in the place of every segment of a log; the files themselves go elsewhere.
#[cfg(unix)]
fn hide_segments(dir: &Path, aside: &Path) -> Vec<(PathBuf, PathBuf)> {
    let segments = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let segments = segments.filter(|path| path.extension().is_some_and(|ext| ext == "segment"));
    let hide = |segment: PathBuf| {
        let moved = aside.join(segment.file_name().unwrap());
        fs::rename(&segment, &moved).unwrap();
        std::os::unix::fs::symlink(&segment, &segment).unwrap(); // It leads nowhere, but to itself.
        (segment, moved)
    };
    segments.map(hide).collect()
}

/// Bug class: a reader takes trouble that passes for damage, and throws the whole log away within milliseconds.
#[cfg(unix)]
#[test]
fn what_cannot_be_read_for_a_moment_is_waited_for() {
    in_time(|| {
        let dir = tempfile::tempdir().unwrap();
        let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(small(dir.path(), AtCap::Refuse)));
        producer.push_batch(&[0; 1000]).unwrap();
        producer.flush().unwrap();
        assert_eq!(consumer.take(), Some(0));
        let aside = tempfile::tempdir_in(dir.path().parent().unwrap()).unwrap();
        let hidden = hide_segments(dir.path(), aside.path());
        for _ in 0..100 {
            assert_eq!(consumer.try_take(), Err(TryTakeError::Empty));
        }
        let short = Duration::from_millis(30);
        assert!(consumer.take_timeout(short).unwrap_err().is_timeout());
        assert!(consumer.take_batch_timeout(5, short).unwrap_err().is_timeout());

        // Who waits neither burns a core nor gives anything up.
        let polls = Arc::new(AtomicUsize::new(0));
        let waiting = thread::spawn({
            let (consumer, polls) = (consumer.clone(), polls.clone());
            move || {
                block_on(async {
                    let mut take = std::pin::pin!(consumer.take_batch_async(5));
                    let counted = std::future::poll_fn(|cx| {
                        polls.fetch_add(1, Relaxed);
                        take.as_mut().poll(cx)
                    });
                    counted.await.len()
                })
            }
        });
        let lingering = thread::spawn({
            let consumer = consumer.clone();
            move || {
                block_on(consumer.take_batch_until(5, std::future::pending::<()>()))
                    .unwrap()
                    .len()
            }
        });
        let blocking = thread::spawn({
            let consumer = consumer.clone();
            move || consumer.take_batch(5).len()
        });
        thread::sleep(Duration::from_millis(200));
        let polls = polls.load(Relaxed);
        assert!((2..100).contains(&polls), "{polls} polls");
        for (segment, moved) in hidden {
            fs::rename(moved, segment).unwrap();
        }
        let taken = waiting.join().unwrap() + lingering.join().unwrap() + blocking.join().unwrap();
        drop(producer);
        assert_eq!(1 + taken + consumer.iter().count(), 1000);
        assert_eq!(consumer.stats().spill_lost, 0);
    });
}

/// Who gives up what cannot be read has not used up the notification that it came by.
#[cfg(unix)]
#[test]
fn who_gives_up_beside_an_unreadable_log_takes_no_wake_along() {
    /// Whether it came to that.
    fn is_tried() -> bool {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            Spill::<u64>::options()
                .fsync(Fsync::EveryBatch)
                .open(dir.path())
                .unwrap()
        };
        let spill = open();
        spill.append_one(7).unwrap();
        spill.read(&mut Vec::new(), 1).unwrap();
        spill.commit().unwrap();
        drop(spill);
        let spill = open();
        spill.sync().unwrap();
        let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
        let aside = tempfile::tempdir_in(dir.path().parent().unwrap()).unwrap();
        let hidden = hide_segments(dir.path(), aside.path());
        let mut parked = 0;
        let mut take = |timeout| {
            let taker = thread::spawn({
                let consumer = consumer.clone();
                move || consumer.take_timeout(timeout).ok()
            });
            parked += 1;
            while producer.stats().takers_parked < parked {
                thread::yield_now();
            }
            taker
        };
        let first = take(Duration::MAX);
        let gives_up = take(Duration::from_millis(100));
        let last = take(Duration::MAX);
        producer.push_batch(&[0, 1]).unwrap();
        let is_tried = producer.stats().spilled > 0 && gives_up.join().unwrap().is_none();
        for (segment, moved) in hidden {
            fs::rename(moved, segment).unwrap();
        }
        if is_tried {
            assert_eq!((first.join().unwrap(), last.join().unwrap()), (Some(0), Some(1)));
        }
        is_tried
    }
    // If the first is fast, both items fit into memory; if it is slow, another takes the one that is there.
    in_time(|| assert!((0..100).any(|_| is_tried())));
}

/// A log with so much on disk that it refuses, all of which has been read, but not said to be consumed.
fn read_but_full(dir: &Path, at_cap: AtCap) -> Spill<u64> {
    let spill = small(dir, at_cap);
    let mut items: Vec<u64> = vec![u64::MAX; 10_000];
    assert!(spill.append(&mut items).unwrap_err().is_at_cap());
    while !spill.is_empty() {
        // One read for everything: the next would consume what this one hands out.
        spill.read(&mut items, usize::MAX).unwrap();
    }
    spill
}

#[test]
fn what_was_read_before_is_consumed_by_the_first_take() {
    let dir = tempfile::tempdir().unwrap();
    let spill = read_but_full(dir.path(), AtCap::Refuse);
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    producer.push(0).unwrap();
    assert_eq!(consumer.take(), Some(0));
    producer.push_batch(&[1, 2, 3]).unwrap();
    producer.close();
    assert!(consumer.iter().eq(1..4));
    assert_accounted(&consumer.stats());
}

/// Who waits at the cap of a log that holds nothing waits for the ring: there is no read that would make room.
#[test]
fn nobody_waits_for_an_empty_log_beside_an_empty_ring() {
    in_time(|| {
        let dir = tempfile::tempdir().unwrap();
        let spill = read_but_full(dir.path(), AtCap::Block);
        // What has been consumed cannot be removed either.
        let segments = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        for path in segments.filter(|path| path.extension().is_some_and(|ext| ext == "segment")) {
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
        }
        let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
        producer.push(0).unwrap();
        let pushers: Vec<_> = (1..4)
            .map(|n| {
                let producer = producer.clone();
                thread::spawn(move || producer.push(n).unwrap())
            })
            .collect();
        thread::sleep(Duration::from_millis(20));
        drop(producer);
        assert_eq!(consumer.iter().sum::<u64>(), 6);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        assert_accounted(&consumer.stats());
    });
}

/// Waits until so many pushers sleep.
fn until_parked(producer: &Producer<u64>, count: u64) {
    while producer.stats().pushers_parked < count {
        thread::yield_now();
    }
}

/// Of those who wait for the ring beside an empty log, one is woken for each take from the ring: who then goes to the log makes no
/// room for the next.
#[test]
fn who_waits_for_the_ring_is_told_of_room_in_the_log() {
    in_time(|| {
        let dir = tempfile::tempdir().unwrap();
        let spill = read_but_full(dir.path(), AtCap::Block);
        let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
        producer.push(0).unwrap();
        let pushers: Vec<_> = (1..4)
            .map(|n| {
                let producer = producer.clone();
                thread::spawn(move || producer.push(n).unwrap())
            })
            .collect();
        until_parked(&producer, 3);
        assert_eq!(consumer.take(), Some(0)); // This frees the log as well.
        let_others_park();
        producer.push(10).unwrap(); // Into the log.
        let mut taken = Vec::new();
        for _ in 0..4 {
            taken.push(consumer.take().unwrap());
            let_others_park();
        }
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3, 10]);
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
    });
}

#[test]
fn committing_makes_room_for_who_waits_for_the_ring() {
    in_time(|| {
        let dir = tempfile::tempdir().unwrap();
        let spill = read_but_full(dir.path(), AtCap::Block);
        let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
        producer.push(0).unwrap();
        let pusher = thread::spawn({
            let producer = producer.clone();
            move || producer.push(1).unwrap()
        });
        until_parked(&producer, 1);
        consumer.commit().unwrap();
        pusher.join().unwrap(); // Nothing is taken.
        assert_eq!(consumer.take_batch(9).len() + consumer.take_batch(9).len(), 2);
    });
}

#[test]
fn committing_makes_room_for_who_waits_at_the_cap() {
    in_time(|| {
        let dir = tempfile::tempdir().unwrap();
        let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(small(dir.path(), AtCap::Block)));
        let first = (0..)
            .find(|&n| producer.push_timeout(n, Duration::ZERO).is_err())
            .unwrap();
        let pusher = thread::spawn(move || producer.push(first));
        let mut taken = consumer.take_batch(1);
        taken.append(&mut consumer.take_batch(700)); // The first segment and some more.
        thread::sleep(Duration::from_millis(20));
        consumer.commit().unwrap();
        pusher.join().unwrap().unwrap(); // Nothing else is taken.
        taken.extend(consumer.iter());
        assert!(taken.into_iter().eq(0..=first));
    });
}

/// Counts how many items it has written.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Codec<u64> for Counting {
    fn encode(&self, item: &u64, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.0.fetch_add(1, Relaxed);
        out.extend_from_slice(&item.to_le_bytes());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<u64, Box<dyn Error + Send + Sync>> {
        Ok(u64::from_le_bytes(bytes.try_into()?))
    }
}

/// Bug class: a shortcut that does not see the room is taken for there being none.
#[test]
fn a_task_does_not_meet_the_log_while_the_ring_has_room() {
    let dir = tempfile::tempdir().unwrap();
    let counting = Counting::default();
    let spill = Spill::options().codec(counting.clone()).open(dir.path()).unwrap();
    let (producer, consumer) = channel(4, BackPressurePolicy::SpillToDisk(spill));
    block_on(async {
        // A push after a lap, and one while somebody sleeps.
        for n in 0..12 {
            producer.push_async(n).await.unwrap();
            assert_eq!(consumer.try_take(), Ok(n));
        }
        let mut sleeping = std::pin::pin!(consumer.take_async());
        assert!(futures::poll!(sleeping.as_mut()).is_pending());
        producer.push_async(12).await.unwrap();
        assert_eq!(sleeping.await, Some(12));
    });
    assert_eq!((counting.0.load(Relaxed), producer.stats().spilled), (0, 0));
}

/// Bug class: the reason of a failure depends on how it is met.
#[test]
fn a_task_is_told_that_the_channel_is_closed_of_what_cannot_be_written_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::options().codec(Picky).open(dir.path()).unwrap();
    let (producer, _consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    producer.close();
    assert_eq!(producer.push(13), Err(PushError::Closed(13)));
    assert_eq!(block_on(producer.push_async(13)), Err(PushError::Closed(13)));
}

/// Bug class: work that grows with the square of a batch.
#[test]
fn of_a_batch_that_waits_only_the_front_is_encoded_again() {
    let dir = tempfile::tempdir().unwrap();
    let counting = Counting::default();
    let spill = Spill::options()
        .codec(counting.clone())
        .max_bytes(0)
        .at_cap(AtCap::Block)
        .open(dir.path())
        .unwrap();
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    let mut items: Vec<u64> = (0..100_000).collect();
    let mut push = tokio_test::task::spawn(producer.push_from_async(&mut items));
    let mut turns = 0;
    let mut next = 0;
    while push.poll().is_pending() {
        turns += 1;
        for item in consumer.try_take_batch(usize::MAX).unwrap() {
            assert_eq!(item, next);
            next += 1;
        }
    }
    // Before a push sleeps it tries twice, and 64 KiB are enough for a try.
    let encoded = counting.0.load(Relaxed);
    assert!(
        encoded <= 100_000 + 3 * turns * (65_536 / 12 + 16),
        "{encoded} in {turns} turns"
    );
}

/// A destructor that fails comes after the waking.
#[test]
fn a_destructor_that_panics_keeps_nobody_asleep() {
    struct Fragile(u8);
    struct Numbers;
    impl Drop for Fragile {
        fn drop(&mut self) {
            if self.0 == 13 {
                self.0 = 0;
                std::panic::panic_any("the destructor fails");
            }
        }
    }
    impl Codec<Fragile> for Numbers {
        fn encode(&self, item: &Fragile, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
            out.push(item.0);
            Ok(())
        }
        fn decode(&self, bytes: &[u8]) -> Result<Fragile, Box<dyn Error + Send + Sync>> {
            Ok(Fragile(bytes[0] + 100))
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::options().codec(Numbers).open(dir.path()).unwrap();
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    let mut first = tokio_test::task::spawn(consumer.take_async());
    let mut second = tokio_test::task::spawn(consumer.take_async());
    assert!(first.poll().is_pending() && second.poll().is_pending());
    assert!(producer.push(Fragile(1)).is_ok());
    assert!(panics(|| _ = producer.push(Fragile(13))));
    assert!(first.is_woken() && second.is_woken());
    let item = |poll| match poll {
        Poll::Ready(Some(Fragile(n))) => n,
        _ => panic!("nothing"),
    };
    assert_eq!((item(first.poll()), item(second.poll())), (1, 113));
}

/// An error that panics when it is dropped.
#[derive(Debug)]
struct Spiteful;

impl std::fmt::Display for Spiteful {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("spiteful")
    }
}

impl Error for Spiteful {}

impl Drop for Spiteful {
    fn drop(&mut self) {
        std::panic::panic_any("the error fails");
    }
}

/// An error that is dropped is foreign code as well.
#[test]
fn an_error_that_panics_when_dropped_duplicates_nothing() {
    struct Numbers;
    impl Codec<u64> for Numbers {
        fn encode(&self, item: &u64, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
            if *item == u64::MAX {
                return Err(Box::new(Spiteful));
            }
            out.resize(out.len() + 3000, *item as u8);
            Ok(())
        }
        fn decode(&self, bytes: &[u8]) -> Result<u64, Box<dyn Error + Send + Sync>> {
            Ok(bytes[0].into())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::options().codec(Numbers).max_bytes(0).open(dir.path()).unwrap();
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    let mut items: Vec<u64> = (0..12).chain([u64::MAX]).collect();
    assert!(panics(|| _ = producer.push_from(&mut items)));
    let left = items.len() as u64;
    assert!((2..12).contains(&left), "the cap came before the error");
    assert!(consumer.try_iter().eq(0..13 - left));
}

/// A sink is a producer like any other: what fits into memory goes there.
#[test]
fn a_sink_goes_to_disk_only_if_the_ring_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::options().codec(Picky).open(dir.path()).unwrap();
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    block_on(async {
        let mut sink = producer.sink();
        sink.send(13).await.unwrap(); // It cannot be written, and need not be.
        assert!(matches!(sink.send(13).await, Err(PushError::Spill { item: 13, .. })));
        producer.close();
        assert!(sink.send(13).await.unwrap_err().is_closed());
    });
    assert!(consumer.iter().eq([13]));
}

#[test]
fn the_number_of_a_batch_is_that_of_its_first_item() {
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::options().codec(Picky).open(dir.path()).unwrap();
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    producer.push_batch(&[0, 1, 17, 17, 4, 17, 6]).unwrap();
    let mut out = Vec::new();
    assert_eq!(consumer.take_batch_into(&mut out, 1).first, 0);
    assert_eq!(consumer.take_batch_into(&mut out, 1).first, 1);
    let report = consumer.take_batch_into(&mut out, 9);
    assert_eq!((report.first, report.losses.spill_lost), (4, 3));
    assert_eq!(out, [0, 1, 4, 6]);
}

/// Files that somebody else has put there may have any number.
#[test]
fn numbers_that_are_out_of_this_world_end_nothing() {
    let dir = tempfile::tempdir().unwrap();
    Spill::open(dir.path()).unwrap().append_one(0).unwrap();
    fs::write(dir.path().join(format!("{}.segment", u64::MAX)), "nonsense").unwrap();
    let (producer, consumer) = spilling::<u64>(2, dir.path());
    let mut out = consumer.take_batch(2);
    assert!(consumer.try_take().is_err()); // That all the others are missing.
    assert_eq!(consumer.report_losses().spill_lost, u64::MAX - 1);
    producer.push_batch(&[1, 2]).unwrap();
    producer.close();
    while consumer.take_batch_into(&mut out, 1).taken > 0 {}
    assert_eq!(out, [0, 1, 2]);
}

/// What was lost before the channel came, and nobody was told of, is in its first report.
#[test]
fn losses_that_nobody_was_told_of_are_the_channels() {
    let dir = tempfile::tempdir().unwrap();
    let spill = small(dir.path(), AtCap::DropOldest);
    assert_eq!(spill.append(&mut (0..5000).collect()).unwrap(), 5000);
    let dropped = spill.counts().dropped_at_cap;
    assert!(dropped > 0);
    let (producer, consumer) = channel(1, BackPressurePolicy::SpillToDisk(spill));
    producer.close();
    let mut out = Vec::new();
    let report = consumer.take_batch_into(&mut out, 1);
    assert_eq!((report.first, report.losses.spill_lost), (dropped, dropped));
    assert_eq!(out, [dropped]);
    assert_eq!(out.len() + consumer.iter().count(), 5000 - dropped as usize);
    let stats = consumer.stats();
    assert_eq!((stats.recovered, stats.spill_lost), (5000, dropped));
    assert_accounted(&stats);
}

/// Order per producer, and between producers where one waits for the other, while the channel goes back and forth between
/// memory and disk.
#[test]
fn order_and_count_hold_under_stress() {
    in_time(|| {
        const PRODUCERS: u64 = 4;
        const EACH: u64 = 30_000;
        for capacity in [1, 7, 256] {
            let dir = tempfile::tempdir().unwrap();
            let (producer, consumer) = spilling(capacity, dir.path());
            let mut threads = Vec::new();
            for id in 0..PRODUCERS {
                let producer = producer.clone();
                threads.push(thread::spawn(move || {
                    let mut n = 0;
                    while n < EACH {
                        if n % 11 == 0 {
                            let batch: Vec<_> = (n..EACH.min(n + 5)).map(|n| (id, n)).collect();
                            n += batch.len() as u64;
                            assert_eq!(producer.push_batch(&batch), Ok(batch.len()));
                        } else {
                            producer.push((id, n)).unwrap();
                            n += 1;
                        }
                        if n % 1000 == 0 {
                            thread::yield_now();
                        }
                    }
                }));
            }
            // A token goes from thread to thread: who has it pushes its number, so that each push is over before the next begins.
            let turn = Arc::new(AtomicUsize::new(0));
            for id in 0..2 {
                let (producer, turn) = (producer.clone(), turn.clone());
                threads.push(thread::spawn(move || {
                    for n in (id..2000).step_by(2) {
                        while turn.load(std::sync::atomic::Ordering::Acquire) != n {
                            thread::yield_now();
                        }
                        producer.push((PRODUCERS, n as u64)).unwrap();
                        turn.store(n + 1, std::sync::atomic::Ordering::Release);
                    }
                }));
            }
            let syncing = thread::spawn({
                let producer = producer.downgrade();
                move || {
                    while let Some(producer) = producer.upgrade() {
                        producer.flush().unwrap();
                        drop(producer);
                        thread::sleep(Duration::from_millis(1));
                    }
                }
            });
            drop(producer);
            let mut next: HashMap<u64, u64> = HashMap::new();
            let mut batch = Vec::new();
            let mut max = 1;
            let mut number = 0;
            loop {
                let report = consumer.take_batch_into(&mut batch, max);
                assert_eq!(report.first, number);
                number += report.taken as u64;
                if report.taken == 0 {
                    break;
                }
                for (id, n) in batch.drain(..) {
                    let next = next.entry(id).or_default();
                    assert_eq!(n, *next);
                    *next += 1;
                }
                max = max % 300 + 17;
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            syncing.join().unwrap();
            assert_eq!(number, PRODUCERS * EACH + 2000);
            let stats = consumer.stats();
            assert!(stats.spilled > 0);
            assert_accounted(&stats);
        }
    });
}

#[test]
fn many_consumers_get_each_item_once() {
    in_time(|| {
        let dir = tempfile::tempdir().unwrap();
        let (producer, consumer) = spilling(3, dir.path());
        let syncing = thread::spawn({
            let producer = producer.downgrade();
            move || {
                while let Some(producer) = producer.upgrade() {
                    producer.flush().unwrap();
                }
            }
        });
        let takers: Vec<_> = (0..3)
            .map(|n| {
                let consumer = consumer.clone();
                thread::spawn(move || {
                    let mut taken = Vec::new();
                    loop {
                        let before = taken.len();
                        match n {
                            0 => taken.extend(consumer.take()),
                            1 => taken.extend(consumer.take_batch(7)),
                            _ => taken.extend(block_on(consumer.take_batch_async(3))),
                        }
                        if taken.len() == before {
                            return taken;
                        }
                        assert!(taken.is_sorted(), "each sees the channel's order");
                    }
                })
            })
            .collect();
        drop(consumer);
        (0..50_000_u32).for_each(|n| producer.push(n).unwrap());
        drop(producer);
        syncing.join().unwrap();
        let mut all: Vec<u32> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..50_000));
    });
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Batch(usize),
    Try,
    Take(usize),
    Commit,
    Sync,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..5_usize).prop_map(Step::Push),
        2 => (1..9_usize).prop_map(Step::Batch),
        1 => Just(Step::Try),
        5 => (1..6_usize).prop_map(Step::Take),
        1 => Just(Step::Commit),
        2 => Just(Step::Sync),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 64 }, ..ProptestConfig::default() })]

    /// Against a queue that knows which of its items are handed out, on disk in front of memory, in memory, and on disk behind it.
    #[test]
    fn a_channel_that_spills_is_a_queue(
        capacity in 1..5_usize,
        first_lap in 0..3_u64,
        keep in any::<bool>(),
        steps in steps()
    ) {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            let spill = Spill::<u64>::options().keep_ring(keep).open(dir.path()).unwrap();
            let policy = BackPressurePolicy::SpillToDisk(spill);
            Builder::new(capacity).first_lap(first_lap).policy(policy).build()
        };
        let (mut producer, mut consumer) = open();
        let (mut handed_out, mut ahead) = (Vec::new(), Vec::new());
        let (mut memory, mut disk) = (Vec::new(), Vec::new());
        let (mut next, mut reopened) = (0, false);
        for step in steps {
            match step {
                Step::Push(count) | Step::Batch(count) => {
                    let items: Vec<u64> = (next..next + count as u64).collect();
                    next += count as u64;
                    if matches!(step, Step::Push(_)) {
                        items.iter().for_each(|&item| producer.push(item).unwrap());
                    } else {
                        prop_assert_eq!(producer.push_batch(&items), Ok(count));
                    }
                    for item in items {
                        if disk.is_empty() && memory.len() < capacity {
                            memory.push(item);
                        } else {
                            disk.push(item);
                        }
                    }
                }
                Step::Try => {
                    let has_room = disk.is_empty() && memory.len() < capacity;
                    prop_assert_eq!(producer.try_push(next).is_ok(), has_room);
                    if has_room {
                        memory.push(next);
                    }
                    next += 1;
                }
                Step::Take(max) => {
                    handed_out.clear();
                    let taken = consumer.try_take_batch(max).unwrap_or_default();
                    if !ahead.is_empty() {
                        handed_out.extend(ahead.drain(..max.min(ahead.len())));
                        prop_assert_eq!(&taken, &handed_out);
                    } else if memory.is_empty() {
                        // A read does not go on from what was in memory to what had been on disk.
                        prop_assert!(taken.len() == max.min(disk.len()) || reopened && !taken.is_empty());
                        handed_out.extend(disk.drain(..taken.len()));
                        prop_assert_eq!(&taken, &handed_out);
                    } else {
                        let expected: Vec<u64> = memory.drain(..max.min(memory.len())).collect();
                        prop_assert_eq!(&taken, &expected);
                    }
                }
                Step::Commit => {
                    consumer.commit().unwrap();
                    handed_out.clear();
                }
                Step::Sync => {
                    producer.sync().unwrap();
                    ahead.append(&mut memory);
                }
                Step::Reopen => {
                    reopened = true;
                    drop(consumer);
                    let stats = producer.stats();
                    assert_accounted(&stats);
                    let kept = if keep { memory.len() } else { 0 };
                    prop_assert_eq!(stats.on_disk as usize, ahead.len() + disk.len() + kept);
                    prop_assert_eq!(stats.discarded as usize, memory.len() - kept);
                    drop(producer);
                    disk.splice(0..0, memory.drain(..).take(kept));
                    memory.clear();
                    disk.splice(0..0, ahead.drain(..));
                    disk.splice(0..0, handed_out.drain(..));
                    (producer, consumer) = open();
                    prop_assert_eq!(producer.stats().recovered, disk.len() as u64);
                }
            }
            prop_assert_eq!(consumer.len(), memory.len());
            let on_disk = ahead.len() + disk.len();
            prop_assert_eq!(consumer.is_empty(), memory.is_empty() && on_disk == 0);
            let stats = consumer.stats();
            prop_assert_eq!((stats.len, stats.on_disk), (memory.len() as u64, on_disk as u64));
            let gone = stats.taken + stats.discarded;
            prop_assert_eq!(stats.pushed + stats.recovered, gone + stats.len + stats.on_disk);
        }
    }
}
