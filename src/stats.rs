//! What has happened to the items of a channel.

/// Where every item of a channel has gone, in items since the channel was made.
///
/// Pushing and taking are counted by the positions that order them, not by counters beside them, so that no item can be
/// inside or taken without being counted; what is evicted, discarded and refused is counted where that happens.
///
/// While nothing moves, [`offered`](Self::offered) is what producers tried to push by policy,
/// `pushed == taken + evicted + discarded + len` and `offered == pushed + refused`. While something moves, each field
/// is a value it had at some moment of the call, and [`evicted`](Self::evicted) may fall again by the few items that
/// are about to be evicted but that a take under way still gets.
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
pub struct Stats {
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
    /// [`try_push`](crate::Producer::try_push) asks without offering: what it gives back is not counted.
    pub refused: u64,
    /// Those of [`refused`](Self::refused) that came back because the oldest item could not be evicted.
    pub refused_pinned: u64,
    /// Items inside.
    pub len: u64,
}

impl Stats {
    /// Items that producers offered: those accepted and those refused.
    pub fn offered(&self) -> u64 {
        self.pushed + self.refused
    }

    /// Items lost to the policy: evicted or refused.
    pub fn lost(&self) -> u64 {
        self.evicted + self.refused
    }
}
