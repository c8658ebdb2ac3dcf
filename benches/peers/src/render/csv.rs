//! The numbers for other programs: a line for each figure of each contender.

use std::fmt::Write;

use crate::case::Role;
use crate::results::{Results, standing};
use crate::stats::Spread;

const HEAD: &str = "group,case,oversubscribed,items,rounds,others_percent,contender,role,figure,unit,min,median,max,ours_over_contender";

/// Every figure.
pub fn table(results: &Results) -> String {
    let mut text = format!("{HEAD}\n");
    for table in &results.tables {
        let like = table.by_role(Role::Ours).next();
        for (column, what) in table.columns.iter().enumerate() {
            for row in &table.rows {
                let Spread { min, median, max } = row.spread(column);
                let ratio = like.map_or(f64::NAN, |ours| standing(ours, row, column));
                let _ = write!(
                    text,
                    "{},{},{},{},{},{},",
                    quoted(table.group.title()),
                    quoted(&table.name),
                    table.oversubscribed,
                    table.items,
                    table.rounds,
                    plain(table.others)
                );
                let _ = write!(
                    text,
                    "{},{:?},{},{},",
                    quoted(row.name),
                    row.role,
                    quoted(what.name),
                    quoted(what.unit)
                );
                let numbers = [min, median, max, ratio].map(plain).join(",");
                let _ = writeln!(text, "{numbers}");
            }
        }
    }
    text
}

/// Nothing where nothing is known.
fn plain(figure: f64) -> String {
    if figure.is_finite() {
        format!("{figure:.4}")
    } else {
        String::new()
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_quotes_stay_inside() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
    }
}
