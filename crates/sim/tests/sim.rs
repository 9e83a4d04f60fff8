//! Seeds, as many as `SIM_SECONDS` give time for, and always two hundred.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use sim::{Plan, campaign, run, shrink};

/// Whatever it takes.
const SEEDS_MIN: u64 = 200;

#[expect(clippy::disallowed_methods, reason = "how long it runs is given in seconds")]
#[expect(clippy::print_stdout, reason = "it prints what libtest would")]
fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let seconds = std::env::var("SIM_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    let (begin, time) = (Instant::now(), Duration::from_secs(seconds));
    let total = campaign(1, &|begun| begun < SEEDS_MIN || begin.elapsed() < time);
    for (seed, failure) in &total.failed {
        println!("seed {seed} failed at step {}: {}", failure.step, failure.what);
        let (short, failure) = shrink(&Plan::of(*seed), failure.clone());
        println!("the shortest: {:?}", short.shape);
        short.steps.iter().for_each(|step| println!("  {step:?}"));
        println!("{}; again: cargo run -p sim -- --seed {seed}", failure.what);
    }
    println!(
        "{} starts, {} comparisons, {} faults, {} spans",
        total.starts, total.checks, total.strikes, total.spans
    );
    let same = run(&Plan::of(7)) == run(&Plan::of(7));
    if !same {
        println!("seed 7 ran twice, and not alike");
    }
    let (passed, failed) = (total.passed + u64::from(same), total.failed.len() + usize::from(!same));
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {word}. {passed} passed; {failed} failed; in {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
