//! What users of a log on disk rely on.
#![cfg(all(feature = "spill", not(loom)))]

use std::error::Error;
use std::path::Path;
use std::thread;

use mpsc_ring::{AppendError, AtCap, Codec, Fsync, Spill, SpillCounts, SpillError, SpillOptions, SpillRead};
use static_assertions::assert_impl_all;

assert_impl_all!(Spill<std::cell::Cell<u8>>: Send, Sync, std::fmt::Debug);
assert_impl_all!(SpillOptions<String>: Send, Sync, std::fmt::Debug);
assert_impl_all!(SpillError: Error, Send, Sync);
assert_impl_all!(AppendError<String>: Error, Send, Sync);
assert_impl_all!(SpillRead: Copy, Send, Sync);
assert_impl_all!(SpillCounts: Copy, Send, Sync);

/// Writes every number and reads those below a bound.
struct Below(u64);

impl Codec<u64> for Below {
    fn encode(&self, item: &u64, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
        out.extend_from_slice(&item.to_le_bytes());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<u64, Box<dyn Error + Send + Sync>> {
        let n = u64::from_le_bytes(bytes.try_into()?);
        if n < self.0 { Ok(n) } else { Err("too large".into()) }
    }
}

/// The smallest log.
fn small(dir: &Path, at_cap: AtCap) -> Spill<u64> {
    let options = Spill::options().segment_bytes(4 << 10).max_bytes(16 << 10);
    options.codec(Below(u64::MAX)).at_cap(at_cap).open(dir).unwrap()
}

fn rest(spill: &Spill<u64>) -> Vec<u64> {
    let mut out = Vec::new();
    while spill.read(&mut out, 100).unwrap().count > 0 {}
    out
}

#[test]
fn only_what_is_committed_stays_away() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Spill::<u64>::open(dir.path()).unwrap();
    let spill = open();
    assert_eq!(spill.append(&mut (0..10).collect()).unwrap(), 10);
    let mut out = Vec::new();
    assert_eq!(spill.read(&mut out, 3).unwrap().first_seq, 0);
    spill.commit().unwrap();
    let read = spill.read(&mut out, 3).unwrap();
    assert_eq!((read.first_seq, read.count), (3, 3));
    assert_eq!((spill.len(), spill.is_empty()), (4, false));
    drop(spill);

    let spill = open();
    let mut again = Vec::new();
    assert_eq!(spill.read(&mut again, 3).unwrap(), read);
    assert_eq!(again, [3, 4, 5]);
    spill.read(&mut again, 3).unwrap(); // The batch before counts as consumed, this one does not.
    drop(spill);
    assert_eq!(rest(&open()), [6, 7, 8, 9]);
}

#[test]
fn a_read_of_no_items_consumes_what_was_read_before() {
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::<u64>::open(dir.path()).unwrap();
    spill.append(&mut vec![1, 2]).unwrap();
    let mut out = Vec::new();
    spill.read(&mut out, 1).unwrap();
    assert_eq!(spill.read(&mut out, 0).unwrap().count, 0);
    drop(spill);
    assert_eq!(rest(&Spill::open(dir.path()).unwrap()), [2]);
}

#[test]
fn a_full_log_refuses_and_takes_more_once_it_has_been_read() {
    let dir = tempfile::tempdir().unwrap();
    let spill = small(dir.path(), AtCap::Refuse);
    let mut items: Vec<u64> = (0..5000).collect();
    let mut found = Vec::new();
    while !items.is_empty() {
        let before = items.len();
        match spill.append(&mut items) {
            Ok(count) => assert_eq!((count, items.len()), (before, 0)),
            Err(error) => {
                assert!(matches!(error, SpillError::AtCap { max_bytes: 16384 }));
                assert!(spill.bytes_on_disk() <= 16384);
                let refused = spill.counts().refused_at_cap;
                let error = spill.append_one(9999).unwrap_err();
                assert!(error.error().is_at_cap());
                assert_eq!(error.into_inner(), 9999);
                assert_eq!(spill.counts().refused_at_cap, refused + 1);
                assert!(SpillError::from(spill.append_one(9999).unwrap_err()).is_at_cap());
                found.extend(rest(&spill));
            }
        }
        assert!(items.len() < before, "it takes more after it has been read");
    }
    found.extend(rest(&spill));
    assert!(found.into_iter().eq(0..5000));
    assert_eq!(spill.counts().missing(), 0);
}

#[test]
fn a_full_log_drops_the_oldest_and_says_how_many() {
    let dir = tempfile::tempdir().unwrap();
    let spill = small(dir.path(), AtCap::DropOldest);
    assert_eq!(spill.append(&mut (0..5000).collect()).unwrap(), 5000);
    let mut out = Vec::new();
    let read = spill.read(&mut out, 1).unwrap();
    assert!(read.dropped > 0);
    assert_eq!((read.first_seq, out[0]), (read.dropped, read.dropped));
    assert_eq!(spill.counts().dropped_at_cap, read.dropped);
    assert_eq!(spill.counts().missing(), read.dropped);
    out.extend(rest(&spill));
    assert!(out.into_iter().eq(read.dropped..5000));
}

#[test]
fn records_that_are_no_items_do_not_look_like_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let spill = small(dir.path(), AtCap::Refuse);
    spill.append(&mut vec![1, 100, 101, 102, 103, 2]).unwrap();
    drop(spill);
    let spill: Spill<u64> = Spill::options().codec(Below(100)).open(dir.path()).unwrap();
    let mut out = Vec::new();
    let mut reads = Vec::new();
    loop {
        let read = spill.read(&mut out, 2).unwrap();
        reads.push((read.count, read.undecodable));
        if read.count == 0 {
            break;
        }
    }
    assert_eq!(out, [1, 2]);
    assert_eq!(reads, [(1, 1), (1, 3), (0, 0)]);
    let counts = spill.counts();
    assert_eq!((counts.read, counts.undecodable, counts.missing()), (6, 4, 4));
}

#[test]
fn each_append_is_one_run_and_a_thread_keeps_its_order() {
    const BATCHES: u64 = 100;
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::<(u64, u64)>::open(dir.path()).unwrap();
    let mut found = Vec::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let spill = &spill;
                scope.spawn(move || {
                    for batch in 0..BATCHES {
                        let mut items = (batch * 7..batch * 7 + 7).map(|n| (thread, n)).collect();
                        spill.append(&mut items).unwrap();
                    }
                })
            })
            .collect();
        while !threads.iter().all(|thread| thread.is_finished()) {
            spill.read(&mut found, 10).unwrap();
        }
    });
    while spill.read(&mut found, 100).unwrap().count > 0 {}
    assert_eq!(found.len() as u64, 3 * 7 * BATCHES);
    for run in found.chunks(7) {
        let (thread, first) = run[0];
        assert!(run.iter().copied().eq((first..first + 7).map(|n| (thread, n))));
    }
    for thread in 0..3 {
        let its = found.iter().filter(|item| item.0 == thread).map(|item| item.1);
        assert!(its.eq(0..7 * BATCHES));
    }
}

#[test]
fn every_batch_is_on_disk_when_it_has_been_appended() {
    let dir = tempfile::tempdir().unwrap();
    let spill: Spill<u64> = Spill::options().fsync(Fsync::EveryBatch).open(dir.path()).unwrap();
    spill.append(&mut (0..10).collect()).unwrap();
    spill.append_one(10).unwrap();
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    assert!(rest(&Spill::open(copy.path()).unwrap()).into_iter().eq(0..11));
}
