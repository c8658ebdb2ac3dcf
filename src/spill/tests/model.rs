//! Whatever is done in whatever order, with whatever failing: the log agrees with a model of what it must and may hold.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::free::FreeJob;
use super::super::memory::{Faults, op};
use super::super::options::{AtCap, Compression, Config};
use super::super::segment;
use super::super::sync::SyncJob;
use super::*;

#[derive(Clone, Debug)]
enum Action {
    Append(u64),
    Read(usize),
    Commit,
    Sync,
    /// What the thread of the log does: between these two, others use the log.
    BeginSync,
    EndSync,
    /// The same for segments that were consumed.
    BeginFree,
    EndFree,
    WriteOut,
    Fail {
        kinds: u8,
        after: u32,
        times: u32,
        torn: usize,
    },
    ShortWrites(usize),
    Heal,
    /// The process dies, the system goes on.
    Kill,
    /// The power goes.
    Crash(u64),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let kinds = prop_oneof![
        Just(op::ALL),
        Just(op::WRITE | op::CREATE),
        Just(op::SYNC),
        Just(op::READ),
        Just(op::OPEN),
        any::<u8>(),
    ];
    let times = prop_oneof![1..4_u32, Just(u32::MAX)];
    let action = prop_oneof![
        8 => (1..14_u64).prop_map(Action::Append),
        6 => (0..12_usize).prop_map(Action::Read),
        1 => Just(Action::Commit),
        2 => Just(Action::Sync),
        2 => Just(Action::BeginSync),
        2 => Just(Action::EndSync),
        2 => Just(Action::BeginFree),
        2 => Just(Action::EndFree),
        1 => Just(Action::WriteOut),
        2 => (kinds, 0..12_u32, times, 0..120_usize)
            .prop_map(|(kinds, after, times, torn)| Action::Fail { kinds, after, times, torn }),
        1 => (1..30_usize).prop_map(Action::ShortWrites),
        1 => Just(Action::Heal),
        1 => Just(Action::Kill),
        1 => any::<u64>().prop_map(Action::Crash),
    ];
    vec(action, 1..80)
}

fn configs() -> impl Strategy<Value = Config> {
    let fsync = prop_oneof![
        Just(Fsync::Never),
        Just(Fsync::Interval(std::time::Duration::MAX)),
        Just(Fsync::EveryBatch)
    ];
    let at_cap = prop_oneof![
        Just((AtCap::Refuse, u64::MAX)),
        Just((AtCap::Refuse, 1600)),
        Just((AtCap::DropOldest, 1600))
    ];
    let compression = prop_oneof![Just(Compression::None), Just(Compression::Lz4)];
    (fsync, at_cap, compression, 90..500_u64, 40..200_usize, 30..300_usize).prop_map(
        |(fsync, (at_cap, max_bytes), compression, segment_bytes, frame_bytes, read_ahead)| Config {
            segment_bytes: segment_bytes.max(100),
            max_bytes,
            frame_bytes,
            read_ahead,
            at_cap,
            fsync,
            compression,
            ..small()
        },
    )
}

struct Model {
    memory: Memory,
    config: Config,
    log: Log,
    next_item: u64,
    /// What was accepted, by number.
    accepted: BTreeMap<u64, u64>,
    /// What may be found in its place after a crash, where nothing durable is.
    in_doubt: BTreeMap<u64, Vec<u64>>,
    /// The next number to be read.
    position: u64,
    /// Up to where reads have said what has become of items.
    reported: u64,
    /// All that is accepted below is durable.
    durable: u64,
    /// Reading goes on at least here after a crash.
    committed: u64,
    /// Numbers that a crash may have taken.
    losable: Vec<Range<u64>>,
    /// Numbers under which something may be that was given back, because writing it failed only after it was written.
    doubtful: Vec<Range<u64>>,
    read_errors: u32,
    /// What has begun to be synced, if it could be written, and what is durable and committed when it is done.
    job: Option<(SyncJob, bool, u64, u64)>,
    free_job: Option<FreeJob>,
}

impl Model {
    fn new(config: Config) -> Self {
        let memory = Memory::default();
        let log = open(&memory, config);
        Self {
            memory,
            config,
            log,
            next_item: 0,
            accepted: BTreeMap::new(),
            in_doubt: BTreeMap::new(),
            position: 0,
            reported: 0,
            durable: 0,
            committed: 0,
            losable: Vec::new(),
            doubtful: Vec::new(),
            read_errors: 0,
            job: None,
            free_job: None,
        }
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Append(count) => self.append(count),
            Action::Read(max) => _ = self.read(max),
            Action::Commit => {
                if self.log.commit().is_ok() && self.config.fsync == Fsync::EveryBatch {
                    self.committed = self.log.commit_seq;
                }
            }
            Action::Sync => {
                if self.log.sync().is_ok() {
                    self.durable = self.log.end_seq();
                    self.committed = self.log.commit_seq;
                }
            }
            Action::BeginSync => {
                self.act(&Action::EndSync);
                let (job, written) = self.log.begin_sync();
                self.job = Some((job, written.is_ok(), self.log.end_seq(), self.log.commit_seq));
            }
            Action::EndSync => {
                if let Some((job, written, end_seq, commit_seq)) = self.job.take() {
                    let result = job.run();
                    self.log.end_sync(&job, &result);
                    if written && result.is_ok() {
                        self.durable = self.durable.max(end_seq);
                        self.committed = self.committed.max(commit_seq);
                    }
                }
            }
            Action::BeginFree => {
                self.act(&Action::EndFree);
                self.free_job = self.log.begin_free().ok().flatten();
            }
            Action::EndFree => {
                if let Some(job) = self.free_job.take() {
                    let result = job.run();
                    _ = self.log.end_free(job, result);
                }
            }
            Action::WriteOut => _ = self.log.write_out(),
            Action::Fail {
                kinds,
                after,
                times,
                torn,
            } => self.memory.set_faults(Faults {
                kinds,
                after,
                times,
                torn,
                short_writes: 0,
            }),
            Action::ShortWrites(short_writes) => self.memory.set_faults(Faults {
                short_writes,
                ..Faults::default()
            }),
            Action::Heal => self.memory.set_faults(Faults::default()),
            Action::Kill => {
                // Unless the last of it was consumed instead of being written.
                let written = if self.log.skipped { 0 } else { self.log.written_seq };
                self.memory.set_faults(Faults::default());
                self.reopen();
                assert!(self.log.end_seq() >= written);
            }
            Action::Crash(seed) => {
                self.memory.crash(seed);
                self.reopen();
                self.losable.push(self.durable..self.log.end_seq());
            }
        }
        assert_eq!(self.log.read_seq, self.position.max(self.log.commit_seq));
        self.position = self.log.read_seq;
        assert_eq!(self.log.len(), self.log.end_seq() - self.position);
    }

    fn append(&mut self, count: u64) {
        let (first_seq, bytes) = (self.log.end_seq(), self.log.bytes_on_disk());
        let items = self.next_item..self.next_item + count;
        self.next_item += count;
        let result = append(&mut self.log, items.clone());
        let (Ok(accepted) | Err((accepted, _))) = result;
        assert_eq!(self.log.end_seq(), first_seq + accepted as u64);
        assert!(result.is_err() || accepted == count as usize);
        for (index, item) in items.enumerate() {
            let seq = first_seq + index as u64;
            let before = if index < accepted {
                self.accepted.insert(seq, item)
            } else {
                Some(item)
            };
            self.in_doubt.entry(seq).or_default().extend(before);
        }
        if self.config.fsync == Fsync::EveryBatch && accepted > 0 {
            self.durable = self.durable.max(self.log.end_seq());
        }
        // What was removed may have come back, and what was accepted before may need another segment.
        let max_bytes = self.config.max_bytes;
        assert!(self.log.bytes_on_disk() <= max_bytes || self.log.bytes_on_disk() <= bytes + segment::HEADER as u64);
    }

    /// Whether there was something.
    fn read(&mut self, max: usize) -> bool {
        let mut found = Records::default();
        let read = match self.log.read(&mut found, max) {
            Ok(read) => read,
            Err(_) => {
                // Before the log gives up on what it cannot read.
                self.read_errors += 1;
                if self.read_errors == 6 {
                    self.read_errors = 0;
                    self.memory.set_faults(Faults::default());
                    self.read(max);
                }
                self.position = self.log.read_seq;
                return true;
            }
        };
        if max > 0 {
            self.read_errors = 0;
            let missing = read.lost + read.dropped;
            assert_eq!(
                self.reported + missing,
                if read.count > 0 {
                    read.first_seq
                } else {
                    self.log.read_seq
                }
            );
        }
        if read.dropped == 0 {
            for seq in read.first_seq - read.lost..read.first_seq {
                assert!(self.losable.iter().any(|range| range.contains(&seq)), "{seq} is lost");
            }
        }
        for (seq, item) in (read.first_seq..).zip(found.iter().map(number)) {
            let is_accepted = self.accepted.get(&seq) == Some(&item);
            let may_be = self.doubtful.iter().any(|range| range.contains(&seq));
            let is_in_doubt = may_be && self.in_doubt.get(&seq).is_some_and(|items| items.contains(&item));
            assert!(is_accepted || is_in_doubt, "{seq} is {item}");
        }
        self.position = read.first_seq + read.count as u64;
        self.reported += read.lost + read.dropped + read.count as u64;
        if read.count == 0 && max > 0 {
            assert!(self.log.is_empty());
            self.position = self.log.read_seq;
        }
        read.count > 0
    }

    fn reopen(&mut self) {
        let consumed = self.log.commit_seq;
        (self.job, self.free_job) = (None, None);
        self.log = open(&self.memory, self.config);
        assert!(self.log.end_seq() >= self.durable);
        assert!((self.committed..=consumed).contains(&self.log.read_seq));
        for (seq, item) in self.accepted.split_off(&self.log.end_seq()) {
            self.in_doubt.entry(seq).or_default().push(item);
        }
        self.doubtful.push(self.durable..self.log.end_seq());
        self.position = self.log.read_seq;
        self.reported = self.position;
        self.committed = self.committed.max(self.log.read_seq);
        self.read_errors = 0;
    }

    fn end(mut self) {
        self.act(&Action::Heal);
        while self.read(9) {}
        // All is well again.
        let first_seq = self.log.end_seq();
        self.append(5);
        self.act(&Action::Sync);
        assert_eq!(self.durable, first_seq + 5);
        self.act(&Action::Crash(first_seq));
        self.durable = self.log.end_seq();
        while self.read(9) {}
        assert_eq!(self.position, first_seq + 5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2 * ProptestConfig::default().cases, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_model(config in configs(), actions in actions()) {
        let mut model = Model::new(config);
        for action in &actions {
            model.act(action);
        }
        model.end();
    }
}
