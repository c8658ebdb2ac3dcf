//! A process that is killed while it works, again and again: what it said was safe comes back, in order and at least once.
//!
//! ```text
//! cargo run --features spill --example crash_recovery
//! ```
//!
//! The example starts itself as the process to be killed, and is the backend that the process delivers to.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use mpsc_ring::{Fsync, Spill, SpillError};

const RUNS: usize = 3;

/// The run that made it, and which of that run's events it is.
type Event = (usize, u64);

fn main() -> Result<(), Box<dyn Error>> {
    if let [_, dir, run] = &env::args().collect::<Vec<_>>()[..] {
        return Ok(work(Path::new(dir), run.parse()?)?);
    }

    let dir = tempfile::tempdir()?;
    let mut backend = Backend::default();
    for run in 0..RUNS {
        let before = backend.received;
        run_and_kill(dir.path(), run, &mut backend)?;
        println!(
            "run {run}: killed with {} events safe; it has delivered {}",
            backend.safe[run],
            backend.received - before
        );
    }

    let spill: Spill<Event> = Spill::open(dir.path())?;
    println!("{} events are left in the log", spill.len());
    let mut batch = Vec::new();
    while spill.read(&mut batch, 256)?.count > 0 {
        batch.drain(..).for_each(|event| backend.receive(event));
        spill.commit()?;
    }

    println!("{} delivered, {} of them again", backend.received, backend.again);
    assert_eq!(spill.counts().missing(), 0);
    for run in 0..RUNS {
        // It may have been killed between appending events and saying so.
        assert!(backend.next[run] >= backend.safe[run], "run {run} has lost events");
    }
    Ok(())
}

/// What the process does: it makes events and delivers them, more slowly than it makes them.
fn work(dir: &Path, run: usize) -> Result<(), SpillError> {
    // Every batch is on the medium when `append` returns.
    let spill: Spill<Event> = Spill::options().fsync(Fsync::EveryBatch).open(dir)?;
    let mut out = io::stdout();
    let mut say = |line: String| out.write_all(line.as_bytes()).expect("somebody listens");
    let mut batch = Vec::new();
    for n in (0..).step_by(10) {
        let mut made = (n..n + 10).map(|n| (run, n)).collect();
        spill.append(&mut made)?;
        say(format!("safe {run} {}\n", n + 10));

        spill.read(&mut batch, 7)?;
        for (run, n) in batch.drain(..) {
            say(format!("event {run} {n}\n"));
        }
        // Not for each batch, as it waits for the medium. What is delivered after the last one may come again next time.
        if n % 200 == 0 {
            spill.commit()?;
        }
    }
    Ok(())
}

/// Lets the process work for a moment.
fn run_and_kill(dir: &Path, run: usize, backend: &mut Backend) -> io::Result<()> {
    let mut process = Command::new(env::current_exe()?)
        .arg(dir)
        .arg(run.to_string())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(process.stdout.take().expect("it is piped"));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut line = String::new();
            // The last line may have been cut off.
            while lines.read_line(&mut line).is_ok() && line.ends_with('\n') {
                backend.hear(&line);
                line.clear();
            }
        });
        thread::sleep(Duration::from_millis(200 + 50 * run as u64));
        process.kill()
    })?;
    process.wait().map(|_| ())
}

/// Knows what was said to be safe, and checks what arrives.
#[derive(Default)]
struct Backend {
    safe: [u64; RUNS],
    /// The number that is expected next of each run.
    next: [u64; RUNS],
    received: u64,
    again: u64,
}

impl Backend {
    fn hear(&mut self, line: &str) {
        let words: Vec<_> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<u64>().expect("a number");
        match words[0] {
            "safe" => self.safe[number(1) as usize] = number(2),
            _ => self.receive((number(1) as usize, number(2))),
        }
    }

    fn receive(&mut self, (run, n): Event) {
        assert!(n <= self.next[run], "events of run {run} are missing before {n}");
        self.received += 1;
        if n < self.next[run] {
            self.again += 1;
        } else {
            self.next[run] += 1;
        }
    }
}
