//! The table at the end, and whether everything adds up.

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write as _};
use std::time::Duration;

use hdrhistogram::Histogram;
use indicatif::HumanCount;
use mpsc_ring::Stats;

use crate::Failure;
use crate::args::Args;
use crate::exporter::Exported;
use crate::latency::quantile;
use crate::source::{Counts, Origin};

/// What has happened.
pub struct Report {
    counts: Counts,
    elapsed: Duration,
    took: Histogram<u64>,
    empty_measurement: Histogram<u64>,
    exported: Exported,
    written: bool,
    stats: Stats,
}

impl Report {
    /// What is known when all pushers have stopped.
    pub fn new(counts: Counts, elapsed: Duration, took: Histogram<u64>, empty_measurement: Histogram<u64>) -> Self {
        Self {
            counts,
            elapsed,
            took,
            empty_measurement,
            exported: Exported::default(),
            written: true,
            stats: Stats::default(),
        }
    }

    /// What is known when the exporter has stopped, too; `written` says that it could write everything.
    pub fn with_exported(self, exported: Exported, written: bool, stats: Stats) -> Self {
        Self {
            exported,
            written,
            stats,
            ..self
        }
    }

    /// Whether every event is accounted for.
    pub fn holds(&self) -> bool {
        self.equations().iter().all(Equation::holds)
    }

    /// What must be equal. `Stats` alone could agree with itself and be wrong, so most of these hold it against what
    /// pushers and exporter have counted.
    fn equations(&self) -> Vec<Equation> {
        let (stats, tally) = (&self.stats, &self.counts.tally);
        let mut equations = vec![
            Equation {
                left: ("pushed and recovered", stats.pushed + stats.recovered),
                right: vec![
                    ("taken", stats.taken),
                    ("evicted", stats.evicted),
                    ("discarded", stats.discarded),
                    ("left", stats.len + stats.on_disk),
                    ("lost on disk", stats.spill_lost),
                ],
            },
            Equation {
                left: ("offered by the pushers", tally.offered - tally.closed),
                right: vec![("pushed", stats.pushed), ("refused", stats.refused)],
            },
            Equation::of(("accepted, say the pushers", tally.accepted), ("pushed", stats.pushed)),
            Equation::of(("refused, say the pushers", tally.refused), ("refused", stats.refused)),
            Equation::of(
                ("received by the exporter", self.exported.taken),
                ("taken", stats.taken),
            ),
            Equation::of(
                ("reports with a gap not told", self.exported.unexpected),
                ("expected", 0),
            ),
        ];
        if self.written {
            // The exporter has seen the end of the channel, and with it the last report.
            equations.extend([
                Equation::of(
                    ("accepted, by the reports' numbers", self.exported.accepted),
                    ("pushed and recovered", stats.pushed + stats.recovered),
                ),
                Equation::of(
                    ("evicted, say the reports", self.exported.evicted),
                    ("evicted", stats.evicted),
                ),
                Equation::of(
                    ("refused, say the reports", self.exported.refused),
                    ("refused", stats.refused),
                ),
            ]);
            equations.push(Equation::of(
                ("lines written", self.exported.lines),
                ("taken", stats.taken),
            ));
            equations.push(match self.counts.origin {
                Origin::Service { answers, handlers } => {
                    Equation::of(("answers to clients", answers), ("handlers' events", handlers.offered))
                }
                Origin::Input(lines) => Equation::of(("lines read", lines.read), ("offered", tally.offered)),
            });
        }
        equations
    }

    /// Prints the table. A reader who has left, as `head` does, is no failure.
    pub fn print(&self, args: &Args) -> Result<(), Failure> {
        let mut table = String::new();
        let written = self.write(&mut table, args);
        written.map_err(|_| "cannot format the report")?;
        let mut out = io::stdout().lock();
        match out.write_all(table.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write the report: {error}")),
            _ => Ok(()),
        }
    }

    fn write(&self, out: &mut String, args: &Args) -> fmt::Result {
        let (stats, tally) = (&self.stats, &self.counts.tally);
        let policy = args.policy();
        let pushers = match self.counts.origin {
            Origin::Service { .. } => format!("request handlers and {} hot threads", args.producers),
            Origin::Input(_) => "lines of the input".to_owned(),
        };
        let capacity = HumanCount(args.capacity as u64);
        let seconds = self.elapsed.as_secs_f64();
        writeln!(out, "{pushers}, policy {policy}, capacity {capacity}, {seconds:.2} s\n")?;

        let mut row = |name: &str, value: &dyn Display| writeln!(out, "  {name:<28}{:>14}", value.to_string());
        row("offered", &HumanCount(tally.offered))?;
        row("pushed", &HumanCount(stats.pushed))?;
        row("taken", &HumanCount(stats.taken))?;
        row("evicted", &HumanCount(stats.evicted))?;
        if stats.displaced > 0 {
            row("  of these, returned", &HumanCount(stats.displaced))?;
        }
        row("refused", &HumanCount(stats.refused))?;
        if stats.refused_pinned > 0 {
            row("  of these, oldest pinned", &HumanCount(stats.refused_pinned))?;
        }
        if stats.spilled + stats.recovered > 0 {
            row("by way of the disk", &HumanCount(stats.spilled))?;
            row("left there by the last run", &HumanCount(stats.recovered))?;
            row("lost there", &HumanCount(stats.spill_lost))?;
        }
        if tally.closed > 0 {
            row("turned away after closing", &HumanCount(tally.closed))?;
        }
        row("discarded", &HumanCount(stats.discarded))?;
        row("left", &HumanCount(stats.len))?;
        row("most in the ring", &HumanCount(stats.high_water))?;
        row(
            "  of the capacity",
            &format!("{} %", 100 * stats.high_water / stats.capacity.max(1)),
        )?;
        row("bytes of the ring", &HumanCount(stats.bytes))?;
        row("exporter slept", &HumanCount(stats.takers_parked))?;
        row("exporter woken", &HumanCount(stats.takers_woken))?;
        row("pushers slept", &HumanCount(stats.pushers_parked))?;
        row("pushers woken", &HumanCount(stats.pushers_woken))?;
        match self.written {
            true => {
                row("lines written", &HumanCount(self.exported.lines))?;
                row("bytes written", &HumanCount(self.exported.bytes))?;
            }
            false => row("lines written", &"writing failed")?,
        }
        if let Origin::Input(lines) = self.counts.origin {
            row("lines not UTF-8, mended", &HumanCount(lines.not_utf8))?;
        }
        row(
            "events pushed per second",
            &HumanCount((stats.pushed as f64 / seconds.max(1e-9)) as u64),
        )?;
        for (name, histogram, at) in [
            ("push p50", &self.took, 0.5),
            ("push p99", &self.took, 0.99),
            ("push p99.9", &self.took, 0.999),
            ("empty measurement p50", &self.empty_measurement, 0.5),
            ("empty measurement p99", &self.empty_measurement, 0.99),
        ] {
            row(name, &quantile(histogram, at))?;
        }

        writeln!(out)?;
        for equation in self.equations() {
            writeln!(out, "  {equation}")?;
        }
        if self.written {
            writeln!(out, "\n{}", args.out.display())?;
        }
        Ok(())
    }
}

/// Two ways to count the same.
struct Equation {
    left: (&'static str, u64),
    right: Vec<(&'static str, u64)>,
}

impl Equation {
    fn of(left: (&'static str, u64), right: (&'static str, u64)) -> Self {
        let right = vec![right];
        Self { left, right }
    }

    fn holds(&self) -> bool {
        self.left.1 == self.right.iter().map(|(_, count)| count).sum::<u64>()
    }
}

impl Display for Equation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.holds() { "ok     " } else { "WRONG  " })?;
        write!(f, "{} {}", self.left.0, HumanCount(self.left.1))?;
        for (n, &(name, count)) in self.right.iter().enumerate() {
            let sign = if n == 0 { '=' } else { '+' };
            write!(f, " {sign} {name} {}", HumanCount(count))?;
        }
        Ok(())
    }
}
