//! What the command line says.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;
use mpsc_ring::BackPressurePolicy;

use crate::event::Event;
use crate::{Failure, complain};

/// A service under load ships one event per request through a ring to a file, and every event is accounted for.
#[derive(Parser)]
#[command(name = "telemetry", allow_negative_numbers = true)]
pub struct Args {
    /// What a full ring does: block, drop-oldest, drop-newest, or spill:DIR, which sends events to a log on disk and needs the
    /// feature `spill` [default: drop-oldest, or block with --input]
    #[arg(long, value_parser = Policy::parse)]
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
#[derive(Clone, PartialEq, Eq)]
pub enum Policy {
    /// Wait until there is room: nothing is lost
    Block,
    /// Evict the oldest event
    DropOldest,
    /// Refuse the incoming event
    DropNewest,
    /// Send the incoming event to the log in this directory
    Spill(PathBuf),
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
        self.policy.clone().unwrap_or(default)
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

impl Policy {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match (text, text.strip_prefix("spill:")) {
            ("block", _) => Ok(Self::Block),
            ("drop-oldest", _) => Ok(Self::DropOldest),
            ("drop-newest", _) => Ok(Self::DropNewest),
            (_, Some(dir)) if !dir.is_empty() => Ok(Self::Spill(dir.into())),
            _ => Err("expected block, drop-oldest, drop-newest or spill:DIR"),
        }
    }

    /// The policy for the channel, whose log is opened here if it has one.
    pub fn open(&self) -> Result<BackPressurePolicy<Event>, Failure> {
        match self {
            Self::Block => Ok(BackPressurePolicy::Block),
            Self::DropOldest => Ok(BackPressurePolicy::DropOldest),
            Self::DropNewest => Ok(BackPressurePolicy::DropNewest),
            Self::Spill(dir) => spill::open(dir),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block => f.write_str("block"),
            Self::DropOldest => f.write_str("drop-oldest"),
            Self::DropNewest => f.write_str("drop-newest"),
            Self::Spill(dir) => write!(f, "spill:{}", dir.display()),
        }
    }
}

#[cfg(not(feature = "spill"))]
mod spill {
    use super::{BackPressurePolicy, Event, Failure};

    pub fn open(_: &std::path::Path) -> Result<BackPressurePolicy<Event>, Failure> {
        Err("--policy spill:DIR needs --features spill".to_owned())
    }
}

#[cfg(feature = "spill")]
mod spill {
    use std::error::Error;
    use std::path::Path;

    use mpsc_ring::{Codec, Spill};

    use super::{BackPressurePolicy, Event, Failure};

    /// Events as they will be written.
    struct Json;

    impl Codec<Event> for Json {
        fn encode(&self, event: &Event, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
            Ok(serde_json::to_writer(out, event)?)
        }

        fn decode(&self, bytes: &[u8]) -> Result<Event, Box<dyn Error + Send + Sync>> {
            Ok(serde_json::from_slice(bytes)?)
        }
    }

    pub fn open(dir: &Path) -> Result<BackPressurePolicy<Event>, Failure> {
        let spill = Spill::options()
            .codec(Json)
            .open(dir)
            .map_err(|error| error.to_string())?;
        Ok(BackPressurePolicy::SpillToDisk(spill))
    }
}
