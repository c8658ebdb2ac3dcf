//! What the command line says.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Parser, ValueEnum};
use mpsc_ring::BackPressurePolicy;

use crate::complain;

/// A service under load ships one event per request through a ring to a file, and every event is accounted for.
#[derive(Parser)]
#[command(name = "telemetry", allow_negative_numbers = true)]
pub struct Args {
    /// What a full ring does [default: drop-oldest, or block with --input]
    #[arg(long, value_enum)]
    policy: Option<Policy>,

    /// How many events the ring holds
    #[arg(long, default_value_t = 65_536)]
    pub capacity: usize,

    /// Hot threads beside the service's request handlers; none with --input
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(..=1024))]
    pub producers: u16,

    /// Events per second of each hot thread; 0 is as fast as it can
    #[arg(long, default_value_t = 50_000)]
    pub rate: u32,

    /// How long to run, such as 0.5 [default: 5, or to the end of --input]
    #[arg(long, value_parser = parse_seconds)]
    seconds: Option<Duration>,

    /// Where to write the events as NDJSON
    #[arg(long, value_name = "FILE", default_value_os_t = std::env::temp_dir().join("telemetry.ndjson"))]
    pub out: PathBuf,

    /// Ship the lines of this file instead of the service's events; - is stdin
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
}

/// The channel's policies, as the command line spells them.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// Wait until there is room: nothing is lost
    Block,
    /// Evict the oldest event
    DropOldest,
    /// Refuse the incoming event
    DropNewest,
}

impl Args {
    /// The arguments, or the code to exit with once help or a line about the mistake is printed.
    pub fn from_command_line() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| {
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
                let _ = error.print(); // Whoever closed stdout does not want to read it.
                return ExitCode::SUCCESS;
            }
            complain(&in_one_line(&error.to_string()));
            ExitCode::from(2)
        })
    }

    /// What a full ring does. A service would rather lose an event than wait; a log file can wait.
    pub fn policy(&self) -> Policy {
        let default = match self.input {
            Some(_) => Policy::Block,
            None => Policy::DropOldest,
        };
        self.policy.unwrap_or(default)
    }

    /// How long to run, if there is a limit.
    pub fn duration(&self) -> Option<Duration> {
        match self.input {
            Some(_) => self.seconds,
            None => self.seconds.or(Some(Duration::from_secs(5))),
        }
    }
}

/// The first paragraph of what clap has to say.
fn in_one_line(message: &str) -> String {
    let words = message
        .lines()
        .take_while(|line| !line.is_empty())
        .flat_map(str::split_whitespace);
    let line = words.collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

fn parse_seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => Err("expected a number of seconds above 0"),
    }
}

impl<T> From<Policy> for BackPressurePolicy<T> {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Block => Self::Block,
            Policy::DropOldest => Self::DropOldest,
            Policy::DropNewest => Self::DropNewest,
        }
    }
}
