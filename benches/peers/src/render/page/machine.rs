//! What a reader needs before the figures.

use std::fmt::Write;

use super::tables::table;
use crate::case::Role;
use crate::group::Group;
use crate::outcome::PER_ITEM;
use crate::render::html::Text;
use crate::render::words::spread;
use crate::results::Results;
use crate::verdict::{Match, matches};

/// Where, how, and what it is to be held against.
pub fn machine(results: &Results) -> String {
    let mut html = "<section class=\"facts\">\n<dl>".to_owned();
    for (name, value) in results.facts.lines() {
        let _ = write!(html, "<dt>{}</dt><dd>{}</dd>", Text(name), Text(value));
    }
    for option in &results.options {
        let _ = write!(html, "<dt>option</dt><dd>{}</dd>", Text(option));
    }
    if let Some(others) = results.others() {
        let _ = write!(
            html,
            "<dt>others took</dt><dd>{} % of a core, by case</dd>",
            spread(others)
        );
    }
    html += "</dl>\n";
    html.extend(results.of(Group::Calibration).map(table));
    html += "</section>\n<p>Every case has all its contenders run in turn, round after round, each round beginning with \
             another. A figure is the median of the rounds, from the least to the most in brackets or as a thin line. \
             A ratio is the median of the rounds&#39; ratios. <i>Oversubscribed</i> means more busy threads than cores, <i>disturbed</i> that other programs kept a core from us.</p>\n";
    let disturbed = results.tables.iter().filter(|table| table.disturbance().is_some());
    let disturbed = disturbed.count();
    if disturbed > 0 {
        let _ = writeln!(
            html,
            "<p class=\"warning\">{disturbed} of {} cases were disturbed: the machine was not ours alone.</p>",
            results.tables.len()
        );
    }
    html
}

/// Why something may not be right.
pub fn warning(text: Option<String>) -> String {
    text.map_or(String::new(), |text| {
        format!("<small class=\"warning\">{}</small>", Text(text))
    })
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
