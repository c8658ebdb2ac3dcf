//! The lines that show what goes on, on a terminal.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use mpsc_ring::{BackPressurePolicy, Producer, channel};

use crate::event::Event;
use crate::latency::{Latencies, quantile};

/// The live lines; gone when dropped.
///
/// A thread of its own draws them, because a terminal may stop reading: then only the newest lines are kept.
pub struct Live {
    /// None if stderr is no terminal.
    frames: Option<Producer<Frame>>,
    /// Closed when the lines are gone.
    cleared: mpsc::Receiver<()>,
    /// When they were last shown, and how many events had been pushed by then.
    shown: (Instant, u64),
}

struct Frame {
    counts: String,
    latencies: String,
}

impl Live {
    pub fn new() -> Self {
        let lines = ProgressBar::new_spinner();
        let (clears, cleared) = mpsc::channel();
        let frames = (!lines.is_hidden()).then(|| {
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}\n  {prefix}") {
                lines.set_style(style);
            }
            let (frames, newest) = channel(1, BackPressurePolicy::DropOldest);
            thread::spawn(move || {
                for Frame { counts, latencies } in newest {
                    lines.set_message(counts);
                    lines.set_prefix(latencies);
                    lines.tick();
                }
                lines.finish_and_clear();
                drop(clears);
            });
            frames
        });
        let shown = (Instant::now(), 0);
        Self { frames, cleared, shown }
    }

    pub fn show(&mut self, producer: &Producer<Event>, latencies: &Latencies) {
        let Some(frames) = &self.frames else { return };
        let (stats, now) = (producer.stats(), Instant::now());
        let (before, pushed) = self.shown;
        let per_second = (stats.pushed - pushed) as f64 / (now - before).as_secs_f64().max(1e-3);
        self.shown = (now, stats.pushed);
        let took = latencies.snapshot();
        let counts = format!(
            "{} events/s, ring {} of {}, at most {}, evicted {}, refused {}",
            HumanCount(per_second as u64),
            HumanCount(stats.len),
            HumanCount(stats.capacity),
            HumanCount(stats.high_water),
            HumanCount(stats.evicted),
            HumanCount(stats.refused),
        );
        let latencies = format!(
            "push p50 {}, p99 {}, p99.9 {}",
            quantile(&took, 0.5),
            quantile(&took, 0.99),
            quantile(&took, 0.999),
        );
        // One that cannot be shown is followed by the next.
        let _ = frames.push(Frame { counts, latencies });
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.frames.take().is_some() {
            // Not for long: the terminal may have stopped reading.
            let _ = self.cleared.recv_timeout(Duration::from_millis(200));
        }
    }
}
