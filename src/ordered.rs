//! Whether the timestamps of a batch go back.

use std::sync::Arc;

use crate::error::BatchPushError;

/// An item that knows when it came about, for [`push_batch_ordered`](crate::Producer::push_batch_ordered).
///
/// Any unit will do: timestamps are only compared. A `u64` is its own timestamp.
///
/// # Examples
///
/// ```
/// use mpsc_ring::Timestamped;
///
/// struct Event {
///     nanos: u64,
///     name: &'static str,
/// }
///
/// impl Timestamped for Event {
///     fn timestamp(&self) -> u64 {
///         self.nanos
///     }
/// }
/// ```
pub trait Timestamped {
    /// When the item came about. Asked more than once, so it should be cheap, and say the same each time.
    fn timestamp(&self) -> u64;
}

impl Timestamped for u64 {
    #[inline]
    fn timestamp(&self) -> u64 {
        *self
    }
}

impl<T: Timestamped + ?Sized> Timestamped for Arc<T> {
    #[inline]
    fn timestamp(&self) -> u64 {
        (**self).timestamp()
    }
}

/// So many are compared without looking at the outcome in between: what lets the compiler compare several at a time. Of 16
/// to 1024, this was the fastest for items of 8 to 64 bytes.
const RUN: usize = 16;

/// Finds an item whose timestamp is less than that of the item before it.
pub(crate) fn check_order<T: Timestamped>(items: &[T]) -> Result<(), BatchPushError> {
    let Some(index) = first_back(items) else {
        return Ok(());
    };
    Err(BatchPushError::OutOfOrder {
        index,
        timestamp: items[index].timestamp(),
        previous: items[index - 1].timestamp(),
    })
}

/// The index of the first item whose timestamp is less than that of the item before it.
fn first_back<T: Timestamped>(items: &[T]) -> Option<usize> {
    // What every x86-64 has cannot compare 64 bits in vectors; elsewhere the baseline is good enough.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        #[allow(unsafe_code)]
        return unsafe { first_back_by_avx2(items) };
    }
    first_back_by_runs(items)
}

/// # Safety
///
/// The processor must have AVX2.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code)]
unsafe fn first_back_by_avx2<T: Timestamped>(items: &[T]) -> Option<usize> {
    first_back_by_runs(items)
}

#[inline(always)]
fn first_back_by_runs<T: Timestamped>(items: &[T]) -> Option<usize> {
    let goes_back = |item: &T, next: &T| next.timestamp() < item.timestamp();
    let mut start = 0;
    while let Some(run) = items[start..].first_chunk::<{ RUN + 1 }>() {
        if (0..RUN).fold(false, |back, n| back | goes_back(&run[n], &run[n + 1])) {
            break;
        }
        start += RUN;
    }
    (start + 1..items.len()).find(|&n| goes_back(&items[n - 1], &items[n]))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn one_by_one(items: &[u64]) -> Option<usize> {
        (1..items.len()).find(|&at| items[at] < items[at - 1])
    }

    proptest! {
        #[test]
        fn all_ways_find_the_first(
            mut items in vec(prop_oneof![0..4_u64, any::<u64>()], 0..300),
            sorted in 0..300_usize,
        ) {
            let sorted = sorted.min(items.len());
            items[..sorted].sort_unstable();
            let expected = one_by_one(&items);
            prop_assert_eq!(first_back(&items), expected);
            prop_assert_eq!(first_back_by_runs(&items), expected);
        }
    }

    #[test]
    fn each_place_is_compared_as_unsigned() {
        for len in 0..200 {
            let mut items: Vec<u64> = (0..len).map(|n| n << 56).map(|n| n.max(1 << 63)).collect();
            items.sort_unstable();
            assert_eq!(first_back(&items), None);
            for at in 1..items.len() {
                let item = std::mem::replace(&mut items[at], 0);
                assert_eq!(first_back(&items), Some(at));
                items[at] = item;
            }
        }
    }
}
