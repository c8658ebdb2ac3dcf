//! Who is ahead.

use crate::case::Role;
use crate::outcome::Column;
use crate::results::{Results, Row, Table, standing};

/// Ours next to the best peer, in one column of a case.
#[derive(Debug)]
pub struct Match<'a> {
    /// The case.
    pub table: &'a Table,
    /// Which of its columns.
    pub column: usize,
    /// One of ours.
    pub ours: &'a Row,
    /// The best peer.
    pub best: &'a Row,
    /// How ours stands to it: below 1 if ours is ahead.
    pub ratio: f64,
}

impl Match<'_> {
    /// What is compared.
    pub fn column(&self) -> &'static Column {
        &self.table.columns[self.column]
    }

    /// Whether the peer is ahead, if only by a hundredth.
    pub fn lost(&self) -> bool {
        lost(self.ratio)
    }
}

/// Whether a ratio of ours to theirs shows as more than 1.00.
pub fn lost(ratio: f64) -> bool {
    ratio >= 1.005
}

/// Each of ours next to the best peer, in each column of each case.
pub fn matches(results: &Results) -> Vec<Match<'_>> {
    let mut matches = Vec::new();
    for table in &results.tables {
        for column in 0..table.columns.len() {
            let Some(best) = table.best_peer(column) else { continue };
            for ours in table.by_role(Role::Ours) {
                let ratio = standing(ours, best, column);
                if ratio.is_finite() {
                    matches.push(Match {
                        table,
                        column,
                        ours,
                        best,
                        ratio,
                    });
                }
            }
        }
    }
    matches
}

/// One of ours that is behind, next to the best of the peers that are ahead of it, and all of those.
pub type Loss<'a> = (Match<'a>, Vec<&'a Row>);

/// Every column of every case in which a peer is ahead of one of ours, group by group, the worst first.
pub fn losses(results: &Results) -> Vec<Loss<'_>> {
    let mut losses: Vec<_> = matches(results).into_iter().filter_map(loss).collect();
    losses.sort_by(|(a, _), (b, _)| {
        let groups = a.table.group.cmp(&b.table.group);
        groups.then(b.ratio.total_cmp(&a.ratio))
    });
    losses
}

fn loss(found: Match<'_>) -> Option<Loss<'_>> {
    let Match {
        table, column, ours, ..
    } = found;
    let ahead = |row: &&Row| row.role == Role::Peer && lost(standing(ours, row, column));
    let ahead: Vec<_> = table.ranked(column).into_iter().filter(ahead).collect();
    let best = *ahead.first()?;
    let ratio = standing(ours, best, column);
    Some((Match { best, ratio, ..found }, ahead))
}

/// One of ours on one CPU and on all.
#[derive(Debug)]
pub struct Twins<'a> {
    /// The case on all.
    pub case: &'a str,
    /// Ours on one.
    pub one: &'a Row,
    /// Ours on all.
    pub all: &'a Row,
    /// How the medians stand: below 1 if one CPU is better. The two did not run in turn, so that there are no rounds to
    /// compare.
    pub ratio: f64,
}

/// Each of ours that ran on one CPU and on all.
pub fn twins(results: &Results) -> Vec<Twins<'_>> {
    let mut twins = Vec::new();
    for table in &results.tables {
        let twin = results
            .tables
            .iter()
            .find(|twin| Some(&twin.name) == table.twin.as_ref());
        let Some(twin) = twin else { continue };
        for one in table.by_role(Role::Ours) {
            if let Some(all) = twin.rows.iter().find(|row| row.name == one.name) {
                let ratio = one.spread(0).median / all.spread(0).median;
                twins.push(Twins {
                    case: &twin.name,
                    one,
                    all,
                    ratio,
                });
            }
        }
    }
    twins
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::facts::Facts;
    use crate::group::Group;
    use crate::run::{Effort, run};

    #[test]
    fn every_peer_ahead_is_named() {
        let taking = |nanos| move |items| Duration::from_nanos(nanos * items);
        let case = crate::Case::new(Group::Threads, "a race", 1, 1024)
            .ours("ours", taking(20))
            .peer("slow", taking(30))
            .peer("fast", taking(10))
            .peer("faster", taking(5))
            .reference("does less", taking(1));
        let effort = Effort { rounds: 3, shrink: 1 };
        let results = Results {
            facts: Facts::gather(),
            options: Vec::new(),
            tables: vec![run(&case, effort, || ())],
        };
        let losses = losses(&results);
        let [(found, ahead)] = &losses[..] else {
            panic!("one of ours in one case")
        };
        assert_eq!((found.best.name, found.ratio), ("faster", 4.0));
        let names: Vec<_> = ahead.iter().map(|row| row.name).collect();
        assert_eq!(names, ["faster", "fast"]);
    }
}
