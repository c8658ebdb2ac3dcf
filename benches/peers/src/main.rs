//! Compares `mpsc_ring` with its peers: prints tables, and writes a report to look at.

mod counting;

use std::io;
use std::path::PathBuf;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use mpsc_ring_peers::facts::Facts;
use mpsc_ring_peers::render::{self, markdown};
use mpsc_ring_peers::run::{EffortArgs, run};
use mpsc_ring_peers::{Case, Results, Role, calibration, cases, cpu, memory};

use counting::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// Compares mpsc_ring with other bounded channels.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    effort: EffortArgs,
    /// Run only contenders whose name contains this, next to ours.
    #[arg(long, value_name = "SUBSTRING", default_value = "")]
    only: String,
    /// Run only cases whose name contains this.
    #[arg(long, value_name = "SUBSTRING", default_value = "")]
    case: String,
    /// Pin the process to one CPU before anything else.
    #[arg(long)]
    one_cpu: bool,
    /// Where the report goes.
    #[arg(long, value_name = "DIR", default_value = "target/peers-report")]
    out: PathBuf,
}

impl Args {
    fn cases(&self) -> Vec<Case> {
        let mut cases = vec![calibration::case()];
        cases.extend(
            cases::all()
                .into_iter()
                .chain([memory::case(held)])
                .filter_map(|mut case| {
                    case.contenders
                        .retain(|contender| contender.role == Role::Ours || contender.name.contains(&self.only));
                    case.name.contains(&self.case).then_some(case)
                }),
        );
        cases
    }

    /// What a reader of the report has to know.
    fn options(&self) -> Vec<String> {
        let said = [
            (
                self.effort.quick,
                "quick: every round is shrunk to a sixteenth".to_owned(),
            ),
            (self.one_cpu, "everything is pinned to one CPU".to_owned()),
            (
                !self.only.is_empty(),
                format!("only contenders whose name contains {:?}", self.only),
            ),
            (
                !self.case.is_empty(),
                format!("only cases whose name contains {:?}", self.case),
            ),
        ];
        said.into_iter().filter_map(|(so, what)| so.then_some(what)).collect()
    }
}

/// Counts from the first call on.
fn held() -> i64 {
    ALLOCATOR.start();
    ALLOCATOR.held()
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    if args.one_cpu {
        cpu::pin_to_first();
    }
    mpsc_ring_peers::prepare();
    let (cases, effort) = (args.cases(), args.effort.effort());
    let mut results = Results {
        facts: Facts::gather(),
        options: args.options(),
        tables: Vec::new(),
    };
    let bar = progress(cases.iter().map(|case| effort.steps(case)).sum());
    bar.suspend(|| print!("{}", markdown::facts(&results.facts)));
    for case in &cases {
        bar.set_message(case.name.clone());
        let table = run(case, effort, || bar.inc(1));
        bar.suspend(|| print!("{}", markdown::table(&table)));
        results.tables.push(table);
    }
    bar.finish_and_clear();
    print!("{}", markdown::conclusion(&results));
    for path in render::write(&results, &args.out)? {
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

/// Shows itself on a terminal only, and moves between rounds only: a thread of its own would disturb them.
fn progress(steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {percent}% {elapsed} of {duration}  {wide_msg}");
    ProgressBar::new(steps).with_style(style.expect("a template that can be read"))
}
