//! What can go wrong with a log on disk.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::ptr;

/// Something could not be written to a log on disk, or read from it.
///
/// Nothing is lost by it: what was not accepted stays with the caller, what was not read stays in the log.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{Spill, SpillError};
///
/// # let parent = tempfile::tempdir().unwrap();
/// # let dir = parent.path().join("spill");
/// let first = Spill::<u64>::open(&dir).unwrap();
/// assert!(matches!(Spill::<u64>::open(&dir), Err(SpillError::Locked { .. })));
/// ```
#[non_exhaustive]
#[derive(Debug)]
pub enum SpillError {
    /// The file system refused.
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The log is open already, in this process or in another.
    Locked {
        /// The directory of the log.
        path: PathBuf,
    },
    /// A segment was written by a version of the format that this one does not know.
    UnknownFormat {
        /// The segment.
        path: PathBuf,
        /// The version that it states.
        version: u16,
    },
    /// The log has reached its cap and may not drop what it holds.
    AtCap {
        /// The cap, in bytes.
        max_bytes: u64,
    },
    /// An item, as written, is larger than a segment may be.
    TooLarge {
        /// The size of the item as written.
        bytes: usize,
        /// The largest size that fits.
        max: usize,
    },
    /// The codec could not write an item.
    Encode(Box<dyn Error + Send + Sync>),
    /// All 2^64 sequence numbers are used up.
    Exhausted,
}

impl SpillError {
    /// Whether the log has reached its cap.
    pub fn is_at_cap(&self) -> bool {
        matches!(self, Self::AtCap { .. })
    }

    /// Whether it is the item that cannot be written, now or later: it is too large, or its codec failed. After
    /// [`Spill::append`](crate::Spill::append), it is the first one in the `Vec`.
    pub fn is_about_item(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::Encode(_))
    }
}

/// An error is equal only to itself: what the file system says cannot be compared.
impl PartialEq for SpillError {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

impl Eq for SpillError {}

impl fmt::Display for SpillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path, source } => write!(f, "{doing} {}: {source}", path.display()),
            Self::Locked { path } => write!(f, "the log in {} is open already", path.display()),
            Self::UnknownFormat { path, version } => {
                write!(f, "{} has format version {version}, which is unknown", path.display())
            }
            Self::AtCap { max_bytes } => write!(f, "the log has reached its cap of {max_bytes} bytes"),
            Self::TooLarge { bytes, max } => write!(f, "an item of {bytes} bytes exceeds the {max} that fit a segment"),
            Self::Encode(error) => write!(f, "writing an item: {error}"),
            Self::Exhausted => f.write_str("the log has used up its sequence numbers"),
        }
    }
}

impl Error for SpillError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Encode(error) => Some(&**error),
            _ => None,
        }
    }
}

/// An item could not be appended to a log; it comes back in the error.
///
/// # Examples
///
/// ```
/// use mpsc_ring::{Spill, SpillError};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path();
/// let spill: Spill<String> = Spill::options().segment_bytes(4096).open(dir).unwrap();
/// let error = spill.append_one("long".repeat(2000)).unwrap_err();
/// assert!(matches!(error.error(), SpillError::TooLarge { bytes: 8006, .. }));
/// assert_eq!(error.into_inner().len(), 8000);
/// ```
pub struct AppendError<T> {
    item: T,
    error: SpillError,
}

impl<T> AppendError<T> {
    pub(super) fn new(item: T, error: SpillError) -> Self {
        Self { item, error }
    }

    /// The item that was not appended.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// What was in the way.
    pub fn error(&self) -> &SpillError {
        &self.error
    }
}

impl<T> From<AppendError<T>> for SpillError {
    fn from(error: AppendError<T>) -> Self {
        error.error
    }
}

impl<T> fmt::Debug for AppendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppendError")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for AppendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T> Error for AppendError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
