//! What reading finds, and what has happened to a log.

use super::log::Gap;

/// What a read has found beside the items.
///
/// The numbers are those of the log: its first item ever has number 0, each further one the next, across restarts. So they
/// tell a receiver which items it has had already. What a channel wrote to disk from its memory
/// ([`sync`](crate::Producer::sync), [`keep_ring`](crate::SpillOptions::keep_ring)), and hands out before the rest, has numbers of its
/// own: they begin at 2^63.
///
/// # Examples
///
/// ```
/// use mpsc_ring::Spill;
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path();
/// let spill: Spill<u64> = Spill::open(dir).unwrap();
/// spill.append(&mut vec![10, 11, 12]).unwrap();
/// let mut batch = Vec::new();
/// let first = spill.read(&mut batch, 2).unwrap();
/// let second = spill.read(&mut batch, 2).unwrap();
/// assert_eq!((first.first_seq, first.count), (0, 2));
/// assert_eq!((second.first_seq, second.count), (2, 1));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpillRead {
    /// How many items were appended to the `Vec`; if none, there is nothing more.
    pub count: usize,
    /// The number of the first of them; the others follow without a gap, as long as none is
    /// [`undecodable`](Self::undecodable).
    pub first_seq: u64,
    /// How many items before the first one are damaged or gone from the disk. Each is reported once.
    pub lost: u64,
    /// How many items before the first one were dropped at the cap. Each is reported once.
    pub dropped: u64,
    /// How many records, among those returned or before them, the codec could not read: they have numbers, but are left out.
    pub undecodable: usize,
}

impl SpillRead {
    pub(super) fn gap(&self) -> Gap {
        Gap {
            lost: self.lost,
            dropped: self.dropped,
        }
    }
}

/// What has happened to a log since it was opened, in items unless said otherwise; no count ever falls.
///
/// # Examples
///
/// ```
/// use mpsc_ring::Spill;
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path();
/// let spill: Spill<u64> = Spill::open(dir).unwrap();
/// spill.append(&mut vec![1, 2, 3]).unwrap();
/// spill.read(&mut Vec::new(), 2).unwrap();
/// let counts = spill.counts();
/// assert_eq!((counts.appended, counts.read, counts.missing()), (3, 2, 0));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SpillCounts {
    /// Accepted.
    pub appended: u64,
    /// Handed out, those that the codec could not read included.
    pub read: u64,
    /// Damaged or gone from the disk, found by the numbers missing.
    pub lost: u64,
    /// Those of [`read`](Self::read) that the codec could not read.
    pub undecodable: u64,
    /// Dropped unread to stay within the cap, under [`AtCap::DropOldest`](crate::AtCap::DropOldest).
    pub dropped_at_cap: u64,
    /// Given back because of the cap; each time that they were offered.
    pub refused_at_cap: u64,
    /// Writes that failed.
    pub write_errors: u64,
    /// Syncs that failed.
    pub sync_errors: u64,
    /// Reads that failed.
    pub read_errors: u64,
    /// Failed attempts to remove files that have been consumed.
    pub free_errors: u64,
}

impl SpillCounts {
    /// Items that were accepted once and will not be handed out: lost, undecodable, or dropped at the cap.
    pub fn missing(&self) -> u64 {
        self.lost
            .saturating_add(self.undecodable)
            .saturating_add(self.dropped_at_cap)
    }

    /// What has happened to two logs.
    pub(super) fn plus(&self, other: &Self) -> Self {
        Self {
            appended: self.appended + other.appended,
            read: self.read + other.read,
            lost: self.lost.saturating_add(other.lost),
            undecodable: self.undecodable + other.undecodable,
            dropped_at_cap: self.dropped_at_cap + other.dropped_at_cap,
            refused_at_cap: self.refused_at_cap + other.refused_at_cap,
            write_errors: self.write_errors + other.write_errors,
            sync_errors: self.sync_errors + other.sync_errors,
            read_errors: self.read_errors + other.read_errors,
            free_errors: self.free_errors + other.free_errors,
        }
    }
}
