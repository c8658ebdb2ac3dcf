//! A file system in memory that fails, tears and forgets as it is told.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::SpillError;
use super::storage::{Storage, StoredFile, TOO_MANY_OPEN};

/// Kinds of operations, to be combined.
pub(crate) mod op {
    pub(crate) const READ: u8 = 1;
    pub(crate) const WRITE: u8 = 2;
    pub(crate) const SYNC: u8 = 4;
    pub(crate) const CREATE: u8 = 8;
    pub(crate) const REMOVE: u8 = 16;
    pub(crate) const CUT: u8 = 32;
    pub(crate) const OPEN: u8 = 64;
    pub(crate) const ALL: u8 = 127;
}

/// A directory; clones are the same directory.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// What happened to names since the last sync; `None` is a removal.
    name_changes: Vec<(String, Option<usize>)>,
    files: Vec<Content>,
    faults: Faults,
    nested: Option<Memory>,
    /// Files opened before a crash are of no use after it.
    boots: u32,
    /// Operations so far, failed ones included.
    operations: u64,
}

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    changes: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

/// What goes wrong.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    /// These kinds of operations fail.
    pub(crate) kinds: u8,
    /// After so many of them have succeeded.
    pub(crate) after: u32,
    /// So many fail.
    pub(crate) times: u32,
    /// No write takes more than so many bytes at once, if not 0.
    pub(crate) short_writes: usize,
    /// A write that fails writes so many bytes first.
    pub(crate) torn: usize,
}

/// Cheap and repeatable chance.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        let state = &mut *self.state();
        state.faults = faults;
        if let Some(nested) = &state.nested {
            nested.set_faults(faults);
        }
    }

    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Loses power: of what was not synced, each change is there, or not, or in part.
    pub(crate) fn crash(&self, seed: u64) {
        let mut chance = Chance(seed);
        let state = &mut *self.state();
        state.boots += 1;
        state.faults = Faults::default();
        if let Some(nested) = &state.nested {
            nested.crash(seed);
        }
        let mut names = std::mem::take(&mut state.durable_names);
        for (name, file) in std::mem::take(&mut state.name_changes) {
            if chance.below(2) == 0 {
                match file {
                    Some(file) => names.insert(name, file),
                    None => names.remove(&name),
                };
            }
        }
        for file in &mut state.files {
            let mut bytes = std::mem::take(&mut file.durable);
            for change in std::mem::take(&mut file.changes) {
                match chance.below(4) {
                    0 => {}
                    1 => {
                        if let Change::Write(at, data) = change {
                            apply(
                                &mut bytes,
                                &Change::Write(at, data[..chance.below(data.len() + 1)].to_vec()),
                            );
                        }
                    }
                    _ => apply(&mut bytes, &change),
                }
            }
            file.bytes = bytes.clone();
            file.durable = bytes;
        }
        state.durable_names = names.clone();
        state.names = names;
    }

    /// Removes every file, as somebody else would.
    pub(crate) fn vanish(&self) {
        let state = &mut *self.state();
        state.names.clear();
        state.durable_names.clear();
        state.name_changes.clear();
    }

    /// The files as they are, by name.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let content = |(name, &file): (&String, &usize)| (name.clone(), state.files[file].bytes.clone());
        state.names.iter().map(content).collect()
    }

    /// A directory that holds `files`.
    pub(crate) fn with_files(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let memory = Self::default();
        for (name, bytes) in files {
            let state = &mut *memory.state();
            state.names.insert(name.clone(), state.files.len());
            state.durable_names.insert(name.clone(), state.files.len());
            state.files.push(Content {
                bytes: bytes.clone(),
                durable: bytes.clone(),
                changes: Vec::new(),
            });
        }
        memory
    }

    /// The files as they are, apart.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::with_files(&self.files());
        copy.state().nested = self.state().nested.as_ref().map(Self::copy);
        copy
    }

    fn handle(&self, file: usize, boot: u32) -> Arc<dyn StoredFile> {
        Arc::new(MemoryFile {
            memory: self.clone(),
            file,
            boot,
        })
    }
}

impl State {
    /// Whether this operation fails.
    fn check(&mut self, kind: u8) -> io::Result<()> {
        self.operations += 1;
        let faults = &mut self.faults;
        if faults.kinds & kind != 0 && faults.times > 0 {
            if faults.after > 0 {
                faults.after -= 1;
            } else {
                faults.times -= 1;
                return Err(match kind {
                    op::WRITE | op::CREATE => io::ErrorKind::StorageFull.into(),
                    op::OPEN => io::Error::from_raw_os_error(TOO_MANY_OPEN[0]),
                    _ => io::Error::other("injected"),
                });
            }
        }
        Ok(())
    }

    fn change(&mut self, file: usize, change: Change) {
        let file = &mut self.files[file];
        apply(&mut file.bytes, &change);
        file.changes.push(change);
    }
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(at, data) => {
            let end = *at as usize + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*at as usize..end].copy_from_slice(data);
        }
        Change::Length(len) => bytes.resize(*len as usize, 0),
    }
}

impl Storage for Memory {
    fn path(&self) -> &Path {
        Path::new("memory")
    }

    fn prepare(&self) -> Result<(), SpillError> {
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut state = self.state();
        state.check(op::READ)?;
        let sizes = state
            .names
            .iter()
            .map(|(name, &file)| (name.clone(), state.files[file].bytes.len() as u64));
        Ok(sizes.collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn StoredFile>> {
        let mut state = self.state();
        state.check(op::OPEN)?;
        let file = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.handle(file, state.boots))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn StoredFile>> {
        let state = &mut *self.state();
        state.check(op::CREATE)?;
        let file = match state.names.get(name) {
            Some(&file) => {
                state.change(file, Change::Length(0));
                file
            }
            None => {
                let file = state.files.len();
                state.files.push(Content::default());
                state.names.insert(name.to_owned(), file);
                state.name_changes.push((name.to_owned(), Some(file)));
                file
            }
        };
        Ok(self.handle(file, state.boots))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let state = &mut *self.state();
        state.check(op::REMOVE)?;
        state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        state.name_changes.push((name.to_owned(), None));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let state = &mut *self.state();
        state.check(op::SYNC)?;
        state.durable_names = state.names.clone();
        state.name_changes.clear();
        Ok(())
    }

    fn nested(&self) -> Arc<dyn Storage> {
        let state = &mut *self.state();
        let nested = state.nested.get_or_insert_default();
        nested.set_faults(state.faults);
        Arc::new(nested.clone())
    }

    fn find_nested(&self) -> io::Result<Option<Arc<dyn Storage>>> {
        let nested = self.state().nested.clone();
        Ok(nested.map(|nested| Arc::new(nested) as Arc<dyn Storage>))
    }
}

struct MemoryFile {
    memory: Memory,
    file: usize,
    boot: u32,
}

impl MemoryFile {
    fn state(&self, kind: u8) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.memory.state();
        assert_eq!(state.boots, self.boot, "a file from before a crash");
        state.check(kind)?;
        Ok(state)
    }
}

impl StoredFile for MemoryFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.state(op::READ)?;
        let bytes = &state.files[self.file].bytes;
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let len = rest.len().min(buf.len());
        buf[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let checked = self.state(op::WRITE).map(drop);
        let mut state = self.memory.state();
        let faults = state.faults;
        let len = match &checked {
            Ok(()) if faults.short_writes > 0 => faults.short_writes.min(buf.len()),
            Ok(()) => buf.len(),
            Err(_) => faults.torn.min(buf.len()),
        };
        if len > 0 {
            state.change(self.file, Change::Write(offset, buf[..len].to_vec()));
        }
        checked.map(|()| len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.state(op::CUT)?.change(self.file, Change::Length(len));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state(op::SYNC)?;
        let file = &mut state.files[self.file];
        file.durable = file.bytes.clone();
        file.changes.clear();
        Ok(())
    }

    fn is_linked(&self) -> bool {
        self.memory.state().names.values().any(|&file| file == self.file)
    }
}
