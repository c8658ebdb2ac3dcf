//! A line for each contender, on a logarithmic scale.

use std::fmt::Write;

use super::class;
use crate::case::Role;
use crate::render::html::Text;
use crate::stats::Spread;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = WIDTH - 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = HEIGHT - 46.0;

/// One contender.
pub struct Line {
    pub name: &'static str,
    pub role: Role,
    /// Whether it is the second of its kind, and needs to be told from the first.
    pub second: bool,
    pub points: Vec<Point>,
    /// What the legend adds to the name.
    pub note: String,
}

/// The figure at one of the places along the chart.
pub struct Point {
    pub place: usize,
    pub spread: Spread,
    /// What to say of it when asked.
    pub hint: String,
}

/// Lines through the medians; `places` are named along the bottom, `word` words what is along the side.
pub fn lines(title: &str, places: &[&str], bottom: &str, lines: &[Line], word: impl Fn(f64) -> String) -> String {
    let scale = Scale::of(lines);
    let across = |place: usize| LEFT + 14.0 + (RIGHT - LEFT - 28.0) * place as f64 / (places.len() - 1).max(1) as f64;
    let mut svg = format!(
        r#"<svg class="lines" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
        Text(title)
    );
    for tick in scale.ticks() {
        let y = scale.y(tick);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1}" y2="{y:.1}"/><text x="{}" y="{:.1}" text-anchor="end">{}</text>"#,
            LEFT - 6.0,
            y + 4.0,
            Text(word(tick)),
        );
    }
    for (place, name) in places.iter().enumerate() {
        let _ = write!(
            svg,
            r#"<text x="{:.1}" y="{}" text-anchor="middle">{}</text>"#,
            across(place),
            BOTTOM + 18.0,
            Text(name),
        );
    }
    let middle = (LEFT + RIGHT) / 2.0;
    let _ = write!(
        svg,
        r#"<text x="{middle}" y="{}" text-anchor="middle">{}</text>"#,
        HEIGHT - 8.0,
        Text(bottom)
    );
    // Ours last, on top of the others.
    for line in lines.iter().rev().filter(|line| line.role != Role::Ours) {
        draw(&mut svg, line, &scale, across);
    }
    for line in lines.iter().filter(|line| line.role == Role::Ours) {
        draw(&mut svg, line, &scale, across);
    }
    svg + "</svg>"
}

fn draw(svg: &mut String, line: &Line, scale: &Scale, across: impl Fn(usize) -> f64) {
    let places = line
        .points
        .iter()
        .map(|point| (across(point.place), scale.y(point.spread.median)));
    let path: Vec<_> = places.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = write!(
        svg,
        r#"<g class="{}"><polyline class="line" points="{}"/>"#,
        classes(line),
        path.join(" ")
    );
    for point in &line.points {
        let (x, y) = (across(point.place), scale.y(point.spread.median));
        if line.role == Role::Ours {
            let (least, most) = (scale.y(point.spread.min), scale.y(point.spread.max));
            let _ = write!(
                svg,
                r#"<line class="range" x1="{x:.1}" x2="{x:.1}" y1="{least:.1}" y2="{most:.1}"/>"#
            );
        }
        let _ = write!(
            svg,
            r#"<circle class="dot" cx="{x:.1}" cy="{y:.1}" r="3.5"><title>{}</title></circle>"#,
            Text(&point.hint)
        );
    }
    *svg += "</g>";
}

/// Who is who.
pub fn legend(lines: &[Line]) -> String {
    let mut list = r#"<ul class="legend">"#.to_owned();
    for line in lines {
        let _ = write!(
            list,
            r#"<li class="{}"><svg viewBox="0 0 28 10" aria-hidden="true"><line class="line" x1="1" x2="27" y1="5" y2="5"/><circle class="dot" cx="14" cy="5" r="3.5"/></svg><span><span class="name">{}</span> <small>{}</small></span></li>"#,
            classes(line),
            Text(line.name),
            Text(&line.note),
        );
    }
    list + "</ul>"
}

fn classes(line: &Line) -> String {
    let second = if line.second { " second" } else { "" };
    format!("{}{second}", class(line.name, line.role))
}

/// A logarithmic scale from the bottom up.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// Has room for every median.
    fn of(lines: &[Line]) -> Self {
        let medians = || {
            lines
                .iter()
                .flat_map(|line| &line.points)
                .map(|point| point.spread.median)
        };
        let low = medians().fold(f64::INFINITY, f64::min).max(0.1) / 1.3;
        let high = medians().fold(0.0, f64::max).max(1.0) * 1.3;
        Self { low, high }
    }

    /// What lies outside is drawn at the edge.
    fn y(&self, figure: f64) -> f64 {
        let part = (figure.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        BOTTOM - (BOTTOM - TOP) * part.clamp(0.0, 1.0)
    }

    /// Powers of ten; with steps between if those are few.
    fn ticks(&self) -> Vec<f64> {
        let steps: &[f64] = match (self.high / self.low).log10() {
            decades if decades < 2.5 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let powers = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        powers
            .flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)))
            .filter(|tick| (self.low..=self.high).contains(tick))
            .collect()
    }
}
