//! Tables in Markdown.

use std::fmt::Write;

use super::words::{heading, number, spread, times};
use crate::case::Role;
use crate::disk::blocking::Calls;
use crate::facts::Facts;
use crate::group::Group;
use crate::outcome::PER_ITEM;
use crate::results::{Results, Row, Table, standing};
use crate::verdict::{Match, Twins, losses, matches, twins};

/// Everything.
pub fn document(results: &Results) -> String {
    let mut text = format!("# mpsc_ring and its peers\n\n{}", facts(&results.facts));
    for option in &results.options {
        let _ = writeln!(text, "- {option}");
    }
    if let Some(others) = results.others() {
        let _ = writeln!(text, "- others took, in % of a core, by case: {}", spread(others));
    }
    text += &conclusion(results);
    for group in Group::ALL {
        let mut tables = results.of(group).peekable();
        if tables.peek().is_some() {
            let _ = write!(text, "\n## {}\n\n{}\n", group.title(), group.about());
        }
        text.extend(tables.map(table));
    }
    text
}

/// The machine.
pub fn facts(facts: &Facts) -> String {
    let lines = facts.lines().into_iter();
    lines.map(|(name, value)| format!("- {name}: {value}\n")).collect()
}

/// A case.
pub fn table(table: &Table) -> String {
    let mut text = format!("\n### {}\n\n", escaped(&table.title()));
    let rounds = if table.rounds == 1 { "round" } else { "rounds" };
    let _ = write!(text, "{} items a round, {} {rounds}", table.items, table.rounds);
    if let Some(disturbance) = table.disturbance() {
        let _ = write!(text, "; {disturbance}");
    }
    text += "\n\n";
    // The first of ours does what the peers do.
    let like = table.by_role(Role::Ours).next();
    text += &head(table, like.is_some());
    for row in table.ranked(0) {
        text += &line(table, row, like);
    }
    text
}

fn head(table: &Table, compares: bool) -> String {
    let mut names = vec!["contender".to_owned()];
    if let [column] = table.columns {
        names.extend([format!("median {}", column.unit), "min".to_owned(), "max".to_owned()]);
    } else {
        names.extend(table.columns.iter().map(heading));
    }
    if compares {
        names.push(format!("ours/contender, {}", table.columns[0].name));
    }
    format!("| {} |\n|---|{}\n", names.join(" | "), "--:|".repeat(names.len() - 1))
}

fn line(table: &Table, row: &Row, like: Option<&Row>) -> String {
    let mut cells = vec![match row.role {
        Role::Ours => format!("**{}**", escaped(row.name)),
        Role::Peer => escaped(row.name),
        Role::Reference => format!("({})", escaped(row.name)),
    }];
    if table.columns.len() == 1 {
        let spread = row.spread(0);
        cells.extend([spread.median, spread.min, spread.max].map(number));
    } else {
        cells.extend((0..table.columns.len()).map(|column| spread(row.spread(column))));
    }
    cells.extend(like.map(|ours| number(standing(ours, row, 0))));
    format!("| {} |\n", cells.join(" | "))
}

/// How long calls kept their caller.
pub fn calls(calls: &[Calls]) -> String {
    let mut text = "\n### How long a call keeps its caller, in µs\n\n\
                    | `Fsync` | call | times | p50 | p99 | p99.9 | p99.99 | max |\n\
                    |---|---|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for Calls { policy, call, took } in calls {
        let at = |quantile| number(took.value_at_quantile(quantile) as f64 / 1e3);
        let took_so_long = [0.5, 0.99, 0.999, 0.9999, 1.0].map(at).join(" | ");
        let _ = writeln!(text, "| {policy} | {call} | {} | {took_so_long} |", took.len());
    }
    text
}

/// Ours next to the best peer of each case, and where a peer is ahead.
pub fn conclusion(results: &Results) -> String {
    let found = matches(results);
    let (times, others): (Vec<_>, Vec<_>) = found
        .iter()
        .filter(|found| found.column().headline)
        .partition(|found| *found.column() == PER_ITEM);
    let mut text = String::new();
    if !times.is_empty() {
        text += "\n## Ours and the best peer\n\n\
                 | case | ours | ns per item (range) | best peer | its ns (range) | ours / best |\n\
                 |---|---|--:|---|--:|--:|\n";
        text.extend(times.into_iter().map(|found| best(found, "")));
    }
    if !others.is_empty() {
        text += "\n## Latency, waking, CPU, memory\n\n\
                 | case | figure | ours | (range) | best peer | its (range) | ours / best |\n\
                 |---|---|---|--:|---|--:|--:|\n";
        let figure = |found: &Match| format!(" {} |", heading(found.column()));
        text.extend(others.into_iter().map(|found| best(found, &figure(found))));
    }
    text + &one_to_all(results) + &where_we_lose(results)
}

fn one_to_all(results: &Results) -> String {
    let twins = twins(results);
    if twins.is_empty() {
        return String::new();
    }
    let mut text = "\n## Ours on one CPU and on all\n\n\
                    | case | ours | ns per item on one CPU (range) | on all (range) | one / all |\n\
                    |---|---|--:|--:|--:|\n"
        .to_owned();
    for Twins { case, one, all, ratio } in twins {
        let (name, ratio) = (escaped(one.name), number(ratio));
        let (one, all) = (spread(one.spread(0)), spread(all.spread(0)));
        let _ = writeln!(text, "| {case} | {name} | {one} | {all} | {ratio} |");
    }
    text
}

fn best(found: &Match<'_>, figure: &str) -> String {
    let Match {
        table,
        column,
        ours,
        best,
        ratio,
    } = found;
    let ratio = if found.lost() {
        format!("**{}**", times(*ratio))
    } else {
        times(*ratio)
    };
    format!(
        "| {} |{figure} {} | {} | {} | {} | {ratio} |\n",
        escaped(&table.title()),
        escaped(ours.name.strip_prefix("ours, ").unwrap_or(ours.name)),
        spread(ours.spread(*column)),
        escaped(best.name),
        spread(best.spread(*column)),
    )
}

fn where_we_lose(results: &Results) -> String {
    let losses = losses(results);
    let mut text = "\n## Where we lose\n\n".to_owned();
    if losses.is_empty() {
        return text + "Nowhere in this run.\n";
    }
    text += "| case | figure | ours | (range) | faster | its (range) | ours / faster | all that are faster |\n\
             |---|---|---|--:|---|--:|--:|---|\n";
    for (found, ahead) in losses {
        let ahead: Vec<_> = ahead.iter().map(|row| escaped(row.name)).collect();
        let figure = format!(" {} |", heading(found.column()));
        let line = best(&found, &figure);
        let _ = writeln!(text, "{} {} |", line.trim_end(), ahead.join("; "));
    }
    text
}

/// So that nothing is taken for a tag or the end of a cell.
fn escaped(text: &str) -> String {
    text.replace('<', "\\<").replace('|', "\\|")
}
