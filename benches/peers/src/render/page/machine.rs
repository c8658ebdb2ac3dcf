//! What a reader needs before the figures.

use std::fmt::Write;

use super::tables::table;
use crate::calibration::LINE_TRANSFER;
use crate::case::Role;
use crate::facts;
use crate::group::Group;
use crate::outcome::PER_ITEM;
use crate::render::html::Text;
use crate::render::words::short;
use crate::results::{Results, Row};
use crate::verdict::{Match, matches};

/// A core answers another sooner than this if nobody else is using either, in nanoseconds.
const QUIET: f64 = 1000.0;

/// Where, how, and what it is to be held against.
pub fn machine(results: &Results) -> String {
    let mut html = "<section class=\"facts\">\n<dl>".to_owned();
    for (name, value) in results.facts.lines() {
        let _ = write!(html, "<dt>{}</dt><dd>{}</dd>", Text(name), Text(value));
    }
    for option in &results.options {
        let _ = write!(html, "<dt>option</dt><dd>{}</dd>", Text(option));
    }
    html += "</dl>\n";
    html.extend(results.of(Group::Calibration).map(table));
    html += "</section>\n<p>Every case has all its contenders run in turn, round after round, each round beginning with \
             another. A figure is the median of the rounds, from the least to the most in brackets or as a thin line. \
             A ratio is the median of the rounds&#39; ratios. <i>Oversubscribed</i> means more busy threads than cores.</p>\n";
    let mut lines = results.of(Group::Calibration).flat_map(|table| &table.rows);
    let slow = |row: &&Row| row.name == LINE_TRANSFER && row.spread(0).median > QUIET;
    if let Some(row) = lines.find(slow).filter(|_| facts::cores() > 1) {
        let _ = writeln!(
            html,
            "<p class=\"warning\">The machine was not quiet: a cache line took {} ns from core to core, so somebody else \
             was using a core. Read ratios, and do not trust the cases between threads.</p>",
            short(row.spread(0).median)
        );
    }
    html
}

/// In how many cases the first of ours, which does what the peers do, is ahead.
pub fn score(results: &Results) -> String {
    let first = |found: &Match| {
        let mut ours = found.table.by_role(Role::Ours);
        ours.next().is_some_and(|row| row.name == found.ours.name)
    };
    let found: Vec<_> = matches(results)
        .into_iter()
        .filter(|found| *found.column() == PER_ITEM && first(found))
        .collect();
    let behind = found.iter().filter(|found| found.lost()).count();
    format!(
        "<p class=\"score\">Doing what the peers do, ours takes no longer per item than the best of them in <b>{} of {}</b> \
         cases, and longer in <b>{behind}</b>.</p>\n",
        found.len() - behind,
        found.len()
    )
}
