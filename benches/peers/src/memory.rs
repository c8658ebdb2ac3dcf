//! What a large channel allocates.

use crate::case::Case;
use crate::cases::thread_peers;
use crate::contenders::*;
use crate::group::Group;
use crate::ledger::tag;
use crate::outcome::{Column, Outcome};
use crate::payload::{Event, Payload};
use crate::roles::TryPush;

/// How many items the channels hold.
const SLOTS: u64 = 1_000_000;

/// Bytes held in the two states of a channel.
struct Footprint {
    /// Just opened.
    empty: i64,
    /// Holding all the items it can.
    full: i64,
}

impl Outcome for Footprint {
    const COLUMNS: &'static [Column] = &[
        Column::headline("when full", "bytes per slot"),
        Column::detail("when empty", "bytes per slot"),
    ];

    fn figures(&self, items: u64) -> Vec<f64> {
        [self.full, self.empty].map(|bytes| bytes as f64 / items as f64).into()
    }
}

/// Every channel, for items of 64 bytes; `held` says how many bytes the program holds.
pub fn case(held: fn() -> i64) -> Case {
    let case = Case::new(Group::Memory, format!("memory, {SLOTS} items of 64 bytes"), 1, SLOTS)
        .exact()
        .ours("ours", move |n| weigh(block, n, held))
        .ours("ours, DropOldest", move |n| weigh(drop_oldest, n, held))
        .peer("ArrayQueue", move |n| weigh(array_queue, n, held))
        .peer("tachyonix", move |n| weigh(tachyonix::channel, n, held));
    thread_peers!(case, Event, |open, n| weigh(open, n, held))
}

fn weigh<S: TryPush<Event>, R>(open: impl Fn(usize) -> (S, R), items: u64, held: fn() -> i64) -> Footprint {
    let before = held();
    let (mut sender, receiver) = open(items as usize);
    let empty = held() - before;
    for number in 0..items {
        assert!(sender.offer(Event::new(tag(0, number))));
    }
    let full = held() - before;
    drop(receiver);
    Footprint { empty, full }
}
