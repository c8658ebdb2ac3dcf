//! Threads push, a thread takes.

use super::MI;
use super::peers::thread_peers;
use crate::case::Case;
use crate::contenders::*;
use crate::group::Group;
use crate::payload::{Event, Payload};
use crate::threads::{self, Taking};

pub fn cases() -> Vec<Case> {
    vec![
        items::<u64>(1).step(ITEMS, 1),
        batches::<u64>(1).step(BATCHES, 1),
        items::<Event>(1),
        batches::<Event>(1),
        items::<u64>(4).step(ITEMS, 4),
        batches::<u64>(4).step(BATCHES, 4),
        items::<Event>(4),
        batches::<Event>(4),
    ]
}

/// The same with more producers.
pub fn scaling() -> Vec<Case> {
    let at = |producers| {
        let steps = [
            items::<u64>(producers).step(ITEMS, producers),
            batches::<u64>(producers).step(BATCHES, producers),
        ];
        steps.map(|case| Case {
            group: Group::Scaling,
            ..case
        })
    };
    [2, 16, 64].into_iter().flat_map(at).collect()
}

const ITEMS: &str = "threads to 1, u64, item by item";
const BATCHES: &str = "threads to 1, u64, batches of 256";

fn case<T: Payload>(producers: usize, how: &str) -> Case {
    let name = format!("threads {producers} to 1, {}, {how}", T::NAME);
    let items = if producers == 1 { 2 * MI } else { MI };
    Case::new(Group::Threads, name, producers + 1, items)
}

fn items<T: Payload>(producers: usize) -> Case {
    let case = case::<T>(producers, "item by item").ours("ours", move |n| {
        threads::singly(block::<T>, producers, n, Taking::Items)
    });
    let case = thread_peers!(case, T, |open, n| threads::singly(open, producers, n, Taking::Items));
    if producers > 1 {
        return case;
    }
    case.reference("crossfire, spsc", |n| {
        threads::alone_singly(crossfire::spsc::bounded_blocking::<T>, n, Taking::Items)
    })
    .reference("rtrb, spsc, spins", |n| {
        threads::alone_singly(rtrb::RingBuffer::<T>::new, n, Taking::Items)
    })
}

fn batches<T: Payload>(producers: usize) -> Case {
    let case = case::<T>(producers, "batches of 256")
        .ours("ours, single pushes", move |n| {
            threads::singly(block::<T>, producers, n, Taking::Batches)
        })
        .ours("ours, push_from", move |n| {
            threads::in_batches(block::<T>, producers, n, Taking::Batches)
        });
    let case = thread_peers!(case, T, |open, n| threads::singly(open, producers, n, Taking::Batches));
    if producers > 1 {
        return case;
    }
    case.reference("crossfire, spsc", |n| {
        threads::alone_singly(crossfire::spsc::bounded_blocking::<T>, n, Taking::Batches)
    })
    .reference("rtrb, spsc, spins", |n| {
        threads::alone_in_batches(rtrb::RingBuffer::<T>::new, n, Taking::Batches)
    })
}
