//! CPU time, and pinning to one CPU, where the system has them.

use std::time::Duration;

/// The CPU time that the calling thread has taken.
pub fn of_thread() -> Option<Duration> {
    #[cfg(unix)]
    return Some(read(rustix::time::ClockId::ThreadCPUTime));
    #[cfg(not(unix))]
    None
}

/// The CPU time that all threads of the process have taken.
pub fn of_process() -> Option<Duration> {
    #[cfg(unix)]
    return Some(read(rustix::time::ClockId::ProcessCPUTime));
    #[cfg(not(unix))]
    None
}

#[cfg(unix)]
fn read(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Whether threads can be pinned here.
pub const CAN_PIN: bool = cfg!(target_os = "linux");

/// Pins the calling thread, and those it starts from now on, to the first CPU that it may run on. Does nothing where
/// threads cannot be pinned.
///
/// # Panics
///
/// If the system refuses.
pub fn pin_to_first() {
    #[cfg(target_os = "linux")]
    affinity::pin(|cpus| cpus.min());
}

/// As [`pin_to_first`], to the last.
///
/// # Panics
///
/// If the system refuses.
pub fn pin_to_last() {
    #[cfg(target_os = "linux")]
    affinity::pin(|cpus| cpus.max());
}

/// Does `work` with the calling thread, and those it starts, pinned to the first CPU.
pub fn on_one_cpu<O>(work: impl FnOnce() -> O) -> O {
    #[cfg(target_os = "linux")]
    let all = affinity::get();
    pin_to_first();
    let outcome = work();
    #[cfg(target_os = "linux")]
    affinity::set(&all);
    outcome
}

#[cfg(target_os = "linux")]
mod affinity {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    pub fn get() -> CpuSet {
        sched_getaffinity(None).expect("CPUs to run on")
    }

    pub fn set(cpus: &CpuSet) {
        sched_setaffinity(None, cpus).expect("CPUs that were there before");
    }

    pub fn pin(choose: fn(&mut dyn Iterator<Item = usize>) -> Option<usize>) {
        let all = get();
        let mut cpus = (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu));
        let mut one = CpuSet::new();
        one.set(choose(&mut cpus).expect("a CPU to run on"));
        set(&one);
    }
}
