//! Logs and queues on disk: what writing and reading back cost, and opening what somebody else has left.

pub mod blocking;
mod ours;
mod plain;
mod queue_file;
pub mod recovery;
mod yaque;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::BATCH;
use crate::case::Case;
use crate::group::Group;
use crate::ledger::Ledger;

/// An item of 64 bytes; the first word is its number.
type Event = [u64; 8];

/// As the peers take it and hand it out.
type Bytes = [u8; 64];

/// What an item has beside its number: no more than words that do not fit into a few bytes.
const FILLER: u64 = 0x9e37_79b9_7f4a_7c15;

/// So many items make a round.
const ITEMS: u64 = 1 << 19;

/// Somebody who writes. What is held back is written when it is dropped.
trait Append {
    fn append(&mut self, events: &[Event]);
}

/// Somebody who reads, and says that what was read is done with.
trait Take {
    /// Shows the numbers of at least one item and at most `max`; there are so many.
    fn take(&mut self, max: usize, see: impl FnMut(u64));
}

/// Every case that compares throughput.
pub fn cases() -> Vec<Case> {
    let case = |name: &str| Case::new(Group::Disk, name, 1, ITEMS);
    vec![
        case("written, 256 at a time")
            .ours("ours", |n| write(ours::words, BATCH, n))
            .reference("ours, serialized by Postcard", |n| write(ours::postcard, BATCH, n))
            .peer("yaque", |n| write(yaque::sender, BATCH, n))
            .peer("queue-file", |n| write(queue_file::queue, BATCH, n))
            .reference("plain file", |n| write(plain::file, BATCH, n)),
        case("written, one at a time")
            .ours("ours", |n| write(ours::words, 1, n))
            .peer("yaque", |n| write(yaque::sender, 1, n))
            .peer("queue-file", |n| write(queue_file::queue, 1, n))
            .peer("queue-file, header at the end", |n| {
                write(queue_file::header_at_the_end, 1, n)
            })
            .reference("plain file", |n| write(plain::file, 1, n))
            .reference("plain file, buffered", |n| write(plain::writer, 1, n)),
        case("read back, 256 at a time")
            .ours("ours", |n| read(ours::words, ours::words, BATCH, n))
            .ours("ours, commit after each", |n| {
                read(ours::words, ours::committing, BATCH, n)
            })
            .ours("ours, Vec<u8> as the peers", |n| {
                read(ours::words, ours::vecs, BATCH, n)
            })
            .reference("ours, serialized by Postcard", |n| {
                read(ours::postcard, ours::postcard, BATCH, n)
            })
            .peer("yaque", |n| read(yaque::sender, yaque::receiver, BATCH, n))
            .peer("queue-file", |n| read(queue_file::queue, queue_file::queue, BATCH, n))
            .reference("plain file", |n| read(plain::file, plain::file, BATCH, n)),
        case("read back, one at a time")
            .ours("ours", |n| read(ours::words, ours::words, 1, n))
            .ours("ours, commit after each", |n| read(ours::words, ours::committing, 1, n))
            .peer("yaque", |n| read(yaque::sender, yaque::receiver, 1, n))
            .peer("queue-file", |n| read(queue_file::queue, queue_file::queue, 1, n))
            .reference("plain file, buffered", |n| read(plain::file, plain::reader, 1, n)),
    ]
}

/// Writes numbered items, `batch` at a time, until all have been handed to the system.
fn write<A: Append>(open: fn(&Path) -> A, batch: usize, items: u64) -> Duration {
    let dir = tempfile::tempdir().expect("a directory");
    fill(open(dir.path()), batch, items)
}

/// Reads numbered items back, at most `batch` at a time, until there are no more.
fn read<A: Append, T: Take>(open: fn(&Path) -> A, open_again: fn(&Path) -> T, batch: usize, items: u64) -> Duration {
    let dir = tempfile::tempdir().expect("a directory");
    fill(open(dir.path()), BATCH, items);
    let mut log = open_again(dir.path());
    let began = Instant::now();
    empty(&mut log, batch, items);
    began.elapsed()
}

fn fill(mut log: impl Append, batch: usize, items: u64) -> Duration {
    let mut events = vec![[FILLER; 8]; batch];
    let began = Instant::now();
    for first in (0..items).step_by(batch) {
        for (event, number) in events.iter_mut().zip(first..) {
            event[0] = number;
        }
        log.append(&events);
    }
    drop(log);
    began.elapsed()
}

fn empty(log: &mut impl Take, batch: usize, items: u64) {
    let mut ledger = Ledger::default();
    while ledger.seen() < items {
        log.take(batch, |number| ledger.see(&number));
    }
    ledger.settle(items);
}

fn to_bytes(event: &Event) -> Bytes {
    let mut bytes = [0; 64];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(event) {
        *bytes = word.to_le_bytes();
    }
    bytes
}

/// The number of an item. Panics if it is none of ours.
fn number_of(bytes: &[u8]) -> u64 {
    let words = bytes.as_chunks().0;
    assert!(words.len() == 8 && u64::from_le_bytes(words[7]) == FILLER);
    u64::from_le_bytes(words[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_gives_back_what_was_written() {
        for case in cases() {
            for contender in &case.contenders {
                contender.run(4 * BATCH as u64);
            }
        }
    }
}
