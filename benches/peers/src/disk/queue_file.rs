//! `queue-file` at its fastest: it neither syncs what it writes nor overwrites what it removes, its file has room for
//! everything at once, as it syncs whenever the file grows, and it remembers where every 256th item lies.

use std::path::Path;

use queue_file::{OffsetCacheKind, QueueFile};

use super::{Append, Event, ITEMS, Take, number_of, to_bytes};
use crate::BATCH;

/// Room for items with 44 bytes of its own for each.
const CAPACITY: u64 = 2 * ITEMS * (64 + 44);

pub fn queue(dir: &Path) -> QueueFile {
    let mut queue = QueueFile::with_capacity(dir.join("queue"), CAPACITY).expect("a queue");
    queue.set_sync_writes(false);
    queue.set_overwrite_on_remove(false);
    queue.set_cache_offset_policy(OffsetCacheKind::Linear { offset: BATCH });
    queue
}

/// Writes down only in the end how many items there are: without it, a crash takes all of them.
pub fn header_at_the_end(dir: &Path) -> QueueFile {
    let mut queue = queue(dir);
    queue.set_skip_write_header_on_add(true);
    queue
}

impl Append for QueueFile {
    fn append(&mut self, events: &[Event]) {
        let added = if let [event] = events {
            self.add(&to_bytes(event))
        } else {
            self.add_n(events.iter().map(to_bytes))
        };
        added.expect("events that are taken");
    }
}

impl Take for QueueFile {
    fn take(&mut self, max: usize, mut see: impl FnMut(u64)) {
        let mut events = self.iter();
        for _ in 0..max {
            see(number_of(events.borrowed_next().expect("an event")));
        }
        self.remove_n(max).expect("a header that is written");
    }
}
