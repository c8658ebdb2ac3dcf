//! Whether the file says of every event what has become of it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use mpsc_ring::Stats;
use serde::Deserialize;

use crate::exporter::Exported;

/// What the file says.
#[derive(Default)]
struct Contents {
    records: u64,
    lost: u64,
    refused: u64,
    /// Events that are missing between two records of one thread with no marker between them that says so.
    unmarked: u64,
    in_order: bool,
}

/// What each record of a worker has.
#[derive(Deserialize)]
struct Record {
    worker: u8,
    n: u64,
}

/// Prints a summary; says whether everything adds up.
pub fn accounts(
    emitted: u64,
    nested: u64,
    skipped: u64,
    exported: &Exported,
    stats: &Stats,
    path: &Path,
) -> io::Result<bool> {
    let file = read(path)?;
    println!(
        "{emitted} events emitted: {} written, {} lost and {} refused, told by {} markers in {}",
        file.records,
        file.lost,
        file.refused,
        exported.markers,
        path.display()
    );
    println!(
        "{skipped} events not shipped: {nested} logged inside the layer, {} by the exporter",
        exported.logged
    );
    println!(
        "at most {} of {} records were in the ring\n",
        stats.high_water, stats.capacity
    );

    let counts = (file.records, file.lost, file.refused);
    let reported = (exported.records, exported.losses.evicted, exported.losses.refused);
    let claims = [
        (
            "every event is written, or a marker counts it",
            emitted == file.records + file.lost + file.refused,
        ),
        (
            "markers stand where events are missing",
            file.unmarked <= file.refused && exported.without_gap,
        ),
        ("each thread's events are in order", file.in_order),
        (
            "the file, the reports and the channel agree",
            counts == reported && counts == (stats.taken, stats.evicted, stats.refused),
        ),
        (
            "what comes from shipping is not shipped",
            skipped == nested + exported.logged,
        ),
    ];
    for (claim, holds) in claims {
        println!("  {} {claim}", if holds { "ok   " } else { "WRONG" });
    }
    Ok(claims.iter().all(|(_, holds)| *holds))
}

fn read(path: &Path) -> io::Result<Contents> {
    let mut contents = Contents {
        in_order: true,
        ..Contents::default()
    };
    // Of each worker, the next event's number, and how much had been marked as lost by then.
    let mut workers = HashMap::<u8, (u64, u64)>::new();
    for line in BufReader::new(File::open(path)?).lines() {
        let line = line?;
        if let Some(lost) = marker(&line, "LOST") {
            contents.lost += lost;
        } else if let Some(refused) = marker(&line, "REFUSED") {
            contents.refused += refused;
        } else {
            let record: Record = serde_json::from_str(&line)?;
            let (worker, n) = (record.worker, record.n);
            let (next, marked) = workers.insert(worker, (n + 1, contents.lost)).unwrap_or_default();
            contents.in_order &= n >= next;
            if contents.lost == marked {
                contents.unmarked += n.saturating_sub(next);
            }
            contents.records += 1;
        }
    }
    Ok(contents)
}

/// The number in `[LOST 17 EVENTS]`.
fn marker(line: &str, what: &str) -> Option<u64> {
    let number = line.strip_prefix('[')?.strip_prefix(what)?.strip_suffix(" EVENTS]")?;
    number.trim_start().parse().ok()
}
