//! Takes batches of events and writes them as NDJSON.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use mpsc_ring::Consumer;
use tokio::io::{AsyncWriteExt, BufWriter};

use crate::Failure;
use crate::event::Event;

/// Events in a batch, at most.
const BATCH: usize = 1_024;

/// How long the exporter looks away after it has found the ring almost empty.
///
/// A push that finds the exporter waiting for it has to wake it, which takes microseconds. While the exporter looks
/// away nobody has to, and when it looks again there is a batch.
const LOOK_AWAY: Duration = Duration::from_millis(2);

/// What the exporter has counted.
#[derive(Clone, Copy, Default)]
pub struct Exported {
    /// Events taken.
    pub taken: u64,
    /// Lines written.
    pub lines: u64,
    /// Bytes written.
    pub bytes: u64,
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
        let taken = consumer.take_batch_into_async(&mut batch, BATCH).await.taken;
        if taken == 0 {
            return out.flush().await;
        }
        exported.taken += taken as u64;

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
        if taken < almost_empty && !consumer.is_closed() {
            tokio::time::sleep(LOOK_AWAY).await;
        }
    }
}
