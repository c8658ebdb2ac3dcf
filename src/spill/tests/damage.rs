//! Files are cut, flipped and removed: what is left comes back in order, and what is missing is counted.

use std::collections::BTreeMap;

use super::super::cursor;
use super::super::options::{Compression, Config};
use super::super::segment::{self, Segment};
use super::*;

type Files = BTreeMap<String, Vec<u8>>;

/// A log of 0..40 in some segments, all of it written.
fn sample(config: Config) -> Files {
    let memory = Memory::default();
    let mut log = open(&memory, config);
    append(&mut log, 0..40).unwrap();
    log.flush().unwrap();
    let files = memory.files();
    assert!(files.len() >= 4);
    files
}

/// Opens what is left of the sample, reads it and goes on with it. Returns the numbers found.
fn recover(files: &Files, config: Config) -> Vec<u64> {
    let memory = Memory::with_files(files);
    let mut log = open(&memory, config);
    let end = log.end_seq();
    let (items, lost) = read_all(&mut log);
    // Items come with the numbers that they had, in order.
    assert!(items.iter().all(|&(seq, n)| seq == n));
    assert!(items.is_sorted_by(|a, b| a < b));
    assert_eq!(lost + items.len() as u64, end - first_of(&items, end, lost));
    assert_eq!(log.counts().lost, lost);

    append(&mut log, 1000..1010).unwrap();
    let (more, lost) = read_all(&mut log);
    assert!(more.into_iter().eq((0..10).map(|n| (end + n, 1000 + n))));
    assert_eq!(lost, 0);

    append(&mut log, 2000..2010).unwrap();
    log.sync().unwrap();
    let (again, lost) = read_all(&mut open(&memory, config));
    assert!(again.into_iter().eq((10..20).map(|n| (end + n, 1990 + n))));
    assert_eq!(lost, 0);
    items.into_iter().map(|(_, n)| n).collect()
}

/// The number that reading began with.
fn first_of(items: &[(u64, u64)], end: u64, lost: u64) -> u64 {
    end - lost - items.len() as u64
}

/// The names of the segments, oldest first.
fn segments(files: &Files) -> Vec<String> {
    files
        .keys()
        .filter(|name| Segment::parse_name(name).is_some())
        .cloned()
        .collect()
}

// bug-classes G9
#[test]
fn every_place_at_which_the_last_segment_may_be_cut() {
    for compression in [Compression::None, Compression::Lz4] {
        let config = Config { compression, ..small() };
        let files = sample(config);
        let last = segments(&files).pop().unwrap();
        let first_seq = Segment::parse_name(&last).unwrap();
        for len in 0..files[&last].len() {
            let mut cut = files.clone();
            cut.get_mut(&last).unwrap().truncate(len);
            let found = recover(&cut, config);
            assert!(found.len() as u64 >= first_seq, "cut at {len}");
            assert!(found.iter().copied().eq(0..found.len() as u64), "cut at {len}");
        }
    }
}

// bug-classes G9
#[test]
fn every_place_at_which_another_segment_may_be_cut() {
    let files = sample(small());
    let names = segments(&files);
    let after = Segment::parse_name(&names[1]).unwrap();
    for len in 0..files[&names[0]].len() {
        let mut cut = files.clone();
        cut.get_mut(&names[0]).unwrap().truncate(len);
        let found = recover(&cut, small());
        assert!(
            found.iter().copied().filter(|&n| n >= after).eq(after..40),
            "cut at {len}"
        );
    }
}

// bug-classes G9
#[test]
fn every_byte_may_be_flipped() {
    for compression in [Compression::None, Compression::Lz4] {
        let config = Config { compression, ..small() };
        let files = sample(config);
        let last = segments(&files).pop().unwrap();
        for (name, bytes) in &files {
            // Most of the cursor is what lies between its slots: a few places will do.
            let counts = |at: &usize| name != cursor::NAME || at % 4096 < 32 || at % 61 == 0;
            for at in (0..bytes.len()).filter(counts) {
                for bit in [0, 4, 7] {
                    let mut flipped = files.clone();
                    flipped.get_mut(name).unwrap()[at] ^= 1 << bit;
                    let found = recover(&flipped, config);
                    assert!(found.len() >= 40 - 8, "{name} at {at}");
                    let is_frame = Segment::parse_name(name).is_some() && at >= segment::HEADER;
                    assert!(found.len() == 40 || is_frame, "{name} at {at}");
                    assert!(found.contains(&39) || *name == last, "{name} at {at}");
                }
            }
        }
    }
}

#[test]
fn a_stretch_of_zeros_costs_the_frames_that_it_touches() {
    let files = sample(small());
    for name in segments(&files) {
        for at in (0..files[&name].len()).step_by(7) {
            let mut zeroed = files.clone();
            let bytes = zeroed.get_mut(&name).unwrap();
            let end = (at + 50).min(bytes.len());
            bytes[at..end].fill(0);
            assert!(recover(&zeroed, small()).len() >= 40 - 16);
        }
    }
}

#[test]
fn segments_that_are_gone_are_counted() {
    let files = sample(small());
    let names = segments(&files);
    for missing in 0..names.len() {
        let mut rest = files.clone();
        rest.remove(&names[missing]);
        let found = recover(&rest, small());
        let from = Segment::parse_name(&names[missing]).unwrap();
        let to = names
            .get(missing + 1)
            .map_or(40, |name| Segment::parse_name(name).unwrap());
        assert!(found.into_iter().eq((0..from).chain(to..40)));
    }
}

#[test]
fn a_cursor_that_is_gone_brings_back_what_is_there() {
    let mut files = sample(small());
    files.remove("cursor");
    assert!(recover(&files, small()).into_iter().eq(0..40));
}

#[test]
fn a_gap_is_reported_by_the_read_that_steps_over_it() {
    let mut files = sample(small());
    let name = &segments(&files)[1];
    let first_seq = Segment::parse_name(name).unwrap();
    files.get_mut(name).unwrap()[segment::HEADER + 30] ^= 1;
    let mut log = open(&Memory::with_files(&files), small());
    let mut next = 0;
    let gap = loop {
        let (found, _) = read(&mut log, 100);
        if found.lost > 0 {
            break found;
        }
        next = found.first_seq + found.count as u64;
    };
    assert_eq!(next, first_seq);
    assert_eq!(gap.first_seq, next + gap.lost);
}

#[test]
fn a_frame_inside_an_item_is_not_taken_for_one() {
    let files = sample(small());
    let inner = &files[&segments(&files)[0]];
    let memory = Memory::default();
    let config = Config {
        segment_bytes: 10_000,
        frame_bytes: 1000,
        read_ahead: 1000,
        first_seq: 1,
        ..small()
    };
    let mut log = open(&memory, config);
    let mut batch = Records::default();
    push(&mut batch, inner);
    log.append(&batch).unwrap();
    log.flush().unwrap();
    append(&mut log, [7]).unwrap();
    log.flush().unwrap();
    let mut files = memory.files();
    files.get_mut(&segments(&files)[0]).unwrap()[segment::HEADER] ^= 1;
    let mut log = open(&Memory::with_files(&files), config);
    assert_eq!(read_all(&mut log), (vec![(2, 7)], 1));
}

#[test]
fn frames_that_come_twice_are_read_once() {
    let files = sample(small());
    for name in segments(&files) {
        let mut doubled = files.clone();
        let bytes = doubled.get_mut(&name).unwrap();
        bytes.extend_from_within(segment::HEADER..);
        assert!(recover(&doubled, small()).into_iter().eq(0..40));
    }
}

#[test]
fn files_of_others_are_left_alone() {
    let mut files = sample(small());
    files.insert("README".to_owned(), b"mine".to_vec());
    files.insert("1.segment".to_owned(), b"mine".to_vec());
    assert!(recover(&files, small()).into_iter().eq(0..40));
}

#[test]
fn a_segment_of_a_later_version_is_not_touched() {
    let mut files = sample(small());
    let name = segments(&files).pop().unwrap();
    let bytes = files.get_mut(&name).unwrap();
    bytes[8] = 2;
    let crc = crc32fast::hash(&bytes[..24]);
    bytes[24..28].copy_from_slice(&crc.to_le_bytes());
    let memory = Memory::with_files(&files);
    let error = Log::open(Arc::new(memory.clone()), small()).err().unwrap();
    assert!(matches!(error, SpillError::UnknownFormat { version: 2, .. }));
    assert_eq!(memory.files()[&name], files[&name]);
}
