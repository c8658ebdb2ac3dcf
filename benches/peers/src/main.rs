//! Prints tables that compare `mpsc_ring` with its peers.

mod counting;

use clap::Parser;
use mpsc_ring_peers::{Role, calibration, cases, facts::Facts, memory, report};

use counting::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// Compares mpsc_ring with other bounded channels.
#[derive(Parser)]
struct Args {
    /// Shrink every round to a sixteenth.
    #[arg(long)]
    quick: bool,
    /// How many times each contender runs.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Run only contenders whose name contains this, next to ours.
    #[arg(long, value_name = "SUBSTRING", default_value = "")]
    only: String,
    /// Run only cases whose name contains this.
    #[arg(long, value_name = "SUBSTRING", default_value = "")]
    case: String,
}

impl Args {
    fn takes_part(&self, role: Role, name: &str) -> bool {
        role == Role::Ours || name.contains(&self.only)
    }
}

fn main() {
    let args = Args::parse();
    mpsc_ring_peers::prepare();
    let rounds = args.rounds as usize;
    let shrink = if args.quick { 16 } else { 1 };

    print!("{}", Facts::gather());
    report::calibrations(&calibration::all(), rounds, shrink);

    for mut case in cases::all() {
        if case.name.contains(&args.case) {
            case.contenders
                .retain(|contender| args.takes_part(contender.role, contender.name));
            report::case(&case, rounds, case.items / shrink);
        }
    }

    if "memory".contains(&args.case) {
        let mut weighed = memory::all();
        weighed.retain(|weighed| args.takes_part(weighed.role, weighed.name));
        ALLOCATOR.start();
        report::footprints(&weighed, || ALLOCATOR.held());
    }
}
