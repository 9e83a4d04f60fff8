//! `cargo xtask ui`: the UI checked, tested and built into `ui/dist`, which is committed.
//!
//! A build of the server never runs node; it takes what is here. With `--check` nothing changes but the answer:
//! it fails unless the committed files are those that the sources make.

use std::path::Path;
use std::process::Command;

/// What is run in `ui/`, in this order.
const STEPS: [&[&str]; 4] = [
    &["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    &["npm", "run", "--silent", "check"],
    &["npm", "run", "--silent", "test"],
    &["npm", "run", "--silent", "build"],
];

/// Runs all steps; says which one failed.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    for step in STEPS {
        done(Command::new(step[0]).args(&step[1..]).current_dir(root.join("ui")), &step.join(" "))?;
    }
    if check {
        let mut compare = Command::new("git");
        compare.args(["status", "--porcelain", "--", "ui/dist"]).current_dir(root);
        let changed = compare.output().map_err(|error| format!("git: {error}"))?;
        if !changed.stdout.is_empty() {
            return Err(format!(
                "ui/dist is not what its sources make; commit what this built:\n{}",
                String::from_utf8_lossy(&changed.stdout)
            ));
        }
    }
    Ok(())
}

fn done(command: &mut Command, words: &str) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{words}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{words}: {status}")) }
}
