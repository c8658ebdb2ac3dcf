//! Tasks push, a task takes.

use super::MI;
use crate::case::Case;
use crate::contenders::*;
use crate::group::Group;
use crate::payload::{Event, Payload};
use crate::tasks;

pub fn cases() -> Vec<Case> {
    vec![
        batches::<u64>(1),
        batches::<Event>(1),
        batches::<u64>(4),
        batches::<Event>(4),
    ]
}

fn batches<T: Payload>(producers: usize) -> Case {
    let name = format!("tasks {producers} to 1, {}, batches of 256", T::NAME);
    Case::new(Group::Tasks, name, 2, MI)
        .ours("ours, push_async", move |n| tasks::singly(block::<T>, producers, n))
        .ours("ours, push_from_async", move |n| {
            tasks::in_batches(block::<T>, producers, n)
        })
        .peer("crossfire", move |n| {
            tasks::singly(crossfire::mpsc::bounded_async::<T>, producers, n)
        })
        .peer("kanal", move |n| tasks::singly(kanal::bounded_async::<T>, producers, n))
        .peer("tachyonix", move |n| {
            tasks::singly(tachyonix::channel::<T>, producers, n)
        })
        .peer("thingbuf", move |n| {
            tasks::singly(thingbuf::mpsc::channel::<T>, producers, n)
        })
        .peer("flume", move |n| tasks::singly(flume::bounded::<T>, producers, n))
        .peer("async-channel", move |n| {
            tasks::singly(async_channel::bounded::<T>, producers, n)
        })
        .peer("tokio", move |n| {
            tasks::singly(tokio::sync::mpsc::channel::<T>, producers, n)
        })
}
