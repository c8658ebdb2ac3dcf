//! The file system refuses, and is well again later.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::super::memory::{Faults, op};
use super::super::options::{AtCap, Config};
use super::super::{Codec, Spill};
use super::*;

pub(super) fn failing(kinds: u8) -> Faults {
    Faults {
        kinds,
        times: u32::MAX,
        ..Faults::default()
    }
}

#[test]
fn a_full_disk_gives_items_back_and_what_it_has_can_be_read() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..50).unwrap();
    for torn in [0, 1, 20, 60] {
        memory.set_faults(Faults {
            torn,
            ..failing(op::WRITE | op::CREATE)
        });
        let next = log.end_seq();
        let (accepted, error) = append(&mut log, next..next + 100).unwrap_err();
        assert!(matches!(error, SpillError::Io { .. }));
        assert!(accepted < 10); // Those that fit into memory.
        assert_eq!(append(&mut log, [22]).unwrap_err().0, 0);
        assert!(log.counts().write_errors > 0);
        memory.set_faults(Faults::default());
        let next = log.end_seq();
        append(&mut log, next..next + 50).unwrap();
    }
    log.flush().unwrap();
    let files = memory.files();
    let segments = files.iter().filter(|(name, _)| name.ends_with(".segment"));
    assert_eq!(
        segments.map(|(_, bytes)| bytes.len() as u64).sum::<u64>(),
        log.bytes_on_disk()
    );
    let end = log.end_seq();
    let reopened = open(&Memory::with_files(&memory.files()), small());
    for mut log in [log, reopened] {
        let (items, lost) = read_all(&mut log);
        assert!(items.into_iter().eq((0..end).map(|n| (n, n))));
        assert_eq!(lost, 0);
    }
}

#[test]
fn while_nothing_can_be_written_what_is_in_memory_can_be_read() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    memory.set_faults(failing(op::WRITE | op::CREATE));
    for round in 0..10 {
        let next = log.end_seq();
        let (accepted, _) = append(&mut log, next..next + 100).unwrap_err();
        assert!(accepted > 0, "round {round}");
        let (items, lost) = read_all(&mut log);
        assert!(items.into_iter().eq((next..next + accepted as u64).map(|n| (n, n))));
        assert_eq!(lost, 0);
        read(&mut log, 1); // Consumes them: they need not be written.
    }
    memory.set_faults(Faults::default());
    let next = log.end_seq();
    append(&mut log, next..next + 20).unwrap();
    log.sync().unwrap();
    let (items, lost) = read_all(&mut open(&memory, small()));
    assert!(items.into_iter().eq((next..next + 20).map(|n| (n, n))));
    assert_eq!(lost, 0);
}

#[test]
fn short_writes_are_completed() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    memory.set_faults(Faults {
        short_writes: 3,
        ..Faults::default()
    });
    append(&mut log, 0..100).unwrap();
    log.flush().unwrap();
    let (items, lost) = read_all(&mut open(&memory, small()));
    assert!(items.into_iter().eq((0..100).map(|n| (n, n))));
    assert_eq!(lost, 0);
}

#[test]
fn every_operation_may_fail_once() {
    for fsync in [Fsync::Never, Fsync::EveryBatch] {
        let config = Config { fsync, ..small() };
        for kinds in [
            op::ALL,
            op::WRITE,
            op::SYNC,
            op::CUT | op::WRITE,
            op::REMOVE,
            op::CREATE,
        ] {
            for times in [1, 2, 5] {
                for after in 0..60 {
                    let memory = Memory::default();
                    let mut log = open(&memory, config);
                    memory.set_faults(Faults {
                        kinds,
                        after,
                        times,
                        torn: after as usize,
                        ..Faults::default()
                    });
                    some_life(&mut log);
                    memory.set_faults(Faults::default());
                    log.sync().unwrap();
                    let end = log.end_seq();
                    let from = log.read_seq;
                    let reopened = open(&Memory::with_files(&memory.files()), config);
                    for mut log in [log, reopened] {
                        let (items, lost) = read_all(&mut log);
                        assert!(items.iter().all(|&(seq, n)| seq == n));
                        let expected: Vec<_> = (from..end).collect();
                        let items: Vec<_> = items.into_iter().map(|(_, n)| n).filter(|&n| n >= from).collect();
                        assert_eq!(items, expected, "{fsync:?} kinds {kinds} times {times} after {after}");
                        assert_eq!(lost, 0);
                    }
                }
            }
        }
    }
}

/// Appends until 200 items are in, whatever fails, and reads some of them.
fn some_life(log: &mut Log) {
    let mut next = 0;
    for _ in 0..1000 {
        let end = log.end_seq();
        if end >= 200 {
            return;
        }
        let (Ok(accepted) | Err((accepted, _))) = append(log, end..end + 7);
        assert_eq!(log.end_seq(), end + accepted as u64);
        let mut found = Records::default();
        if let Ok(read) = log.read(&mut found, 5) {
            assert_eq!((read.first_seq, read.lost), (next, 0));
            assert!(found.iter().map(number).eq(next..next + read.count as u64));
            next += read.count as u64;
        }
        if end % 3 == 0 {
            _ = log.sync();
        }
        _ = log.commit();
    }
    panic!("nothing gets in any more");
}

#[test]
fn under_every_batch_what_could_not_be_synced_comes_back() {
    let config = Config {
        fsync: Fsync::EveryBatch,
        ..small()
    };
    for kinds in [op::SYNC, op::SYNC | op::CUT] {
        let memory = Memory::default();
        let mut log = open(&memory, config);
        append(&mut log, 0..10).unwrap();
        memory.set_faults(failing(kinds));
        // Long enough for several frames and segments.
        let (accepted, _) = append(&mut log, 1010..1060).unwrap_err();
        assert_eq!((accepted, log.len()), (0, 10));
        assert_eq!(append(&mut log, 1010..1011).unwrap_err().0, 0);
        memory.set_faults(Faults::default());
        append(&mut log, 10..40).unwrap();
        memory.crash(1);
        let (items, lost) = read_all(&mut open(&memory, config));
        assert!(items.into_iter().eq((0..40).map(|n| (n, n))));
        assert_eq!(lost, 0);
    }
}

#[test]
fn what_cannot_be_read_is_given_up_after_some_attempts() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..50).unwrap();
    log.flush().unwrap();
    memory.set_faults(failing(op::READ));
    let mut errors = 0;
    let found = loop {
        match log.read(&mut Records::default(), 10) {
            Err(_) => errors += 1,
            Ok(read) => break read,
        }
        assert!(errors < 1000);
    };
    assert_eq!((found.count, found.lost), (0, 50));
    assert!(log.is_empty());
    memory.set_faults(Faults::default());
    append(&mut log, 50..60).unwrap();
    assert_eq!(read_all(&mut log).0.len(), 10);
}

/// Bug class: a reader takes trouble that passes for damage, and throws the whole log away within milliseconds.
#[test]
fn what_cannot_be_read_for_a_while_is_not_given_up() {
    let minute = Duration::from_secs(60);
    for (kinds, read_patience) in [(op::OPEN, Duration::ZERO), (op::READ, minute)] {
        let memory = Memory::default();
        let config = Config {
            read_patience,
            ..small()
        };
        let mut log = open(&memory, config);
        append(&mut log, 0..50).unwrap();
        log.flush().unwrap();
        memory.set_faults(failing(kinds));
        for _ in 0..1000 {
            assert!(log.read(&mut Records::default(), 10).is_err());
        }
        memory.set_faults(Faults::default());
        let (items, lost) = read_all(&mut log);
        assert!(items.into_iter().eq((0..50).map(|n| (n, n))));
        assert_eq!(lost, 0);
    }
}

/// Bug class: a reader takes trouble that passes for damage: here, time in which nobody has tried is held against a place.
#[test]
fn a_place_is_given_up_only_after_it_has_been_tried_for_a_while() {
    let memory = Memory::default();
    let config = Config {
        read_patience: Duration::from_millis(200),
        ..small()
    };
    let mut log = open(&memory, config);
    append(&mut log, 0..20).unwrap();
    log.flush().unwrap();
    let mut out = Records::default();
    memory.set_faults(failing(op::READ));
    log.read(&mut out, 5).unwrap_err();
    std::thread::sleep(Duration::from_millis(300));
    (0..20).for_each(|_| _ = log.read(&mut out, 5).unwrap_err());
    memory.set_faults(Faults::default());
    assert_eq!(log.read(&mut out, 5).unwrap().lost, 0);
}

#[test]
fn what_failed_at_a_place_that_is_dropped_is_not_held_against_the_next() {
    let memory = Memory::default();
    let config = Config {
        at_cap: AtCap::DropOldest,
        max_bytes: 2000,
        ..small()
    };
    let mut log = open(&memory, config);
    append(&mut log, 0..20).unwrap();
    log.flush().unwrap();
    let mut out = Records::default();
    memory.set_faults(failing(op::READ));
    (0..7).for_each(|_| _ = log.read(&mut out, 5).unwrap_err());
    memory.set_faults(Faults::default());
    let dropped = (20..).find(|&n| append(&mut log, n..n + 1).is_ok() && log.counts().dropped_at_cap > 0);
    assert!(dropped.is_some());
    log.flush().unwrap();
    memory.set_faults(failing(op::READ));
    log.read(&mut out, 5).unwrap_err();
    memory.set_faults(Faults::default());
    assert_eq!(log.read(&mut out, 5).unwrap().lost, 0);
}

/// Who drops the item that an error is about must not drop another.
#[test]
fn no_item_is_blamed_for_another() {
    let memory = Memory::default();
    let config = Config {
        fsync: Fsync::EveryBatch,
        ..small()
    };
    let mut log = open(&memory, config);
    let mut records = records(0..2);
    push(&mut records, &[0; 1000]); // Too large.
    memory.set_faults(failing(op::SYNC));
    let (accepted, error) = log.append(&records).unwrap_err();
    assert!(accepted == 0 && !error.is_about_item(), "{error}");
    memory.set_faults(Faults::default());
    let (accepted, error) = log.append(&records).unwrap_err();
    assert!(accepted == 2 && error.is_about_item(), "{error}");
}

#[test]
fn a_directory_that_vanishes_is_made_again() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..10).unwrap();
    log.flush().unwrap();
    memory.vanish();
    append(&mut log, 10..100).unwrap();
    log.sync().unwrap();
    // The segment that was open when it vanished can still be read.
    let (items, lost) = read_all(&mut log);
    assert!(items.into_iter().eq((0..100).map(|n| (n, n))));
    assert_eq!(lost, 0);
    append(&mut log, 100..110).unwrap();
    log.sync().unwrap();
    let (items, lost) = read_all(&mut open(&memory, small()));
    assert!(items.into_iter().eq((100..110).map(|n| (n, n))));
    assert_eq!(lost, 0);
}

#[cfg(unix)]
#[test]
fn a_directory_that_vanishes_from_the_file_system_is_made_again() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("spill");
    let spill = Spill::<u64>::open(&dir).unwrap();
    spill.append(&mut (0..10).collect()).unwrap();
    spill.sync().unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    spill.append(&mut (10..20).collect()).unwrap();
    spill.sync().unwrap();
    assert!(matches!(Spill::<u64>::open(&dir), Err(SpillError::Locked { .. })));
    let mut out = Vec::new();
    while spill.read(&mut out, 100).unwrap().count > 0 {}
    assert!(out.into_iter().eq(0..20));
}

#[test]
fn who_opens_an_open_log_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let first = Spill::<u64>::open(dir.path()).unwrap();
    let error = Spill::<u64>::open(dir.path()).unwrap_err();
    assert!(matches!(&error, SpillError::Locked { path } if path == dir.path()));
    assert!(error.to_string().ends_with("is open already"));
    drop(first);
    Spill::<u64>::open(dir.path()).unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_to_is_an_error_of_opening() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [
        file.path().to_owned(),
        file.path().join("below"),
        "/proc/self/nothing".into(),
    ] {
        assert!(matches!(Spill::<u64>::open(path), Err(SpillError::Io { .. })));
    }
    for kinds in [op::CREATE, op::READ, op::WRITE] {
        let memory = Memory::default();
        memory.set_faults(failing(kinds));
        assert!(matches!(
            Log::open(Arc::new(memory), small()),
            Err(SpillError::Io { .. })
        ));
    }
}

/// Refuses odd numbers, one way or another.
struct Picky {
    encode: bool,
    panic: bool,
}

impl Picky {
    fn check(&self, n: u64) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match n % 2 {
            1 if self.panic => panic!("odd"),
            1 => Err("odd".into()),
            _ => Ok(()),
        }
    }
}

impl Codec<u64> for Picky {
    fn encode(&self, item: &u64, out: &mut Vec<u8>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        out.extend_from_slice(&item.to_le_bytes());
        if self.encode { self.check(*item) } else { Ok(()) }
    }

    fn decode(&self, bytes: &[u8]) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
        let n = u64::from_le_bytes(bytes.try_into()?);
        if !self.encode {
            self.check(n)?;
        }
        Ok(n)
    }
}

// bug-classes G9
#[test]
fn a_record_that_is_no_item_is_skipped_and_counted() {
    for panic in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let codec = Picky { encode: false, panic };
        let spill = Spill::<u64>::options().codec(codec).open(dir.path()).unwrap();
        spill.append(&mut (0..10).collect()).unwrap();
        let mut out = Vec::new();
        let read = spill.read(&mut out, 100).unwrap();
        assert_eq!(out, [0, 2, 4, 6, 8]);
        assert_eq!((read.count, read.undecodable, read.lost), (5, 5, 0));
        assert_eq!(spill.counts().undecodable, 5);
        assert!(spill.is_empty());
    }
}

#[test]
fn an_item_that_cannot_be_encoded_comes_back_with_those_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let codec = Picky {
        encode: true,
        panic: false,
    };
    let spill = Spill::<u64>::options().codec(codec).open(dir.path()).unwrap();
    let mut items = vec![0, 2, 3, 4];
    let error = spill.append(&mut items).unwrap_err();
    assert!(error.is_about_item());
    assert_eq!(items, [3, 4]);
    let error = spill.append_one(5).unwrap_err();
    assert!(matches!(error.error(), SpillError::Encode(_)));
    assert_eq!(error.into_inner(), 5);
    let mut out = Vec::new();
    spill.read(&mut out, 100).unwrap();
    assert_eq!(out, [0, 2]);
}

// bug-classes D3
#[test]
fn a_codec_that_panics_has_written_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let codec = Picky {
        encode: true,
        panic: true,
    };
    let spill = Spill::<u64>::options().codec(codec).open(dir.path()).unwrap();
    let mut items = vec![0, 2, 3, 4];
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| spill.append(&mut items)));
    assert!(outcome.is_err());
    assert_eq!(items, [0, 2, 3, 4]);
    assert!(spill.is_empty());
    spill.append_one(6).unwrap();
    let mut out = Vec::new();
    spill.read(&mut out, 100).unwrap();
    assert_eq!(out, [6]);
}

// bug-classes F2
#[test]
fn a_destructor_may_use_the_log() {
    static DROPPED: AtomicBool = AtomicBool::new(false);

    struct Reentrant(Option<Arc<Spill<Reentrant>>>);

    impl Drop for Reentrant {
        fn drop(&mut self) {
            if let Some(spill) = &self.0 {
                assert_eq!(spill.len(), 1);
                DROPPED.store(true, SeqCst);
            }
        }
    }

    struct Nothing;

    impl Codec<Reentrant> for Nothing {
        fn encode(&self, _: &Reentrant, _: &mut Vec<u8>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            Ok(())
        }

        fn decode(&self, _: &[u8]) -> Result<Reentrant, Box<dyn std::error::Error + Send + Sync>> {
            Ok(Reentrant(None))
        }
    }

    let dir = tempfile::tempdir().unwrap();
    let spill = Arc::new(Spill::options().codec(Nothing).open(dir.path()).unwrap());
    spill.append(&mut vec![Reentrant(Some(spill.clone()))]).unwrap();
    assert!(DROPPED.load(SeqCst));
}
