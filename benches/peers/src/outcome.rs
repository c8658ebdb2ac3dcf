//! What a round comes to.

use std::time::Duration;

/// A figure that every round of a case yields. Less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// How a report names it.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    /// Whether a summary has room for it.
    pub headline: bool,
}

impl Column {
    /// A figure for summaries.
    pub const fn headline(name: &'static str, unit: &'static str) -> Self {
        let headline = true;
        Self { name, unit, headline }
    }

    /// A figure for those who look closer.
    pub const fn detail(name: &'static str, unit: &'static str) -> Self {
        let headline = false;
        Self { name, unit, headline }
    }
}

/// The time an item takes.
pub const PER_ITEM: Column = Column::headline("time per item", "ns");

/// What a contender has to show after a round.
pub trait Outcome {
    /// What the figures mean.
    const COLUMNS: &'static [Column];

    /// One figure for each column, given how many items the round had; not a number if it is not known here.
    fn figures(&self, items: u64) -> Vec<f64>;
}

impl Outcome for Duration {
    const COLUMNS: &'static [Column] = &[PER_ITEM];

    fn figures(&self, items: u64) -> Vec<f64> {
        vec![self.as_nanos() as f64 / items as f64]
    }
}
