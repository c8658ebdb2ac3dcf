//! What a take reports beside its items.

/// What a batch holds and what was lost on the way to it.
///
/// Every accepted item has a number: how many were accepted before it. A batch is one run of the channel's order, so that
/// the items in it have the numbers from [`first`](Self::first) on. Where items were evicted between two reports, the numbers
/// jump by as many, and [`losses`](Self::losses) of the later report says so: the gap lies just before its first item.
///
/// Every loss is reported once, whichever consumer gets the report. Operations that return items without a report leave losses
/// for the next report, or for [`report_losses`](crate::Consumer::report_losses).
///
/// # Examples
///
/// ```
/// use mpsc_ring::{BackPressurePolicy, channel};
///
/// let (producer, consumer) = channel(2, BackPressurePolicy::DropOldest);
/// producer.push("a").unwrap();
/// let mut batch = Vec::new();
/// let report = consumer.take_batch_into(&mut batch, 10);
/// assert_eq!((report.taken, report.first, report.losses.total()), (1, 0, 0));
///
/// for item in ["b", "c", "d"] {
///     producer.push(item).unwrap();
/// }
/// batch.clear();
/// let report = consumer.take_batch_into(&mut batch, 10);
/// assert_eq!((report.taken, report.first), (2, 2)); // "b" had the number 1
/// assert_eq!(report.losses.evicted, 1);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Report {
    /// Items taken; 0 if the channel is closed and drained, or the limit was 0.
    pub taken: usize,
    /// The number of the first item taken. If the channel is closed and drained, how many were ever accepted.
    pub first: u64,
    /// What was lost since the last report, by cause.
    pub losses: Losses,
}

/// Items lost to the policy, by cause: part of a [`Report`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Losses {
    /// Items that had been accepted and had to make room for newer ones.
    pub evicted: u64,
    /// Those of [`evicted`](Self::evicted) that [`push_displacing`](crate::Producer::push_displacing) returned to its caller.
    pub displaced: u64,
    /// Items that were given back because the channel was full.
    pub refused: u64,
    /// Those of [`refused`](Self::refused) that came back because the oldest item could not be evicted.
    pub refused_pinned: u64,
    /// Those of [`refused`](Self::refused) that came back because they could not be written to disk.
    pub refused_spill: u64,
    /// Items on disk that were damaged or unreadable, or dropped at the log's cap.
    pub spill_lost: u64,
}

impl Losses {
    /// All of them: evicted, refused, and lost on disk.
    pub fn total(&self) -> u64 {
        self.evicted + self.refused + self.spill_lost
    }
}
