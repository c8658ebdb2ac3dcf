//! `mpsc_ring::Spill`.

use std::error::Error;
use std::path::Path;

use mpsc_ring::{Codec, Fsync, RawBytes, Spill};

use super::{Append, Event, FILLER, Take, number_of, to_bytes};

/// Events as the words that they are.
pub struct Words;

impl Codec<Event> for Words {
    #[inline]
    fn encode(&self, event: &Event, out: &mut Vec<u8>) -> Result<(), Box<dyn Error + Send + Sync>> {
        out.extend_from_slice(&to_bytes(event));
        Ok(())
    }

    #[inline]
    fn decode(&self, bytes: &[u8]) -> Result<Event, Box<dyn Error + Send + Sync>> {
        let words = bytes.as_chunks().0;
        let words: &[_; 8] = words.try_into()?;
        Ok(words.map(u64::from_le_bytes))
    }
}

/// A log with what goes in and out of it.
pub struct Ours<T> {
    spill: Spill<T>,
    batch: Vec<T>,
    commits: bool,
}

impl<T> Ours<T> {
    fn open(codec: impl Codec<T> + 'static, dir: &Path) -> Self {
        let options = Spill::options().codec(codec).fsync(Fsync::Never);
        Self {
            spill: options.open(dir).expect("a log"),
            batch: Vec::new(),
            commits: false,
        }
    }
}

pub fn words(dir: &Path) -> Ours<Event> {
    Ours::open(Words, dir)
}

/// Says after each read that it is done with, rather than by reading on.
pub fn committing(dir: &Path) -> Ours<Event> {
    Ours {
        commits: true,
        ..words(dir)
    }
}

/// Hands out what `words` has written as the peers do, in memory of its own.
pub fn vecs(dir: &Path) -> Ours<Vec<u8>> {
    Ours::open(RawBytes, dir)
}

/// By the codec that is used unless another is chosen: words take up to ten bytes.
pub fn postcard(dir: &Path) -> Ours<Event> {
    Ours::open(mpsc_ring::Postcard, dir)
}

impl Append for Ours<Event> {
    fn append(&mut self, events: &[Event]) {
        if let [event] = events {
            self.spill.append_one(*event).expect("an event that is taken");
        } else {
            self.batch.extend_from_slice(events);
            self.spill.append(&mut self.batch).expect("events that are taken");
        }
    }
}

impl Take for Ours<Event> {
    fn take(&mut self, max: usize, mut see: impl FnMut(u64)) {
        self.spill.read(&mut self.batch, max).expect("events");
        for event in self.batch.drain(..) {
            assert_eq!(event[7], FILLER);
            see(event[0]);
        }
        if self.commits {
            self.spill.commit().expect("a cursor that is kept");
        }
    }
}

impl Take for Ours<Vec<u8>> {
    fn take(&mut self, max: usize, mut see: impl FnMut(u64)) {
        self.spill.read(&mut self.batch, max).expect("events");
        self.batch.drain(..).for_each(|bytes| see(number_of(&bytes)));
    }
}
