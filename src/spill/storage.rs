//! The directory of a log and the files in it, as far as the log needs them.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fs4::TryLockError;

use super::error::SpillError;

const LOCK_NAME: &str = "lock";
const NESTED_NAME: &str = "ring";

/// A directory. Names are plain file names.
pub(crate) trait Storage: Send + Sync {
    /// Where it is, for messages.
    fn path(&self) -> &Path;

    /// Makes sure that the directory exists and that the lock on it is held; cheap to repeat.
    fn prepare(&self) -> Result<(), SpillError>;

    /// Names and sizes of the files in it, in no order.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;

    /// Opens a file that exists.
    fn open(&self, name: &str) -> io::Result<Arc<dyn StoredFile>>;

    /// Makes a file, or empties the one that exists.
    fn create(&self, name: &str) -> io::Result<Arc<dyn StoredFile>>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes what files there are durable.
    fn sync(&self) -> io::Result<()>;

    /// A directory inside this one, which need not exist.
    fn nested(&self) -> Arc<dyn Storage>;

    /// The directory inside this one, if it exists.
    fn find_nested(&self) -> io::Result<Option<Arc<dyn Storage>>>;
}

/// An open file.
pub(crate) trait StoredFile: Send + Sync {
    /// Reads at most `buf.len()` bytes; 0 says that there is no more.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at most `buf.len()` bytes.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts or extends the file.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes what was written durable.
    fn sync(&self) -> io::Result<()>;

    /// Whether the file still has a name, so that others can find what is written to it.
    fn is_linked(&self) -> bool;
}

impl dyn StoredFile + '_ {
    /// Fills as much of `buf` as the file has; returns how much.
    pub(crate) fn read_full(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.read_at(&mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Writes all of `buf`.
    pub(crate) fn write_full(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < buf.len() {
            match self.write_at(&buf[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// How systems say that too many files are open.
pub(crate) const TOO_MANY_OPEN: &[i32] = if cfg!(unix) {
    &[23, 24] // ENFILE, EMFILE
} else {
    &[4] // ERROR_TOO_MANY_OPEN_FILES
};

/// Whether it is not the file that is ill, but the process that may not open it or has too many of them open: then nothing is
/// lost, however long it takes.
pub(crate) fn may_pass(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::OutOfMemory | io::ErrorKind::StaleNetworkFileHandle => true,
        _ => error.raw_os_error().is_some_and(|code| TOO_MANY_OPEN.contains(&code)),
    }
}

/// A directory of the file system, locked as long as this lives.
pub(crate) struct Directory {
    path: PathBuf,
    lock: Mutex<Option<File>>,
}

impl Directory {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            lock: Mutex::new(None),
        }
    }
}

impl Storage for Directory {
    fn path(&self) -> &Path {
        &self.path
    }

    fn prepare(&self) -> Result<(), SpillError> {
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| SpillError::Io { doing, path, source }
        };
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.as_ref().is_some_and(StoredFile::is_linked) {
            return Ok(());
        }
        if !self.path.is_dir() {
            fs::create_dir_all(&self.path).map_err(failed("creating the directory", &self.path))?;
            // That the name is durable matters only to who has named the parent; many file systems need no more.
            if let Some(parent) = self.path.parent() {
                _ = sync_dir(parent);
            }
        }
        let path = self.path.join(LOCK_NAME);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.map_err(failed("opening", &path))?;
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SpillError::Locked {
                    path: self.path.clone(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed("locking", &path)(source)),
        }
        *lock = Some(file);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // A name that is no text is none of the log's.
            if let Ok(name) = entry.file_name().into_string() {
                let metadata = entry.metadata()?;
                if metadata.is_file() {
                    files.push((name, metadata.len()));
                }
            }
        }
        Ok(files)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn StoredFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path.join(name))?;
        Ok(Arc::new(file))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn StoredFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        Ok(Arc::new(options.open(self.path.join(name))?))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        sync_dir(&self.path)
    }

    fn nested(&self) -> Arc<dyn Storage> {
        Arc::new(Self::new(self.path.join(NESTED_NAME)))
    }

    fn find_nested(&self) -> io::Result<Option<Arc<dyn Storage>>> {
        let exists = self.path.join(NESTED_NAME).try_exists()?;
        Ok(exists.then(|| self.nested()))
    }
}

#[cfg(unix)]
fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere directories cannot be synced, and need not be.
#[cfg(not(unix))]
fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
impl StoredFile for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(self, buf, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn is_linked(&self) -> bool {
        // Where it cannot be asked, the next operation will tell.
        self.metadata()
            .map_or(true, |metadata| std::os::unix::fs::MetadataExt::nlink(&metadata) > 0)
    }
}

#[cfg(windows)]
impl StoredFile for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buf, offset)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(self, buf, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    /// Open files keep their names here.
    fn is_linked(&self) -> bool {
        true
    }
}
