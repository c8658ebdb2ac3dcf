//! The numbers in words and pictures: every file of a report is made from the same [`Results`].

mod charts;
mod csv;
mod html;
pub mod markdown;
mod page;
mod svg;
mod words;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::results::Results;

/// Writes a page to look at, a table for other programs and the text that was printed into `directory`; returns where
/// each went.
///
/// # Errors
///
/// If the directory or a file cannot be written.
pub fn write(results: &Results, directory: &Path) -> io::Result<[PathBuf; 3]> {
    fs::create_dir_all(directory)?;
    let files = [
        ("peers.html", page::page(results)),
        ("peers.csv", csv::table(results)),
        ("peers.md", markdown::document(results)),
    ];
    let mut written = Vec::new();
    for (name, text) in files {
        let path = directory.join(name);
        fs::write(&path, text)?;
        written.push(path);
    }
    Ok(written.try_into().expect("as many as there are files"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::facts::Facts;
    use crate::group::Group;
    use crate::run::{Effort, run};

    #[test]
    fn every_file_has_every_contender() {
        let taking = |nanos| move |items| Duration::from_nanos(nanos * items);
        let case = crate::Case::new(Group::OneThread, "a | b & c", 1, 1024)
            .ours("ours", taking(20))
            .peer("Mutex<VecDeque>, twice", taking(10));
        let effort = Effort { rounds: 2, shrink: 1 };
        let results = Results {
            facts: Facts::gather(),
            options: Vec::new(),
            tables: vec![run(&case, effort, || ())],
        };
        let page = page::page(&results);
        assert!(page.contains("a | b &amp; c") && page.contains("Mutex&lt;VecDeque&gt;"));
        assert!(!page.contains("<VecDeque>"));
        assert!(
            markdown::document(&results).contains("| a \\| b & c | ours | 20.00 | Mutex\\<VecDeque>, twice | 10.00 |")
        );
        assert!(
            csv::table(&results)
                .contains("\"Mutex<VecDeque>, twice\",Peer,time per item,ns,10.0000,10.0000,10.0000,2.0000")
        );
    }
}
