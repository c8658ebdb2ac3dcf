//! Trying again after a while what nobody else will wake anybody for.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use crate::unwind::Dropper;

/// Long enough not to burn a core, short enough not to be missed.
const A_WHILE: Duration = Duration::from_millis(10);

/// Tasks that come back soon, each once: a thread that lives as long as there are any wakes them.
static SLEEPING: Mutex<Vec<Waker>> = Mutex::new(Vec::new());

/// Sleeps for a while, or until `deadline`; `false` if that has passed already.
pub(crate) fn sleep(deadline: Option<Instant>) -> bool {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let left = left.unwrap_or(Duration::MAX);
    thread::sleep(left.min(A_WHILE));
    !left.is_zero()
}

/// Wakes a task after a while.
pub(crate) fn wake(task: &Waker) {
    let task = task.clone();
    let is_first = {
        let mut sleeping = sleeping();
        if sleeping.iter().any(|other| other.will_wake(&task)) {
            return;
        }
        sleeping.push(task);
        sleeping.len() == 1
    };
    if is_first {
        let waking = thread::Builder::new().name("mpsc_ring later".to_owned()).spawn(|| {
            thread::sleep(A_WHILE);
            wake_all();
        });
        if waking.is_err() {
            thread::sleep(A_WHILE);
            wake_all();
        }
    }
}

fn wake_all() {
    let tasks = mem::take(&mut *sleeping());
    let mut dropper = Dropper::new();
    for task in tasks {
        dropper.run(|| task.wake());
    }
    dropper.finish();
}

/// No code of users runs under this lock.
fn sleeping() -> MutexGuard<'static, Vec<Waker>> {
    SLEEPING.lock().unwrap_or_else(PoisonError::into_inner)
}
