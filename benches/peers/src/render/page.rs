//! The page.

use std::fmt::Write;

use super::charts;
use super::html::Text;
use super::words::{heading, number, short, spread, times};
use crate::calibration::LINE_TRANSFER;
use crate::case::Role;
use crate::group::Group;
use crate::outcome::PER_ITEM;
use crate::results::{Results, Row, Table, standing};
use crate::verdict::{losses, matches};

/// A core answers another sooner than this if nobody else is using either, in nanoseconds.
const QUIET: f64 = 1000.0;

/// One page that needs nothing but itself.
pub fn page(results: &Results) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>mpsc_ring and its peers</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n\
         <h1>mpsc_ring and its peers</h1>\n",
        include_str!("style.css")
    );
    html += &machine(results);
    html += &score(results);
    let groups: Vec<_> = Group::ALL
        .into_iter()
        .filter(|group| *group != Group::Calibration)
        .map(|group| (group, charts::of(results, group)))
        .filter(|(_, charts)| !charts.is_empty())
        .collect();
    html += "<nav><a href=\"#losses\">Where we lose</a>";
    for (group, _) in &groups {
        let _ = write!(html, "<a href=\"#{group:?}\">{}</a>", group.title());
    }
    html += "</nav>\n";
    html += &where_we_lose(results);
    for (group, charts) in groups {
        let _ = write!(
            html,
            "<section id=\"{group:?}\">\n<h2>{}</h2>\n<p>{}</p>\n<div class=\"charts\">\n",
            group.title(),
            Text(group.about())
        );
        for chart in charts {
            let _ = writeln!(
                html,
                "<figure><figcaption><b>{}</b><small>{}</small></figcaption><div class=\"wide\">{}</div>{}</figure>",
                Text(&chart.title),
                Text(&chart.note),
                chart.svg,
                chart.legend
            );
        }
        html += "</div>\n";
        if group == Group::OneCpu {
            html += &one_to_all(results);
        }
        let tables: String = results.of(group).map(table).collect();
        if !tables.is_empty() {
            let _ = write!(html, "<details><summary>All figures</summary>\n{tables}</details>\n");
        }
        html += "</section>\n";
    }
    html + "</main>\n</body>\n</html>\n"
}

/// Where, how, and what it is to be held against.
fn machine(results: &Results) -> String {
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
    if let Some(row) = lines.find(|row| row.name == LINE_TRANSFER && row.spread(0).median > QUIET) {
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
fn score(results: &Results) -> String {
    let first = |found: &crate::verdict::Match| {
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

fn where_we_lose(results: &Results) -> String {
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
            "<tr><td>{} <small>{}</small></td>{}{}<td class=\"n\"><b>{}</b></td><td><small>{}</small></td></tr>",
            Text(found.table.title()),
            Text(figure),
            named(found.ours, found.column),
            named(found.best, found.column),
            Text(times(found.ratio)),
            Text(others.join("; "))
        );
    }
    html + "</table></div>\n</section>\n"
}

/// What ours takes on one CPU next to what it takes on all.
fn one_to_all(results: &Results) -> String {
    let mut html = "<h3>Ours on one CPU and on all</h3>\n<div class=\"wide\"><table><tr><th>case</th><th>ours</th>\
                    <th>ns per item on one CPU</th><th>on all</th><th>one / all</th></tr>\n"
        .to_owned();
    for one in results.of(Group::OneCpu) {
        let Some(all) = results
            .tables
            .iter()
            .find(|table| Some(&table.name) == one.twin.as_ref())
        else {
            continue;
        };
        for row in one.by_role(Role::Ours) {
            let Some(twin) = all.rows.iter().find(|twin| twin.name == row.name) else {
                continue;
            };
            // The two did not run in turn, so that there are no rounds to compare.
            let ratio = row.spread(0).median / twin.spread(0).median;
            let _ = writeln!(
                html,
                "<tr><td>{}</td><td>{}</td>{}{}<td class=\"n\">{}</td></tr>",
                Text(&all.name),
                Text(row.name),
                cell(row, 0),
                cell(twin, 0),
                number(ratio)
            );
        }
    }
    html + "</table></div>\n"
}

fn table(table: &Table) -> String {
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

fn named(row: &Row, column: usize) -> String {
    let figures = Text(spread(row.spread(column)));
    format!(
        "<td><span class=\"{:?}\">{}</span> <small class=\"n\">{figures}</small></td>",
        row.role,
        Text(row.name)
    )
}
