//! Lines of a file or of stdin as events, read and pushed by a plain thread.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::Failure;
use crate::event::Event;
use crate::pusher::{Pusher, Tally};

/// What to read.
pub struct Input {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
}

impl Input {
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let reader: Box<dyn BufRead + Send> = if path == Path::new("-") {
            Box::new(BufReader::new(io::stdin()))
        } else {
            let file = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
                true => Err(io::ErrorKind::IsADirectory.into()),
                false => Ok(file),
            });
            Box::new(BufReader::new(file.map_err(|error| cannot_read(path, &error))?))
        };
        let path = path.to_owned();
        Ok(Self { path, reader })
    }

    /// Writing would truncate what is to be read.
    pub fn must_not_be(&self, out: &Path) -> Result<(), Failure> {
        match (fs::canonicalize(&self.path), fs::canonicalize(out)) {
            (Ok(input), Ok(out)) if input == out && input.is_file() => {
                Err(format!("{} is both input and output", input.display()))
            }
            _ => Ok(()),
        }
    }
}

fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    format!("cannot read {}: {error}", path.display())
}

/// The thread that reads.
pub struct Reader {
    desk: Arc<Desk>,
    ended: oneshot::Receiver<Failure>,
    failure: Option<Failure>,
}

/// Where the thread has its pusher and its counts. It may sit in a read for ever when it is time to stop, so whoever
/// stops it takes them away, which no push can be in the middle of.
struct Desk(Mutex<Option<Work>>);

struct Work {
    pusher: Pusher,
    lines: Lines,
}

/// What has been read.
#[derive(Clone, Copy)]
pub struct Lines {
    pub read: u64,
    /// Lines that were not UTF-8, and in which `U+FFFD` stands for what was not.
    pub not_utf8: u64,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Option<Work>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    pub fn start(input: Input, pusher: Pusher) -> io::Result<Self> {
        let lines = Lines { read: 0, not_utf8: 0 };
        let desk = Arc::new(Desk(Mutex::new(Some(Work { pusher, lines }))));
        let (end, ended) = oneshot::channel();
        let its_desk = desk.clone();
        thread::Builder::new().name("reader".to_owned()).spawn(move || {
            let Input { path, reader } = input;
            if let Err(error) = push_lines(reader, &its_desk) {
                let _ = end.send(cannot_read(&path, &error)); // Nobody listens after `stop`.
            }
        })?;
        Ok(Self {
            desk,
            ended,
            failure: None,
        })
    }

    /// Waits for the end of the input.
    pub async fn ended(&mut self) {
        self.failure = (&mut self.ended).await.ok();
    }

    /// Stops the thread, if it has not ended; after that, nothing is pushed.
    pub fn stop(mut self) -> Option<(Tally, Lines, Option<Failure>)> {
        let work = self.desk.lock().take()?;
        let failure = self.failure.or_else(|| self.ended.try_recv().ok());
        Some((work.pusher.finish(), work.lines, failure))
    }
}

fn push_lines(mut reader: impl BufRead, desk: &Desk) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(());
        }
        if bytes.ends_with(b"\n") {
            bytes.pop();
        }
        let text = String::from_utf8_lossy(&bytes);

        let mut desk = desk.lock();
        let Some(work) = desk.as_mut() else {
            return Ok(());
        };
        work.lines.read += 1;
        work.lines.not_utf8 += u64::from(matches!(text, Cow::Owned(_)));
        let event = Event::Line {
            line: work.lines.read,
            text: text.into_owned(),
        };
        if !work.pusher.push(event) {
            return Ok(());
        }
    }
}
