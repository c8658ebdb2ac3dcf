//! Reading frames back, in order and piece by piece, whatever the files hold.
//!
//! Where a frame should be and none is, every further place is tried: the checksum tells a frame from anything else. What
//! was skipped shows in the numbers of the frame that follows.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::frame::{self, Header};
use super::records::{Records, first_size, run_of};
use super::segment::{self, Format, Segment, format_of};
use super::storage::{Storage, StoredFile};

/// A place in the log. It holds no more than `read_ahead` bytes, or the frame at hand if that is larger.
pub(crate) struct Reader {
    read_ahead: usize,
    /// The segment that it is in, or was in if that is gone.
    segment: Option<u64>,
    file: Option<Arc<dyn StoredFile>>,
    /// Where the next frame should be.
    offset: u64,
    /// Numbers below this cannot come any more.
    floor: u64,
    window: Window,
    frame: Option<Frame>,
    /// The records of the frame at hand, if they do not lie in the window.
    unpacked: Vec<u8>,
}

/// The frame at hand.
struct Frame {
    /// The number of its first record that is left.
    seq: u64,
    left: usize,
    /// Where that record begins: in `unpacked`, or else in the window.
    at: usize,
    end: usize,
    is_unpacked: bool,
}

impl Reader {
    pub(crate) fn new(read_ahead: usize) -> Self {
        Self {
            read_ahead,
            segment: None,
            file: None,
            offset: 0,
            floor: 0,
            window: Window::new(read_ahead),
            frame: None,
            unpacked: Vec::new(),
        }
    }

    /// Finds the first record whose number is at least `seq` and returns its number; `None` if there is none.
    ///
    /// `end_seq` is the number after the last one in `segments`.
    pub(crate) fn find(
        &mut self,
        storage: &dyn Storage,
        segments: &VecDeque<Segment>,
        end_seq: u64,
        seq: u64,
    ) -> io::Result<Option<u64>> {
        loop {
            if let Some(found) = self.find_in_frame(seq) {
                return Ok(Some(found));
            }
            let Some(index) = self.segment_index(segments) else {
                return Ok(None);
            };
            let segment = &segments[index];
            let bound = segments.get(index + 1).map_or(end_seq, |next| next.first_seq);
            if bound > seq && self.offset < segment.bytes && self.is_open(storage, segment)? {
                if let Some(header) = self.next_frame(segment.bytes, bound)? {
                    self.take_up(header, seq)?;
                    continue;
                }
            }
            // Nothing more in this one.
            if index + 1 == segments.len() {
                return Ok(None);
            }
            self.enter(segments[index + 1].first_seq);
        }
    }

    /// Moves at most `max` of the records found to `records`, within `max_bytes` unless there is only one; returns how
    /// many.
    ///
    /// None, if there is no whole record where one should be: what is left of the frame is skipped.
    pub(crate) fn take(&mut self, records: &mut Records, max: usize, max_bytes: usize) -> usize {
        let Some(frame) = &mut self.frame else { return 0 };
        let source = if frame.is_unpacked {
            &self.unpacked
        } else {
            &self.window.bytes
        };
        let bytes = &source[frame.at..frame.end];
        let max = max.min(frame.left);
        let mut run = run_of(bytes, max, max_bytes);
        if run.count == 0 && records.count() == 0 {
            run = run_of(bytes, max.min(1), usize::MAX);
        }
        if run.count == 0 {
            if first_size(bytes).is_none() {
                self.frame = None;
            }
            return 0;
        }
        records.extend(&run, bytes);
        frame.at += run.bytes;
        frame.left -= run.count;
        frame.seq += run.count as u64;
        run.count
    }

    /// Has the file opened again if `error` says that it has been replaced.
    pub(crate) fn reopen_if_stale(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::StaleNetworkFileHandle {
            self.file = None;
        }
    }

    /// Leaves the segment alone from now on.
    pub(crate) fn give_up(&mut self, segments: &VecDeque<Segment>) {
        self.frame = None;
        if let Some(index) = self.segment_index(segments) {
            match segments.get(index + 1) {
                Some(next) => self.enter(next.first_seq),
                None => self.offset = segments[index].bytes,
            }
        }
    }

    /// The segment `first_seq` has been made anew.
    pub(crate) fn forget(&mut self, first_seq: u64) {
        if self.segment == Some(first_seq) {
            self.enter(first_seq);
        }
    }

    /// Finds the end of the last frame of `segment` and the number after it; `None` if there is no frame in it.
    pub(crate) fn end_of(
        storage: &dyn Storage,
        segment: &Segment,
        read_ahead: usize,
    ) -> io::Result<Option<(u64, u64)>> {
        let mut reader = Self::new(read_ahead);
        let mut end = None;
        reader.enter(segment.first_seq);
        if reader.is_open(storage, segment)? {
            while let Some(header) = reader.next_frame(segment.bytes, u64::MAX)? {
                reader.pass(&header);
                end = Some((reader.offset, reader.floor));
            }
        }
        Ok(end)
    }

    fn find_in_frame(&mut self, seq: u64) -> Option<u64> {
        let frame = self.frame.as_mut()?;
        let source = if frame.is_unpacked {
            &self.unpacked
        } else {
            &self.window.bytes
        };
        let behind = usize::try_from(seq.saturating_sub(frame.seq)).unwrap_or(usize::MAX);
        if behind < frame.left {
            let run = run_of(&source[frame.at..frame.end], behind, usize::MAX);
            if run.count == behind {
                frame.at += run.bytes;
                frame.left -= run.count;
                frame.seq += run.count as u64;
                return Some(frame.seq);
            }
        }
        self.frame = None;
        None
    }

    fn enter(&mut self, first_seq: u64) {
        self.segment = Some(first_seq);
        self.file = None;
        self.frame = None;
        self.offset = segment::HEADER as u64;
        self.floor = first_seq;
        self.window.clear();
    }

    /// The index of the segment that it is in, or else of the next; `None` if there is no further one.
    fn segment_index(&mut self, segments: &VecDeque<Segment>) -> Option<usize> {
        let index = match self.segment {
            Some(current) => segments.partition_point(|segment| segment.first_seq < current),
            None => 0,
        };
        let first_seq = segments.get(index)?.first_seq;
        if self.segment != Some(first_seq) {
            self.enter(first_seq);
        }
        Some(index)
    }

    /// Opens the file of `segment`; whether there is one that can be read.
    fn is_open(&mut self, storage: &dyn Storage, segment: &Segment) -> io::Result<bool> {
        if self.file.is_none() {
            let opened = match &segment.file {
                Some(file) => Ok(file.clone()),
                None => storage.open(&Segment::name(segment.first_seq)),
            };
            let file = match opened {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            };
            if let Format::Unknown(_) = format_of(&*file, segment.first_seq)? {
                return Ok(false);
            }
            self.file = Some(file);
        }
        Ok(true)
    }

    /// Finds the next frame in the first `end` bytes of the file whose numbers lie from the floor to `bound`; the offset
    /// is where it begins then, and `end` if there is none.
    fn next_frame(&mut self, end: u64, bound: u64) -> io::Result<Option<Header>> {
        let Some(file) = self.file.clone() else { return Ok(None) };
        let segment = self.segment.unwrap_or_default();
        // Files made to deceive could have every place checked at full length.
        let mut budget = end.saturating_sub(self.offset).saturating_mul(4);
        let mut at = self.offset;
        while at + frame::HEADER as u64 <= end {
            let Some(bytes) = self.window.get(&*file, at, frame::HEADER, end)? else {
                break; // The file is shorter than it should be.
            };
            let header = Header::parse(bytes.first_chunk().expect("a whole header"));
            let is_possible = header.is_plausible()
                && header.first_seq >= self.floor
                && header.end_seq().is_some_and(|end_seq| end_seq <= bound)
                && at + header.size() <= end;
            if is_possible {
                if u64::from(header.len) > budget {
                    break;
                }
                budget -= u64::from(header.len);
                if self.is_intact(&*file, segment, at, &header, end)? {
                    self.offset = at;
                    return Ok(Some(header));
                }
            }
            at += 1;
        }
        self.offset = end.max(self.offset);
        Ok(None)
    }

    fn is_intact(
        &mut self,
        file: &dyn StoredFile,
        segment: u64,
        at: u64,
        header: &Header,
        end: u64,
    ) -> io::Result<bool> {
        let mut hasher = header.checksum(segment);
        let mut at = at + frame::HEADER as u64;
        let mut left = header.len as usize;
        // In pieces: a length that is wrong must not fetch the whole file into memory. One that fits is fetched at once.
        while left > 0 {
            let piece = left.min(self.read_ahead);
            let Some(bytes) = self.window.get(file, at, piece, end)? else {
                return Ok(false);
            };
            hasher.update(bytes);
            at += piece as u64;
            left -= piece;
        }
        Ok(hasher.finalize() == header.crc)
    }

    /// Makes the frame at the offset the one at hand, unless it lies before `seq`.
    fn take_up(&mut self, header: Header, seq: u64) -> io::Result<()> {
        if header.end_seq().is_some_and(|end_seq| end_seq > seq) {
            self.frame = self.load(&header)?;
        }
        self.pass(&header);
        Ok(())
    }

    /// Brings the payload of the frame at the offset into memory, unpacked; `None` if that cannot be done.
    fn load(&mut self, header: &Header) -> io::Result<Option<Frame>> {
        let Some(file) = self.file.clone() else { return Ok(None) };
        let (at, len) = (self.offset + frame::HEADER as u64, header.len as usize);
        if self.unpacked.capacity() > 2 * self.read_ahead {
            self.unpacked = Vec::new();
        }
        let is_small = len <= self.read_ahead;
        let is_read = if is_small {
            match self.window.get(&*file, at, len, at + len as u64)? {
                Some(payload) => !header.is_compressed() || frame::unpack(payload, &mut self.unpacked),
                None => false,
            }
        } else {
            // Larger than the window: it is had alone, for as long as it takes.
            let mut payload = vec![0; len];
            let is_whole = file.read_full(&mut payload, at)? == len;
            if header.is_compressed() {
                is_whole && frame::unpack(&payload, &mut self.unpacked)
            } else {
                self.unpacked = payload;
                is_whole
            }
        };
        let is_unpacked = header.is_compressed() || !is_small;
        let range = if is_unpacked {
            0..self.unpacked.len()
        } else {
            self.window.range(at, len)
        };
        Ok(is_read.then_some(Frame {
            seq: header.first_seq,
            left: header.count as usize,
            at: range.start,
            end: range.end,
            is_unpacked,
        }))
    }

    /// Moves past the frame at the offset.
    fn pass(&mut self, header: &Header) {
        self.offset += header.size();
        self.floor = header.end_seq().unwrap_or(u64::MAX);
    }
}

/// The part of a file that is in memory.
struct Window {
    /// As long as the window can be; what is in it lies in front.
    bytes: Vec<u8>,
    len: usize,
    /// Where in the file it begins.
    start: u64,
}

impl Window {
    fn new(read_ahead: usize) -> Self {
        Self {
            bytes: vec![0; read_ahead.max(frame::HEADER)],
            len: 0,
            start: 0,
        }
    }

    fn clear(&mut self) {
        self.len = 0;
    }

    /// The `len` bytes at `at`; nothing at or after `end` is read. `None` if the file does not have them.
    fn get(&mut self, file: &dyn StoredFile, at: u64, len: usize, end: u64) -> io::Result<Option<&[u8]>> {
        if !self.holds(at, len) {
            self.fill(file, at, end)?;
            if !self.holds(at, len) {
                return Ok(None);
            }
        }
        Ok(Some(&self.bytes[self.range(at, len)]))
    }

    fn range(&self, at: u64, len: usize) -> Range<usize> {
        let start = (at - self.start) as usize;
        start..start + len
    }

    fn holds(&self, at: u64, len: usize) -> bool {
        at >= self.start && at + len as u64 <= self.start + self.len as u64
    }

    /// Makes the window begin at `at`, keeping what it has of that.
    fn fill(&mut self, file: &dyn StoredFile, at: u64, end: u64) -> io::Result<()> {
        if self.holds(at, 0) {
            let from = (at - self.start) as usize;
            self.bytes.copy_within(from..self.len, 0);
            self.len -= from;
        } else {
            self.len = 0;
        }
        self.start = at;
        let size = (self.bytes.len() as u64).min(end.saturating_sub(at)) as usize;
        if size > self.len {
            self.len += file.read_full(&mut self.bytes[self.len..size], at + self.len as u64)?;
        }
        Ok(())
    }
}
