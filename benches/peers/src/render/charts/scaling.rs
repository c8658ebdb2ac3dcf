//! The same work with more and more producers.

use super::{Chart, hint};
use crate::case::Role;
use crate::outcome::PER_ITEM;
use crate::render::svg::{Line, Point, legend, lines};
use crate::render::words::{quantity, round};
use crate::results::{Results, Table};

/// One chart for each family of cases, drawn from wherever its members are.
pub fn charts(results: &Results) -> Vec<Chart> {
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
        svg: lines(&title, &places, "producers (* oversubscribed)", &rows, round),
        legend: legend(&rows),
        title,
        warning: members.iter().find_map(|(_, table)| table.disturbance()),
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
        let most = members.last().map_or(0, |(producers, _)| *producers);
        let note = points.last().map_or(String::new(), |point| {
            format!("{} at {most}", quantity(point.spread.median, "ns"))
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
