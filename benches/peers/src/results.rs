//! The numbers: what was measured, before anybody words or draws it.

use crate::case::{Case, Contender, Role, Step};
use crate::facts::{self, Facts};
use crate::group::Group;
use crate::others::TOLERABLE;
use crate::outcome::Column;
use crate::stats::{Spread, ratio};

/// Everything that a run found.
#[derive(Debug)]
pub struct Results {
    /// Where.
    pub facts: Facts,
    /// What was asked for, if not everything at full length.
    pub options: Vec<String>,
    /// One for each case, in the order in which they ran.
    pub tables: Vec<Table>,
}

impl Results {
    /// What other programs took of the machine, case by case, in % of a core; `None` if it is not known here.
    pub fn others(&self) -> Option<Spread> {
        let known = self
            .tables
            .iter()
            .map(|table| table.others)
            .filter(|others| others.is_finite());
        let known: Vec<_> = known.collect();
        (!known.is_empty()).then(|| Spread::of(&known))
    }

    /// The tables of one part of the comparison.
    pub fn of(&self, group: Group) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(move |table| table.group == group)
    }
}

/// What the contenders of a case came to.
#[derive(Debug)]
pub struct Table {
    /// The part of the comparison it belongs to.
    pub group: Group,
    /// The name of the case.
    pub name: String,
    /// How many items made a round.
    pub items: u64,
    /// How many rounds there were.
    pub rounds: usize,
    /// What other programs took of the machine meanwhile, in % of a core; not a number if it is not known here.
    pub others: f64,
    /// Whether more threads were at work than there are cores.
    pub oversubscribed: bool,
    /// Where the case stands among those with more or fewer producers.
    pub step: Option<Step>,
    /// The case that does the same on all cores.
    pub twin: Option<String>,
    /// What each figure means.
    pub columns: &'static [Column],
    /// One for each contender, in the order of the case.
    pub rows: Vec<Row>,
}

/// What one contender came to.
#[derive(Debug)]
pub struct Row {
    /// The name of the contender.
    pub name: &'static str,
    /// What it is to the comparison.
    pub role: Role,
    /// The figures of each column, round by round.
    pub figures: Vec<Vec<f64>>,
}

impl Row {
    /// Where the rounds lie in `column`.
    pub fn spread(&self, column: usize) -> Spread {
        Spread::of(&self.figures[column])
    }
}

impl Table {
    pub(crate) fn new(case: &Case, items: u64, rounds: usize) -> Self {
        let row = |contender: &Contender| Row {
            name: contender.name,
            role: contender.role,
            figures: vec![Vec::with_capacity(rounds); case.columns.len()],
        };
        let cores = if case.group == Group::OneCpu { 1 } else { facts::cores() };
        Self {
            group: case.group,
            name: case.name.clone(),
            items,
            rounds,
            others: f64::NAN,
            oversubscribed: case.busy > cores,
            step: case.step,
            twin: case.twin.clone(),
            columns: case.columns,
            rows: case.contenders.iter().map(row).collect(),
        }
    }

    /// The name, with a warning where one is due.
    pub fn title(&self) -> String {
        let crowd = if self.oversubscribed { ", oversubscribed" } else { "" };
        format!("{}{crowd}", self.name)
    }

    /// A warning, if other programs took more than they should have for figures to be trusted.
    pub fn disturbance(&self) -> Option<String> {
        (self.others > TOLERABLE).then(|| format!("disturbed: others took {:.0} % of a core", self.others))
    }

    /// The rows, the best in `column` first.
    pub fn ranked(&self, column: usize) -> Vec<&Row> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by(|a, b| a.spread(column).median.total_cmp(&b.spread(column).median));
        rows
    }

    /// The rows of `role`.
    pub fn by_role(&self, role: Role) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.role == role)
    }

    /// The peer with the least median in `column`.
    pub fn best_peer(&self, column: usize) -> Option<&Row> {
        self.ranked(column).into_iter().find(|row| row.role == Role::Peer)
    }
}

/// How `ours` stands to `theirs` in `column`: below 1 if ours is ahead.
pub fn standing(ours: &Row, theirs: &Row, column: usize) -> f64 {
    ratio(&ours.figures[column], &theirs.figures[column])
}
