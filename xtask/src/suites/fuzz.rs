//! `fuzz`: every fuzz target for its share of three minutes, on the stable compiler.
//!
//! A target that finds something leaves its input below `fuzz/artifacts` and fails the suite. The
//! sanitizer is one of the compiler's unstable options, hence `RUSTC_BOOTSTRAP`.

use std::path::Path;
use std::process::Command;

use super::tally::Tally;
use super::{Run, Suite};
use crate::install::{self, Set};

/// Shared by all targets; unlimited runs are started by hand.
const SECONDS_ALL: u64 = 180;

pub(crate) fn run(run: &Run, _: &Suite) -> Tally {
    let targets = targets(&run.root);
    if targets.is_empty() {
        println!("skipped: fuzz: there are no targets");
        return Tally::SKIP;
    }
    let Some(tool) = install::tool(&run.root, Set::CargoFuzz) else {
        println!("skipped: fuzz: cargo-fuzz is not installed");
        return Tally { skipped: targets.len(), ..Tally::default() };
    };
    let limit = format!("-max_total_time={}", SECONDS_ALL / targets.len() as u64);
    if !cargo_fuzz(&run.root, &tool, &["build"]) {
        println!("failed: the fuzz targets do not build");
        return Tally::FAIL;
    }
    let mut tally = Tally::default();
    for target in &targets {
        let found = !cargo_fuzz(
            &run.root,
            &tool,
            &["run", target, "--", &limit, "-verbosity=0", "-rss_limit_mb=2048"],
        );
        println!("{target:32} {}", if found { "found something" } else { "found nothing" });
        tally += if found { Tally::FAIL } else { Tally::PASS };
    }
    tally
}

fn cargo_fuzz(root: &Path, tool: &Path, arguments: &[&str]) -> bool {
    // Called as `cargo fuzz` calls it: the subcommand's name comes first.
    let mut command = Command::new(tool);
    command.arg("fuzz").args(arguments).current_dir(root).env("RUSTC_BOOTSTRAP", "1");
    command.status().is_ok_and(|status| status.success())
}

/// Returns the names of all targets, sorted.
fn targets(root: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root.join("fuzz/fuzz_targets")) else { return vec![] };
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            entry.ok()?.file_name().into_string().ok()?.strip_suffix(".rs").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}
