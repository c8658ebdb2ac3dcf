//! `mpsc_ring` next to other bounded channels: the same cases, the same payloads, in one run.
//!
//! A [`Case`] is a list of [`Contender`]s that do the same work. Each checks what it did: that every item came, once and
//! in its producer's order. [`run::run`] has them do it in turn, [`Results`] keeps the numbers, and [`render`] words and
//! draws them.

pub mod calibration;
pub mod case;
pub mod cases;
mod contenders;
pub mod cpu;
pub mod disk;
pub mod facts;
pub mod group;
mod hot;
mod latency;
mod ledger;
pub mod memory;
mod others;
pub mod outcome;
mod pace;
mod paced;
mod payload;
mod pushing;
pub mod render;
pub mod results;
mod rings;
mod roles;
pub mod run;
mod single;
mod spin;
pub mod stats;
mod tasks;
mod threads;
pub mod verdict;

pub use case::{Case, Contender, Role};
pub use group::Group;
pub use results::Results;

/// How many items a channel between threads or tasks holds.
pub const CAPACITY: usize = 1024;

/// How many items a consumer takes, and a producer pushes, at a time where it does so in batches.
pub const BATCH: usize = 256;

/// Does what channels ask of a program that starts.
pub fn prepare() {
    crossfire::detect_backoff_cfg();
}
