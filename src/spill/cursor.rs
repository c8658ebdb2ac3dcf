//! The cursor: up to which number items have been consumed, in a file that survives torn writes.
//!
//! The file has two slots, each `magic | generation u64 | seq u64 | crc u32`. Of the valid ones, that of the higher
//! generation counts. The slot that is known to be durable is never written to: a write that is torn leaves it.

use std::io;
use std::sync::Arc;

use super::storage::{Storage, StoredFile};

pub(crate) const NAME: &str = "cursor";
const MAGIC: [u8; 8] = *b"mpscrcur";
const SLOT: usize = 28;
/// Slots lie in different sectors.
const SLOT_AT: [u64; 2] = [0, 4096];

pub(crate) struct Cursor {
    file: Arc<dyn StoredFile>,
    /// Of the last store.
    generation: u64,
    /// What the last store stored.
    stored: Option<u64>,
    /// The slot that the last store wrote to.
    slot: usize,
    /// Whether that store is durable.
    durable: bool,
}

impl Cursor {
    /// Opens the cursor, or makes it.
    pub(crate) fn open(storage: &dyn Storage) -> io::Result<Self> {
        let file = match storage.open(NAME) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => storage.create(NAME)?,
            file => file?,
        };
        let mut newest = None;
        for (slot, &at) in SLOT_AT.iter().enumerate() {
            let mut bytes = [0; SLOT];
            if file.read_full(&mut bytes, at)? == SLOT {
                newest = newest.max(parse(&bytes).map(|(generation, seq)| (generation, seq, slot)));
            }
        }
        let (generation, stored, slot) = match newest {
            Some((generation, seq, slot)) => (generation, Some(seq), slot),
            None => (0, None, 1),
        };
        Ok(Self {
            file,
            generation,
            stored,
            slot,
            durable: true, // As far as is known: it must not be overwritten.
        })
    }

    /// The number that was stored last.
    pub(crate) fn stored(&self) -> Option<u64> {
        self.stored
    }

    /// Stores `seq`, which is durable only after a sync.
    pub(crate) fn store(&mut self, seq: u64) -> io::Result<()> {
        if self.stored == Some(seq) {
            return Ok(());
        }
        let slot = if self.durable { 1 - self.slot } else { self.slot };
        // From here on the slot may be torn.
        (self.slot, self.durable) = (slot, false);
        let generation = self.generation.saturating_add(1);
        self.stored = None;
        self.file.write_full(&to_bytes(generation, seq), SLOT_AT[slot])?;
        (self.generation, self.stored) = (generation, Some(seq));
        Ok(())
    }

    /// Makes durable what was stored.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if !self.durable {
            self.file.sync()?;
            // A store that failed has left the slot torn: the other one is to be kept.
            self.durable = self.stored.is_some();
        }
        Ok(())
    }

    /// What a sync elsewhere needs: the file, and the generation to report in [`synced`](Self::synced).
    pub(crate) fn to_sync(&self) -> Option<(Arc<dyn StoredFile>, u64)> {
        (!self.durable && self.stored.is_some()).then(|| (self.file.clone(), self.generation))
    }

    /// The file was synced when its last store was that of `generation`.
    pub(crate) fn synced(&mut self, generation: u64) {
        if self.generation == generation && self.stored.is_some() {
            self.durable = true;
        }
    }

    /// Whether the file still is where others find it.
    pub(crate) fn is_linked(&self) -> bool {
        self.file.is_linked()
    }
}

fn to_bytes(generation: u64, seq: u64) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&generation.to_le_bytes());
    bytes[16..24].copy_from_slice(&seq.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..24]);
    bytes[24..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn parse(bytes: &[u8; SLOT]) -> Option<(u64, u64)> {
    let u64_at = |at: usize| bytes[at..].first_chunk().map(|chunk| u64::from_le_bytes(*chunk));
    let (generation, seq) = (u64_at(8)?, u64_at(16)?);
    (*bytes == to_bytes(generation, seq)).then_some((generation, seq))
}
