//! Compares `mpsc_ring::Spill` with queues on disk, and prints tables. `TMPDIR` says which file system they are on.

use std::{env, fs};

use clap::{Parser, ValueEnum};
use mpsc_ring_peers::disk::{self, blocking, recovery};
use mpsc_ring_peers::facts::Facts;
use mpsc_ring_peers::render::markdown;
use mpsc_ring_peers::run::{EffortArgs, run};
use mpsc_ring_peers::{Case, Group, Results};

/// Compares mpsc_ring's log with other queues on disk.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    effort: EffortArgs,
    /// Run only this.
    #[arg(long)]
    only: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What writing and reading cost, next to the peers.
    Throughput,
    /// What opening a log costs, next to the peers.
    Recovery,
    /// How long calls keep their caller.
    Blocking,
}

fn main() {
    let arguments: Vec<_> = env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == recovery::ARGUMENT) {
        return recovery::recover(&arguments[at + 1..]);
    }
    let args = Args::parse();
    let effort = args.effort.effort();
    let wants = |part| args.only.is_none_or(|only| only == part);
    let mut results = Results {
        facts: Facts::gather(),
        options: Vec::new(),
        tables: Vec::new(),
    };
    print!("{}", markdown::facts(&results.facts));
    println!("- disk: {}", file_system());

    let mut cases: Vec<Case> = Vec::new();
    if wants(Part::Throughput) {
        cases.extend(disk::cases());
    }
    if wants(Part::Recovery) {
        cases.push(recovery::case());
    }
    if !cases.is_empty() {
        println!("\n{}", Group::Disk.about());
    }
    for case in &cases {
        let mut table = run(case, effort, || ());
        if table.name == recovery::NAME {
            // The processes that open would be taken for others that disturb.
            table.others = f64::NAN;
        }
        print!("{}", markdown::table(&table));
        results.tables.push(table);
    }
    if !cases.is_empty() {
        print!("{}", markdown::conclusion(&results));
    }
    if wants(Part::Blocking) {
        print!("{}", markdown::calls(&blocking::measure(effort.shrink)));
    }
}

/// What kind of file system it is, on which device, and where.
fn file_system() -> String {
    let dir = env::temp_dir();
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (device, at, kind) = (words.next()?, words.next()?, words.next()?);
        dir.starts_with(at).then_some((at, kind, device))
    });
    // The innermost, and of these the last, as it hides the others.
    match mounts.max_by_key(|(at, ..)| at.len()) {
        Some((_, kind, device)) => format!("{kind} on {device}, in {}", dir.display()),
        None => format!("unknown, in {}", dir.display()),
    }
}
