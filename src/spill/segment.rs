//! A segment: one file of the log, named by the number of its first item. A header, then frames.
//!
//! ```text
//!  0           8             10              12         16              24        28
//!  +-----------+-------------+---------------+----------+---------------+---------+
//!  | magic     | version u16 | 0x0102 as u16 | 0 as u32 | first_seq u64 | crc u32 |  frames ...
//!  +-----------+-------------+---------------+----------+---------------+---------+
//! ```
//!
//! Frames are read by the number in the name, so a damaged header costs nothing.

use std::io;
use std::sync::Arc;

use super::storage::{Storage, StoredFile};

pub(crate) const HEADER: usize = 28;
const MAGIC: [u8; 8] = *b"mpscrseg";
const VERSION: u16 = 1;
const BYTE_ORDER: u16 = 0x0102;
const SUFFIX: &str = ".segment";
const DIGITS: usize = 20;

/// A segment as the log knows it.
#[derive(Clone)]
pub(crate) struct Segment {
    pub(crate) first_seq: u64,
    /// How much of the file counts.
    pub(crate) bytes: u64,
    /// The file itself, if it can no longer be opened by its name.
    pub(crate) file: Option<Arc<dyn StoredFile>>,
}

impl Segment {
    pub(crate) fn name(first_seq: u64) -> String {
        format!("{first_seq:0DIGITS$}{SUFFIX}")
    }

    /// The number in the name of a segment; `None` for other files.
    pub(crate) fn parse_name(name: &str) -> Option<u64> {
        let digits = name.strip_suffix(SUFFIX)?;
        let is_number = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
        is_number.then(|| digits.parse().ok())?
    }
}

/// What the header of a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// This format.
    Known,
    /// Another version, or another byte order.
    Unknown(u16),
    /// Nothing that can be read.
    Damaged,
}

/// Reads the header of the segment `first_seq`.
pub(crate) fn format_of(file: &dyn StoredFile, first_seq: u64) -> io::Result<Format> {
    let mut bytes = [0; HEADER];
    if file.read_full(&mut bytes, 0)? < HEADER || bytes[..8] != MAGIC {
        return Ok(Format::Damaged);
    }
    let crc = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
    if crc32fast::hash(&bytes[..24]) != crc {
        return Ok(Format::Damaged);
    }
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    Ok(match bytes == header(first_seq) {
        true => Format::Known,
        // The right version under another name: somebody has renamed the file.
        false if bytes[8..16] == header(first_seq)[8..16] => Format::Damaged,
        false => Format::Unknown(version),
    })
}

pub(super) fn header(first_seq: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[10..12].copy_from_slice(&BYTE_ORDER.to_le_bytes());
    bytes[16..24].copy_from_slice(&first_seq.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..24]);
    bytes[24..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The end of the segment that is being written.
pub(crate) struct Writer {
    pub(crate) first_seq: u64,
    pub(crate) file: Arc<dyn StoredFile>,
    /// Where the next frame goes.
    pub(crate) len: u64,
    /// Up to where, and up to which number, it is durable.
    pub(crate) synced: (u64, u64),
    /// Something that is no whole frame may lie after `len`.
    pub(crate) torn: bool,
}

impl Writer {
    /// Makes the segment `first_seq`.
    pub(crate) fn create(storage: &dyn Storage, first_seq: u64) -> io::Result<Self> {
        let file = storage.create(&Segment::name(first_seq))?;
        file.write_full(&header(first_seq), 0)?;
        Ok(Self {
            first_seq,
            file,
            len: HEADER as u64,
            synced: (HEADER as u64, first_seq),
            torn: false,
        })
    }

    /// Cuts off what is no whole frame.
    pub(crate) fn repair(&mut self) -> io::Result<()> {
        self.file.set_len(self.len)?;
        self.torn = false;
        Ok(())
    }

    /// Writes a frame; not while something torn lies in its place.
    pub(crate) fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        debug_assert!(!self.torn);
        self.torn = true;
        self.file.write_full(frame, self.len)?;
        self.torn = false;
        self.len += frame.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_numbers_and_come_back() {
        let numbers = [0, 9, 10, u64::MAX / 2, u64::MAX];
        let names: Vec<_> = numbers.into_iter().map(Segment::name).collect();
        assert!(names.is_sorted());
        for (number, name) in numbers.into_iter().zip(&names) {
            assert_eq!(Segment::parse_name(name), Some(number));
        }
    }

    #[test]
    fn other_names_are_no_segments() {
        for name in [
            "lock",
            "cursor",
            "",
            ".segment",
            "1.segment",
            "+0000000000000000001.segment",
            "99999999999999999999.segment",
            "00000000000000000001.segment~",
        ] {
            assert_eq!(Segment::parse_name(name), None, "{name}");
        }
    }
}
