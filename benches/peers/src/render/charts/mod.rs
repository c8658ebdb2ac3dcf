//! Which chart shows what.

mod percentiles;
mod scaling;

use super::svg::{Bar, bars};
use super::words::{quantity, short, spread};
use crate::group::Group;
use crate::outcome::{Column, PER_ITEM};
use crate::results::{Results, Row, Table};
use crate::stats::Spread;

/// A picture, and what is to be read beside it.
pub struct Chart {
    pub title: String,
    /// What is drawn, and which way is better.
    pub note: String,
    /// Why it may not be right.
    pub warning: Option<String>,
    pub svg: String,
    /// In HTML.
    pub legend: String,
}

/// The charts of one part of the comparison.
pub fn of(results: &Results, group: Group) -> Vec<Chart> {
    match group {
        Group::Calibration => Vec::new(),
        Group::Scaling => scaling::charts(results),
        Group::Latency => results.of(group).map(percentiles::chart).collect(),
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
        warning: table.disturbance(),
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
