//! One thread has both ends.

use super::MI;
use super::peers::thread_peers;
use crate::case::Case;
use crate::contenders::*;
use crate::group::Group;
use crate::single;

pub fn cases() -> Vec<Case> {
    vec![pushes(), refusals(), evictions(), pairs(), runs()]
}

fn case(name: &str, items: u64) -> Case {
    Case::new(Group::OneThread, format!("one thread, u64, {name}"), 1, items)
}

fn pushes() -> Case {
    let case = case("push, never full", 4 * MI)
        .ours("ours, push", |n| single::pushes(drop_newest_by_policy::<u64>, n))
        .ours("ours, try_push", |n| single::pushes(drop_newest::<u64>, n));
    let case = case.peer("ArrayQueue", |n| single::pushes(array_queue::<u64>, n));
    thread_peers!(case, u64, |open, n| single::pushes(open, n))
}

fn refusals() -> Case {
    let case = case("push refused by a full channel", 4 * MI)
        .ours("ours, try_push", |n| single::refusals(drop_newest::<u64>, n))
        .ours("ours, push, which counts", |n| {
            single::refusals(drop_newest_by_policy::<u64>, n)
        });
    let case = case.peer("ArrayQueue", |n| single::refusals(array_queue::<u64>, n));
    thread_peers!(case, u64, |open, n| single::refusals(open, n))
}

fn evictions() -> Case {
    case("push that evicts from a full channel", 4 * MI)
        .ours("ours, push", |n| single::evictions(drop_oldest::<u64>, n))
        .peer("ArrayQueue, force_push", |n| {
            single::evictions(force_array_queue::<u64>, n)
        })
        .peer("Mutex<VecDeque>", |n| single::evictions(mutex_deque::<u64>, n))
        .peer("async-channel, force_send", |n| {
            single::evictions(force_async_channel::<u64>, n)
        })
}

fn pairs() -> Case {
    let case = case("a push and a take in turn", 2 * MI)
        .ours("ours, push", |n| single::pairs(drop_newest_by_policy::<u64>, n))
        .ours("ours, try_push", |n| single::pairs(drop_newest::<u64>, n));
    let case = case.peer("ArrayQueue", |n| single::pairs(array_queue::<u64>, n));
    thread_peers!(case, u64, |open, n| single::pairs(open, n))
}

fn runs() -> Case {
    let case = case("64 pushed and 64 taken in turn", 2 * MI)
        .ours("ours, single pushes", |n| single::runs(drop_newest_by_policy::<u64>, n))
        .ours("ours, push_from", |n| single::runs(drop_newest::<u64>, n));
    let case = case.peer("ArrayQueue", |n| single::runs(array_queue::<u64>, n));
    thread_peers!(case, u64, |open, n| single::runs(open, n))
}
