//! Runs seeds from the command line, and makes small what fails.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use sim::{Plan, campaign, run, shrink};

/// Runs the embedded engine over a disk and a clock that fail, one run for each seed.
#[derive(Debug, Parser)]
#[command(
    name = "sim",
    after_help = "Examples:\n  \
    cargo run -p sim -- --seeds 10000      ten thousand runs\n  \
    cargo run -p sim -- --minutes 60       as many as fit into an hour\n  \
    cargo run -p sim -- --seed 4711        one run, every step told; shrunk if it fails"
)]
struct Arguments {
    /// How many runs at least
    #[arg(long, value_name = "N", default_value_t = 200)]
    seeds: u64,
    /// The one seed to run and to tell everything of
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The seed of the first run
    #[arg(long, value_name = "S", default_value_t = 1)]
    from: u64,
    /// Goes on for so long, however many runs that makes
    #[arg(long, value_name = "M", default_value_t = 0.0)]
    minutes: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic is a finding, and told with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    match arguments.seed {
        Some(seed) => one(seed),
        None => many(&arguments),
    }
}

#[expect(clippy::print_stdout, reason = "it is a program for a terminal")]
fn one(seed: u64) -> ExitCode {
    let plan = Plan::of(seed);
    match run(&plan) {
        Ok(report) => {
            report.trace.iter().for_each(|line| println!("{line}"));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("seed {seed}, step {}: {}", failure.step, failure.what);
            let (short, failure) = shrink(&plan, failure);
            println!("the shortest: {:#?}", short.shape);
            short.steps.iter().for_each(|step| println!("  {step:?}"));
            println!("{}", failure.what);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it runs is asked for in minutes")]
#[expect(clippy::print_stdout, reason = "it is a program for a terminal")]
fn many(arguments: &Arguments) -> ExitCode {
    let begin = Instant::now();
    let time = Duration::from_secs_f64(60.0 * arguments.minutes.clamp(0.0, 1e6));
    let total = campaign(arguments.from, &|begun| begun < arguments.seeds || begin.elapsed() < time);
    println!(
        "{} starts, {} comparisons, {} faults, {} spans in {:.1} s",
        total.starts,
        total.checks,
        total.strikes,
        total.spans,
        begin.elapsed().as_secs_f64()
    );
    for (seed, failure) in &total.failed {
        println!("failed: seed {seed}, step {}: {}", failure.step, failure.what);
    }
    println!("{} passed, {} failed", total.passed, total.failed.len());
    match total.failed.first() {
        Some((seed, _)) => one(*seed),
        None => ExitCode::SUCCESS,
    }
}
