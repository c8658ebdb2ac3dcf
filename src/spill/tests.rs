//! The log over files in memory that can be made to fail, and over the file system.

mod damage;
mod faults;
mod front;
mod kill;
mod model;
mod order;

use std::sync::Arc;
use std::time::Duration;

use super::counts::SpillRead;
use super::error::SpillError;
use super::log::Log;
use super::memory::Memory;
use super::options::{Config, Fsync};
use super::records::Records;

/// Sizes at which every boundary is met soon.
fn small() -> Config {
    Config {
        segment_bytes: 400,
        max_bytes: u64::MAX,
        frame_bytes: 100,
        read_ahead: 150,
        fsync: Fsync::Never,
        read_patience: Duration::ZERO,
        ..Config::default()
    }
}

fn open(memory: &Memory, config: Config) -> Log {
    Log::open(Arc::new(memory.clone()), config).unwrap()
}

/// What is written for item `n`: it knows its number, and its length varies.
fn item(n: u64) -> Vec<u8> {
    let mut bytes = n.to_le_bytes().to_vec();
    bytes.resize(8 + n as usize % 23, n as u8);
    bytes
}

fn number(bytes: &[u8]) -> u64 {
    let n = u64::from_le_bytes(*bytes.first_chunk().unwrap());
    assert_eq!(bytes, item(n));
    n
}

fn records(items: impl IntoIterator<Item = u64>) -> Records {
    let mut records = Records::default();
    for n in items {
        push(&mut records, &item(n));
    }
    records
}

fn push(records: &mut Records, bytes: &[u8]) {
    let pushed = records.push(|out| {
        out.extend_from_slice(bytes);
        Ok::<_, String>(())
    });
    pushed.unwrap();
}

fn append(log: &mut Log, items: impl IntoIterator<Item = u64>) -> Result<usize, (usize, SpillError)> {
    log.append(&records(items))
}

fn read(log: &mut Log, max: usize) -> (SpillRead, Vec<u64>) {
    let mut records = Records::default();
    let read = log.read(&mut records, max).unwrap();
    log.free_consumed(false);
    assert_eq!(read.count, records.count());
    (read, records.iter().map(number).collect())
}

/// Reads to the end: items with their numbers in the log, and how many were lost.
fn read_all(log: &mut Log) -> (Vec<(u64, u64)>, u64) {
    let (mut all, mut lost) = (Vec::new(), 0);
    loop {
        let (read, items) = read(log, 7);
        lost += read.lost;
        all.extend((read.first_seq..).zip(items));
        if read.count == 0 {
            assert!(log.is_empty());
            return (all, lost);
        }
    }
}
