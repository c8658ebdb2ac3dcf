//! Opening what another process has left, and reading all of it.
//!
//! A process of its own does so for each round, as only that shows what it takes of memory.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::{Append, Take, empty, fill, ours, plain, queue_file, yaque};
use crate::BATCH;
use crate::case::Case;
use crate::group::Group;
use crate::outcome::{Column, Outcome};

/// So many items have been left.
const LEFT: u64 = 1_000_000;

/// The name of the case.
pub const NAME: &str = "opened again, then read 256 at a time";

/// What a program is called with to be the process that opens.
pub const ARGUMENT: &str = "--recover";

struct Recovery {
    open_ms: f64,
    read_ms: f64,
    /// By how much the most memory that was ever resident has grown; not a number if it is not known here.
    memory_mib: f64,
}

impl Outcome for Recovery {
    const COLUMNS: &'static [Column] = &[
        Column::headline("opening", "ms"),
        Column::headline("reading all", "ms"),
        Column::headline("peak memory", "MiB"),
    ];

    fn figures(&self, _items: u64) -> Vec<f64> {
        vec![self.open_ms, self.read_ms, self.memory_mib]
    }
}

/// Everybody, by the name of who opens.
pub fn case() -> Case {
    Case::new(Group::Disk, NAME, 1, LEFT)
        .ours("ours", |n| left_by(ours::words, "ours", n))
        .peer("yaque", |n| left_by(yaque::sender, "yaque", n))
        .peer("queue-file", |n| left_by(queue_file::queue, "queue-file", n))
        .reference("plain file", |n| left_by(plain::file, "plain", n))
}

/// What the other process does. `arguments` are what it was called with after [`ARGUMENT`].
///
/// # Panics
///
/// If they are not from here.
pub fn recover(arguments: &[String]) {
    let [who, dir, items] = arguments else {
        panic!("who, where and how many")
    };
    let (dir, items) = (Path::new(dir), items.parse().expect("a number"));
    match who.as_str() {
        "ours" => open_and_read(|| ours::words(dir), items),
        "yaque" => open_and_read(|| yaque::receiver(dir), items),
        "queue-file" => open_and_read(|| queue_file::queue(dir), items),
        "plain" => open_and_read(|| plain::file(dir), items),
        other => panic!("nobody is called {other}"),
    }
}

fn left_by<A: Append>(open: fn(&Path) -> A, who: &str, items: u64) -> Recovery {
    let dir = tempfile::tempdir().expect("a directory");
    let items = items - items % BATCH as u64;
    fill(open(dir.path()), BATCH, items);
    let mut process = Command::new(env::current_exe().expect("a program"));
    process.args([ARGUMENT, who]).arg(dir.path()).arg(items.to_string());
    let output = process.output().expect("a process");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).expect("text");
    let said: Vec<f64> = said
        .split_whitespace()
        .map(|word| word.parse().expect("a number"))
        .collect();
    let [open_ms, read_ms, memory_mib] = said[..] else {
        panic!("three figures, not {said:?}")
    };
    Recovery {
        open_ms,
        read_ms,
        memory_mib,
    }
}

fn open_and_read<T: Take>(open: impl FnOnce() -> T, items: u64) {
    let before = peak_memory();
    let began = Instant::now();
    let mut log = open();
    let opened = began.elapsed();
    empty(&mut log, BATCH, items);
    let read = began.elapsed() - opened;
    let memory = peak_memory()
        .zip(before)
        .map_or(f64::NAN, |(after, before)| after - before);
    println!("{} {} {memory}", 1e3 * opened.as_secs_f64(), 1e3 * read.as_secs_f64());
}

/// The most memory that has ever been resident, in MiB.
fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024.0)
}
