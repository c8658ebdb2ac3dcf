//! Charts as SVG, coloured by the page's style.

mod bars;
mod lines;

pub use bars::{Bar, bars};
pub use lines::{Line, Point, legend, lines};

use crate::case::Role;

/// Those who have a colour of their own.
const COLOURED: [&str; 9] = [
    "crossbeam-channel",
    "crossfire",
    "kanal",
    "thingbuf",
    "flume",
    "async-channel",
    "tokio",
    "std",
    "tachyonix",
];

/// The style's class for a contender: the same in every chart.
fn class(name: &str, role: Role) -> &'static str {
    let who = name.split(',').next().unwrap_or(name);
    match role {
        Role::Ours => "ours",
        Role::Reference => "reference",
        Role::Peer => COLOURED.into_iter().find(|known| *known == who).unwrap_or("other"),
    }
}
