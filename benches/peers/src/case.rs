//! What is measured, and who takes part.

use std::fmt;
use std::time::Duration;

use crate::group::Group;
use crate::outcome::{Column, Outcome};

/// What a contender is to the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `mpsc_ring`.
    Ours,
    /// A channel or queue that does the same work.
    Peer,
    /// Does less than the others; shown, but no peer.
    Reference,
}

/// Somebody who does the work of a case.
pub struct Contender {
    /// How a report names it.
    pub name: &'static str,
    /// What it is to the comparison.
    pub role: Role,
    run: Box<dyn Fn(u64) -> Vec<f64>>,
}

impl Contender {
    /// What so many items come to, without what goes before and after: a figure for each column of the case.
    ///
    /// # Panics
    ///
    /// If an item was lost, torn, came twice or in the wrong order.
    pub fn run(&self, items: u64) -> Vec<f64> {
        (self.run)(items)
    }

    /// How long so many items take, in a case whose first column is the time per item.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn time(&self, items: u64) -> Duration {
        Duration::from_secs_f64(self.run(items)[0] * items as f64 / 1e9)
    }
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contender({:?}, {:?})", self.name, self.role)
    }
}

/// Where a case stands among those that differ in nothing but the number of producers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the cases have in common.
    pub family: &'static str,
    /// How many producers this one has.
    pub producers: usize,
}

/// Work that contenders do in turn.
#[derive(Debug)]
pub struct Case {
    /// The part of the comparison it belongs to.
    pub group: Group,
    /// How a report names it.
    pub name: String,
    /// How many items make a round; a multiple of 1024 where a quick run is to shrink it.
    pub items: u64,
    /// How many threads are at work at a time.
    pub busy: usize,
    /// Whether every round would say the same: then there is but one, and it is never shrunk.
    pub exact: bool,
    /// Where it stands among cases with more or fewer producers.
    pub step: Option<Step>,
    /// The case that does the same on all cores.
    pub twin: Option<String>,
    /// What each figure of a round means.
    pub columns: &'static [Column],
    /// Who does it; ours first.
    pub contenders: Vec<Contender>,
}

impl Case {
    pub(crate) fn new(group: Group, name: impl Into<String>, busy: usize, items: u64) -> Self {
        Self {
            group,
            name: name.into(),
            items,
            busy,
            exact: false,
            step: None,
            twin: None,
            columns: &[],
            contenders: Vec::new(),
        }
    }

    pub(crate) fn exact(self) -> Self {
        Self { exact: true, ..self }
    }

    pub(crate) fn step(self, family: &'static str, producers: usize) -> Self {
        let step = Some(Step { family, producers });
        Self { step, ..self }
    }

    pub(crate) fn twin(self, name: String) -> Self {
        Self {
            twin: Some(name),
            ..self
        }
    }

    pub(crate) fn ours<O: Outcome>(self, name: &'static str, run: impl Fn(u64) -> O + 'static) -> Self {
        self.with(Role::Ours, name, run)
    }

    pub(crate) fn peer<O: Outcome>(self, name: &'static str, run: impl Fn(u64) -> O + 'static) -> Self {
        self.with(Role::Peer, name, run)
    }

    pub(crate) fn reference<O: Outcome>(self, name: &'static str, run: impl Fn(u64) -> O + 'static) -> Self {
        self.with(Role::Reference, name, run)
    }

    fn with<O: Outcome>(mut self, role: Role, name: &'static str, run: impl Fn(u64) -> O + 'static) -> Self {
        debug_assert!(self.columns.is_empty() || self.columns == O::COLUMNS);
        self.columns = O::COLUMNS;
        let run = Box::new(move |items| run(items).figures(items));
        self.contenders.push(Contender { name, role, run });
        self
    }
}
