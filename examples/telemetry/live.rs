//! The lines that show what goes on, on a terminal.

use std::time::Instant;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use mpsc_ring::Producer;

use crate::event::Event;
use crate::latency::{Latencies, quantile};

/// The live lines; gone when dropped.
pub struct Live {
    lines: ProgressBar,
    /// When they were last shown, and how many events had been pushed by then.
    shown: (Instant, u64),
}

impl Live {
    pub fn new() -> Self {
        // Hidden by itself if stderr is no terminal.
        let lines = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}\n  {prefix}") {
            lines.set_style(style);
        }
        let shown = (Instant::now(), 0);
        Self { lines, shown }
    }

    pub fn show(&mut self, producer: &Producer<Event>, latencies: &Latencies) {
        if self.lines.is_hidden() {
            return;
        }
        let (stats, now) = (producer.stats(), Instant::now());
        let (before, pushed) = self.shown;
        let per_second = (stats.pushed - pushed) as f64 / (now - before).as_secs_f64().max(1e-3);
        self.shown = (now, stats.pushed);
        let took = latencies.snapshot();
        self.lines.set_message(format!(
            "{} events/s, ring {}/{}, evicted {}, refused {}",
            HumanCount(per_second as u64),
            HumanCount(stats.len),
            HumanCount(producer.capacity() as u64),
            HumanCount(stats.evicted),
            HumanCount(stats.refused),
        ));
        self.lines.set_prefix(format!(
            "push p50 {}, p99 {}, p99.9 {}",
            quantile(&took, 0.5),
            quantile(&took, 0.99),
            quantile(&took, 0.999),
        ));
        self.lines.tick();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.lines.finish_and_clear();
    }
}
