//! What has happened to the items of a channel.

use crate::sync::AtomicU64;
use crate::tally::raise;

/// Where every item of a channel has gone, in items since the channel was made, and how the channel has fared.
///
/// Pushing and taking are counted by the positions that order them, not by counters beside them, so that no item can be
/// inside or taken without being counted; what is evicted, discarded and refused is counted where that happens.
///
/// While nothing moves, all of it is exact: [`offered`](Self::offered) is what producers tried to push by policy,
/// `pushed == taken + evicted + discarded + len` and `offered == pushed + refused`; with a log on disk,
/// `pushed + recovered == taken + evicted + discarded + len + on_disk + spill_lost`. While something moves, a count may lag
/// behind by what is being done at that moment, and no count ever falls from one snapshot to the next. A snapshot waits for
/// nobody and takes 17 to 26 ns (`cargo bench --bench ring -- stats`, AMD EPYC); under `SpillToDisk` it waits for the log.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{BackPressurePolicy, channel};
///
/// let (producer, consumer) = channel(2, BackPressurePolicy::DropOldest);
/// for n in 0..5 {
///     producer.push(n).unwrap();
/// }
/// assert_eq!(consumer.take(), Some(3));
/// let stats = producer.stats();
/// assert_eq!((stats.pushed, stats.evicted, stats.taken, stats.len), (5, 3, 1, 1));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Stats {
    /// How many items the channel can hold.
    pub capacity: u64,
    /// The memory that the channel allocated for items, in bytes; what items own elsewhere is not known.
    pub bytes: u64,
    /// Items inside.
    pub len: u64,
    /// The most items that were inside at once, as far as the channel has looked: at every batch that is taken, at every
    /// snapshot, and whenever [`push`](crate::Producer::push) and its kin find it full.
    pub high_water: u64,
    /// Items accepted.
    pub pushed: u64,
    /// Items that consumers took.
    pub taken: u64,
    /// Items that had to make room for newer ones, under [`DropOldest`](crate::BackPressurePolicy::DropOldest).
    pub evicted: u64,
    /// Those of [`evicted`](Self::evicted) that [`push_displacing`](crate::Producer::push_displacing) returned.
    pub displaced: u64,
    /// Items still inside when the last consumer went, and dropped then.
    pub discarded: u64,
    /// Items given back by [`push`](crate::Producer::push) and its kin because the channel was full.
    ///
    /// [`try_push`](crate::Producer::try_push) asks without offering: what it gives back is not counted. Neither is what comes
    /// back because the time was up or the channel closed.
    pub refused: u64,
    /// Those of [`refused`](Self::refused) that came back because the oldest item could not be evicted.
    pub refused_pinned: u64,
    /// Those of [`refused`](Self::refused) that came back because they could not be written to disk.
    pub refused_spill: u64,
    /// Those of [`pushed`](Self::pushed) that went to disk, under `SpillToDisk`: at once, or from memory by a
    /// `Producer::sync` or when the last consumer went.
    pub spilled: u64,
    /// Items that were on disk when the channel was made, left by an earlier one.
    pub recovered: u64,
    /// Items on disk that no consumer has taken.
    pub on_disk: u64,
    /// Items on disk that were damaged or unreadable, or dropped at the log's cap.
    pub spill_lost: u64,
    /// How often a consumer found nothing and went to sleep.
    pub takers_parked: u64,
    /// How often a sleeping consumer was woken, by a push or by closing.
    pub takers_woken: u64,
    /// How often a producer found no room and went to sleep.
    pub pushers_parked: u64,
    /// How often a sleeping producer was woken, by a take or by closing.
    pub pushers_woken: u64,
}

impl Stats {
    /// Items that producers offered: those accepted and those refused.
    pub fn offered(&self) -> u64 {
        self.pushed + self.refused
    }

    /// Items lost to the policy: evicted, refused, or lost on disk.
    pub fn lost(&self) -> u64 {
        self.evicted + self.refused + self.spill_lost
    }

    /// What has happened since `earlier`: the counts are differences, the rest is as it is in `self`.
    ///
    /// Divided by the time between the two snapshots, the counts are rates.
    ///
    /// # Examples
    ///
    /// ```
    /// use mpsc_ring::{BackPressurePolicy, channel};
    ///
    /// let (producer, _consumer) = channel(8, BackPressurePolicy::Block);
    /// producer.push_batch(&[1, 2, 3]).unwrap();
    /// let before = producer.stats();
    /// producer.push(4).unwrap();
    /// let change = producer.stats().since(&before);
    /// assert_eq!((change.pushed, change.len), (1, 4));
    /// ```
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            pushed: self.pushed.saturating_sub(earlier.pushed),
            taken: self.taken.saturating_sub(earlier.taken),
            evicted: self.evicted.saturating_sub(earlier.evicted),
            displaced: self.displaced.saturating_sub(earlier.displaced),
            discarded: self.discarded.saturating_sub(earlier.discarded),
            refused: self.refused.saturating_sub(earlier.refused),
            refused_pinned: self.refused_pinned.saturating_sub(earlier.refused_pinned),
            refused_spill: self.refused_spill.saturating_sub(earlier.refused_spill),
            spilled: self.spilled.saturating_sub(earlier.spilled),
            spill_lost: self.spill_lost.saturating_sub(earlier.spill_lost),
            takers_parked: self.takers_parked.saturating_sub(earlier.takers_parked),
            takers_woken: self.takers_woken.saturating_sub(earlier.takers_woken),
            pushers_parked: self.pushers_parked.saturating_sub(earlier.pushers_parked),
            pushers_woken: self.pushers_woken.saturating_sub(earlier.pushers_woken),
            ..*self
        }
    }
}

/// Says when a warning of losses is due: at the first, and whenever their number has reached another power of two.
///
/// However many items are lost, the log gets at most one line for each power of two.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{BackPressurePolicy, LossWarning, channel};
///
/// let warning = LossWarning::new();
/// let (producer, consumer) = channel(1, BackPressurePolicy::DropNewest);
/// let mut lines = 0;
/// for n in 0..1000 {
///     _ = producer.push(n);
///     let lost = consumer.stats().lost();
///     if warning.is_due(lost) {
///         eprintln!("{lost} events lost so far");
///         lines += 1;
///     }
/// }
/// assert_eq!(lines, 10); // at 1, 2, 4, … 512
/// ```
#[derive(Debug, Default)]
pub struct LossWarning {
    /// The power of two above the number last warned of; 0 before.
    warned: AtomicU64,
}

impl LossWarning {
    /// Nothing lost, nobody warned.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether to warn now that `lost` items have been lost in all. Of several threads that ask, one is told so.
    pub fn is_due(&self, lost: u64) -> bool {
        let power = u64::from(u64::BITS - lost.leading_zeros());
        raise(&self.warned, power) < power
    }
}
