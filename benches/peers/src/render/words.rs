//! How figures are worded.

use crate::outcome::Column;
use crate::stats::Spread;

/// A figure with no more digits than it deserves.
pub fn number(figure: f64) -> String {
    match figure {
        f if f.is_nan() => "–".to_owned(),
        f if f.abs() < 100.0 => format!("{f:.2}"),
        f if f.abs() < 1000.0 => format!("{f:.1}"),
        f => format!("{f:.0}"),
    }
}

/// The median, and the range before it is believed.
pub fn spread(spread: Spread) -> String {
    let Spread { min, median, max } = spread;
    if min == max || median.is_nan() {
        return number(median);
    }
    format!("{} ({}–{})", number(median), number(min), number(max))
}

/// How many times as much, as far as it matters.
pub fn times(ratio: f64) -> String {
    if ratio > 1000.0 {
        return "> 1000".to_owned();
    }
    number(ratio)
}

/// A figure for a chart, with the unit that fits it.
pub fn quantity(figure: f64, unit: &str) -> String {
    match unit {
        "ns" if figure >= 1e6 => format!("{} ms", short(figure / 1e6)),
        "ns" if figure >= 1e3 => format!("{} µs", short(figure / 1e3)),
        "bytes per slot" => format!("{} B", short(figure)),
        _ => format!("{} {unit}", short(figure)),
    }
}

/// A round number of nanoseconds, for the side of a chart.
pub fn round(ns: f64) -> String {
    match ns {
        ns if ns >= 1e9 => format!("{} s", ns / 1e9),
        ns if ns >= 1e6 => format!("{} ms", ns / 1e6),
        ns if ns >= 1e3 => format!("{} µs", ns / 1e3),
        ns => format!("{ns} ns"),
    }
}

/// Three digits at most.
pub fn short(figure: f64) -> String {
    match figure {
        f if f.is_nan() => "–".to_owned(),
        f if f < 10.0 => format!("{f:.2}"),
        f if f < 100.0 => format!("{f:.1}"),
        f => format!("{f:.0}"),
    }
}

/// A column with its unit.
pub fn heading(column: &Column) -> String {
    format!("{}, {}", column.name, column.unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_fits_the_figure() {
        assert_eq!(quantity(12.34, "ns"), "12.3 ns");
        assert_eq!(quantity(2_300.0, "ns"), "2.30 µs");
        assert_eq!(quantity(45_000_000.0, "ns"), "45.0 ms");
        assert_eq!(quantity(65.0, "bytes per slot"), "65.0 B");
    }

    #[test]
    fn rounds_that_agree_have_no_range() {
        assert_eq!(spread(Spread::of(&[72.0])), "72.00");
        assert_eq!(spread(Spread::of(&[1.0, 2.0, 300.0])), "2.00 (1.00–300.0)");
    }
}
