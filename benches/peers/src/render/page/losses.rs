//! Where a peer is ahead.

use std::fmt::Write;

use super::machine::warning;
use crate::outcome::PER_ITEM;
use crate::render::html::Text;
use crate::render::words::{heading, spread, times};
use crate::results::{Results, Row};
use crate::verdict::losses;

/// Every figure in which one is.
pub fn where_we_lose(results: &Results) -> String {
    let losses = losses(results);
    let mut html = "<section id=\"losses\">\n<h2>Where we lose</h2>\n".to_owned();
    if losses.is_empty() {
        return html + "<p>Nowhere in this run.</p>\n</section>\n";
    }
    html += "<p>Every figure of every case in which a peer is faster or smaller than one of ours, the worst first. \
             Nanoseconds per item where nothing else is said. References do less than a channel with many producers, and \
             are not counted.</p>\n\
             <div class=\"wide\"><table class=\"losses\">\
             <tr><th>case and figure</th><th>ours</th><th>best of those ahead</th><th>ours / best</th><th>ahead too</th></tr>\n";
    let mut part = None;
    for (found, ahead) in losses {
        let group = found.table.group;
        if part.replace(group) != Some(group) {
            let _ = writeln!(html, "<tr class=\"part\"><th colspan=\"5\">{}</th></tr>", group.title());
        }
        let figure = match *found.column() {
            PER_ITEM => String::new(),
            _ => heading(found.column()),
        };
        let others: Vec<_> = ahead[1..].iter().map(|row| row.name).collect();
        let _ = writeln!(
            html,
            "<tr><td>{} <small>{}</small> {}</td>{}{}<td class=\"n\"><b>{}</b></td><td><small>{}</small></td></tr>",
            Text(found.table.title()),
            Text(figure),
            warning(found.table.disturbance().map(|_| "disturbed".to_owned())),
            named(found.ours, found.column),
            named(found.best, found.column),
            Text(times(found.ratio)),
            Text(others.join("; "))
        );
    }
    html + "</table></div>\n</section>\n"
}

fn named(row: &Row, column: usize) -> String {
    let figures = Text(spread(row.spread(column)));
    format!(
        "<td><span class=\"{:?}\">{}</span> <small class=\"n\">{figures}</small></td>",
        row.role,
        Text(row.name.strip_prefix("ours, ").unwrap_or(row.name))
    )
}
