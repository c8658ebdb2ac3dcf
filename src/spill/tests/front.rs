//! What is kept goes in front of what has not been handed out, and behind what has.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

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
    for n in items {
        log.append_in_front(&records([n])).map_err(|(_, error)| error)?;
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
        assert_eq!(log.len(), 50 - next + 30);
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
            let kept = (0..32).filter(|&chance| keeps_unless_it_fails(fsync, after, chance));
            // Every chance is taken, whatever comes of the others.
            if kept.count() > 0 {
                break;
            }
        }
    }
}

/// Whether it was done before so many operations, from which on all fail.
fn keeps_unless_it_fails(fsync: Fsync, after: u32, chance: u64) -> bool {
    let memory = Memory::default();
    let mut log = handed_out(&memory, fsync);
    log.sync().unwrap();
    log.read(&mut Records::default(), 3).unwrap(); // That what was read before is consumed is not durable.
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
    memory.crash(32 * u64::from(after) + chance);
    let config = Config { fsync, ..small() };
    // What was not durable may be there, with gaps.
    let (found, lost) = read_all(&mut open(&memory, config));
    let found: Vec<_> = found.into_iter().map(|(_, item)| item).collect();
    let place = |item| found.iter().position(|&found| found == item);
    let old = (first..50).map(|item| place(item).unwrap_or_else(|| panic!("{item} is lost")));
    let old: Vec<_> = (0..first).filter_map(place).chain(old).collect();
    assert!(old.is_sorted(), "{found:?}");
    let new: Vec<_> = (100..130).map_while(place).collect();
    assert!(new.is_sorted(), "{found:?}");
    assert!(kept.is_err() || (new.len(), lost) == (30, 0));
    let last_handed_out = found.iter().rposition(|&item| item < next);
    assert!(new.is_empty() || last_handed_out < new.first().copied(), "{found:?}");
    kept.is_ok() && !failed
}

/// A process that is killed while it keeps something.
#[test]
fn what_was_moved_is_not_handed_out_once_more_behind_what_was_kept() {
    let memory = Memory::default();
    let mut log = handed_out(&memory, Fsync::EveryBatch);
    let (first, next) = (log.commit_seq, log.read_seq);
    log.append_in_front(&records(100..103)).unwrap();
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

#[test]
fn what_has_been_consumed_makes_room_in_front() {
    let memory = Memory::default();
    let config = Config {
        max_bytes: 1600,
        ..small()
    };
    let mut log = open(&memory, config);
    append(&mut log, 0..100).unwrap_err();
    while log.read(&mut Records::default(), 10).unwrap().count > 0 {}
    assert!(log.is_empty() && !log.has_handed_out());
    keep(&mut log, 100..105).unwrap();
    let full = keep(&mut log, 105..300).unwrap_err();
    assert!(matches!(full, SpillError::AtCap { max_bytes: 1600 }));
}

#[test]
fn the_cap_holds_for_what_goes_behind_what_is_being_kept() {
    for max_bytes in 300..1700 {
        for count in 1..4 {
            for fails in [false, true] {
                let memory = Memory::default();
                let mut log = open(&memory, Config { max_bytes, ..small() });
                if fails {
                    memory.set_faults(failing(op::WRITE));
                }
                if log.append_in_front(&records(100..100 + count)).is_ok() {
                    memory.set_faults(Faults::default());
                    _ = append(&mut log, 0..200);
                    log.write_out().unwrap();
                    assert!(log.bytes_on_disk() <= max_bytes);
                }
            }
        }
    }
}

/// What a channel does with its log while items move ahead of it, with some of it failing.
#[derive(Clone, Debug)]
enum Action {
    Append(u64),
    InFront(u64),
    Read(usize),
    Commit,
    Sync,
    Fail { kinds: u8, after: u32, times: u32 },
    Kill,
    Crash(u64),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let kinds = prop_oneof![Just(op::ALL), Just(op::WRITE | op::CREATE), Just(op::SYNC), any::<u8>()];
    let action = prop_oneof![
        5 => (1..14_u64).prop_map(Action::Append),
        5 => (1..14_u64).prop_map(Action::InFront),
        8 => (1..12_usize).prop_map(Action::Read),
        1 => Just(Action::Commit),
        2 => Just(Action::Sync),
        2 => (kinds, 0..12_u32, 1..4_u32).prop_map(|(kinds, after, times)| Action::Fail { kinds, after, times }),
        1 => Just(Action::Kill),
        1 => any::<u64>().prop_map(Action::Crash),
    ];
    vec(action, 1..60)
}

/// One order: what was read, what lies in front and what lies behind.
#[derive(Default)]
struct Model {
    read: Vec<u64>,
    in_front: Vec<u64>,
    behind: Vec<u64>,
    /// What the last read handed out, at the end of `read`.
    handed_out: Vec<u64>,
    /// Came back, or were lost in a crash, and may be found after another all the same, anywhere.
    ghosts: BTreeSet<u64>,
    /// Must be found, unless they have been consumed.
    durable: BTreeSet<u64>,
    next: u64,
}

impl Model {
    fn new_items(&mut self, count: u64) -> Vec<u64> {
        self.next += count;
        (self.next - count..self.next).collect()
    }

    /// Takes note of how many of `items` were accepted.
    fn note(&mut self, items: &[u64], result: Result<usize, (usize, SpillError)>, fsync: Fsync) {
        let (Ok(accepted) | Err((accepted, _))) = result;
        self.ghosts.extend(&items[accepted..]);
        if fsync == Fsync::EveryBatch {
            self.durable.extend(&items[..accepted]);
        }
    }

    fn consume(&mut self) {
        for item in &self.read {
            self.durable.remove(item);
        }
        self.handed_out.clear();
    }

    fn note_sync(&mut self) {
        let all = self.handed_out.iter().chain(&self.in_front).chain(&self.behind);
        self.durable.extend(all.filter(|item| !self.ghosts.contains(item)));
    }

    /// The next items to be read, which were not refused.
    fn take(&mut self, count: usize) -> Vec<u64> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let from = if self.in_front.is_empty() {
                &mut self.behind
            } else {
                &mut self.in_front
            };
            assert!(!from.is_empty(), "{count} are read and there are {taken:?}");
            let item = from.remove(0);
            self.read.push(item);
            if !self.ghosts.contains(&item) {
                taken.push(item);
            }
        }
        taken
    }

    /// What a log finds that is opened now. It goes on from there.
    fn reopened(&mut self, found: &[(u64, u64)]) {
        let (in_front, behind): (Vec<_>, Vec<_>) = found.iter().partition(|(seq, _)| *seq >= FIRST_SEQ);
        let items = |found: Vec<(u64, u64)>| found.into_iter().map(|(_, item)| item).collect::<Vec<_>>();
        let (in_front, behind) = (items(in_front), items(behind));
        // If moving what was handed out has failed, there may be copies of all of it: what comes again is behind them.
        let mut found = in_front.clone();
        found.extend(behind.iter().filter(|item| !in_front.contains(item)));
        let mut order = self.read.iter().chain(&self.in_front).chain(&self.behind);
        for item in found.iter().filter(|item| !self.ghosts.contains(item)) {
            assert!(
                order.any(|other| other == item),
                "{item} is not in its place in {found:?}"
            );
        }
        for item in &self.durable {
            assert!(found.contains(item), "{item} is lost: {found:?}");
        }
        *self = Self {
            ghosts: (0..self.next).filter(|item| !found.contains(item)).collect(),
            in_front,
            behind,
            next: self.next,
            ..Self::default()
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2 * ProptestConfig::default().cases, ..ProptestConfig::default() })]

    /// There is one order, whatever fails and whenever the process or the system ends, and what is durable is found.
    #[test]
    fn what_goes_in_front_agrees_with_the_model(
        fsync in prop_oneof![Just(Fsync::Never), Just(Fsync::Interval(Duration::MAX)), Just(Fsync::EveryBatch)],
        actions in actions()
    ) {
        let memory = Memory::default();
        let config = Config { fsync, ..small() };
        let (mut log, mut model, mut has_crashed) = (open(&memory, config), Model::default(), false);
        for action in actions {
            match action {
                Action::Append(count) => {
                    let items = model.new_items(count);
                    model.behind.extend(&items);
                    let result = append(&mut log, items.iter().copied());
                    model.note(&items, result, fsync);
                }
                Action::InFront(count) => {
                    let items = model.new_items(count);
                    model.in_front.extend(&items);
                    let result = log.append_in_front(&records(items.iter().copied()));
                    model.note(&items, result, fsync);
                }
                Action::Read(max) => {
                    memory.set_faults(Faults::default());
                    model.consume();
                    let (read, items) = read(&mut log, max);
                    assert!(has_crashed || read.lost == 0);
                    assert_eq!(items, model.take(items.len()));
                    assert!(!items.is_empty() || log.is_empty());
                    model.handed_out = items;
                }
                Action::Commit => {
                    _ = log.commit();
                    model.consume();
                }
                Action::Sync => {
                    if log.sync().is_ok() {
                        model.note_sync();
                    }
                }
                Action::Fail { kinds, after, times } => {
                    memory.set_faults(Faults { kinds, after, times, ..Faults::default() });
                }
                Action::Kill | Action::Crash(_) => {
                    // Without syncs, nothing is said of a loss of power.
                    if let (Action::Crash(seed), true) = (action, fsync != Fsync::Never) {
                        memory.crash(seed);
                        has_crashed = true;
                    }
                    memory.set_faults(Faults::default());
                    let (found, _) = read_all(&mut open(&memory.copy(), config));
                    model.reopened(&found);
                    log = open(&memory, config);
                }
            }
        }
    }
}
