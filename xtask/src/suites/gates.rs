//! `lint`: what must hold before anybody reads a change. Each gate counts as one test.

use std::path::Path;
use std::process::{Command, ExitCode};

use super::tally::Tally;
use super::{Run, Suite};
use crate::install::{self, Set};
use crate::{clock, tidy};

/// What the gates need, waited for by the gate that needs it.
pub(crate) const NEEDS: [Set; 2] = [Set::Hadolint, Set::Apt];

type Gate = fn(&Run) -> Tally;

pub(crate) fn run(run: &Run, _: &Suite) -> Tally {
    let mut tally = Tally::default();
    let gates: [(&str, Gate); 6] = [
        ("format", |run| cargo(run, &["fmt", "--all", "--check"])),
        ("tidy", |run| of(tidy::command(&run.root, &super::names()) == ExitCode::SUCCESS)),
        ("proto", proto),
        ("clippy", |run| {
            cargo(run, &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
        }),
        ("docs", |run| cargo(run, &["doc", "--workspace", "--no-deps", "--all-features"])),
        ("container", container),
    ];
    for (name, gate) in gates {
        let (result, took) = clock::timed(|| gate(run));
        println!("{name:32} {result} in {:.1} s", took.as_secs_f64());
        tally += result;
    }
    tally
}

fn of(holds: bool) -> Tally {
    if holds { Tally::PASS } else { Tally::FAIL }
}

fn cargo(run: &Run, arguments: &[&str]) -> Tally {
    let mut command = Command::new("cargo");
    command.arg("--quiet").args(arguments).env("RUSTDOCFLAGS", "-D warnings");
    of(succeeds(&run.root, command))
}

/// Licences, duplicates and origins of everything that is linked in. A suite of its own at the end,
/// because its tool takes minutes to build on a bare machine.
pub(crate) fn licences(run: &Run, _: &Suite) -> Tally {
    let Some(tool) = waited(run, Set::CargoDeny) else { return Tally::SKIP };
    // It looks at every platform's dependencies, more than a build on this one has fetched.
    let mut fetch = Command::new("cargo");
    fetch.args(["fetch", "--quiet", "--locked"]);
    if !succeeds(&run.root, fetch) {
        return Tally::FAIL;
    }
    let mut command = Command::new(tool);
    // The list of advisories is in no registry; what can be checked offline is.
    command.args(["--offline", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]);
    of(succeeds(&run.root, command))
}

/// The committed messages of the query APIs are what `cargo xtask proto` would make now.
fn proto(run: &Run) -> Tally {
    let current = crate::proto::run(&run.root, true);
    if let Err(why) = &current {
        println!("{why}");
    }
    of(current.is_ok())
}

/// The container file by its linter, the composition by docker-compose's own reader.
fn container(run: &Run) -> Tally {
    let mut tally = Tally::default();
    if let Some(tool) = waited(run, Set::Hadolint) {
        let mut command = Command::new(tool);
        command.arg("Containerfile");
        tally += of(succeeds(&run.root, command));
    } else {
        tally += Tally::SKIP;
    }
    if let Some(tool) = waited(run, Set::Apt) {
        let mut command = Command::new(tool);
        command.args(["-f", "compose.yaml", "config", "--quiet"]);
        tally += of(succeeds(&run.root, command));
    } else {
        tally += Tally::SKIP;
    }
    tally
}

/// Returns the program of `set` once it is there; says so when it is not.
fn waited(run: &Run, set: Set) -> Option<std::path::PathBuf> {
    if let Err(why) = run.wait_for(set) {
        println!("failed: {why}");
    }
    let tool = install::tool(&run.root, set);
    if tool.is_none() {
        println!("skipped: {set:?}: not installed");
    }
    tool
}

fn succeeds(root: &Path, mut command: Command) -> bool {
    match command.current_dir(root).status() {
        Ok(status) => status.success(),
        Err(error) => {
            println!("failed: {command:?} does not start: {error}");
            false
        }
    }
}
