//! What is kept goes in front of what has not been handed out, and behind what has.

use super::super::front::FIRST_SEQ;
use super::super::memory::{Faults, op};
use super::super::options::AtCap;
use super::faults::failing;
use super::*;

/// A log with the items 0 to 50, of which some have been consumed and some may have to be handed out again.
fn handed_out(memory: &Memory, fsync: Fsync) -> Log {
    let mut log = open(memory, Config { fsync, ..small() });
    append(&mut log, 0..50).unwrap();
    read(&mut log, 10);
    read(&mut log, 10);
    assert!(0 < log.commit_seq && log.commit_seq < log.read_seq && log.read_seq < 50);
    log
}

fn keep(log: &mut Log, items: std::ops::Range<u64>) -> Result<(), SpillError> {
    let keeping = log.begin_keeping()?;
    for n in items {
        log.keep(keeping, &records([n])).map_err(|(_, error)| error)?;
    }
    log.sync()
}

fn items(log: &mut Log) -> Vec<u64> {
    let (items, lost) = read_all(log);
    assert_eq!(lost, 0);
    items.into_iter().map(|(_, item)| item).collect()
}

#[test]
fn what_is_kept_comes_between_what_was_handed_out_and_the_rest() {
    for fsync in [Fsync::Never, Fsync::Interval(Duration::MAX), Fsync::EveryBatch] {
        let memory = Memory::default();
        let mut log = handed_out(&memory, fsync);
        let first = log.commit_seq;
        let next = log.read_seq;
        let (counts, position) = (log.counts(), log.position());
        keep(&mut log, 100..130).unwrap();
        assert_eq!(log.counts().appended, counts.appended + 30);
        assert_eq!((log.counts().read, log.position()), (counts.read, position));
        assert_eq!(log.len(), 50 - first + 30);
        let expected: Vec<u64> = (first..next).chain(100..130).chain(next..50).collect();
        drop(log);

        // It stays so when there are handed out, some again, and more is kept.
        let mut log = open(&memory, small());
        assert_eq!(read(&mut log, 2).0.first_seq, FIRST_SEQ);
        assert_eq!(read(&mut log, 3).0.first_seq, FIRST_SEQ + 2);
        log.sync().unwrap();
        drop(log);
        let mut log = open(&memory, small());
        assert_eq!(items(&mut log), expected[2..]);
        assert_eq!(log.len(), 0);
        keep(&mut log, 200..210).unwrap(); // With nothing to go in front of.
        append(&mut log, 300..310).unwrap();
        assert_eq!(items(&mut log), (200..210).chain(300..310).collect::<Vec<_>>());
    }
}

#[test]
fn what_was_kept_is_freed_and_its_numbers_are_not_used_again() {
    let memory = Memory::default();
    for round in 0..4 {
        let mut log = open(&memory, small());
        let mut append_from = |n| append(&mut log, n..n + 20).unwrap();
        append_from(0);
        keep(&mut log, 100..150).unwrap();
        let read = read(&mut log, 1).0;
        assert_eq!(read.first_seq, FIRST_SEQ + 50 * round);
        assert_eq!(items(&mut log).len(), 69);
        log.commit().unwrap();
        log.sync().unwrap();
        log.free_consumed(false);
        assert!(log.front.as_ref().unwrap().segments.len() < 2);
    }
}

#[test]
fn at_the_cap_nothing_more_is_kept() {
    let memory = Memory::default();
    let config = Config {
        max_bytes: 1600,
        ..small()
    };
    let mut log = open(&memory, config);
    let accepted = append(&mut log, 0..100).unwrap_err().0 as u64;
    read(&mut log, 30);
    read(&mut log, 30);
    log.commit().unwrap();
    log.free_consumed(false);
    let error = keep(&mut log, 100..200).unwrap_err();
    assert!(matches!(error, SpillError::AtCap { .. }));
    assert!(log.bytes_on_disk() <= 1600);
    let left = items(&mut log);
    assert!(left[0] == 100 && left.ends_with(&[accepted - 1]));
}

/// Whatever fails while something is kept, and whenever the power goes: what was durable before is found, in order, and what was
/// handed out comes before what was kept, each time that it comes.
#[test]
fn keeping_may_fail_anywhere() {
    for fsync in [Fsync::Interval(Duration::MAX), Fsync::EveryBatch] {
        for after in 0.. {
            let memory = Memory::default();
            let mut log = handed_out(&memory, fsync);
            log.sync().unwrap();
            let (first, next) = (log.commit_seq, log.read_seq);
            let before = memory.operations();
            memory.set_faults(Faults {
                kinds: op::ALL,
                after,
                times: u32::MAX,
                ..Faults::default()
            });
            let kept = keep(&mut log, 100..130);
            let failed = memory.operations() > before + u64::from(after);
            memory.crash(after.into());
            let config = Config { fsync, ..small() };
            // What was not durable may be there, with gaps.
            let (found, lost) = read_all(&mut open(&memory, config));
            let found: Vec<_> = found.into_iter().map(|(_, item)| item).collect();
            let place = |item| found.iter().position(|&found| found == item);
            let old: Vec<_> = (first..50)
                .map(|item| place(item).unwrap_or_else(|| panic!("{item} is lost")))
                .collect();
            assert!(old.is_sorted(), "{found:?}");
            let new: Vec<_> = (100..130).map_while(place).collect();
            assert!(new.is_sorted(), "{found:?}");
            assert!(kept.is_err() || (new.len(), lost) == (30, 0));
            let last_handed_out = found.iter().rposition(|&item| item < next);
            assert!(new.is_empty() || last_handed_out < new.first().copied(), "{found:?}");
            if !failed && kept.is_ok() {
                break;
            }
        }
    }
}

/// A process that is killed while it keeps something.
#[test]
fn what_was_moved_is_not_handed_out_once_more_behind_what_was_kept() {
    let memory = Memory::default();
    let mut log = handed_out(&memory, Fsync::EveryBatch);
    let (first, next) = (log.commit_seq, log.read_seq);
    let keeping = log.begin_keeping().unwrap();
    log.keep(keeping, &records(100..103)).unwrap();
    drop(log);
    let expected: Vec<u64> = (first..next).chain(100..103).chain(next..50).collect();
    assert_eq!(items(&mut open(&memory, small())), expected);
}

/// Damage in front of what was handed out does not make more of it.
#[test]
fn only_what_was_handed_out_is_moved() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..60).unwrap();
    log.sync().unwrap();
    drop(log);
    let mut files = memory.files();
    let segment = files.iter_mut().find(|(name, _)| name.ends_with(".segment"));
    segment.unwrap().1[60] ^= 1; // In the first frame.
    let memory = Memory::with_files(&files);
    let mut log = open(&memory, small());
    let (first, handed_out) = read(&mut log, 3);
    assert!(first.lost > 0);
    let next = log.read_seq;
    keep(&mut log, 100..105).unwrap();
    let expected: Vec<u64> = handed_out.into_iter().chain(100..105).chain(next..60).collect();
    let (found, _) = read_all(&mut open(&memory, small()));
    assert!(found.into_iter().map(|(_, item)| item).eq(expected));
}

#[test]
fn a_commit_that_fails_in_front_is_one_all_the_same() {
    let memory = Memory::default();
    let mut log = handed_out(&memory, Fsync::EveryBatch);
    keep(&mut log, 100..105).unwrap();
    while log.read(&mut Records::default(), 5).unwrap().first_seq >= FIRST_SEQ {}
    memory.set_faults(failing(op::SYNC));
    log.commit().unwrap_err();
    memory.set_faults(Faults::default());
    assert_eq!(log.commit_seq, log.read_seq);
    log.sync().unwrap();
    let expected: Vec<u64> = (log.read_seq..50).collect();
    assert_eq!(items(&mut open(&memory, small())), expected);
}

#[test]
fn whatever_the_cap_keeping_stays_below_it() {
    for max_bytes in 300..1700 {
        for count in 1..4 {
            let memory = Memory::default();
            let mut log = open(&memory, Config { max_bytes, ..small() });
            if append(&mut log, 0..count).is_ok() {
                _ = keep(&mut log, 100..200);
                log.write_out().unwrap();
                assert!(log.bytes_on_disk() <= max_bytes);
            }
        }
    }
}

#[test]
fn what_is_dropped_at_the_cap_is_told_even_if_it_is_all_that_was_kept() {
    let memory = Memory::default();
    let mut log = open(&memory, small());
    append(&mut log, 0..1).unwrap();
    keep(&mut log, 100..110).unwrap();
    drop(log);
    let config = Config {
        max_bytes: 1600,
        at_cap: AtCap::DropOldest,
        ..small()
    };
    let mut log = open(&memory, config);
    append(&mut log, 1..200).unwrap();
    let (mut told, mut count) = (0, 1);
    while count > 0 {
        let read = read(&mut log, 10).0;
        (told, count) = (told + read.dropped, read.count);
    }
    assert_eq!(told, log.counts().dropped_at_cap);
}
