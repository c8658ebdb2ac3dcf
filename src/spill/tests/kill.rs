//! A process that appends is killed again and again: what it said was durable is there, in order.
//!
//! `MPSC_RING_KILL_ROUNDS` says how often; 20 times unless set.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::super::memory::Chance;
use super::super::{Compression, Fsync, Spill};

const DIR: &str = "MPSC_RING_KILL_DIR";
const POLICY: &str = "MPSC_RING_KILL_POLICY";

fn spill(dir: &Path, policy: usize) -> Spill<(u64, Vec<u8>)> {
    let fsync = match policy % 3 {
        0 => Fsync::EveryBatch,
        1 => Fsync::Interval(Duration::from_millis(5)),
        _ => Fsync::Never,
    };
    let compression = match policy / 3 % 2 {
        0 => Compression::None,
        _ => Compression::Lz4,
    };
    let options = Spill::options()
        .segment_bytes(16 << 10)
        .fsync(fsync)
        .compression(compression);
    options.open(dir).unwrap()
}

fn item(n: u64) -> (u64, Vec<u8>) {
    (n, vec![n as u8; (n * 7919 % 200) as usize])
}

/// Not a test: the process that is killed. Items are numbered as in the log.
#[test]
#[ignore = "run by another test"]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let policy = std::env::var(POLICY).unwrap().parse().unwrap();
    let spill = spill(Path::new(&dir), policy);
    let mut chance = Chance(u64::from(std::process::id()));
    let mut out = std::io::stdout();
    loop {
        let end = spill.lock().end_seq();
        let mut batch: Vec<_> = (end..end + 1 + chance.below(50) as u64).map(item).collect();
        let end = end + spill.append(&mut batch).unwrap() as u64;
        let is_durable = policy % 3 == 0
            || match chance.below(20) {
                0 => spill.sync().is_ok(),
                _ => false,
            };
        if is_durable {
            writeln!(out, "durable {end}").unwrap();
        }
        if chance.below(3) == 0 {
            let mut items = Vec::new();
            let read = spill.read(&mut items, 40).unwrap();
            assert_eq!(read.lost, 0);
            let first_seq = read.first_seq;
            assert!(
                items
                    .into_iter()
                    .eq((first_seq..first_seq + read.count as u64).map(item))
            );
            spill.commit().unwrap();
            writeln!(out, "committed {}", first_seq + read.count as u64).unwrap();
        }
    }
}

#[test]
fn what_was_durable_survives_being_killed() {
    let rounds = std::env::var("MPSC_RING_KILL_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap());
    let parent = tempfile::tempdir().unwrap();
    let mut chance = Chance(1);
    let mut positions = [0; 6];
    for round in 0..rounds {
        let policy = round % 6;
        let dir = parent.path().join(policy.to_string());
        let (durable, committed) = run_and_kill(&dir, policy, &mut chance);

        let spill = spill(&dir, policy);
        let mut position = spill.lock().read_seq;
        assert!(position >= committed.max(positions[policy]), "round {round}");
        let end = spill.lock().end_seq();
        assert!(end >= durable.max(committed), "round {round}");
        // Some of it is left to the next round.
        while position < end && chance.below(50) > 0 {
            let mut items = Vec::new();
            let read = spill.read(&mut items, 100).unwrap();
            assert_eq!((read.lost, read.first_seq), (0, position), "round {round}");
            position += read.count as u64;
            assert!(
                items.into_iter().eq((read.first_seq..position).map(item)),
                "round {round}"
            );
        }
        spill.commit().unwrap();
        positions[policy] = position;
    }
}

/// Lets a child append until it is killed; returns up to where it said that items were durable, and committed.
fn run_and_kill(dir: &Path, policy: usize, chance: &mut Chance) -> (u64, u64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "spill::tests::kill::child",
        "--exact",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env(DIR, dir).env(POLICY, policy.to_string());
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut durable, mut committed) = (0, 0);
    let mut kill_at = None;
    let mut is_killed = false;
    while let Some(Ok(line)) = lines.next() {
        match line.split_once(' ') {
            Some(("durable", seq)) => durable = seq.parse().unwrap_or(durable),
            Some(("committed", seq)) => committed = seq.parse().unwrap_or(committed),
            _ => continue,
        }
        let kill_at =
            *kill_at.get_or_insert_with(|| Instant::now() + Duration::from_micros(chance.below(40_000) as u64));
        if !is_killed && Instant::now() >= kill_at {
            child.kill().unwrap();
            is_killed = true;
        }
    }
    let status = child.wait().unwrap();
    assert!(is_killed, "the child ended by itself: {status}");
    (durable, committed)
}
