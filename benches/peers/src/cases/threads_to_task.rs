//! Threads push, a task takes.

use super::MI;
use super::peers::task_peers;
use crate::case::Case;
use crate::contenders::*;
use crate::group::Group;
use crate::hot;
use crate::payload::{Event, Payload};

pub fn cases() -> Vec<Case> {
    vec![
        batches::<u64>(1),
        batches::<Event>(1),
        batches::<u64>(4),
        batches::<Event>(4),
    ]
}

fn batches<T: Payload>(producers: usize) -> Case {
    let name = format!("threads {producers} to 1 task, {}, batches of 256", T::NAME);
    let case = Case::new(Group::ThreadsToTask, name, producers + 1, MI)
        .ours("ours, single pushes", move |n| hot::singly(block::<T>, producers, n))
        .ours("ours, push_from", move |n| hot::in_batches(block::<T>, producers, n));
    task_peers!(case, T, |open, n| hot::singly(open, producers, n))
}
