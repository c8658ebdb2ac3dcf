//! Threads that push at a steady rate.

use std::time::Duration;

use super::MI;
use super::peers::{task_peers, thread_peers};
use crate::case::Case;
use crate::contenders::*;
use crate::facts;
use crate::group::Group;
use crate::latency::{Idle, Latency, Waking};
use crate::pace::{Cores, Pace, Until};
use crate::paced::{Paced, asleep, asleep_task, lingering, lingering_task, spinning, to_task, to_thread};

/// How far apart the pushes of all producers together are where latency is measured.
const STEADY: Duration = Duration::from_nanos(500);

/// Far enough apart for a consumer to go to sleep.
const SPARSE: Duration = Duration::from_micros(75);

/// Hardly anything.
const IDLE: Duration = Duration::from_millis(1);

/// By the number of producers and what the consumer does between items.
macro_rules! latency {
    ($producers:expr, $what:literal, $consume:ident) => {{
        let producers: usize = $producers;
        let pace = steady(producers);
        let case = latency_case(producers, $what).ours("ours", move |n| {
            Latency(to_thread(block::<u64>, producers, pace, n, $consume))
        });
        thread_peers!(case, u64, |open, n| Latency(to_thread(
            open, producers, pace, n, $consume
        )))
        .reference("the timer alone", move |n| {
            let timed = to_thread::<u64, _, _>(nowhere, producers, pace, n, |_, _| ());
            // Nobody consumed.
            Latency(Paced { cpu: f64::NAN, ..timed })
        })
    }};
}

/// Percentiles of a push.
pub fn latency() -> Vec<Case> {
    let with = |producers| {
        [
            latency!(producers, "consumer asleep between items", asleep),
            latency!(producers, "consumer spinning", spinning),
            latency!(producers, "consumer lingering for 1 ms", lingering),
        ]
    };
    let mut cases: Vec<_> = [1, 4].into_iter().flat_map(with).collect();
    cases.push(task());
    cases
}

/// A task that takes batches by a timer, which peers have no stream for.
fn task() -> Case {
    latency_case(1, "a task lingering for 1 ms").ours("ours, batches_linger", |n| {
        Latency(to_task(block::<u64>, steady(1), n, lingering_task))
    })
}

fn latency_case(producers: usize, what: &str) -> Case {
    let each = if producers == 1 { "2M/s" } else { "0.5M/s each" };
    let name = format!("latency, {producers} to 1 at {each}, {what}");
    Case::new(Group::Latency, name, producers + 1, MI)
}

fn steady(producers: usize) -> Pace {
    let (until, cores) = if producers == 1 && facts::cores() > 1 {
        (Until::Spinning, Cores::Pinned)
    } else {
        (Until::Yielding, Cores::Free)
    };
    let every = STEADY * producers as u32;
    Pace { every, until, cores }
}

/// Pushes that each wake the consumer.
pub fn waking() -> Vec<Case> {
    let pace = Pace {
        every: SPARSE,
        until: Until::Spinning,
        cores: Cores::Pinned,
    };
    let case = |who: &str| Case::new(Group::Waking, format!("waking, a push that wakes a {who}"), 2, MI / 256);
    let thread = case("thread").ours("ours", move |n| Waking(to_thread(block::<u64>, 1, pace, n, asleep)));
    let task = case("task").ours("ours", move |n| Waking(to_task(block::<u64>, pace, n, asleep_task)));
    vec![
        thread_peers!(thread, u64, |open, n| Waking(to_thread(open, 1, pace, n, asleep))),
        task_peers!(task, u64, |open, n| Waking(to_task(open, pace, n, asleep_task))),
    ]
}

/// A consumer that has little to do.
pub fn idle() -> Vec<Case> {
    let pace = Pace {
        every: IDLE,
        until: Until::Sleeping,
        cores: Cores::Pinned,
    };
    let case = |who: &str| Case::new(Group::Idle, format!("1000 pushes a second to a {who}"), 2, MI / 2048);
    let thread = case("thread").ours("ours", move |n| Idle(to_thread(block::<u64>, 1, pace, n, asleep)));
    let task = case("task").ours("ours", move |n| Idle(to_task(block::<u64>, pace, n, asleep_task)));
    vec![
        thread_peers!(thread, u64, |open, n| Idle(to_thread(open, 1, pace, n, asleep))),
        task_peers!(task, u64, |open, n| Idle(to_task(open, pace, n, asleep_task))),
    ]
}
