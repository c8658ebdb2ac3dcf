//! A file: the same bytes, with nothing that tells one item from the next, or a whole one from half of one.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::{Append, Event, Take, number_of, to_bytes};
use crate::BATCH;

const BUFFER: usize = 256 << 10;

/// A file, in one of the ways to use it.
pub struct Plain<F> {
    file: F,
    bytes: Vec<u8>,
}

impl<F> Plain<F> {
    fn new(file: F) -> Self {
        let bytes = Vec::with_capacity(BATCH * size_of::<Event>());
        Self { file, bytes }
    }
}

/// One call of the system for each batch.
pub fn file(dir: &Path) -> Plain<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false);
    Plain::new(file.open(dir.join("plain")).expect("a file"))
}

/// One call for 256 KiB, as ours.
pub fn writer(dir: &Path) -> Plain<BufWriter<File>> {
    Plain::new(BufWriter::with_capacity(BUFFER, file(dir).file))
}

/// As [`writer`], to read.
pub fn reader(dir: &Path) -> Plain<BufReader<File>> {
    Plain::new(BufReader::with_capacity(BUFFER, file(dir).file))
}

impl<W: Write> Append for Plain<W> {
    fn append(&mut self, events: &[Event]) {
        self.bytes.clear();
        events
            .iter()
            .for_each(|event| self.bytes.extend_from_slice(&to_bytes(event)));
        self.file.write_all(&self.bytes).expect("bytes that are taken");
    }
}

impl<R: Read> Take for Plain<R> {
    fn take(&mut self, max: usize, see: impl FnMut(u64)) {
        self.bytes.resize(max * size_of::<Event>(), 0);
        self.file.read_exact(&mut self.bytes).expect("bytes");
        self.bytes.chunks_exact(size_of::<Event>()).map(number_of).for_each(see);
    }
}
