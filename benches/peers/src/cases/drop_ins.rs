//! The drop-in types and what they replace, on one thread.

use crossbeam_queue::ArrayQueue;
use mpsc_ring::compat::{LockFreeRingBuffer, RingBuffer};

use super::MI;
use crate::case::Case;
use crate::group::Group;
use crate::payload::{Event, Payload};
use crate::rings;

pub fn cases() -> Vec<Case> {
    vec![
        displacements(),
        pops(),
        snapshots::<u64>(),
        snapshots::<Event>(),
        overwrites(),
    ]
}

fn displacements() -> Case {
    let name = "drop-in, u64, push that returns the oldest of a full ring";
    Case::new(Group::DropIns, name, 1, 4 * MI)
        .ours("ours, push", rings::displacements::<u64, LockFreeRingBuffer<u64>>)
        .peer("ArrayQueue, force_push", rings::displacements::<u64, ArrayQueue<u64>>)
}

fn pops() -> Case {
    Case::new(Group::DropIns, "drop-in, u64, pop", 1, 4 * MI)
        .ours("ours, pop", rings::pops::<u64, LockFreeRingBuffer<u64>>)
        .peer("ArrayQueue, pop", rings::pops::<u64, ArrayQueue<u64>>)
}

fn snapshots<T: Payload>() -> Case {
    let name = format!("drop-in, {}, snapshot of {}", T::NAME, rings::SNAPSHOT);
    Case::new(Group::DropIns, name, 1, 32 * rings::SNAPSHOT as u64)
        .ours("ours, take_snapshot", rings::snapshots::<T, LockFreeRingBuffer<T>>)
        .peer("ArrayQueue, pop until empty", rings::snapshots::<T, ArrayQueue<T>>)
}

fn overwrites() -> Case {
    Case::new(
        Group::DropIns,
        "drop-in, u64, push into a full ring of one thread",
        1,
        4 * MI,
    )
    .ours("ours, RingBuffer", rings::overwrites::<u64, RingBuffer<u64>>)
    .peer("VecDeque", rings::overwrites::<u64, rings::Deque<u64>>)
}
