//! Figures, not drawn.

use std::fmt::Write;

use crate::case::Role;
use crate::render::html::Text;
use crate::render::words::{heading, number, spread};
use crate::results::{Results, Row, Table, standing};
use crate::verdict::{Twins, twins};

/// What ours takes on one CPU next to what it takes on all.
pub fn one_to_all(results: &Results) -> String {
    let twins = twins(results);
    if twins.is_empty() {
        return String::new();
    }
    let mut html = "<h3>Ours on one CPU and on all</h3>\n<div class=\"wide\"><table><tr><th>case</th><th>ours</th>\
                    <th>ns per item on one CPU</th><th>on all</th><th>one / all</th></tr>\n"
        .to_owned();
    for Twins { case, one, all, ratio } in twins {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td>{}{}<td class=\"n\">{}</td></tr>",
            Text(case),
            Text(one.name),
            cell(one, 0),
            cell(all, 0),
            number(ratio)
        );
    }
    html + "</table></div>\n"
}

/// All that a case found.
pub fn table(table: &Table) -> String {
    let like = table.by_role(Role::Ours).next();
    let mut html = format!(
        "<div class=\"wide\"><table><caption>{} <small>{} items a round, {} rounds</small></caption><tr><th></th>",
        Text(table.title()),
        table.items,
        table.rounds
    );
    for column in table.columns {
        let _ = write!(html, "<th>{}</th>", Text(heading(column)));
    }
    if like.is_some() {
        let _ = write!(html, "<th>ours / contender, {}</th>", Text(table.columns[0].name));
    }
    html += "</tr>\n";
    for row in table.ranked(0) {
        let _ = write!(html, "<tr class=\"{:?}\"><td>{}</td>", row.role, Text(row.name));
        html.extend((0..table.columns.len()).map(|column| cell(row, column)));
        if let Some(ours) = like {
            let _ = write!(html, "<td class=\"n\">{}</td>", number(standing(ours, row, 0)));
        }
        html += "</tr>\n";
    }
    html + "</table></div>\n"
}

fn cell(row: &Row, column: usize) -> String {
    format!("<td class=\"n\">{}</td>", Text(spread(row.spread(column))))
}
