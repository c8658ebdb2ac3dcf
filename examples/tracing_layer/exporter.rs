//! Writes records as JSON lines, and a line of another kind where some are missing.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use mpsc_ring::{Consumer, Losses};
use tracing::{debug, warn};

use crate::layer::Shipping;
use crate::record::Record;

/// Records in a batch, at most.
const BATCH: usize = 256;

/// What the exporter has counted.
#[derive(Default)]
pub struct Exported {
    pub records: u64,
    pub markers: u64,
    /// The sum of all reports.
    pub losses: Losses,
    /// Whether each record had the number that the reports before it let expect.
    pub without_gap: bool,
    /// Events that the exporter has logged itself.
    pub logged: u64,
}

pub fn start(consumer: Consumer<Record>, out: PathBuf) -> JoinHandle<io::Result<Exported>> {
    thread::spawn(move || {
        // From here on, what this thread logs stays out of the ring: a batch would log a line, which would be a batch.
        let _shipping = Shipping::begin();
        export(&consumer, &out)
    })
}

fn export(consumer: &Consumer<Record>, out: &Path) -> io::Result<Exported> {
    let mut out = BufWriter::new(File::create(out)?);
    let mut batch = Vec::with_capacity(BATCH);
    let mut next = 0;
    let mut exported = Exported {
        without_gap: true,
        ..Exported::default()
    };
    loop {
        let report = consumer.take_batch_into(&mut batch, BATCH);
        // Evicted records were next in order: their place is just before this batch. Refused ones never had a place; they are
        // told where the report is.
        let losses = report.losses;
        for (lost, what) in [(losses.evicted, "LOST"), (losses.refused, "REFUSED")] {
            if lost > 0 {
                writeln!(out, "[{what} {lost} EVENTS]")?;
                warn!(lost, "the ring was full");
                exported.logged += 1;
                exported.markers += 1;
            }
        }
        exported.without_gap &= report.first == next + losses.evicted;
        exported.losses.evicted += losses.evicted;
        exported.losses.refused += losses.refused;
        next = report.first + report.taken as u64;
        if report.taken == 0 {
            out.flush()?;
            return Ok(exported);
        }

        for record in batch.drain(..) {
            serde_json::to_writer(&mut out, &record)?;
            out.write_all(b"\n")?;
            exported.records += 1;
        }
        debug!(records = report.taken, "written");
        exported.logged += 1;
    }
}
