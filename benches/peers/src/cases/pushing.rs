//! Threads push, nobody takes.

use super::MI;
use super::peers::thread_peers;
use crate::case::Case;
use crate::contenders::*;
use crate::group::Group;
use crate::pushing;

pub fn cases() -> Vec<Case> {
    vec![pushes(2), pushes(4), evictions(2), evictions(4)]
}

fn case(producers: usize, how: &str) -> Case {
    let name = format!("{producers} threads, u64, {how}");
    Case::new(Group::Pushing, name, producers, MI)
}

fn pushes(producers: usize) -> Case {
    let case = case(producers, "push, never full")
        .ours("ours, push", move |n| {
            pushing::pushes(drop_newest_by_policy::<u64>, producers, n)
        })
        .ours("ours, try_push", move |n| {
            pushing::pushes(drop_newest::<u64>, producers, n)
        });
    let case = case.peer("ArrayQueue", move |n| pushing::pushes(array_queue::<u64>, producers, n));
    thread_peers!(case, u64, |open, n| pushing::pushes(open, producers, n))
}

fn evictions(producers: usize) -> Case {
    case(producers, "push that evicts from a full channel")
        .ours("ours, push", move |n| {
            pushing::evictions(drop_oldest::<u64>, producers, n)
        })
        .peer("ArrayQueue, force_push", move |n| {
            pushing::evictions(force_array_queue::<u64>, producers, n)
        })
        .peer("Mutex<VecDeque>", move |n| {
            pushing::evictions(mutex_deque::<u64>, producers, n)
        })
        .peer("async-channel, force_send", move |n| {
            pushing::evictions(force_async_channel::<u64>, producers, n)
        })
}
