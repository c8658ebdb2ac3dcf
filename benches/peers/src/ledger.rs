//! Checks that every item came, once and in its producer's order.

use crate::payload::Payload;

pub const MAX_PRODUCERS: usize = 64;

const NUMBER_BITS: u32 = 48;

/// The tag of item `number` of `producer`.
#[inline]
pub fn tag(producer: usize, number: u64) -> u64 {
    (producer as u64) << NUMBER_BITS | number
}

/// What one consumer has seen. Finds fault without branching, so that it costs every contender the same.
pub struct Ledger {
    next: [u64; MAX_PRODUCERS],
    seen: u64,
    /// 0 as long as every item was the one expected.
    wrong: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            next: [0; MAX_PRODUCERS],
            seen: 0,
            wrong: 0,
        }
    }
}

impl Ledger {
    /// Expects the items of one producer, beginning with `number`.
    pub fn starting_at(number: u64) -> Self {
        let mut ledger = Self::default();
        ledger.next[0] = number;
        ledger
    }

    #[inline]
    pub fn see<T: Payload>(&mut self, item: &T) {
        let (producer, number) = (item.tag() >> NUMBER_BITS, item.tag() & ((1 << NUMBER_BITS) - 1));
        let next = &mut self.next[producer as usize % MAX_PRODUCERS];
        self.wrong |= (*next ^ number) | (producer / MAX_PRODUCERS as u64) | item.torn();
        *next += 1;
        self.seen += 1;
    }

    /// As [`see`](Self::see), where items of the same producer may be missing before this one.
    #[inline]
    pub fn see_later<T: Payload>(&mut self, item: &T) {
        let producer = item.tag() >> NUMBER_BITS;
        let next = &mut self.next[producer as usize % MAX_PRODUCERS];
        *next = (*next).max(item.tag() & ((1 << NUMBER_BITS) - 1));
        self.see(item);
    }

    #[inline]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Panics unless `seen` items came, and they were the right ones.
    pub fn settle(&self, seen: u64) {
        assert_eq!(self.seen, seen, "items were lost or came twice");
        assert_eq!(self.wrong, 0, "items came in the wrong order");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(tags: &[u64]) -> Ledger {
        let mut ledger = Ledger::default();
        for tag in tags {
            ledger.see(tag);
        }
        ledger
    }

    #[test]
    fn order_of_each_producer_is_right() {
        seen(&[tag(0, 0), tag(3, 0), tag(3, 1), tag(0, 1)]).settle(4);
    }

    #[test]
    #[should_panic = "lost"]
    fn lost_item_is_found() {
        seen(&[tag(0, 0)]).settle(2);
    }

    #[test]
    #[should_panic = "order"]
    fn swapped_items_are_found() {
        seen(&[tag(0, 1), tag(0, 0)]).settle(2);
    }

    #[test]
    #[should_panic = "order"]
    fn item_that_came_twice_is_found() {
        seen(&[tag(1, 0), tag(1, 0)]).settle(2);
    }

    #[test]
    fn gaps_are_no_fault_where_they_are_expected() {
        let mut ledger = Ledger::default();
        for tag in [tag(0, 5), tag(1, 0), tag(0, 7)] {
            ledger.see_later(&tag);
        }
        ledger.settle(3);
    }

    #[test]
    #[should_panic = "order"]
    fn item_that_came_twice_is_found_among_gaps() {
        let mut ledger = Ledger::default();
        for tag in [tag(0, 5), tag(0, 5)] {
            ledger.see_later(&tag);
        }
        ledger.settle(2);
    }
}
