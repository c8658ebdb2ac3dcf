//! A bounded channel for telemetry and other hot paths: hot threads push in nanoseconds, consumers take batches, and
//! **a full channel does what its policy says, with every item accounted for**.

mod builder;
mod channel;
mod consumer;
mod coop;
mod error;
mod policy;
mod position;
mod producer;
mod ring;
mod spin;
mod stats;
mod stream;
mod sync;
mod unwind;
mod wait;

pub use builder::Builder;
pub use consumer::*;
pub use error::{BatchPushError, BuildError, PushError, TakeTimeoutError, TryTakeError};
pub use policy::BackPressurePolicy;
pub use producer::*;
pub use stats::Stats;
pub use stream::*;

/// channel
pub fn channel<T>(capacity: usize, policy: BackPressurePolicy<T>) -> (Producer<T>, Consumer<T>) {
    Builder::new(capacity).policy(policy).build()
}
