//! Rounds, and tables of them.

use crate::calibration::Calibration;
use crate::case::{Case, Role};
use crate::facts;
use crate::memory::{Footprint, SLOTS, Weighed};

/// Before the first round, everybody does this fraction of one.
const WARM_UP: u64 = 16;

/// What one contender came to: nanoseconds per item, round by round.
struct Row {
    name: &'static str,
    role: Role,
    rounds: Vec<f64>,
}

/// Runs `case` with all contenders in turn, round after round, each round beginning with another, and prints a table.
pub fn case(case: &Case, rounds: usize, items: u64) {
    let crowd = if case.busy > facts::cores() {
        ", oversubscribed"
    } else {
        ""
    };
    println!("\n### {}{crowd}\n", case.name);
    println!("{items} items a round, {rounds} rounds\n");
    let mut rows: Vec<_> = case
        .contenders
        .iter()
        .map(|contender| Row {
            name: contender.name,
            role: contender.role,
            rounds: Vec::new(),
        })
        .collect();
    // Whoever ran first would pay for waking the machine.
    for contender in &case.contenders {
        contender.run(items / WARM_UP);
    }
    for round in 0..rounds {
        for turn in 0..rows.len() {
            let next = (round + turn) % rows.len();
            let took = case.contenders[next].run(items);
            rows[next].rounds.push(took.as_nanos() as f64 / items as f64);
        }
    }
    print_rows(rows);
}

fn print_rows(mut rows: Vec<Row>) {
    // The first of ours does what the peers do.
    let like = rows
        .iter()
        .find(|row| row.role == Role::Ours)
        .map(|row| row.rounds.clone());
    rows.sort_by(|a, b| median(&a.rounds).total_cmp(&median(&b.rounds)));
    println!("| contender | median ns/item | min | max | ours/contender |");
    println!("|---|--:|--:|--:|--:|");
    for row in &rows {
        let (min, max) = extremes(&row.rounds);
        let name = match row.role {
            Role::Ours => format!("**{}**", row.name),
            Role::Peer => row.name.to_owned(),
            Role::Reference => format!("({})", row.name),
        };
        let ratio = like.as_ref().map_or(f64::NAN, |like| ratio(like, &row.rounds));
        let middle = median(&row.rounds);
        println!("| {name} | {middle:.2} | {min:.2} | {max:.2} | {ratio:.2} |");
    }
    println!();
    let Some(best) = rows.iter().find(|row| row.role == Role::Peer) else {
        return;
    };
    for ours in rows.iter().filter(|row| row.role == Role::Ours) {
        let ratio = ratio(&ours.rounds, &best.rounds);
        println!("best peer {}; {}/best = {ratio:.2}", best.name, ours.name);
    }
}

/// Prints a table of what the machine itself takes.
pub fn calibrations(calibrations: &[Calibration], rounds: usize, shrink: u64) {
    println!("\n### calibration\n");
    println!("| what | median ns | min | max |");
    println!("|---|--:|--:|--:|");
    for calibration in calibrations {
        let figures: Vec<_> = (0..rounds)
            .map(|_| calibration.run(calibration.count / shrink))
            .collect();
        let (min, max) = extremes(&figures);
        println!(
            "| {} | {:.2} | {min:.2} | {max:.2} |",
            calibration.name,
            median(&figures)
        );
    }
}

/// Prints a table of what large channels allocate.
pub fn footprints(weighed: &[Weighed], held: fn() -> i64) {
    println!("\n### memory, {SLOTS} items of 64 bytes\n");
    println!("| contender | bytes when empty | bytes when full | per item when full |");
    println!("|---|--:|--:|--:|");
    for weighed in weighed {
        let Footprint { empty, full } = weighed.weigh(held);
        let name = match weighed.role {
            Role::Ours => format!("**{}**", weighed.name),
            Role::Peer | Role::Reference => weighed.name.to_owned(),
        };
        println!("| {name} | {empty} | {full} | {:.1} |", full as f64 / SLOTS as f64);
    }
}

/// The median of what each round says, as a round's contenders met the same weather.
fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let ratios: Vec<_> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    median(&ratios)
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}

fn extremes(figures: &[f64]) -> (f64, f64) {
    let min = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let max = figures.iter().copied().fold(0.0, f64::max);
    (min, max)
}
