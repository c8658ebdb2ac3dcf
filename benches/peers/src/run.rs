//! Rounds.

use crate::case::Case;
use crate::others::Watch;
use crate::results::Table;

/// Before the first round, everybody does this fraction of one.
const WARM_UP: u64 = 16;

/// How much to run of each case, as the command line says it.
#[derive(clap::Args)]
pub struct EffortArgs {
    /// Shrink every round to a sixteenth.
    #[arg(long)]
    pub quick: bool,
    /// How many times each contender runs.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

impl EffortArgs {
    /// The effort that this asks for.
    pub fn effort(&self) -> Effort {
        Effort {
            rounds: self.rounds as usize,
            shrink: if self.quick { 16 } else { 1 },
        }
    }
}

/// How much to run of each case.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How many times each contender runs.
    pub rounds: usize,
    /// What fraction of its items a round has.
    pub shrink: u64,
}

impl Effort {
    /// How many times a contender of `case` will run, the warm-up included.
    pub fn steps(&self, case: &Case) -> u64 {
        let (_, rounds) = self.of(case);
        (case.contenders.len() * (rounds + 1)) as u64
    }

    fn of(&self, case: &Case) -> (u64, usize) {
        if case.exact {
            (case.items, 1)
        } else {
            (case.items / self.shrink, self.rounds)
        }
    }
}

/// Runs `case` with all contenders in turn, round after round, each round beginning with another. Calls `step` after
/// each.
pub fn run(case: &Case, effort: Effort, step: impl Fn()) -> Table {
    let (items, rounds) = effort.of(case);
    let mut table = Table::new(case, items, rounds);
    let watch = Watch::start();
    // Whoever ran first would pay for waking the machine.
    for contender in &case.contenders {
        contender.run(items / WARM_UP);
        step();
    }
    for round in 0..rounds {
        for turn in 0..case.contenders.len() {
            let next = (round + turn) % case.contenders.len();
            let figures = case.contenders[next].run(items);
            for (column, figure) in table.rows[next].figures.iter_mut().zip(figures) {
                column.push(figure);
            }
            step();
        }
    }
    table.others = watch.others();
    table
}
