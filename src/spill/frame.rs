//! A frame: one batch of items as it lies in a segment. All numbers are little-endian.
//!
//! ```text
//!  0         4         8                  16          20      21
//!  +---------+---------+------------------+-----------+-------+-----------------+
//!  | len u32 | crc u32 |  first_seq u64   | count u32 | flags | payload         |
//!  +---------+---------+------------------+-----------+-------+-----------------+
//!   of payload                             of items    1: LZ4   `len` bytes
//! ```
//!
//! The payload is the records of the items; compressed, it is the size of these as u32 and then LZ4 in the block format.
//!
//! The checksum covers everything but itself, and the number of the segment that the frame was written to, so that a
//! copy of a frame inside an item is no frame.

use super::options::Compression;
#[cfg(test)]
use super::records::Records;

pub(crate) const HEADER: usize = 21;
const LZ4: u8 = 1;
const UNPACKED_LEN: usize = 4;
/// LZ4 expands by less than this.
const LZ4_MAX_RATIO: usize = 256;

/// What stands in front of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) len: u32,
    pub(crate) crc: u32,
    pub(crate) first_seq: u64,
    pub(crate) count: u32,
    pub(crate) flags: u8,
}

impl Header {
    pub(crate) fn parse(bytes: &[u8; HEADER]) -> Self {
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self {
            len: u32_at(0),
            crc: u32_at(4),
            first_seq: u64::from(u32_at(8)) | u64::from(u32_at(12)) << 32,
            count: u32_at(16),
            flags: bytes[20],
        }
    }

    fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..4].copy_from_slice(&self.len.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.crc.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first_seq.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.count.to_le_bytes());
        bytes[20] = self.flags;
        bytes
    }

    /// Header and payload.
    pub(crate) fn size(&self) -> u64 {
        HEADER as u64 + u64::from(self.len)
    }

    /// The number after its last item; `None` if numbers do not go that far.
    pub(crate) fn end_seq(&self) -> Option<u64> {
        self.first_seq.checked_add(u64::from(self.count))
    }

    /// Whether a frame may look like this.
    pub(crate) fn is_plausible(&self) -> bool {
        self.flags & !LZ4 == 0 && self.count > 0 && self.len > 0
    }

    pub(crate) fn is_compressed(&self) -> bool {
        self.flags & LZ4 != 0
    }

    /// The checksum over what precedes the payload; the payload is to be added.
    pub(crate) fn checksum(&self, segment: u64) -> crc32fast::Hasher {
        let mut hasher = crc32fast::Hasher::new();
        let mut covered = [0; 8 + HEADER];
        covered[..8].copy_from_slice(&segment.to_le_bytes());
        covered[8..].copy_from_slice(&Self { crc: 0, ..*self }.to_bytes());
        hasher.update(&covered);
        hasher
    }
}

/// The frame that is being filled, kept ready to be written at once.
pub(crate) struct Filling {
    /// Room for the header, then the records.
    bytes: Vec<u8>,
    count: u32,
    compression: Compression,
    /// The compressed frame, if it is one.
    packed: Vec<u8>,
}

impl Filling {
    pub(crate) fn new(compression: Compression) -> Self {
        Self {
            bytes: vec![0; HEADER],
            count: 0,
            compression,
            packed: Vec::new(),
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Its size as a frame, if it is not compressed.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The records in it.
    pub(crate) fn records(&self) -> &[u8] {
        &self.bytes[HEADER..]
    }

    /// Adds `count` records.
    pub(crate) fn push(&mut self, count: u32, records: &[u8]) {
        self.bytes.extend_from_slice(records);
        self.count += count;
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(HEADER);
        self.count = 0;
    }

    /// Compresses what is in it, if that is wanted and makes it smaller; returns the size of the frame.
    pub(crate) fn pack(&mut self) -> usize {
        self.packed.clear();
        if self.compression == Compression::Lz4 {
            let records = &self.bytes[HEADER..];
            let start = HEADER + UNPACKED_LEN;
            self.packed
                .resize(start + lz4_flex::block::get_maximum_output_size(records.len()), 0);
            match lz4_flex::block::compress_into(records, &mut self.packed[start..]) {
                Ok(len) if UNPACKED_LEN + len < records.len() => {
                    self.packed[HEADER..start].copy_from_slice(&(records.len() as u32).to_le_bytes());
                    self.packed.truncate(start + len);
                }
                _ => self.packed.clear(),
            }
        }
        self.frame().len()
    }

    /// The frame for the segment `segment`, to be written as it is; after [`pack`](Self::pack).
    pub(crate) fn seal(&mut self, segment: u64, first_seq: u64) -> &[u8] {
        let packed = !self.packed.is_empty();
        let count = self.count;
        let frame = if packed { &mut self.packed } else { &mut self.bytes };
        let mut header = Header {
            len: (frame.len() - HEADER) as u32,
            crc: 0,
            first_seq,
            count,
            flags: if packed { LZ4 } else { 0 },
        };
        let mut hasher = header.checksum(segment);
        hasher.update(&frame[HEADER..]);
        header.crc = hasher.finalize();
        frame[..HEADER].copy_from_slice(&header.to_bytes());
        frame
    }

    fn frame(&self) -> &[u8] {
        if self.packed.is_empty() {
            &self.bytes
        } else {
            &self.packed
        }
    }
}

/// Unpacks a compressed payload into `out`; whether that was possible.
pub(crate) fn unpack(payload: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let Some((len, block)) = payload.split_first_chunk::<UNPACKED_LEN>() else {
        return false;
    };
    let len = u32::from_le_bytes(*len) as usize;
    if len > block.len().saturating_mul(LZ4_MAX_RATIO) || out.try_reserve_exact(len).is_err() {
        return false;
    }
    out.resize(len, 0);
    lz4_flex::block::decompress_into(block, out).is_ok_and(|unpacked| unpacked == len)
}

/// Frames the records as the log does, for tests.
#[cfg(test)]
pub(crate) fn frame_of(segment: u64, first_seq: u64, records: &Records, compression: Compression) -> Vec<u8> {
    let mut filling = Filling::new(compression);
    filling.push(records.count() as u32, records.bytes());
    filling.pack();
    filling.seal(segment, first_seq).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spill::records::tests::records;

    fn is_valid(segment: u64, frame: &[u8]) -> bool {
        let header = Header::parse(frame.first_chunk().unwrap());
        let mut hasher = header.checksum(segment);
        hasher.update(&frame[HEADER..]);
        header.is_plausible() && hasher.finalize() == header.crc && header.size() == frame.len() as u64
    }

    #[test]
    fn a_frame_says_what_is_in_it() {
        let records = records(&[b"one", b"two"]);
        let frame = frame_of(3, 7, &records, Compression::None);
        assert!(is_valid(3, &frame));
        let header = Header::parse(frame.first_chunk().unwrap());
        assert_eq!((header.first_seq, header.count, header.end_seq()), (7, 2, Some(9)));
        assert_eq!(&frame[HEADER..], records.bytes());
    }

    #[test]
    fn a_frame_of_another_segment_is_none() {
        let frame = frame_of(3, 7, &records(&[b"one"]), Compression::None);
        assert!(!is_valid(4, &frame));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let frame = frame_of(3, 7, &records(&[b"one", b"two"]), Compression::None);
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_valid(3, &flipped), "bit {bit}");
        }
    }

    #[test]
    fn compression_is_used_where_it_helps() {
        let mut unpacked = Vec::new();
        let repetitive = records(&[&[7; 1000]]);
        let frame = frame_of(0, 0, &repetitive, Compression::Lz4);
        assert!(is_valid(0, &frame) && frame.len() < 100);
        assert!(unpack(&frame[HEADER..], &mut unpacked));
        assert_eq!(unpacked, repetitive.bytes());

        let short = records(&[b"ab"]);
        assert_eq!(&frame_of(0, 0, &short, Compression::Lz4)[HEADER..], short.bytes());
    }

    #[test]
    fn what_cannot_be_unpacked_takes_no_memory() {
        let mut out = Vec::new();
        assert!(!unpack(&[255; 40], &mut out));
        assert!(!unpack(&[1], &mut out));
        assert!(out.capacity() < 1 << 20);
    }

    #[test]
    fn a_frame_at_the_end_of_all_numbers_has_no_end() {
        let frame = frame_of(0, u64::MAX, &records(&[b"one"]), Compression::None);
        assert_eq!(Header::parse(frame.first_chunk().unwrap()).end_seq(), None);
    }
}
