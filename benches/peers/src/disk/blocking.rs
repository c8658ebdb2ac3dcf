//! For how long the calls of `Spill` keep their caller, with what is asked of the medium.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mpsc_ring::{Fsync, Spill};

use super::ours::Words;
use super::{Event, FILLER};
use crate::BATCH;
use crate::pace::{Cores, Pace, Until, histogram};

/// A call and how long it took, time after time.
pub struct Calls {
    /// The policy that the log had.
    pub policy: &'static str,
    /// What was called.
    pub call: &'static str,
    /// Nanoseconds.
    pub took: Histogram<u64>,
}

/// How many times each is called, and how fast.
#[derive(Clone, Copy)]
struct Plan {
    policy: &'static str,
    fsync: Fsync,
    appends: u64,
    /// 5 µs are 200,000 items a second; zero is as fast as they are taken.
    append_every: Duration,
    reads: u64,
}

/// A read every so often: often enough for a backlog, seldom enough for caches to cool down.
const READ_EVERY: Duration = Duration::from_millis(1);

/// Under every policy, with a share of the calls if `shrink` is not 1.
pub fn measure(shrink: u64) -> Vec<Calls> {
    let paced = Plan {
        policy: "`Never`",
        fsync: Fsync::Never,
        appends: 1_000_000 / shrink,
        append_every: Duration::from_micros(5),
        reads: 4000 / shrink,
    };
    let interval = Plan {
        policy: "`Interval`, 500 ms",
        fsync: Fsync::Interval(Duration::from_millis(500)),
        ..paced
    };
    let every_batch = Plan {
        policy: "`EveryBatch`",
        fsync: Fsync::EveryBatch,
        appends: 4000 / shrink,
        append_every: Duration::ZERO,
        ..paced
    };
    [paced, interval, every_batch].into_iter().flat_map(run).collect()
}

fn run(plan: Plan) -> Vec<Calls> {
    let dir = tempfile::tempdir().expect("a directory");
    let options = Spill::options().codec(Words).fsync(plan.fsync);
    let spill = options.open(dir.path()).expect("a log");
    let appends = append(&spill, plan);
    // As much as the reads take, and some.
    let missing = ((plan.reads + 1) * BATCH as u64).saturating_sub(spill.len());
    let mut rest = vec![[FILLER; 8]; missing as usize];
    spill.append(&mut rest).expect("events that are taken");
    let (reads, commits) = read(&spill, plan.reads);
    let calls = |call, took| Calls {
        policy: plan.policy,
        call,
        took,
    };
    vec![
        calls("`append_one`", appends),
        calls("`read` of 256", reads),
        calls("`commit`", commits),
    ]
}

fn append(spill: &Spill<Event>, plan: Plan) -> Histogram<u64> {
    let mut took = histogram();
    let pace = Pace {
        every: plan.append_every,
        until: Until::Spinning,
        cores: Cores::Free,
    };
    let mut due = Instant::now();
    for number in 0..plan.appends {
        let mut event = [FILLER; 8];
        event[0] = number;
        let began = pace.wait(due);
        spill.append_one(event).expect("an event that is taken");
        took.saturating_record(began.elapsed().as_nanos() as u64);
        due += pace.every;
    }
    took
}

fn read(spill: &Spill<Event>, count: u64) -> (Histogram<u64>, Histogram<u64>) {
    let (mut reads, mut commits) = (histogram(), histogram());
    let pace = Pace {
        every: READ_EVERY,
        until: Until::Sleeping,
        cores: Cores::Free,
    };
    let mut batch = Vec::with_capacity(BATCH);
    let mut due = Instant::now();
    for _ in 0..count {
        let began = pace.wait(due);
        let read = spill.read(&mut batch, BATCH).expect("events");
        reads.saturating_record(began.elapsed().as_nanos() as u64);
        assert_eq!(read.count, BATCH);
        batch.clear();
        let began = Instant::now();
        spill.commit().expect("a cursor that is kept");
        commits.saturating_record(began.elapsed().as_nanos() as u64);
        due += pace.every;
    }
    (reads, commits)
}
