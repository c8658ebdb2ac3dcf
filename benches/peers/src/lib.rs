//! `mpsc_ring` next to other bounded channels: the same cases, the same payloads, in one run.
//!
//! A [`Case`] is a list of [`Contender`]s that do the same work. Each checks what it did: that every item came, once and
//! in its producer's order.

pub mod calibration;
pub mod case;
pub mod cases;
mod contenders;
pub mod facts;
mod hot;
mod ledger;
pub mod memory;
mod payload;
pub mod report;
mod rings;
mod roles;
mod single;
mod spin;
mod tasks;
mod threads;

pub use case::{Case, Contender, Role};

/// How many items a channel between threads or tasks holds.
pub const CAPACITY: usize = 1024;

/// How many items a consumer takes, and a producer pushes, at a time where it does so in batches.
pub const BATCH: usize = 256;

/// Does what channels ask of a program that starts.
pub fn prepare() {
    crossfire::detect_backoff_cfg();
}
