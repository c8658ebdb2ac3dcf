//! A service under load ships one event per request through a ring to a file, and every event is accounted for.
//!
//! ```text
//! cargo run --release --example telemetry
//! cargo run --release --example telemetry -- --policy block --producers 4 --rate 0 --seconds 2
//! cargo run --release --features spill --example telemetry -- --policy spill:/tmp/telemetry --rate 0 --seconds 2
//! cargo run --release --example telemetry -- --input /var/log/syslog --out /tmp/syslog.ndjson
//! journalctl | cargo run --release --example telemetry -- --input -
//! ```
//!
//! The request handlers of a TCP service and a few plain threads push an event for each piece of work they have done,
//! synchronously, in nanoseconds. One task takes batches and writes them as NDJSON. Lines on the terminal show what
//! goes on; at the end, what the pushers and the exporter have counted by themselves, and what the
//! [`Report`](mpsc_ring::Report)s of the batches have told, is held against the channel's [`Stats`](mpsc_ring::Stats). With
//! `--input` the events are the lines of a file instead.
//!
//! Exit codes: 0 if every event is accounted for, 1 if not, 2 for bad arguments, an unreadable input or an unwritable
//! target.

mod args;
mod event;
mod exporter;
mod hot;
mod input;
mod latency;
mod live;
mod load;
mod pusher;
mod report;
mod service;
mod source;

use std::io::{self, Write};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mpsc_ring::{Builder, Producer};

use crate::args::Args;
use crate::event::{Clock, Event};
use crate::input::Input;
use crate::latency::Latencies;
use crate::live::Live;
use crate::pusher::Pushers;
use crate::report::Report;
use crate::source::Source;

/// What goes to stderr before the program exits with code 2.
type Failure = String;

fn main() -> ExitCode {
    let args = match Args::from_command_line() {
        Ok(args) => args,
        Err(exit) => return exit,
    };
    run(&args).unwrap_or_else(|failure| {
        complain(&failure);
        ExitCode::from(2)
    })
}

/// One line on stderr; unlike `eprintln!`, fine with a stderr that is closed.
fn complain(what: &str) {
    let _ = writeln!(io::stderr(), "error: {what}");
}

fn run(args: &Args) -> Result<ExitCode, Failure> {
    // Whatever may fail is done before the target is truncated.
    let input = args.input.as_deref().map(Input::open).transpose()?;
    if let Some(input) = &input {
        input.must_not_be(&args.out)?;
    }
    let (producer, consumer) = Builder::new(args.capacity)
        .policy(args.policy().open()?)
        .try_build()
        .map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    let out = exporter::create(&args.out)?;

    let (report, failure) = runtime.block_on(async {
        let exporter = tokio::spawn(exporter::export(consumer, out));
        let (report, failure) = push_events(args, input, &producer).await?;

        // All pushers are gone; this handle is here to ask for the counts. The exporter drains what is left and ends.
        producer.close();
        let (exported, written) = exporter.await.map_err(|error| format!("the exporter: {error}"))?;
        let report = report.with_exported(exported, written.is_ok(), producer.stats());
        // If nothing can be written, that is the cause of whatever else went wrong.
        let written = written.map_err(|error| format!("cannot write {}: {error}", args.out.display()));
        Ok::<_, Failure>((report, written.err().or(failure)))
    })?;

    report.print(args)?;
    match failure {
        Some(failure) => Err(failure),
        None if report.holds() => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::from(1)),
    }
}

/// Pushes events until the time is up, the input ends, the exporter gives up or somebody presses Ctrl-C.
async fn push_events(
    args: &Args,
    input: Option<Input>,
    producer: &Producer<Event>,
) -> Result<(Report, Option<Failure>), Failure> {
    let empty_measurement = latency::empty_measurement();
    let latencies = Arc::new(Latencies::new());
    let pushers = Pushers::new(producer.clone(), &args.policy(), latencies.clone(), Clock::start());

    let began = Instant::now();
    let mut source = match input {
        Some(input) => Source::read(input, &pushers)?,
        None => Source::serve(args.producers, args.rate, &pushers).await?,
    };
    watch(&mut source, producer, &latencies, args.duration()).await?;
    let (counts, failure) = source.stop().await?;

    let report = Report::new(counts, began.elapsed(), latencies.snapshot(), empty_measurement);
    Ok((report, failure))
}

/// Shows the live lines until there is a reason to stop.
async fn watch(
    source: &mut Source,
    producer: &Producer<Event>,
    latencies: &Latencies,
    duration: Option<Duration>,
) -> Result<(), Failure> {
    let mut live = Live::new();
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let over = async {
        let time_is_up = async {
            match duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = time_is_up => Ok(()),
            () = source.ended() => Ok(()),
            // The exporter has dropped the consumer: nobody takes events any more.
            () = producer.closed() => Ok(()),
            pressed = tokio::signal::ctrl_c() => pressed.map_err(|error| format!("cannot listen for Ctrl-C: {error}")),
        }
    };
    tokio::pin!(over);
    loop {
        tokio::select! {
            over = &mut over => {
                exit_at_next_ctrl_c();
                return over;
            }
            _ = tick.tick() => live.show(producer, latencies),
        }
    }
}

/// Draining waits for the target, which may be a pipe that nobody reads.
fn exit_at_next_ctrl_c() {
    tokio::spawn(async {
        // The first one may come twice: to the process, and to its group.
        tokio::time::sleep(Duration::from_millis(500)).await;
        if tokio::signal::ctrl_c().await.is_ok() {
            process::exit(130);
        }
    });
}
