//! The figures that rounds at a steady rate yield.

use crate::outcome::{Column, Outcome};
use crate::paced::Paced;

const CPU: Column = Column::headline("consumer CPU", "%");

/// The percentiles that [`Latency`] has columns for, in order; the last is the slowest push.
pub const PERCENTILES: [f64; 6] = [50.0, 90.0, 99.0, 99.9, 99.99, 100.0];

/// How long pushes took.
pub struct Latency(pub Paced);

impl Outcome for Latency {
    const COLUMNS: &'static [Column] = &[
        Column::headline("p50", "ns"),
        Column::detail("p90", "ns"),
        Column::headline("p99", "ns"),
        Column::headline("p99.9", "ns"),
        Column::detail("p99.99", "ns"),
        Column::detail("max", "ns"),
        CPU,
    ];

    fn figures(&self, _items: u64) -> Vec<f64> {
        let pushes = &self.0.pushes;
        let at = |percentile| pushes.value_at_percentile(percentile) as f64;
        PERCENTILES.into_iter().map(at).chain([self.0.cpu]).collect()
    }
}

/// How long pushes took that each woke somebody.
pub struct Waking(pub Paced);

impl Outcome for Waking {
    const COLUMNS: &'static [Column] = &[
        Column::headline("median push", "ns"),
        Column::headline("mean push", "ns"),
        CPU,
    ];

    fn figures(&self, _items: u64) -> Vec<f64> {
        let Paced { pushes, cpu } = &self.0;
        vec![pushes.value_at_quantile(0.5) as f64, pushes.mean(), *cpu]
    }
}

/// What receiving took of a core.
pub struct Idle(pub Paced);

impl Outcome for Idle {
    const COLUMNS: &'static [Column] = &[CPU];

    fn figures(&self, _items: u64) -> Vec<f64> {
        vec![self.0.cpu]
    }
}
