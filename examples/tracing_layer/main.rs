//! `tracing` events by way of the ring: threads log in the time of a push and never wait for the file, and where events were
//! lost, the file says so.
//!
//! ```text
//! cargo run --release --example tracing_layer
//! cargo run --release --example tracing_layer -- --capacity 100000 --out /tmp/events.log
//! ```
//!
//! A layer makes a compact record of each event and pushes it. The policy is `DropOldest`: a thread that logs is not held up
//! by a slow disk. An exporter writes records as JSON, a line each, with a line `[LOST 17 EVENTS]` where 17 are missing.
//!
//! Two things go wrong easily, and are shown here to go right. The exporter logs, too; were its events shipped, each would
//! cause the next. And a field may log while it is being formatted, inside the layer.
//!
//! Exit codes: 0 if all events are accounted for, 1 if not, 2 if the file cannot be written.

mod check;
mod exporter;
mod layer;
mod record;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::Parser;
use mpsc_ring::{BackPressurePolicy, channel};
use tracing::{debug, error, info, trace};
use tracing_subscriber::layer::SubscriberExt;

use crate::layer::RingLayer;

#[derive(Parser)]
#[command(name = "tracing_layer", about = "Ships tracing events through the ring to a file")]
struct Args {
    /// How many events the ring holds
    #[arg(long, default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..))]
    capacity: u32,

    /// How many threads log
    #[arg(long, default_value_t = 3)]
    threads: u8,

    /// How many events each of them logs
    #[arg(long, default_value_t = 50_000)]
    events: u64,

    /// Where to write the events
    #[arg(long, value_name = "FILE", default_value_os_t = std::env::temp_dir().join("tracing_layer.log"))]
    out: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let (producer, consumer) = channel(args.capacity as usize, BackPressurePolicy::DropOldest);
    let layer = RingLayer::new(producer.clone());
    let skipped = layer.skipped();
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::set_global_default(subscriber).expect("nobody has set another");

    let exporter = exporter::start(consumer, args.out.clone());
    let workers: Vec<_> = (0..args.threads)
        .map(|worker| thread::spawn(move || work(worker, args.events)))
        .collect();
    let nested: u64 = workers.into_iter().map(|worker| worker.join().expect("no panic")).sum();
    let emitted = u64::from(args.threads) * args.events;

    // The layer is there until the program ends, and so is its producer: closing is what ends the exporter.
    producer.close();
    let checked = match exporter.join().expect("the exporter does not panic") {
        Ok(exported) => check::accounts(
            emitted,
            nested,
            skipped.count(),
            &exported,
            &producer.stats(),
            &args.out,
        ),
        Err(error) => Err(error),
    };
    match checked {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {}: {error}", args.out.display());
            ExitCode::from(2)
        }
    }
}

/// Logs so many events; returns how many more were logged while these were formatted.
fn work(worker: u8, events: u64) -> u64 {
    let mut nested = 0;
    for n in 0..events {
        match n % 10 {
            0 => {
                nested += 1;
                debug!(worker, n, answer = ?Chatty(n), "asked");
            }
            1..=8 => info!(
                worker,
                n,
                millis = n as f64 / 8.0,
                cached = n % 3 == 0,
                "request {n} answered"
            ),
            _ => error!(worker, n, route = "/search", "no \"answer\"\n"),
        }
    }
    nested
}

/// Logs when it is formatted: within the layer.
struct Chatty(u64);

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        trace!("formatting");
        write!(f, "<{}>", self.0)
    }
}
