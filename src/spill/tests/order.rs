//! Nothing goes wrong: what goes in comes out, in order, and disk space is freed.

use super::super::options::{AtCap, Compression, Config, Fsync};
use super::super::{RawBytes, Spill, SpillError};
use super::*;

#[test]
fn items_come_out_in_order_whether_written_or_not() {
    for compression in [Compression::None, Compression::Lz4] {
        for batch in [1, 3, 50] {
            let config = Config { compression, ..small() };
            let memory = Memory::default();
            let mut log = open(&memory, config);
            let mut next = 0;
            for n in (0..300).step_by(batch) {
                assert_eq!(append(&mut log, n..n + batch as u64).unwrap(), batch);
                let (found, items) = read(&mut log, batch / 2 + 1);
                assert_eq!(found.first_seq, next);
                assert!(items.into_iter().eq(next..next + found.count as u64));
                next += found.count as u64;
            }
            let (rest, lost) = read_all(&mut log);
            assert!(rest.into_iter().eq((next..log.end_seq()).map(|n| (n, n))));
            assert_eq!(lost, 0);
        }
    }
}

#[test]
fn a_read_continues_in_the_file_where_it_was_in_memory() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..3).unwrap();
    assert_eq!(read(&mut log, 2).1, [0, 1]);
    log.flush().unwrap();
    append(&mut log, 3..5).unwrap();
    assert_eq!(read(&mut log, 9).1, [2, 3, 4]);
}

#[test]
fn reopening_goes_on_where_it_was() {
    let memory = Memory::default();
    let mut next = 0;
    for round in 0..20 {
        let mut log = open(&memory, small());
        assert_eq!(log.len(), 5 * round - next);
        append(&mut log, 5 * round..5 * round + 5).unwrap();
        log.flush().unwrap();
        assert_eq!(read(&mut log, 3).1, [next, next + 1, next + 2]);
        next += 3;
        log.commit().unwrap();
    }
    assert!(memory.files().len() < 20);
    let (rest, lost) = read_all(&mut open(&memory, small()));
    assert!(rest.into_iter().eq((next..100).map(|n| (n, n))));
    assert_eq!(lost, 0);
}

#[test]
fn what_was_handed_out_but_not_committed_is_handed_out_again() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..10).unwrap();
    log.flush().unwrap();
    assert_eq!(read(&mut log, 4).1, [0, 1, 2, 3]);
    assert_eq!(read(&mut log, 2).1, [4, 5]);
    log.sync().unwrap(); // The first four are consumed by the second read.
    let mut log = open(&memory, small());
    assert_eq!(read(&mut log, 2).1, [4, 5]);
    log.commit().unwrap();
    assert_eq!(read(&mut open(&memory, small()), 1).1, [6]);
}

#[test]
fn segments_that_were_consumed_are_removed() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..500).unwrap();
    let files = memory.files().len();
    assert!(files > 20);
    let full = log.bytes_on_disk();
    for _ in 0..250 {
        read(&mut log, 1);
    }
    assert!(memory.files().len() < files / 2 + 5);
    assert!(log.bytes_on_disk() < full * 6 / 10);
    read_all(&mut log);
    log.sync().unwrap();
    read_all(&mut log);
    assert!(memory.files().len() <= 2);
}

#[test]
fn sizes_are_those_of_the_files() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..100).unwrap();
    log.flush().unwrap();
    let segments = |memory: &Memory| -> u64 {
        let files = memory.files();
        let sizes = files.iter().filter(|(name, _)| name.ends_with(".segment"));
        sizes.map(|(_, bytes)| bytes.len() as u64).sum()
    };
    assert_eq!(log.bytes_on_disk(), segments(&memory));
    for _ in 0..30 {
        read(&mut log, 1);
    }
    assert_eq!(log.bytes_on_disk(), segments(&memory));
    assert_eq!(open(&memory, small()).bytes_on_disk(), segments(&memory));
}

#[test]
fn at_the_cap_items_come_back_until_there_is_room() {
    let config = Config {
        at_cap: AtCap::Refuse,
        max_bytes: 2000,
        ..small()
    };
    let memory = Memory::default();
    let mut log = open(&memory, config);
    let (accepted, error) = append(&mut log, 0..1000).unwrap_err();
    assert!(error.is_at_cap());
    assert!((30..100).contains(&accepted));
    assert!(log.bytes_on_disk() <= 2000);
    assert_eq!(log.counts().refused_at_cap, 1000 - accepted as u64);
    assert!(append(&mut log, [1]).unwrap_err().1.is_at_cap() || log.bytes_on_disk() <= 2000);

    let (items, lost) = read_all(&mut log);
    assert!(items.len() >= accepted && lost == 0);
    let (again, _) = append(&mut log, 0..1000).unwrap_err();
    assert!(again + 10 >= accepted);
}

#[test]
fn at_the_cap_the_oldest_segment_goes_if_that_is_wanted() {
    let config = Config {
        at_cap: AtCap::DropOldest,
        max_bytes: 2000,
        ..small()
    };
    let memory = Memory::default();
    let mut log = open(&memory, config);
    assert!(read(&mut log, 1).1.is_empty());
    append(&mut log, 0..50).unwrap();
    assert_eq!(read(&mut log, 2).1.len(), 2);
    let before = log.read_seq;
    append(&mut log, 50..1000).unwrap();
    assert!(log.bytes_on_disk() <= 2000);
    let (found, items) = read(&mut log, 1);
    assert_eq!(found.first_seq, before + found.dropped);
    assert_eq!(items, [found.first_seq]);
    assert_eq!(log.counts().dropped_at_cap, found.dropped);
    let (rest, lost) = read_all(&mut log);
    assert!(rest.into_iter().eq((found.first_seq + 1..1000).map(|n| (n, n))));
    assert_eq!(lost, 0);
}

#[test]
fn an_item_larger_than_a_segment_is_refused_and_the_others_stay() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    let mut batch = records([0, 1]);
    push(&mut batch, &[0; 400]);
    let (accepted, error) = log.append(&batch).unwrap_err();
    assert_eq!(accepted, 2);
    assert!(matches!(error, SpillError::TooLarge { bytes: 404, .. }));
    append(&mut log, [2]).unwrap();
    assert_eq!(read(&mut log, 9).1, [0, 1, 2]);
}

#[test]
fn an_item_as_large_as_a_segment_is_read_back() {
    for compression in [Compression::None, Compression::Lz4] {
        let config = Config { compression, ..small() };
        let memory = Memory::default();
        let mut log = open(&memory, config);
        let large: Vec<u8> = (0..340).map(|n| (n % 251) as u8).collect();
        for size in [340, 10, 149, 150, 151, 340] {
            let mut batch = Records::default();
            push(&mut batch, &large[..size]);
            log.append(&batch).unwrap();
        }
        log.flush().unwrap();
        for size in [340, 10, 149, 150, 151, 340] {
            let mut found = Records::default();
            assert_eq!(log.read(&mut found, 1).unwrap().count, 1);
            assert!(found.iter().eq([&large[..size]]));
        }
    }
}

// bug-classes C1
#[test]
fn the_last_numbers_are_used_and_then_the_log_says_so() {
    let config = Config {
        first_seq: u64::MAX - 10,
        ..small()
    };
    let memory = Memory::default();
    let mut log = open(&memory, config);
    let (accepted, error) = append(&mut log, 0..20).unwrap_err();
    assert_eq!(accepted, 10);
    assert!(matches!(error, SpillError::Exhausted));
    log.sync().unwrap();
    let mut log = open(&memory, config);
    assert_eq!(log.len(), 10);
    let (items, lost) = read_all(&mut log);
    assert!(items.into_iter().eq((0..10).map(|n| (u64::MAX - 10 + n, n))));
    assert_eq!(lost, 0);
    log.commit().unwrap();
    assert!(open(&memory, config).is_empty());
}

#[test]
fn thousands_of_segments_are_opened_without_reading_them() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..30_000).unwrap();
    log.flush().unwrap();
    assert!(memory.files().len() > 1000);
    let before = memory.operations();
    let mut log = open(&memory, small());
    assert!(memory.operations() - before < 50);
    let (items, lost) = read_all(&mut log);
    assert!(items.into_iter().eq((0..30_000).map(|n| (n, n))));
    assert_eq!(lost, 0);
}

#[test]
fn a_read_returns_no_more_bytes_than_may_be_read_ahead() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..1000).unwrap();
    loop {
        let mut found = Records::default();
        if log.read(&mut found, 1000).unwrap().count == 0 {
            break;
        }
        assert!(found.bytes().len() <= 150);
    }
}

#[test]
fn items_of_serde_and_of_bytes_come_back() {
    let dir = tempfile::tempdir().unwrap();
    {
        let spill = Spill::<(u32, String)>::open(dir.path().join("serde")).unwrap();
        let mut items: Vec<_> = (0..1000).map(|n| (n, n.to_string())).collect();
        assert_eq!(spill.append(&mut items).unwrap(), 1000);
        assert!(items.is_empty());
        spill.append_one((1000, String::new())).unwrap();
    }
    let spill = Spill::<(u32, String)>::open(dir.path().join("serde")).unwrap();
    let mut out = Vec::new();
    while spill.read(&mut out, 100).unwrap().count > 0 {}
    assert!(out.iter().map(|item| item.0).eq(0..1001));

    let spill = Spill::<Vec<u8>>::options()
        .codec(RawBytes)
        .open(dir.path().join("bytes"))
        .unwrap();
    spill.append(&mut vec![vec![1], vec![], vec![2; 100_000]]).unwrap();
    let mut out = Vec::new();
    while spill.read(&mut out, 100).unwrap().count > 0 {}
    assert_eq!(out, [vec![1], vec![], vec![2; 100_000]]);
}

#[test]
fn a_quiet_log_is_written_by_its_thread() {
    use std::time::{Duration, Instant};

    let dir = tempfile::tempdir().unwrap();
    let fsync = Fsync::Interval(Duration::from_millis(1));
    let spill = Spill::<u64>::options().fsync(fsync).open(dir.path()).unwrap();
    for n in 0..3 {
        spill.append_one(n).unwrap();
        let start = Instant::now();
        while spill.lock().has_unsynced() {
            assert!(start.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_log_is_shared_whatever_its_items_are() {
    static_assertions::assert_impl_all!(Spill<std::cell::Cell<u8>>: Send, Sync, std::fmt::Debug);
}
