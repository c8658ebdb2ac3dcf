//! The cases, and who takes part in each.

use std::sync::mpsc::sync_channel;

use crossbeam_queue::ArrayQueue;
use mpsc_ring::compat::{LockFreeRingBuffer, RingBuffer};

use crate::case::Case;
use crate::contenders::*;
use crate::payload::{Event, Payload};
use crate::threads::Taking;
use crate::{hot, rings, single, tasks, threads};

const MI: u64 = 1 << 20;

/// Every case.
pub fn all() -> Vec<Case> {
    [
        one_thread(),
        drop_ins(),
        between_threads(),
        between_tasks(),
        threads_to_task(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// One thread has both ends.
pub fn one_thread() -> Vec<Case> {
    vec![pushes(), refusals(), evictions(), pairs(), runs()]
}

/// The drop-in types and what they replace, on one thread.
pub fn drop_ins() -> Vec<Case> {
    vec![
        displacements(),
        pops(),
        snapshots::<u64>(),
        snapshots::<Event>(),
        overwrites(),
    ]
}

/// Threads push, a thread takes.
pub fn between_threads() -> Vec<Case> {
    vec![
        items_between_threads::<u64>(1),
        batches_between_threads::<u64>(1),
        items_between_threads::<Event>(1),
        batches_between_threads::<Event>(1),
        items_between_threads::<u64>(4),
        batches_between_threads::<u64>(4),
        items_between_threads::<Event>(4),
        batches_between_threads::<Event>(4),
    ]
}

/// Tasks push, a task takes.
pub fn between_tasks() -> Vec<Case> {
    vec![
        batches_between_tasks::<u64>(1),
        batches_between_tasks::<Event>(1),
        batches_between_tasks::<u64>(4),
        batches_between_tasks::<Event>(4),
    ]
}

/// Threads push, a task takes.
pub fn threads_to_task() -> Vec<Case> {
    vec![
        batches_to_task::<u64>(1),
        batches_to_task::<Event>(1),
        batches_to_task::<u64>(4),
        batches_to_task::<Event>(4),
    ]
}

/// Everybody who can push without waiting does `$work`.
macro_rules! with_peers {
    ($case:expr, $work:path) => {
        $case
            .peer("ArrayQueue", |n| $work(array_queue::<u64>, n))
            .peer("crossbeam-channel", |n| $work(crossbeam_channel::bounded::<u64>, n))
            .peer("crossfire", |n| $work(crossfire::mpsc::bounded_blocking::<u64>, n))
            .peer("kanal", |n| $work(kanal::bounded::<u64>, n))
            .peer("thingbuf", |n| $work(thingbuf::mpsc::blocking::channel::<u64>, n))
            .peer("flume", |n| $work(flume::bounded::<u64>, n))
            .peer("async-channel", |n| $work(async_channel::bounded::<u64>, n))
            .peer("tokio", |n| $work(tokio::sync::mpsc::channel::<u64>, n))
            .peer("std", |n| $work(sync_channel::<u64>, n))
    };
}

fn pushes() -> Case {
    let case = Case::new("one thread, u64, push, never full".to_owned(), 1, 4 * MI)
        .ours("ours, push", |n| single::pushes(drop_newest_by_policy::<u64>, n))
        .ours("ours, try_push", |n| single::pushes(drop_newest::<u64>, n));
    with_peers!(case, single::pushes)
}

fn refusals() -> Case {
    let case = Case::new("one thread, u64, push refused by a full channel".to_owned(), 1, 4 * MI)
        .ours("ours, try_push", |n| single::refusals(drop_newest::<u64>, n))
        .ours("ours, push, which counts", |n| {
            single::refusals(drop_newest_by_policy::<u64>, n)
        });
    with_peers!(case, single::refusals)
}

fn evictions() -> Case {
    let name = "one thread, u64, push that evicts from a full channel".to_owned();
    Case::new(name, 1, 4 * MI)
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
    let case = Case::new("one thread, u64, a push and a take in turn".to_owned(), 1, 2 * MI)
        .ours("ours, push", |n| single::pairs(drop_newest_by_policy::<u64>, n))
        .ours("ours, try_push", |n| single::pairs(drop_newest::<u64>, n));
    with_peers!(case, single::pairs)
}

fn runs() -> Case {
    let case = Case::new("one thread, u64, 64 pushed and 64 taken in turn".to_owned(), 1, 2 * MI)
        .ours("ours, single pushes", |n| single::runs(drop_newest_by_policy::<u64>, n))
        .ours("ours, push_from", |n| single::runs(drop_newest::<u64>, n));
    with_peers!(case, single::runs)
}

fn displacements() -> Case {
    let name = "drop-in, u64, push that returns the oldest of a full ring".to_owned();
    Case::new(name, 1, 4 * MI)
        .ours("ours, push", rings::displacements::<u64, LockFreeRingBuffer<u64>>)
        .peer("ArrayQueue, force_push", rings::displacements::<u64, ArrayQueue<u64>>)
}

fn pops() -> Case {
    Case::new("drop-in, u64, pop".to_owned(), 1, 4 * MI)
        .ours("ours, pop", rings::pops::<u64, LockFreeRingBuffer<u64>>)
        .peer("ArrayQueue, pop", rings::pops::<u64, ArrayQueue<u64>>)
}

fn snapshots<T: Payload>() -> Case {
    let name = format!("drop-in, {}, snapshot of {}", T::NAME, rings::SNAPSHOT);
    Case::new(name, 1, 32 * rings::SNAPSHOT as u64)
        .ours("ours, take_snapshot", rings::snapshots::<T, LockFreeRingBuffer<T>>)
        .peer("ArrayQueue, pop until empty", rings::snapshots::<T, ArrayQueue<T>>)
}

fn overwrites() -> Case {
    Case::new(
        "drop-in, u64, push into a full ring of one thread".to_owned(),
        1,
        4 * MI,
    )
    .ours("ours, RingBuffer", rings::overwrites::<u64, RingBuffer<u64>>)
    .peer("VecDeque", rings::overwrites::<u64, rings::Deque<u64>>)
}

fn items_between_threads<T: Payload>(producers: usize) -> Case {
    let name = format!("threads {producers} to 1, {}, item by item", T::NAME);
    let items = if producers == 1 { 2 * MI } else { MI };
    let case = Case::new(name, producers + 1, items).ours("ours", move |n| {
        threads::singly(block::<T>, producers, n, Taking::Items)
    });
    let case = with_thread_peers::<T>(case, producers, Taking::Items);
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

fn batches_between_threads<T: Payload>(producers: usize) -> Case {
    let name = format!("threads {producers} to 1, {}, batches of 256", T::NAME);
    let items = if producers == 1 { 2 * MI } else { MI };
    let case = Case::new(name, producers + 1, items)
        .ours("ours, single pushes", move |n| {
            threads::singly(block::<T>, producers, n, Taking::Batches)
        })
        .ours("ours, push_from", move |n| {
            threads::in_batches(block::<T>, producers, n, Taking::Batches)
        });
    let case = with_thread_peers::<T>(case, producers, Taking::Batches);
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

fn with_thread_peers<T: Payload>(case: Case, producers: usize, taking: Taking) -> Case {
    case.peer("crossbeam-channel", move |n| {
        threads::singly(crossbeam_channel::bounded::<T>, producers, n, taking)
    })
    .peer("crossfire", move |n| {
        threads::singly(crossfire::mpsc::bounded_blocking::<T>, producers, n, taking)
    })
    .peer("kanal", move |n| {
        threads::singly(kanal::bounded::<T>, producers, n, taking)
    })
    .peer("thingbuf", move |n| {
        threads::singly(thingbuf::mpsc::blocking::channel::<T>, producers, n, taking)
    })
    .peer("flume", move |n| {
        threads::singly(flume::bounded::<T>, producers, n, taking)
    })
    .peer("async-channel", move |n| {
        threads::singly(async_channel::bounded::<T>, producers, n, taking)
    })
    .peer("tokio", move |n| {
        threads::singly(tokio::sync::mpsc::channel::<T>, producers, n, taking)
    })
    .peer("std", move |n| threads::singly(sync_channel::<T>, producers, n, taking))
}

fn batches_between_tasks<T: Payload>(producers: usize) -> Case {
    let name = format!("tasks {producers} to 1, {}, batches of 256", T::NAME);
    Case::new(name, 2, MI)
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

fn batches_to_task<T: Payload>(producers: usize) -> Case {
    let name = format!("threads {producers} to 1 task, {}, batches of 256", T::NAME);
    Case::new(name, producers + 1, MI)
        .ours("ours, single pushes", move |n| hot::singly(block::<T>, producers, n))
        .ours("ours, push_from", move |n| hot::in_batches(block::<T>, producers, n))
        .peer("crossfire", move |n| {
            hot::singly(crossfire::mpsc::bounded_blocking_async::<T>, producers, n)
        })
        .peer("kanal", move |n| {
            let open = |capacity| {
                let (sender, receiver) = kanal::bounded::<T>(capacity);
                (sender, receiver.to_async())
            };
            hot::singly(open, producers, n)
        })
        .peer("tachyonix, block_on when full", move |n| {
            let open = |capacity| {
                let (sender, receiver) = tachyonix::channel::<T>(capacity);
                (Blocked(sender), receiver)
            };
            hot::singly(open, producers, n)
        })
        .peer("thingbuf, block_on when full", move |n| {
            let open = |capacity| {
                let (sender, receiver) = thingbuf::mpsc::channel::<T>(capacity);
                (Blocked(sender), receiver)
            };
            hot::singly(open, producers, n)
        })
        .peer("flume", move |n| hot::singly(flume::bounded::<T>, producers, n))
        .peer("async-channel", move |n| {
            hot::singly(async_channel::bounded::<T>, producers, n)
        })
        .peer("tokio", move |n| {
            hot::singly(tokio::sync::mpsc::channel::<T>, producers, n)
        })
}
