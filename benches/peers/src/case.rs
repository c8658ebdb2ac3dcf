//! What is measured, and who takes part.

use std::fmt;
use std::time::Duration;

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
    run: Box<dyn Fn(u64) -> Duration>,
}

impl Contender {
    /// How long so many items take, without what goes before and after.
    ///
    /// # Panics
    ///
    /// If an item was lost, torn, came twice or in the wrong order.
    pub fn run(&self, items: u64) -> Duration {
        (self.run)(items)
    }
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contender({:?}, {:?})", self.name, self.role)
    }
}

/// Work that contenders do in turn.
#[derive(Debug)]
pub struct Case {
    /// How a report names it.
    pub name: String,
    /// How many items make a round; a multiple of 1024.
    pub items: u64,
    /// How many threads are at work at a time.
    pub busy: usize,
    /// Who does it; ours first.
    pub contenders: Vec<Contender>,
}

impl Case {
    pub(crate) fn new(name: String, busy: usize, items: u64) -> Self {
        Self {
            name,
            items,
            busy,
            contenders: Vec::new(),
        }
    }

    pub(crate) fn ours(self, name: &'static str, run: impl Fn(u64) -> Duration + 'static) -> Self {
        self.with(Role::Ours, name, run)
    }

    pub(crate) fn peer(self, name: &'static str, run: impl Fn(u64) -> Duration + 'static) -> Self {
        self.with(Role::Peer, name, run)
    }

    pub(crate) fn reference(self, name: &'static str, run: impl Fn(u64) -> Duration + 'static) -> Self {
        self.with(Role::Reference, name, run)
    }

    fn with(mut self, role: Role, name: &'static str, run: impl Fn(u64) -> Duration + 'static) -> Self {
        let run = Box::new(run);
        self.contenders.push(Contender { name, role, run });
        self
    }
}
