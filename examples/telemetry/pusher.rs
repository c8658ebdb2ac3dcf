//! One thread's or task's end of the ring, which counts and times its own pushes.

use std::ops::AddAssign;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mpsc_ring::{Producer, PushError};

use crate::args::Policy;
use crate::event::{Clock, Event};
use crate::latency::{self, Latencies};

/// How often a pusher tells the others how long its pushes took.
const TELL_EVERY: Duration = Duration::from_millis(50);

/// Makes pushers.
#[derive(Clone)]
pub struct Pushers {
    producer: Producer<Event>,
    /// Whether a push may have to wait for room.
    waits: bool,
    latencies: Arc<Latencies>,
    pub clock: Clock,
}

impl Pushers {
    pub fn new(producer: Producer<Event>, policy: &Policy, latencies: Arc<Latencies>, clock: Clock) -> Self {
        Self {
            producer,
            waits: *policy == Policy::Block,
            latencies,
            clock,
        }
    }

    pub fn pusher(&self) -> Pusher {
        Pusher {
            producer: self.producer.clone(),
            waits: self.waits,
            tally: Tally::default(),
            took: latency::histogram(),
            told_at: Instant::now(),
            latencies: self.latencies.clone(),
        }
    }
}

/// Pushes events for one thread or task.
pub struct Pusher {
    producer: Producer<Event>,
    /// Whether a push may have to wait for room.
    waits: bool,
    tally: Tally,
    /// How long pushes took since the others were told.
    took: Histogram<u64>,
    told_at: Instant,
    latencies: Arc<Latencies>,
}

impl Pusher {
    /// Pushes from a thread; says whether the channel is open.
    pub fn push(&mut self, event: Event) -> bool {
        let began = Instant::now();
        let pushed = self.producer.push(event);
        self.count(began, Instant::now(), pushed)
    }

    /// Pushes from a task; says whether the channel is open.
    pub async fn push_from_task(&mut self, event: Event) -> bool {
        let began = Instant::now();
        let pushed = if self.waits {
            // A synchronous push may block here, and with it a thread of the executor, and with that perhaps the very
            // task that would make room.
            self.producer.push_async(event).await
        } else {
            // There is nothing to await.
            self.producer.push(event)
        };
        self.count(began, Instant::now(), pushed)
    }

    fn count(&mut self, began: Instant, ended: Instant, pushed: Result<(), PushError<Event>>) -> bool {
        latency::record(&mut self.took, ended - began);
        if ended - self.told_at > TELL_EVERY {
            self.latencies.try_absorb(&mut self.took);
            self.told_at = ended;
        }
        self.tally.offered += 1;
        match pushed {
            Ok(()) => self.tally.accepted += 1,
            Err(error) if !error.is_closed() => self.tally.refused += 1,
            Err(_) => {
                self.tally.closed += 1;
                return false;
            }
        }
        true
    }

    /// The last pushes of this pusher are made: what came of them all.
    pub fn finish(self) -> Tally {
        self.latencies.absorb(&self.took);
        self.tally
    }
}

/// What came of a pusher's pushes, counted by the pusher itself.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub offered: u64,
    pub accepted: u64,
    pub refused: u64,
    /// Came back because the channel was closed: only if the exporter gives up.
    pub closed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.offered += other.offered;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.closed += other.closed;
    }
}
