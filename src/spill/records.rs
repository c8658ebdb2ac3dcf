//! Items as bytes, one after the other: `len u32 | bytes`.

use std::error::Error;

use super::error::SpillError;

const LEN: usize = 4;

/// Encoded items in order.
#[derive(Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    count: usize,
}

impl Records {
    pub(crate) fn with_buffer(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { bytes, count: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// Adds what `write` appends. If it fails, nothing is added; if it panics, throw the records away.
    #[inline]
    pub(crate) fn push<E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), SpillError> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; LEN]);
        let written = write(&mut self.bytes);
        let len = self.bytes.len().checked_sub(start + LEN);
        if let (Ok(()), Some(Ok(small))) = (&written, len.map(u32::try_from)) {
            self.bytes[start..start + LEN].copy_from_slice(&small.to_le_bytes());
            self.count += 1;
            return Ok(());
        }
        Err(self.undo(start, len, written.err().map(Into::into)))
    }

    /// Removes what was added from `start` on, and says what was wrong with it.
    #[cold]
    fn undo(&mut self, start: usize, len: Option<usize>, error: Option<Box<dyn Error + Send + Sync>>) -> SpillError {
        self.bytes.truncate(start);
        match (len, error) {
            (None, _) => {
                // What is left of the other items cannot be trusted.
                self.clear();
                SpillError::Encode("the codec has removed other items".into())
            }
            (_, Some(error)) => SpillError::Encode(error),
            (Some(bytes), None) => SpillError::TooLarge {
                bytes,
                max: u32::MAX as usize,
            },
        }
    }

    /// Adds records that lie in `bytes` already.
    pub(crate) fn extend(&mut self, run: &Run, bytes: &[u8]) {
        self.bytes.extend_from_slice(&bytes[..run.bytes]);
        self.count += run.count;
    }

    pub(super) fn append(&mut self, records: &Self) {
        self.bytes.extend_from_slice(&records.bytes);
        self.count += records.count;
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The items, in order.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let size = first_size(rest)?;
            let (record, after) = rest.split_at(size);
            rest = after;
            Some(&record[LEN..])
        })
    }
}

/// So many records in so many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

/// The longest run at the front of `bytes` that has at most `max_count` records in `max_bytes` bytes.
pub(crate) fn run_of(bytes: &[u8], max_count: usize, max_bytes: usize) -> Run {
    let mut run = run_of_alike(bytes, max_count, max_bytes);
    while run.count < max_count {
        match first_size(&bytes[run.bytes..]) {
            Some(size) if run.bytes + size <= max_bytes => {
                run.bytes += size;
                run.count += 1;
            }
            _ => break,
        }
    }
    run
}

/// As [`run_of`], but only as long as records are as large as the first: the processor need not wait for the length of one
/// to find the next.
fn run_of_alike(bytes: &[u8], max_count: usize, max_bytes: usize) -> Run {
    let mut run = Run::default();
    let Some(size) = first_size(bytes) else { return run };
    while run.count < max_count && run.bytes + size <= max_bytes && first_size(&bytes[run.bytes..]) == Some(size) {
        run.bytes += size;
        run.count += 1;
    }
    run
}

/// How many bytes the first record takes, its length included; `None` if it is not whole.
#[inline]
pub(crate) fn first_size(bytes: &[u8]) -> Option<usize> {
    let len = u32::from_le_bytes(*bytes.first_chunk::<LEN>()?) as usize;
    let size = len.checked_add(LEN)?;
    (size <= bytes.len()).then_some(size)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn records(items: &[&[u8]]) -> Records {
        let mut records = Records::default();
        for item in items {
            let pushed = records.push(|out| {
                out.extend_from_slice(item);
                Ok::<_, String>(())
            });
            pushed.unwrap();
        }
        records
    }

    #[test]
    fn items_come_back_as_they_were() {
        let items: [&[u8]; 4] = [b"one", b"", b"three", &[0; 1000]];
        assert!(records(&items).iter().eq(items));
    }

    #[test]
    fn a_failed_item_leaves_no_trace() {
        let mut records = records(&[b"one"]);
        let error = records.push(|out| {
            out.extend_from_slice(b"half");
            Err("no")
        });
        assert!(matches!(error, Err(SpillError::Encode(_))));
        assert!(records.iter().eq([b"one"]));
    }

    #[test]
    fn a_codec_that_removes_other_items_is_found_out() {
        let mut records = records(&[b"one"]);
        let error = records.push(|out| {
            out.clear();
            Ok::<_, String>(())
        });
        assert!(matches!(error, Err(SpillError::Encode(_))));
        assert_eq!((records.count(), records.bytes().len()), (0, 0));
    }

    #[test]
    fn a_run_of_records_alike_keeps_both_bounds_and_goes_on_with_others() {
        let records = records(&[b"12", b"34", b"56", b"1", b"78"]);
        let bytes = records.bytes();
        let run = |count, bytes| Run { count, bytes };
        assert_eq!(run_of(bytes, 9, 99), run(5, 29));
        assert_eq!(run_of(bytes, 2, 99), run(2, 12));
        assert_eq!(run_of(bytes, 9, 17), run(2, 12));
        assert_eq!(run_of(&bytes[..11], 9, 99), run(1, 6));
        assert_eq!(run_of(bytes, 0, 99), run(0, 0));
    }

    #[test]
    fn a_run_keeps_both_bounds_and_stops_where_a_record_is_not_whole() {
        let records = records(&[b"12", b"1234", b"1"]);
        let bytes = records.bytes();
        let run = |count, bytes| Run { count, bytes };
        assert_eq!(run_of(bytes, 9, 99), run(3, 19));
        assert_eq!(run_of(bytes, 2, 99), run(2, 14));
        assert_eq!(run_of(bytes, 9, 18), run(2, 14));
        assert_eq!(run_of(bytes, 9, 5), run(0, 0));
        assert_eq!(run_of(&bytes[..18], 9, 99), run(2, 14));
        assert_eq!(run_of(&[255; 9], 9, 99), run(0, 0));
    }
}
