//! The cases, and who takes part in each.

mod between_tasks;
mod between_threads;
mod drop_ins;
mod latency;
mod one_cpu;
mod one_thread;
mod peers;
mod pushing;
mod threads_to_task;

use crate::case::Case;

pub(crate) use peers::thread_peers;

const MI: u64 = 1 << 20;

/// Every case but those of calibration and memory.
pub fn all() -> Vec<Case> {
    [
        one_thread(),
        pushing(),
        drop_ins(),
        between_threads(),
        between_tasks(),
        threads_to_task(),
        scaling(),
        latency(),
        waking(),
        idle(),
        one_cpu(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// One thread has both ends.
pub fn one_thread() -> Vec<Case> {
    one_thread::cases()
}

/// Threads push, nobody takes.
pub fn pushing() -> Vec<Case> {
    pushing::cases()
}

/// The drop-in types and what they replace, on one thread.
pub fn drop_ins() -> Vec<Case> {
    drop_ins::cases()
}

/// Threads push, a thread takes.
pub fn between_threads() -> Vec<Case> {
    between_threads::cases()
}

/// Tasks push, a task takes.
pub fn between_tasks() -> Vec<Case> {
    between_tasks::cases()
}

/// Threads push, a task takes.
pub fn threads_to_task() -> Vec<Case> {
    threads_to_task::cases()
}

/// More and more threads push, a thread takes.
pub fn scaling() -> Vec<Case> {
    between_threads::scaling()
}

/// Threads push at a steady rate.
pub fn latency() -> Vec<Case> {
    latency::latency()
}

/// Each push wakes the consumer.
pub fn waking() -> Vec<Case> {
    latency::waking()
}

/// Little is pushed.
pub fn idle() -> Vec<Case> {
    latency::idle()
}

/// Threads push, a thread takes, all of them on one CPU.
pub fn one_cpu() -> Vec<Case> {
    one_cpu::cases()
}
