//! Positions: where in the endless sequence of pushes an item stands, and the flags that share its word.
//!
//! `tail` and `head` are one 64-bit word each:
//!
//! ```text
//!   63                  4+k  4+k-1        4   3        2       1       0
//!  +-----------------------+---------------+--------+-------+-------+--------+
//!  |          lap          |     index     |DIVERTED| HELD/ | AHEAD/| WAITED |
//!  |                       |               |        | MARKED| CLOSED|        |
//!  +-----------------------+---------------+--------+-------+-------+--------+
//!     2^(60-k) laps          slot in 0..N             head/   head/
//!                                                     tail    tail
//! ```
//!
//! `N` is any number of slots and `k` the bits that hold `N - 1`. Going one slot further is an addition; only the
//! last slot of a lap adds `wrap` as well, so no division is ever needed and any `N` will do. Positions compare by the
//! sign of their wrapping difference, so even the end of the lap counter, at least 2^59 pushes away, is an ordinary
//! place.

use std::fmt;

/// Somebody sleeps until the other side changes this word.
pub(crate) const WAITED: u64 = 1;
/// In `tail`: the channel is closed.
pub(crate) const CLOSED: u64 = 1 << 1;
/// In `head`: what was in front of it in the ring lies elsewhere, and is to be taken first. `DIVERTED` is up as well.
pub(crate) const AHEAD: u64 = 1 << 1;
/// In `head`: somebody keeps it from moving.
pub(crate) const HELD: u64 = 1 << 2;
/// In `tail`: somebody may sleep until it reaches a mark.
pub(crate) const MARKED: u64 = 1 << 2;

/// In `tail`: pushes go past the ring. In `head`: so does the next take.
pub(crate) const DIVERTED: u64 = 1 << 3;

const FLAG_BITS: u32 = 4;
const FLAGS: u64 = (1 << FLAG_BITS) - 1;
/// One slot further, where that does not end the lap.
const ONE: u64 = 1 << FLAG_BITS;

/// Stamps are the low eight bits of the lap, so the lap must have that many.
const MAX_INDEX_BITS: u32 = 64 - FLAG_BITS - 8;

/// The most slots a ring can have.
pub(crate) const MAX_SLOTS: u64 = 1 << MAX_INDEX_BITS;

/// A lap and an index in one word, flags clear.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position(u64);

impl Position {
    /// The position that `word` holds beside its flags.
    #[inline]
    pub(crate) fn of(word: u64) -> Self {
        Self(word & !FLAGS)
    }

    /// The position that `word` holds, which has no flag.
    #[inline]
    pub(crate) fn from_word(word: u64) -> Self {
        debug_assert_eq!(word & FLAGS, 0);
        Self(word)
    }

    /// The word that holds this position and no flag.
    #[inline]
    pub(crate) fn word(self) -> u64 {
        self.0
    }

    /// Whether this position comes before `other`; the two are less than half of all positions apart.
    #[inline]
    pub(crate) fn is_before(self, other: Self) -> bool {
        (self.0.wrapping_sub(other.0) as i64) < 0
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({:#x})", self.0)
    }
}

/// How a ring of `slots` slots lays its positions out: pure arithmetic, no state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    slots: u64,
    lap_shift: u32,
    /// The lowest bit of the lap.
    one_lap: u64,
    /// The bits of the index.
    index_bits: u64,
    /// Where the index would stand after the last slot.
    end_of_lap: u64,
    /// What the step past the last slot adds to `ONE`: it clears the index and carries into the lap.
    wrap: u64,
}

impl Layout {
    /// The layout for `slots` slots, between 1 and [`MAX_SLOTS`].
    pub(crate) fn new(slots: u64) -> Self {
        debug_assert!((1..=MAX_SLOTS).contains(&slots));
        let lap_shift = FLAG_BITS + (u64::BITS - (slots - 1).leading_zeros());
        Self {
            slots,
            lap_shift,
            one_lap: 1 << lap_shift,
            index_bits: ((1u64 << lap_shift) - 1) & !FLAGS,
            end_of_lap: slots * ONE,
            wrap: (1u64 << lap_shift).wrapping_sub(slots * ONE),
        }
    }

    /// The first slot of `lap` (the counter of laps is as wide as the word has room for).
    pub(crate) fn start_of(&self, lap: u64) -> Position {
        Position(lap << self.lap_shift)
    }

    /// The slot at `position`.
    #[inline]
    pub(crate) fn index(&self, position: Position) -> usize {
        ((position.0 & self.index_bits) >> FLAG_BITS) as usize
    }

    /// What the slot's stamp reads once `position` is published.
    #[inline]
    pub(crate) fn stamp(&self, position: Position) -> u8 {
        (position.0 >> self.lap_shift) as u8
    }

    /// What to add (wrapping) to a word at `position` to move it `n` slots on, flags untouched; `n` is at most one lap.
    #[inline]
    pub(crate) fn step(&self, position: Position, n: usize) -> u64 {
        debug_assert!(n as u64 <= self.slots);
        let step = (n as u64) << FLAG_BITS;
        if (position.0 & self.index_bits) + step >= self.end_of_lap {
            step.wrapping_add(self.wrap)
        } else {
            step
        }
    }

    /// The position `n` slots after `position`; `n` is at most one lap.
    #[inline]
    pub(crate) fn advance(&self, position: Position, n: usize) -> Position {
        Position(position.0.wrapping_add(self.step(position, n)))
    }

    /// The same slot one lap later.
    #[inline]
    pub(crate) fn next_lap(&self, position: Position) -> Position {
        Position(position.0.wrapping_add(self.one_lap))
    }

    /// Whether `word`, whatever its flags, lies more than `n` slots after `position`; `n` is at most one lap.
    #[inline(always)]
    pub(crate) fn lies_beyond(&self, position: Position, n: usize, word: u64) -> bool {
        // Across the end of a lap the words differ by more than the slots do, so little says that it is near.
        let near = word.wrapping_sub(position.0) <= (n as u64) << FLAG_BITS | FLAGS;
        !near && self.advance(position, n).is_before(Position::of(word))
    }

    /// How many slots lie from `earlier` to `later`; negative where `later` comes first.
    #[inline]
    pub(crate) fn distance(&self, earlier: Position, later: Position) -> i64 {
        let lap_bits = !(self.one_lap - 1);
        let laps = ((later.0 & lap_bits).wrapping_sub(earlier.0 & lap_bits) as i64) >> self.lap_shift;
        let slots = self.index(later) as i64 - self.index(earlier) as i64;
        laps.wrapping_mul(self.slots as i64).wrapping_add(slots)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// First laps from which every wrap is met: of the stamp, of the counter's sign, of the whole counter.
    fn first_laps(layout: &Layout) -> [u64; 4] {
        let last_lap = u64::MAX >> layout.lap_shift;
        [1, 254, last_lap / 2, last_lap - 1]
    }

    // bug-classes C1, C2, C4, C12
    #[test]
    fn every_step_of_every_layout_agrees_with_counting() {
        for slots in 1..=300u64 {
            let layout = Layout::new(slots);
            for lap in first_laps(&layout) {
                let start = layout.start_of(lap);
                let mut position = start;
                for n in 0..4 * slots {
                    assert_eq!(layout.index(position) as u64, n % slots);
                    assert_eq!(layout.stamp(position), (lap + n / slots) as u8);
                    assert_eq!(layout.distance(start, position), n as i64);
                    assert_eq!(layout.distance(position, start), -(n as i64));
                    assert_eq!(start.is_before(position), n > 0);
                    assert!(!position.is_before(start));
                    assert_eq!(layout.advance(position, slots as usize), layout.next_lap(position));
                    for apart in [0, 1, slots / 2, slots].into_iter().filter(|&apart| apart <= n) {
                        let before = n - apart;
                        let lap_start = layout.start_of(lap.wrapping_add(before / slots));
                        let earlier = layout.advance(lap_start, (before % slots) as usize);
                        let word = position.word() | WAITED | CLOSED;
                        assert!(!layout.lies_beyond(earlier, apart as usize, word));
                        assert!(apart == 0 || layout.lies_beyond(earlier, apart as usize - 1, word));
                    }
                    assert!(!layout.lies_beyond(layout.advance(position, 1), 1, position.word()));
                    position = layout.advance(position, 1);
                }
            }
        }
    }

    #[test]
    fn a_long_step_is_many_short_ones() {
        for slots in [1u64, 2, 3, 5, 7, 8, 10, 64, 100] {
            let layout = Layout::new(slots);
            for lap in first_laps(&layout) {
                let mut from = layout.start_of(lap);
                for _ in 0..slots {
                    let mut position = from;
                    for n in 0..=slots {
                        assert_eq!(layout.advance(from, n as usize), position);
                        position = layout.advance(position, 1);
                    }
                    from = layout.advance(from, 1);
                }
            }
        }
    }

    #[test]
    fn flags_do_not_touch_the_position() {
        let layout = Layout::new(5);
        let position = layout.advance(layout.start_of(7), 4);
        let flags = WAITED | CLOSED | HELD | DIVERTED;
        let word = position.word() | flags;
        assert_eq!(Position::of(word), position);
        let moved = word.wrapping_add(layout.step(position, 1));
        assert_eq!(moved & flags, flags);
        assert_eq!(Position::of(moved), layout.start_of(8));
    }

    #[test]
    fn the_largest_layout_keeps_eight_bits_of_lap() {
        let layout = Layout::new(MAX_SLOTS);
        assert_eq!(layout.stamp(layout.start_of(255)), 255);
        assert_eq!(layout.index(layout.start_of(255)), 0);
    }
}
