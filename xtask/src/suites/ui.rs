//! `ui`: the committed UI is what its sources make, then every page in a browser against the binary as it is now.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::tally::Tally;
use super::{Run, Suite};
use crate::install::{self, Set};

/// Runs both; without a browser or npm it is skipped, with the reason.
pub(crate) fn run(run: &Run, _: &Suite) -> Tally {
    let Some(chromium) = install::tool(&run.root, Set::Chromium) else {
        println!("skipped: chromium: not installed");
        return Tally::SKIP;
    };
    let ui = run.root.join("ui");
    let mut tally = match crate::ui::run(&run.root, true) {
        Ok(()) => Tally::PASS,
        Err(why) => {
            println!("failed: {why}");
            return Tally::FAIL;
        }
    };
    if !succeeds(&run.root, "cargo", &["build", "--quiet", "--package", "server"]) {
        println!("failed: the server does not build");
        return Tally::FAIL;
    }
    tally += of_script(&ui, &["run", "--silent", "e2e"], &chromium);
    tally
}

/// Builds UI and server, then takes the pictures anew that the suite compares with; tells whether that went well.
pub(super) fn renew_shots(root: &Path) -> bool {
    let Some(chromium) = install::tool(root, Set::Chromium) else {
        println!("chromium is not installed");
        return false;
    };
    if let Err(why) = crate::ui::run(root, false) {
        println!("{why}");
        return false;
    }
    succeeds(root, "cargo", &["build", "--quiet", "--package", "server"])
        && of_script(&root.join("ui"), &["run", "--silent", "shots"], &chromium).failed == 0
}

/// Runs a script of the UI's, prints what it prints, and reads its counts. One without any has failed.
fn of_script(ui: &Path, arguments: &[&str], chromium: &Path) -> Tally {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(ui).env("NO_COLOR", "1").env("CHROMIUM", chromium);
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("failed: npm does not start: {error}");
            return Tally::FAIL;
        }
    };
    let mut tally = Tally::default();
    let stdout = child.stdout.take().expect("it was asked for");
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        println!("{line}");
        tally += of_line(&line);
    }
    let ended_well = child.wait().is_ok_and(|status| status.success());
    if !ended_well && tally.failed == 0 || tally == Tally::default() {
        tally.failed += 1;
    }
    tally
}

/// Reads `      Tests  1 failed | 15 passed (16)`.
fn of_line(line: &str) -> Tally {
    let mut tally = Tally::default();
    let Some(counts) = line.trim_start().strip_prefix("Tests ") else { return tally };
    for part in counts.split(['|', '(']) {
        let mut words = part.split_whitespace();
        let count = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        match words.next() {
            Some("passed") => tally.passed = count,
            Some("failed") => tally.failed = count,
            Some("skipped") => tally.skipped = count,
            _ => {}
        }
    }
    tally
}

fn succeeds(folder: &Path, program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).current_dir(folder).status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_closing_line() {
        assert_eq!(of_line("      Tests  1 failed | 15 passed (16)").to_string(), "15 passed, 1 failed");
        assert_eq!(of_line("      Tests  16 passed (16)").to_string(), "16 passed, 0 failed");
        assert_eq!(of_line(" Test Files  1 passed (1)").to_string(), "0 passed, 0 failed");
    }
}
