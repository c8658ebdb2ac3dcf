//! `rtrb`: one producer, one consumer, no waiting but by spinning. A reference, not a peer.

use rtrb::{Consumer, Producer};

use crate::payload::Payload;
use crate::roles::{Push, PushBatch, Take, TryTake};
use crate::spin::Spin;

impl<T: Payload> TryTake<T> for Consumer<T> {
    #[inline(always)]
    fn grab(&mut self) -> Option<T> {
        self.pop().ok()
    }

    #[inline(always)]
    fn grab_some(&mut self, out: &mut Vec<T>, max: usize) {
        let some = max.min(self.slots());
        out.extend(self.read_chunk(some).expect("no more than there are"));
    }
}

impl<T: Payload> Push<T> for Producer<T> {
    #[inline(always)]
    fn put(&mut self, item: T) {
        let mut spin = Spin::default();
        while self.push(item).is_err() {
            spin.once();
        }
    }
}

impl<T: Payload> PushBatch<T> for Producer<T> {
    #[inline(always)]
    fn put_batch(&mut self, items: &mut Vec<T>) {
        let mut spin = Spin::default();
        while !items.is_empty() {
            let some = items.len().min(self.slots());
            if some == 0 {
                spin.once();
                continue;
            }
            let chunk = self.write_chunk_uninit(some).expect("no more than there is room for");
            chunk.fill_from_iter(items.drain(..some));
        }
    }
}

impl<T: Payload> Take<T> for Consumer<T> {
    #[inline(always)]
    fn get(&mut self) -> Option<T> {
        let mut spin = Spin::default();
        loop {
            if let Ok(item) = self.pop() {
                return Some(item);
            }
            if self.is_abandoned() {
                // The producer may have pushed between the two.
                return self.pop().ok();
            }
            spin.once();
        }
    }

    #[inline(always)]
    fn get_batch(&mut self, out: &mut Vec<T>, max: usize) {
        let mut spin = Spin::default();
        self.grab_some(out, max);
        while out.is_empty() {
            let last = self.is_abandoned();
            self.grab_some(out, max);
            if last {
                break;
            }
            spin.once();
        }
    }
}
