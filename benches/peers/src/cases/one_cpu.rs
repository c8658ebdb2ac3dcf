//! Threads push, a thread takes, and there is one CPU for all of them.

use super::MI;
use super::peers::thread_peers;
use crate::case::Case;
use crate::contenders::*;
use crate::cpu::{CAN_PIN, on_one_cpu};
use crate::facts;
use crate::group::Group;
use crate::threads::{self, Taking};

/// None where threads cannot be pinned, or where there is no more than one CPU anyway.
pub fn cases() -> Vec<Case> {
    if !CAN_PIN || facts::cores() == 1 {
        return Vec::new();
    }
    vec![items(1), batches(1), items(4), batches(4)]
}

fn case(producers: usize, how: &str) -> Case {
    let twin = format!("threads {producers} to 1, u64, {how}");
    Case::new(Group::OneCpu, format!("one CPU, {twin}"), producers + 1, MI / 2).twin(twin)
}

fn items(producers: usize) -> Case {
    let case = case(producers, "item by item").ours("ours", move |n| {
        on_one_cpu(|| threads::singly(block::<u64>, producers, n, Taking::Items))
    });
    thread_peers!(case, u64, |open, n| on_one_cpu(|| threads::singly(
        open,
        producers,
        n,
        Taking::Items
    )))
}

fn batches(producers: usize) -> Case {
    let case = case(producers, "batches of 256")
        .ours("ours, single pushes", move |n| {
            on_one_cpu(|| threads::singly(block::<u64>, producers, n, Taking::Batches))
        })
        .ours("ours, push_from", move |n| {
            on_one_cpu(|| threads::in_batches(block::<u64>, producers, n, Taking::Batches))
        });
    thread_peers!(case, u64, |open, n| on_one_cpu(|| threads::singly(
        open,
        producers,
        n,
        Taking::Batches
    )))
}
