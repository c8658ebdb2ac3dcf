//! Takes batches of events and writes them as NDJSON.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use mpsc_ring::{Consumer, Report};
use tokio::io::{AsyncWriteExt, BufWriter};

use crate::Failure;
use crate::event::Event;

/// Events in a batch, at most.
const BATCH: usize = 1_024;

/// How long the exporter lets events gather when there were not many.
///
/// A push that finds the exporter waiting for an event has to wake it, which takes microseconds. While it lingers, only a push
/// that makes the channel half full does.
const LINGER: Duration = Duration::from_millis(2);

/// What the exporter has counted.
#[derive(Clone, Copy, Default)]
pub struct Exported {
    /// Events taken.
    pub taken: u64,
    /// Lines written.
    pub lines: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Events evicted and refused, say the reports.
    pub evicted: u64,
    pub refused: u64,
    /// Events that were accepted, told by the numbers that the reports give them.
    pub accepted: u64,
    /// Reports whose first event had not the number that was to be expected.
    pub unexpected: u64,
}

impl Exported {
    fn count(&mut self, report: &Report) {
        let expected = self.accepted + report.losses.evicted + report.losses.spill_lost;
        self.unexpected += u64::from(report.first != expected);
        self.accepted = report.first + report.taken as u64;
        self.taken += report.taken as u64;
        self.evicted += report.losses.evicted;
        self.refused += report.losses.refused;
    }
}

pub fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Writes all events of `consumer` to `out`, until the channel is closed and drained or writing fails.
///
/// Then the consumer is dropped. If writing failed, that closes the channel, which tells the pushers.
pub async fn export(consumer: Consumer<Event>, out: File) -> (Exported, io::Result<()>) {
    let mut exported = Exported::default();
    let written = write(&consumer, out, &mut exported).await;
    (exported, written)
}

async fn write(consumer: &Consumer<Event>, out: File, exported: &mut Exported) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 18, tokio::fs::File::from_std(out));
    let mut batch = Vec::with_capacity(BATCH);
    let mut lines = Vec::new();
    let almost_empty = BATCH.min(consumer.capacity() / 64);
    loop {
        let report = consumer.take_batch_into_async(&mut batch, BATCH).await;
        exported.count(&report);
        if report.taken == 0 {
            return out.flush().await;
        }

        lines.clear();
        let mut count = 0;
        for event in batch.drain(..) {
            serde_json::to_writer(&mut lines, &event)?;
            lines.push(b'\n');
            count += 1;
        }
        out.write_all(&lines).await?;
        exported.lines += count;
        exported.bytes += lines.len() as u64;
        if report.taken < almost_empty && !consumer.is_closed() {
            _ = tokio::time::timeout(LINGER, consumer.ready(consumer.capacity() / 2)).await;
        }
    }
}
