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
