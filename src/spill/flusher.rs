//! The thread that writes and syncs what has waited long enough, so that a quiet log does not keep it in memory.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::log::Log;
use super::options::Fsync;

/// How long something may stay in memory where the policy says nothing about it.
const WRITE_INTERVAL: Duration = Duration::from_millis(500);

/// A log and who keeps it up to date.
pub(crate) struct Shared {
    log: Mutex<State>,
    changed: Condvar,
}

pub(crate) struct State {
    pub(crate) log: Log,
    /// What the thread would wake up for, if it sleeps.
    sleep: Sleep,
    closing: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sleep {
    /// It is awake, or will be.
    None,
    /// Until there is something to be done.
    Long,
    /// Until what there is to be written has waited long enough, or there is something else.
    Short,
}

impl Shared {
    pub(crate) fn new(log: Log) -> Self {
        Self {
            log: Mutex::new(State {
                log,
                sleep: Sleep::None,
                closing: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// No code of users runs under this lock, and the log is whole between any two steps of its own.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be called after a change, with the lock still held.
    pub(crate) fn changed(&self, state: &mut State) {
        let is_wanted = match state.sleep {
            Sleep::None => false,
            Sleep::Long => state.log.has_consumed() || is_behind(&state.log),
            Sleep::Short => state.log.has_consumed(),
        };
        if is_wanted {
            state.sleep = Sleep::None;
            self.changed.notify_one();
        }
    }

    /// Starts the thread.
    pub(crate) fn start(self: &Arc<Self>) -> io::Result<JoinHandle<()>> {
        let shared = self.clone();
        Builder::new()
            .name("mpsc_ring spill".to_owned())
            .spawn(move || shared.run())
    }

    /// Ends the thread; afterwards everything has been written.
    pub(crate) fn stop(&self, thread: Option<JoinHandle<()>>) {
        self.lock().closing = true;
        self.changed.notify_one();
        if let Some(thread) = thread {
            _ = thread.join();
        }
        // Nobody is left to be told of an error.
        let log = &mut self.lock().log;
        _ = match log.fsync() {
            Fsync::Never => log.write_out(),
            _ => log.sync(),
        };
        log.free_consumed(false);
    }

    fn run(&self) {
        let mut state = self.lock();
        let mut behind_since = None;
        let mut failed = false;
        while !state.closing {
            if state.log.has_consumed() {
                state = self.free(state);
                continue;
            }
            if !is_behind(&state.log) {
                behind_since = None;
                state = self.sleep(state, Sleep::Long, Duration::MAX);
                continue;
            }
            let interval = match state.log.fsync() {
                Fsync::Interval(interval) if failed => interval.max(WRITE_INTERVAL),
                Fsync::Interval(interval) => interval,
                Fsync::Never | Fsync::EveryBatch => WRITE_INTERVAL,
            };
            let waited = behind_since.get_or_insert_with(Instant::now).elapsed();
            if waited < interval {
                state = self.sleep(state, Sleep::Short, interval - waited);
                continue;
            }
            behind_since = None;
            (state, failed) = self.write(state);
        }
    }

    fn sleep<'a>(&'a self, mut state: MutexGuard<'a, State>, sleep: Sleep, longest: Duration) -> MutexGuard<'a, State> {
        state.sleep = sleep;
        // A condition variable need not bear any length. Who wakes up too early sleeps again.
        let slept = self.changed.wait_timeout(state, longest.min(Duration::from_secs(3600)));
        state = slept.unwrap_or_else(PoisonError::into_inner).0;
        state.sleep = Sleep::None;
        state
    }

    /// Removes what has been consumed. Others use the log meanwhile. Errors are counted; the next write tries again.
    fn free<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if let Ok(Some(job)) = state.log.begin_free() {
            drop(state);
            let result = job.run();
            state = self.lock();
            _ = state.log.end_free(job, result);
        }
        state
    }

    /// Writes what there is, and says whether that failed. Others use the log while the medium is waited for. Errors are
    /// counted; the next round tries again.
    fn write<'a>(&'a self, mut state: MutexGuard<'a, State>) -> (MutexGuard<'a, State>, bool) {
        if state.log.fsync() == Fsync::Never {
            let written = state.log.write_out();
            return (state, written.is_err());
        }
        let (job, written) = state.log.begin_sync();
        drop(state);
        let result = job.run();
        state = self.lock();
        state.log.end_sync(&job, &result);
        (state, written.and(result).is_err())
    }
}

/// Whether something waits to be written, or synced.
fn is_behind(log: &Log) -> bool {
    match log.fsync() {
        Fsync::Never => log.has_unwritten(),
        _ => log.has_unsynced(),
    }
}
