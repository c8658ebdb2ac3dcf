//! A bar for each contender.

use std::fmt::Write;

use super::class;
use crate::case::Role;
use crate::render::html::Text;
use crate::stats::Spread;

const WIDTH: f64 = 500.0;
const ROW: f64 = 24.0;
/// Where names end, and bars begin.
const LEFT: f64 = 196.0;
/// Where bars end at the latest, and figures begin.
const RIGHT: f64 = 372.0;

/// A contender, in the unit of the chart.
pub struct Bar {
    pub name: &'static str,
    pub role: Role,
    pub spread: Spread,
    /// The figure in words.
    pub label: String,
    /// What to say of it when asked.
    pub hint: String,
}

/// Bars as long as the medians, and a thin line from the least to the most.
pub fn bars(title: &str, bars: &[Bar]) -> String {
    let height = ROW * bars.len() as f64 + 4.0;
    let longest = bars.iter().map(|bar| bar.spread.median).fold(0.0, f64::max);
    // Some room for the thin lines; those that are longer still are cut off.
    let scale = if longest > 0.0 {
        (RIGHT - LEFT - 8.0) / (1.15 * longest)
    } else {
        0.0
    };
    let at = |figure: f64| (LEFT + figure * scale).clamp(LEFT, RIGHT - 8.0);
    let mut svg = format!(
        r#"<svg class="bars" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">"#,
        Text(title)
    );
    for (row, bar) in bars.iter().enumerate() {
        let top = ROW * row as f64 + 2.0;
        let (base, middle) = (top + 15.0, top + ROW / 2.0 - 1.0);
        let Spread { min, median, max } = bar.spread;
        let _ = write!(
            svg,
            r#"<g class="{}"><title>{}</title><rect class="row" x="0" y="{top}" width="{WIDTH}" height="{ROW}"/>"#,
            class(bar.name, bar.role),
            Text(&bar.hint),
        );
        let _ = write!(
            svg,
            r#"<text class="name" x="{}" y="{base}" text-anchor="end">{}</text>"#,
            LEFT - 8.0,
            Text(shortened(bar.name)),
        );
        let _ = write!(
            svg,
            r#"<rect class="bar" x="{LEFT}" y="{}" width="{:.1}" height="{}" rx="2"/>"#,
            top + 4.0,
            (at(median) - LEFT).max(1.0),
            ROW - 10.0,
        );
        if min < max {
            let _ = write!(
                svg,
                r#"<line class="range" x1="{:.1}" x2="{:.1}" y1="{middle}" y2="{middle}"/>"#,
                at(min),
                at(max),
            );
        }
        let _ = write!(
            svg,
            r#"<text class="figure" x="{RIGHT}" y="{base}">{}</text></g>"#,
            Text(&bar.label)
        );
    }
    svg + "</svg>"
}

/// A name for which there is room; the hint has all of it.
fn shortened(name: &str) -> String {
    const MOST: usize = 26;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    let start: String = name.chars().take(MOST - 1).collect();
    format!("{}…", start.trim_end())
}
