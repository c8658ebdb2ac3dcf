//! What a large channel allocates.

use std::sync::mpsc::sync_channel;

use crate::case::Role;
use crate::contenders::*;
use crate::ledger::tag;
use crate::payload::{Event, Payload};
use crate::roles::TryPush;

/// How many items the channels hold.
pub const SLOTS: usize = 1_000_000;

/// Bytes held in the two states of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Just opened.
    pub empty: i64,
    /// Holding all the items it can.
    pub full: i64,
}

/// A channel to be weighed.
#[derive(Debug)]
pub struct Weighed {
    /// How a report names it.
    pub name: &'static str,
    /// What it is to the comparison.
    pub role: Role,
    weigh: fn(fn() -> i64) -> Footprint,
}

impl Weighed {
    /// Opens the channel and fills it; `held` says how many bytes the program holds.
    pub fn weigh(&self, held: fn() -> i64) -> Footprint {
        (self.weigh)(held)
    }
}

/// Every channel, for items of 64 bytes.
pub fn all() -> Vec<Weighed> {
    let weighed = |role, name, weigh| Weighed { name, role, weigh };
    vec![
        weighed(Role::Ours, "ours", |held| weigh(block::<Event>, held)),
        weighed(Role::Ours, "ours, DropOldest", |held| weigh(drop_oldest::<Event>, held)),
        weighed(Role::Peer, "ArrayQueue", |held| weigh(array_queue::<Event>, held)),
        weighed(Role::Peer, "crossbeam-channel", |held| {
            weigh(crossbeam_channel::bounded::<Event>, held)
        }),
        weighed(Role::Peer, "crossfire", |held| {
            weigh(crossfire::mpsc::bounded_blocking::<Event>, held)
        }),
        weighed(Role::Peer, "kanal", |held| weigh(kanal::bounded::<Event>, held)),
        weighed(Role::Peer, "tachyonix", |held| weigh(tachyonix::channel::<Event>, held)),
        weighed(Role::Peer, "thingbuf", |held| {
            weigh(thingbuf::mpsc::blocking::channel::<Event>, held)
        }),
        weighed(Role::Peer, "flume", |held| weigh(flume::bounded::<Event>, held)),
        weighed(Role::Peer, "async-channel", |held| {
            weigh(async_channel::bounded::<Event>, held)
        }),
        weighed(Role::Peer, "tokio", |held| {
            weigh(tokio::sync::mpsc::channel::<Event>, held)
        }),
        weighed(Role::Peer, "std", |held| weigh(sync_channel::<Event>, held)),
    ]
}

fn weigh<S: TryPush<Event>, R>(open: fn(usize) -> (S, R), held: fn() -> i64) -> Footprint {
    let before = held();
    let (mut sender, receiver) = open(SLOTS);
    let empty = held() - before;
    for number in 0..SLOTS as u64 {
        assert!(sender.offer(Event::new(tag(0, number))));
    }
    let full = held() - before;
    drop(receiver);
    Footprint { empty, full }
}
