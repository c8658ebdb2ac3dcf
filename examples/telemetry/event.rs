//! What travels through the ring.

use std::borrow::Cow;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

/// One line of the output.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// A piece of work was done.
    Work {
        /// When it began, in microseconds since 1970.
        time_us: u64,
        /// What it was: a route of the service, or what a hot thread has computed.
        route: Cow<'static, str>,
        /// How many bytes it was about.
        bytes: usize,
        /// How long it took.
        latency_ns: u64,
    },
    /// A line of the input.
    Line {
        /// Its number, from 1.
        line: u64,
        /// What it says, without the line feed.
        text: String,
    },
}

/// Tells the time of day from a monotonic clock, so that an event costs no second look at a clock.
#[derive(Clone, Copy)]
pub struct Clock {
    started: Instant,
    /// When that was, since 1970.
    epoch: Duration,
}

impl Clock {
    /// A clock that agrees with the system's now.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            epoch: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
        }
    }

    /// The event of work that was done from `began` to `ended`.
    pub fn work(&self, route: &'static str, bytes: usize, began: Instant, ended: Instant) -> Event {
        let time = self.epoch + began.saturating_duration_since(self.started);
        Event::Work {
            time_us: time.as_micros() as u64,
            route: route.into(),
            bytes,
            latency_ns: ended.saturating_duration_since(began).as_nanos() as u64,
        }
    }
}
