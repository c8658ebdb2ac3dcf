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
    /// The thread sleeps until something is there to be written.
    idle: bool,
    closing: bool,
}

impl Shared {
    pub(crate) fn new(log: Log) -> Self {
        Self {
            log: Mutex::new(State {
                log,
                idle: false,
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
        if state.idle && is_due(&state.log) {
            state.idle = false;
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
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.closing {
            if !is_due(&state.log) {
                state.idle = true;
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle = false;
                continue;
            }
            let interval = match state.log.fsync() {
                Fsync::Interval(interval) => interval,
                Fsync::Never | Fsync::EveryBatch => WRITE_INTERVAL,
            };
            state = self.sleep(state, interval);
            state = self.write(state);
        }
    }

    /// Waits for `interval`, unless the log closes before.
    fn sleep<'a>(&'a self, mut state: MutexGuard<'a, State>, interval: Duration) -> MutexGuard<'a, State> {
        let deadline = Instant::now().checked_add(interval);
        while !state.closing {
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => Duration::MAX,
            };
            if left.is_zero() {
                break;
            }
            // A condition variable need not bear any length.
            let waited = self.changed.wait_timeout(state, left.min(Duration::from_secs(3600)));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// Writes what there is. Others use the log while the medium is waited for. Errors are counted; the next round tries
    /// again.
    fn write<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.log.fsync() == Fsync::Never {
            _ = state.log.write_out();
            return state;
        }
        let (job, _) = state.log.begin_sync();
        drop(state);
        let result = job.run();
        state = self.lock();
        state.log.end_sync(&job, &result);
        state
    }
}

fn is_due(log: &Log) -> bool {
    match log.fsync() {
        Fsync::Never => log.has_unwritten(),
        _ => log.has_unsynced(),
    }
}
