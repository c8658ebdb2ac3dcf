//! The ends of each channel in the roles they can play.

mod array_queue;
mod async_channel;
mod crossbeam;
mod crossfire;
mod flume;
mod forcing;
mod kanal;
mod mutex_deque;
mod nowhere;
mod ours;
mod rtrb;
mod std_mpsc;
mod tachyonix;
mod thingbuf;
mod tokio;

pub use array_queue::array_queue;
pub use forcing::{force_array_queue, force_async_channel};
pub use mutex_deque::mutex_deque;
pub use nowhere::nowhere;
pub use ours::{block, drop_newest, drop_newest_by_policy, drop_oldest};

use crate::payload::Payload;
use crate::roles::{Push, PushAsync, TryPush};

/// Blocks a thread on a push that is there for tasks only.
#[derive(Clone)]
pub struct Blocked<S>(pub S);

impl<T: Payload, S: TryPush<T> + PushAsync<T>> Push<T> for Blocked<S> {
    #[inline(always)]
    fn put(&mut self, item: T) {
        if !self.0.offer(item) {
            futures_executor::block_on(self.0.put_async(item));
        }
    }
}
