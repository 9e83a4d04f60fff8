//! `cargo xtask test`: the only runner of tests.
//!
//! A suite has a name, prints what it does with its seconds and its counts, and gives a [`Tally`].
//! Each test target of the workspace that is called like a suite (`crates/server/tests/clients.rs`)
//! belongs to it; all others are `unit`. Without `--install` a suite runs what its machine has, and
//! what it lacks is skipped with the reason; with it, what is lacking is fetched meanwhile and a
//! skip is a failure, because a suite that was not run has proved nothing.
//!
//! The last line is alone on it and always the same: `N passed, N failed`, and `, N skipped`.

mod binaries;
mod fuzz;
mod gates;
mod tally;
mod ui;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::clock;
use crate::install::{Installs, Set};
use binaries::Binaries;
use tally::Tally;

/// One suite: `cargo xtask test NAME` runs it.
struct Suite {
    name: &'static str,
    about: &'static str,
    /// Whether it runs only when asked for, by name or by `--gates`.
    gate: bool,
    needs: &'static [Set],
    run: fn(&Run, &Self) -> Tally,
}

/// Every suite, in the order in which they run: what fails fast comes first.
const SUITES: &[Suite] = &[
    Suite {
        name: "lint",
        about: "format, tidy, clippy, docs, container",
        gate: true,
        needs: &[],
        run: gates::run,
    },
    Suite { name: "unit", about: "every test of every crate", gate: false, needs: &[], run: binaries::unit },
    Suite {
        name: "grafana",
        about: "the requests of Grafana's data source",
        gate: false,
        needs: &[],
        run: binaries::suite,
    },
    Suite {
        name: "sdk",
        about: "the SDK against the server",
        gate: false,
        needs: &[Set::Collector],
        run: binaries::suite,
    },
    Suite {
        name: "faults",
        about: "kills, torn files, full disks",
        gate: false,
        needs: &[Set::Apt],
        run: binaries::suite,
    },
    Suite {
        name: "sim",
        about: "the engine over a disk that fails, two minutes of seeds",
        gate: false,
        needs: &[],
        run: binaries::seeds,
    },
    Suite {
        name: "ui",
        about: "the UI's model, and its pages in a browser",
        gate: false,
        needs: &[Set::Chromium, Set::NodeCurrent, Set::PythonCurrent],
        run: ui::run,
    },
    Suite {
        name: "clients",
        about: "the programs that people already run",
        gate: false,
        needs: &[
            Set::Apt,
            Set::PythonOld,
            Set::PythonWeb,
            Set::PythonCurrent,
            Set::NodeOld,
            Set::NodeCurrent,
            Set::Go,
            Set::Java,
            Set::Kafka,
        ],
        run: binaries::suite,
    },
    Suite {
        name: "container",
        about: "the image, built and run",
        gate: false,
        needs: &[Set::Apt],
        run: binaries::suite,
    },
    Suite {
        name: "licences",
        about: "what is linked in, by cargo deny",
        gate: true,
        needs: &[Set::CargoDeny],
        run: gates::licences,
    },
    Suite {
        name: "fuzz",
        about: "three minutes over all fuzz targets",
        gate: true,
        needs: &[Set::CargoFuzz],
        run: fuzz::run,
    },
];

/// What all suites of one call share.
struct Run {
    root: PathBuf,
    /// With `--install`, a skip is a failure.
    strict: bool,
    installs: Option<Installs>,
    /// Built once, by the first suite that needs them; `None` inside when they do not build.
    binaries: OnceCell<Option<Binaries>>,
}

impl Run {
    /// Waits until `set` is installed; says what went wrong if it cannot be.
    fn wait_for(&self, set: Set) -> Result<(), String> {
        self.installs.as_ref().map_or(Ok(()), |installs| installs.wait_for(set))
    }
}

/// Returns the name of every suite.
pub(crate) fn names() -> Vec<&'static str> {
    SUITES.iter().map(|suite| suite.name).collect()
}

/// Makes the pictures of the UI's pages anew.
pub(crate) fn shots(root: &Path) -> ExitCode {
    if ui::renew_shots(root) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the suites named in `arguments`, or all that are no gates.
pub(crate) fn command(root: &Path, arguments: &[String]) -> ExitCode {
    let (mut install, mut gates, mut named) = (false, false, Vec::new());
    for argument in arguments {
        match argument.as_str() {
            "--install" => install = true,
            "--gates" => gates = true,
            name if names().contains(&name) => named.push(name),
            other => {
                eprintln!("`{other}` is no suite; there are:");
                for suite in SUITES {
                    eprintln!("  {:9} {}", suite.name, suite.about);
                }
                return ExitCode::from(2);
            }
        }
    }
    let chosen: Vec<&Suite> = SUITES
        .iter()
        .filter(|suite| if named.is_empty() { gates || !suite.gate } else { named.contains(&suite.name) })
        .collect();
    let installs = install.then(|| Installs::start(root, &needs(&chosen)));
    let run = Run { root: root.to_path_buf(), strict: install, installs, binaries: OnceCell::new() };
    let total = run_all(&run, &chosen);
    println!("{total}");
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Collects what the chosen suites need, in the order in which they will ask for it.
fn needs(chosen: &[&Suite]) -> Vec<Set> {
    let mut sets = Vec::new();
    for suite in chosen {
        sets.extend_from_slice(suite.needs);
        if suite.name == "lint" {
            sets.extend_from_slice(&gates::NEEDS);
        }
    }
    sets
}

fn run_all(run: &Run, chosen: &[&Suite]) -> Tally {
    let mut total = Tally::default();
    let mut rows = Vec::new();
    for suite in chosen {
        println!("\n== {}: {}", suite.name, suite.about);
        let (tally, took) = clock::timed(|| run_one(run, suite));
        println!("== {}: {tally} in {}", suite.name, seconds(took));
        rows.push(format!("{:9} {:>8}  {tally}", suite.name, seconds(took)));
        total += tally;
    }
    println!("\n{}", rows.join("\n"));
    closing(total, run.strict)
}

/// Returns what the last line says. Where everything is installed, what was skipped has failed.
fn closing(total: Tally, strict: bool) -> Tally {
    if !strict || total.skipped == 0 {
        return total;
    }
    println!("a skip is a failure here: {} counted as failed", total.skipped);
    Tally { failed: total.failed + total.skipped, skipped: 0, ..total }
}

fn run_one(run: &Run, suite: &Suite) -> Tally {
    let mut tally = Tally::default();
    for set in suite.needs {
        if let Err(why) = run.wait_for(*set) {
            println!("failed: {why}");
            tally.failed += 1;
        }
    }
    tally += (suite.run)(run, suite);
    tally
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_a_failure_where_everything_is_installed() {
        let total = Tally { passed: 5, failed: 1, skipped: 2 };
        assert_eq!(closing(total, true).to_string(), "5 passed, 3 failed");
        assert_eq!(closing(total, false).to_string(), "5 passed, 1 failed, 2 skipped");
    }
}
