//! The cursor: up to which number items have been consumed, in a file that survives torn writes.
//!
//! The file has four slots, each `magic | generation u64 | seq u64 | crc u32`. Of the valid ones, that of the highest
//! generation counts. One slot is known to be durable, two may be about to become so, one of them while nobody looks: none
//! of these is written to, so a write that is torn costs nothing but itself.

use std::io;
use std::sync::Arc;

use super::storage::{Storage, StoredFile};

pub(crate) const NAME: &str = "cursor";
const MAGIC: [u8; 8] = *b"mpscrcur";
const SLOT: usize = 28;
/// Slots lie in different sectors.
const SLOT_AT: [u64; 4] = [0, 4096, 8192, 12288];

pub(crate) struct Cursor {
    file: Arc<dyn StoredFile>,
    /// Of the last store, also if it failed.
    generation: u64,
    /// What was stored last; `None` if that failed, or its sync did.
    stored: Option<u64>,
    /// The slot that the last store wrote to.
    slot: usize,
    /// The slot that is durable, and its generation.
    durable: (usize, u64),
    /// The slots that are being made durable, and their generations, oldest first; two at most.
    syncing: Vec<(usize, u64)>,
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
            let len = file.read_full(&mut bytes, at)?;
            let found = parse(&bytes).map(|(generation, seq)| (generation, seq, slot));
            newest = newest.max(found);
            if found.is_none() && bytes[..len].iter().any(|&byte| byte != 0) {
                // Part of what was torn must not become whole by part of what is written in its place.
                file.write_full(&[0; SLOT], at)?;
            }
        }
        // What was found may be in memory only, left by a process that has died.
        file.sync()?;
        let (generation, stored, slot) = match newest {
            Some((generation, seq, slot)) => (generation, Some(seq), slot),
            None => (0, None, 0),
        };
        Ok(Self {
            file,
            generation,
            stored,
            slot,
            durable: (slot, generation),
            syncing: Vec::new(),
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
        let is_taken = |slot| slot == self.durable.0 || self.syncing.iter().any(|syncing| syncing.0 == slot);
        while is_taken(self.slot) {
            self.slot = (self.slot + 1) % SLOT_AT.len();
        }
        // From here on the slot may be torn.
        self.stored = None;
        self.generation = self.generation.saturating_add(1);
        self.file
            .write_full(&to_bytes(self.generation, seq), SLOT_AT[self.slot])?;
        self.stored = Some(seq);
        Ok(())
    }

    /// Makes durable what was stored.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if !self.is_durable() {
            if let Err(error) = self.file.sync() {
                // A system may report the failure once and then forget it: it has to be stored again.
                self.stored = None;
                return Err(error);
            }
            if self.stored.is_some() {
                self.durable = (self.slot, self.generation);
            }
        }
        Ok(())
    }

    /// Whether what was stored last is durable.
    pub(crate) fn is_durable(&self) -> bool {
        self.durable.1 == self.generation
    }

    /// Begins a sync elsewhere: of the file, to be reported to [`end_sync`](Self::end_sync) with the number returned.
    pub(crate) fn begin_sync(&mut self) -> Option<(Arc<dyn StoredFile>, u64)> {
        if self.is_durable() || self.stored.is_none() {
            return None;
        }
        // Of three at once, the first is as good as none: what it syncs may be overwritten.
        if self.syncing.len() == SLOT_AT.len() - 2 {
            self.syncing.remove(0);
        }
        self.syncing.push((self.slot, self.generation));
        Some((self.file.clone(), self.generation))
    }

    /// A sync that was begun has ended.
    pub(crate) fn end_sync(&mut self, generation: u64, is_synced: bool) {
        if let Some(index) = self.syncing.iter().position(|syncing| syncing.1 == generation) {
            let syncing = self.syncing.remove(index);
            if !is_synced {
                self.stored = None; // As in `sync`.
            } else if self.durable.1 < generation {
                self.durable = syncing;
            }
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

#[cfg(test)]
mod tests {
    use super::super::memory::{Faults, Memory, op};
    use super::*;

    #[test]
    fn the_last_store_is_found() {
        let memory = Memory::default();
        assert_eq!(Cursor::open(&memory).unwrap().stored(), None);
        for seq in [0, 7, 8, u64::MAX] {
            Cursor::open(&memory).unwrap().store(seq).unwrap();
            assert_eq!(Cursor::open(&memory).unwrap().stored(), Some(seq));
        }
    }

    #[test]
    fn a_torn_store_leaves_the_durable_one() {
        for torn in 0..SLOT {
            let memory = Memory::default();
            let mut cursor = Cursor::open(&memory).unwrap();
            for seq in 1..10 {
                memory.set_faults(Faults::default());
                cursor.store(seq).unwrap();
                cursor.sync().unwrap();
                memory.set_faults(Faults {
                    kinds: op::WRITE,
                    times: u32::MAX,
                    torn,
                    ..Faults::default()
                });
                for _ in 0..5 {
                    cursor.store(100 + seq).unwrap_err();
                }
                let copy = Memory::with_files(&memory.files());
                assert_eq!(Cursor::open(&copy).unwrap().stored(), Some(seq));
            }
        }
    }

    /// A system that reports a failed sync once may say that the next one has gone well, without anything on the medium.
    #[test]
    fn what_could_not_be_synced_is_stored_again() {
        let fails = Faults {
            kinds: op::SYNC,
            times: 1,
            ..Faults::default()
        };
        let memory = Memory::default();
        let mut cursor = Cursor::open(&memory).unwrap();
        cursor.store(1).unwrap();
        memory.set_faults(fails);
        cursor.sync().unwrap_err();
        cursor.sync().unwrap();
        assert!(!cursor.is_durable());
        cursor.store(1).unwrap();
        cursor.sync().unwrap();
        assert!(cursor.is_durable());

        cursor.store(2).unwrap();
        let (file, generation) = cursor.begin_sync().unwrap();
        memory.set_faults(fails);
        cursor.end_sync(generation, file.sync().is_ok());
        assert_eq!(cursor.stored(), None);
        cursor.store(2).unwrap();
        cursor.sync().unwrap();
        assert!(cursor.is_durable());
    }

    #[test]
    fn a_store_during_a_sync_leaves_what_is_synced() {
        for seed in 0..200 {
            let memory = Memory::default();
            let mut cursor = Cursor::open(&memory).unwrap();
            Storage::sync(&memory).unwrap();
            for seq in 0..5 {
                cursor.store(3 * seq).unwrap();
                let (file, generation) = cursor.begin_sync().unwrap();
                cursor.store(3 * seq + 1).unwrap();
                file.sync().unwrap();
                cursor.store(3 * seq + 2).unwrap();
                cursor.end_sync(generation, true);
            }
            cursor.store(100).unwrap();
            memory.crash(seed);
            assert!(Cursor::open(&memory).unwrap().stored() >= Some(12));
        }
    }
}
