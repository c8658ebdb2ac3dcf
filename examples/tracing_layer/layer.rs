//! The layer: from an event to a record in the ring.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use mpsc_ring::Producer;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::record::Record;

/// Pushes a record of each event into the ring.
pub struct RingLayer {
    records: Producer<Record>,
    skipped: Skipped,
}

/// How many events were not shipped because they come from shipping.
#[derive(Clone, Default)]
pub struct Skipped(Arc<AtomicU64>);

impl Skipped {
    pub fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl RingLayer {
    pub fn new(records: Producer<Record>) -> Self {
        let skipped = Skipped::default();
        Self { records, skipped }
    }

    pub fn skipped(&self) -> Skipped {
        self.skipped.clone()
    }
}

impl<S: Subscriber> Layer<S> for RingLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(_shipping) = Shipping::begin() else {
            self.skipped.0.fetch_add(1, Relaxed);
            return;
        };
        // A refused record is counted by the channel, and told by a report.
        _ = self.records.push(Record::of(event));
    }
}

thread_local! {
    static SHIPPING: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, this thread ships events, and what it logs is not shipped in turn.
pub struct Shipping(());

impl Shipping {
    /// None if this thread is at it already.
    pub fn begin() -> Option<Self> {
        (!SHIPPING.replace(true)).then(|| Self(())) // not `then_some`: one that is not returned would be dropped
    }
}

impl Drop for Shipping {
    fn drop(&mut self) {
        SHIPPING.set(false);
    }
}
