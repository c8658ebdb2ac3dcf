//! Which chart shows what.

use super::svg::{Bar, Line, Point, bars, legend, lines};
use super::words::{quantity, short, spread};
use crate::case::Role;
use crate::group::Group;
use crate::latency::PERCENTILES;
use crate::outcome::{Column, PER_ITEM};
use crate::results::{Results, Row, Table};
use crate::stats::Spread;

/// A picture, and what is to be read beside it.
pub struct Chart {
    pub title: String,
    /// What is drawn, and which way is better.
    pub note: String,
    pub svg: String,
    /// In HTML.
    pub legend: String,
}

/// The charts of one part of the comparison.
pub fn of(results: &Results, group: Group) -> Vec<Chart> {
    match group {
        Group::Calibration => Vec::new(),
        Group::Scaling => scaling(results),
        Group::Latency => results.of(group).map(percentiles).collect(),
        _ => results.of(group).flat_map(columns).collect(),
    }
}

fn columns(table: &Table) -> impl Iterator<Item = Chart> {
    (0..table.columns.len()).filter_map(move |column| {
        let known = table.rows.iter().any(|row| row.spread(column).median.is_finite());
        known.then(|| bar_chart(table, column))
    })
}

fn bar_chart(table: &Table, column: usize) -> Chart {
    let what = &table.columns[column];
    let note = if *what == PER_ITEM {
        "million items a second, longer is better".to_owned()
    } else {
        format!("{}, {}, shorter is better", what.name, what.unit)
    };
    let row = |row: &Row| bar(row, row.spread(column), what);
    let rows: Vec<_> = table.ranked(column).into_iter().map(row).collect();
    Chart {
        title: table.title(),
        svg: bars(&format!("{}: {note}", table.title()), &rows),
        note,
        legend: String::new(),
    }
}

/// A time per item is drawn as a throughput.
fn bar(row: &Row, found: Spread, what: &Column) -> Bar {
    let Spread { min, median, max } = found;
    let (drawn, label) = if *what == PER_ITEM {
        let drawn = Spread {
            min: 1e3 / max,
            median: 1e3 / median,
            max: 1e3 / min,
        };
        let label = format!("{} M/s · {}", short(drawn.median), quantity(median, "ns"));
        (drawn, label)
    } else {
        (found, quantity(median, what.unit))
    };
    Bar {
        name: row.name,
        role: row.role,
        spread: drawn,
        label,
        hint: hint(row, what, found),
    }
}

fn hint(row: &Row, what: &Column, found: Spread) -> String {
    format!("{}: {} {} {}", row.name, what.name, spread(found), what.unit)
}

/// From the median push to the slowest.
fn percentiles(table: &Table) -> Chart {
    let places: Vec<_> = table.columns[..PERCENTILES.len()]
        .iter()
        .map(|column| column.name)
        .collect();
    let rows: Vec<_> = table
        .ranked(2)
        .into_iter()
        .map(|row| percentile_line(table, row))
        .collect();
    let note = "how long a push takes, by percentile, lower is better".to_owned();
    let title = table.title();
    Chart {
        svg: lines(&title, &places, "percentile of pushes", &rows, |ns| quantity(ns, "ns")),
        legend: legend(&rows),
        title,
        note,
    }
}

fn percentile_line(table: &Table, row: &Row) -> Line {
    let point = |place: usize| Point {
        place,
        spread: row.spread(place),
        hint: hint(row, &table.columns[place], row.spread(place)),
    };
    let p99 = quantity(row.spread(2).median, "ns");
    let cpu = row.spread(PERCENTILES.len()).median;
    let cpu = match row.role {
        Role::Reference => String::new(),
        _ => format!(", CPU {} %", short(cpu)),
    };
    Line {
        name: row.name,
        role: row.role,
        second: false,
        points: (0..PERCENTILES.len()).map(point).collect(),
        note: format!("p99 {p99}{cpu}"),
    }
}

/// One chart for each family of cases, drawn from wherever its members are.
fn scaling(results: &Results) -> Vec<Chart> {
    let mut families: Vec<&str> = Vec::new();
    for step in results.tables.iter().filter_map(|table| table.step) {
        if !families.contains(&step.family) {
            families.push(step.family);
        }
    }
    families
        .into_iter()
        .map(|family| family_chart(results, family))
        .collect()
}

fn family_chart(results: &Results, family: &str) -> Chart {
    let mut members: Vec<_> = results
        .tables
        .iter()
        .filter_map(|table| table.step.map(|step| (step, table)))
        .filter(|(step, _)| step.family == family)
        .map(|(step, table)| (step.producers, table))
        .collect();
    members.sort_by_key(|(producers, _)| *producers);
    let places: Vec<_> = members
        .iter()
        .map(|(producers, table)| format!("{producers}{}", if table.oversubscribed { "*" } else { "" }))
        .collect();
    let places: Vec<_> = places.iter().map(String::as_str).collect();
    let mut rows = family_lines(&members);
    let last = |line: &Line| line.points.last().map_or(f64::INFINITY, |point| point.spread.median);
    rows.sort_by(|a, b| last(a).total_cmp(&last(b)));
    let title = family.replacen("threads to 1", "threads N to 1", 1);
    Chart {
        svg: lines(&title, &places, "producers (* oversubscribed)", &rows, |ns| {
            quantity(ns, "ns")
        }),
        legend: legend(&rows),
        title,
        note: "time per item, lower is better".to_owned(),
    }
}

fn family_lines(members: &[(usize, &Table)]) -> Vec<Line> {
    let Some((_, first)) = members.first() else {
        return Vec::new();
    };
    let mut ours = 0;
    let lines = first.rows.iter().filter(|row| row.role != Role::Reference).map(|like| {
        ours += usize::from(like.role == Role::Ours);
        let rows = members.iter().enumerate().filter_map(|(place, (producers, table))| {
            let row = table.rows.iter().find(|row| row.name == like.name)?;
            Some((place, *producers, row))
        });
        let points: Vec<_> = rows
            .map(|(place, producers, row)| Point {
                place,
                spread: row.spread(0),
                hint: format!("{} producers, {}", producers, hint(row, &PER_ITEM, row.spread(0))),
            })
            .collect();
        let note = points.last().map_or(String::new(), |point| {
            format!("at the right {}", quantity(point.spread.median, "ns"))
        });
        Line {
            name: like.name,
            role: like.role,
            second: like.role == Role::Ours && ours > 1,
            points,
            note,
        }
    });
    lines.collect()
}
