//! What other programs take of the machine while a case runs.

use std::fs;
use std::time::{Duration, Instant};

use crate::cpu;

/// In a share of a core, what others may take before figures between threads are not to be trusted, in %.
pub const TOLERABLE: f64 = 10.0;

/// Looks from its start on.
pub struct Watch {
    began: Instant,
    busy: Option<Duration>,
    own: Option<Duration>,
}

impl Watch {
    pub fn start() -> Self {
        Self {
            began: Instant::now(),
            busy: busy(),
            own: cpu::of_process(),
        }
    }

    /// What others have taken, in % of one core; not a number if it is not known here.
    pub fn others(&self) -> f64 {
        let all = taken(self.busy, busy());
        let own = taken(self.own, cpu::of_process());
        all.zip(own).map_or(f64::NAN, |(all, own)| {
            100.0 * (all - own).max(0.0) / self.began.elapsed().as_secs_f64()
        })
    }
}

fn taken(before: Option<Duration>, after: Option<Duration>) -> Option<f64> {
    before
        .zip(after)
        .map(|(before, after)| after.as_secs_f64() - before.as_secs_f64())
}

/// How long the cores have not been idle, all taken together.
fn busy() -> Option<Duration> {
    // Ticks of 10 ms, everywhere, for programs that read this.
    const TICK: u64 = 10;
    let stat = fs::read_to_string("/proc/stat").ok()?;
    ticks(stat.lines().next()?).map(|ticks| Duration::from_millis(TICK * ticks))
}

/// User, nice, system, idle, waiting, interrupts, soft interrupts, stolen; what follows is in the first two already.
fn ticks(line: &str) -> Option<u64> {
    let fields = line.strip_prefix("cpu ")?.split_whitespace().take(8);
    let fields: Vec<u64> = fields.map(str::parse).collect::<Result<_, _>>().ok()?;
    let [user, nice, system, _idle, _waiting, interrupts, soft, stolen] = fields[..] else {
        return None;
    };
    Some(user + nice + system + interrupts + soft + stolen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_guests_do_not_count() {
        assert_eq!(ticks("cpu  1 2 4 1000 1000 8 16 32 9 9"), Some(63));
        assert_eq!(ticks("intr 1 2"), None);
    }
}
