//! What a fuzzer does with a log: files of any content are opened, read and gone on with.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cursor;
use super::frame::Filling;
use super::log::Log;
use super::memory::Memory;
use super::options::{Compression, Config, Fsync};
use super::records::Records;
use super::segment::{Segment, header};

/// Makes files of `data`, reads them to the end, appends to them and reads that back.
///
/// # Panics
///
/// If the log does what it must not: panic, go round in circles, give back anything else than what was appended.
pub fn fuzz_reader(data: &[u8]) {
    let mut input = Input(data);
    let mode = input.byte();
    let config = Config {
        segment_bytes: 256 + u64::from(input.byte()),
        max_bytes: u64::MAX,
        frame_bytes: 16 + usize::from(input.byte()),
        read_ahead: 1 + usize::from(input.byte()),
        fsync: Fsync::Never,
        compression: if mode & 1 == 0 {
            Compression::None
        } else {
            Compression::Lz4
        },
        ..Config::default()
    };
    let mut files = BTreeMap::new();
    if mode & 2 != 0 {
        let len = usize::from(input.byte());
        files.insert(cursor::NAME.to_owned(), input.take(len).to_vec());
    }
    while !input.0.is_empty() && files.len() < 8 {
        // Small numbers meet, large ones overflow.
        let first_seq = match input.byte() {
            255 => u64::MAX - u64::from(input.byte()),
            small => u64::from(small),
        };
        let bytes = if mode & 4 == 0 {
            input.raw_segment()
        } else {
            input.framed_segment(first_seq)
        };
        files.insert(Segment::name(first_seq), bytes);
    }
    let bytes: usize = files.values().map(Vec::len).sum();

    let memory = Memory::with_files(&files);
    let Ok(mut log) = Log::open(Arc::new(memory.clone()), config) else {
        return;
    };
    read_all(&mut log, 10 * bytes + 100);
    log.free_consumed(false);

    let mut records = Records::default();
    for n in 0..20_u8 {
        let pushed = records.push(|out| {
            out.extend_from_slice(&[n; 20]);
            Ok::<_, String>(())
        });
        assert!(pushed.is_ok());
    }
    let (Ok(accepted) | Err((accepted, _))) = log.append(&records);
    assert_eq!(accepted as u64, 20.min(u64::MAX - (log.end_seq() - accepted as u64)));
    assert_eq!(read_all(&mut log, 1000), accepted);
    assert!(log.sync().is_ok());
    let Ok(mut log) = Log::open(Arc::new(memory), config) else {
        panic!("it was open before")
    };
    read_all(&mut log, 10 * bytes + 1000);
}

/// Reads to the end, in at most `limit` reads; returns how many records there were.
fn read_all(log: &mut Log, limit: usize) -> usize {
    let mut count = 0;
    for _ in 0..limit {
        let mut records = Records::default();
        match log.read(&mut records, 3) {
            Ok(read) if read.count == 0 => {
                assert!(log.is_empty());
                return count;
            }
            Ok(read) => {
                assert_eq!(records.iter().count(), read.count);
                count += read.count;
            }
            Err(error) => panic!("nothing fails here: {error}"),
        }
    }
    panic!("reading does not end");
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Anything.
    fn raw_segment(&mut self) -> Vec<u8> {
        let len = usize::from(self.byte()) * 8;
        self.take(len).to_vec()
    }

    /// Frames with proper checksums, whatever else they say, and damage in between.
    fn framed_segment(&mut self, first_seq: u64) -> Vec<u8> {
        let mut bytes = header(first_seq).to_vec();
        for _ in 0..self.byte() % 8 {
            let len = usize::from(self.byte());
            match self.byte() {
                0..32 => bytes.extend_from_slice(self.take(len)),
                32..64 => bytes.truncate(bytes.len().saturating_sub(len)),
                kind => {
                    let compression = if kind & 1 == 0 {
                        Compression::None
                    } else {
                        Compression::Lz4
                    };
                    let mut frame = Filling::new(compression);
                    let (seq, count) = (self.byte(), self.byte());
                    if kind & 2 == 0 {
                        // As it should be, but for the number of records.
                        let record = self.take(len);
                        for _ in 0..count % 5 {
                            frame.push(0, &(record.len() as u32).to_le_bytes());
                            frame.push(0, record);
                        }
                    } else {
                        frame.push(0, self.take(len));
                    }
                    frame.push(u32::from(count), &[]);
                    frame.pack();
                    bytes.extend_from_slice(frame.seal(first_seq, first_seq.wrapping_add(u64::from(seq))));
                }
            }
        }
        bytes
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 8 * ProptestConfig::default().cases, ..ProptestConfig::default() })]

        #[test]
        fn no_content_is_too_much(data in vec(any::<u8>(), 0..600)) {
            fuzz_reader(&data);
        }
    }
}
