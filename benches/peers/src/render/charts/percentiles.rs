//! From the median push to the slowest.

use super::{Chart, hint};
use crate::case::Role;
use crate::latency::PERCENTILES;
use crate::render::svg::{Line, Point, legend, lines};
use crate::render::words::{quantity, round};
use crate::results::{Row, Table};

/// The place of p99 among the percentiles.
const P99: usize = 2;

/// A line for each contender.
pub fn chart(table: &Table) -> Chart {
    let places: Vec<_> = table.columns[..PERCENTILES.len()]
        .iter()
        .map(|column| column.name)
        .collect();
    let rows: Vec<_> = table.ranked(P99).into_iter().map(|row| line(table, row)).collect();
    let note = "how long a push takes, by percentile, lower is better".to_owned();
    let title = table.title();
    Chart {
        svg: lines(&title, &places, "percentile of pushes", &rows, round),
        legend: legend(&rows),
        title,
        note,
        warning: table.disturbance(),
    }
}

fn line(table: &Table, row: &Row) -> Line {
    let point = |place: usize| Point {
        place,
        spread: row.spread(place),
        hint: hint(row, &table.columns[place], row.spread(place)),
    };
    let p99 = quantity(row.spread(P99).median, "ns");
    let cpu = row.spread(PERCENTILES.len()).median;
    let cpu = match row.role {
        Role::Reference => String::new(),
        _ if cpu.is_nan() => String::new(),
        _ => format!(", CPU {cpu:.0} %"),
    };
    Line {
        name: row.name,
        role: row.role,
        second: false,
        points: (0..PERCENTILES.len()).map(point).collect(),
        note: format!("p99 {p99}{cpu}"),
    }
}
