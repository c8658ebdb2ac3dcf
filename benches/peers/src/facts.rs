//! What a figure is worth nothing without.

use std::fs;
use std::thread;

/// The machine, and what built the program.
#[derive(Debug)]
pub struct Facts {
    cpu: String,
    cores: usize,
    kernel: String,
    load: String,
}

impl Facts {
    /// Asks the system.
    pub fn gather() -> Self {
        Self {
            cpu: cpu_model().unwrap_or_else(unknown),
            cores: cores(),
            kernel: first_line("/proc/sys/kernel/osrelease").unwrap_or_else(unknown),
            load: first_line("/proc/loadavg").unwrap_or_else(unknown),
        }
    }
}

impl Facts {
    /// Each by its name.
    pub fn lines(&self) -> [(&'static str, String); 4] {
        [
            ("CPU", format!("{}, {} cores to run on", self.cpu, self.cores)),
            ("kernel", self.kernel.clone()),
            ("compiler", env!("BUILT_BY").to_owned()),
            ("load at the start", self.load.clone()),
        ]
    }
}

/// How many threads can run at a time.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn cpu_model() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    let (_, model) = line.split_once(':')?;
    Some(model.trim().to_owned())
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(str::to_owned)
}

fn unknown() -> String {
    "unknown".to_owned()
}
