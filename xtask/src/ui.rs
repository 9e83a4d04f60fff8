//! `cargo xtask ui`: the UI checked, tested and built into `ui/dist`, which is committed.
//!
//! A build of the server never runs node; it takes what is here. With `--check` nothing changes but the answer:
//! it fails unless the committed files are those that the sources make.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
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
    let dist = root.join("ui/dist");
    let before = files(&dist);
    for step in STEPS {
        done(Command::new(step[0]).args(&step[1..]).current_dir(root.join("ui")), &step.join(" "))?;
    }
    let changed = before != files(&dist);
    if check && changed {
        return Err("ui/dist was not what its sources make; commit what this built".to_owned());
    }
    Ok(())
}

/// Reads every file below `folder`.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if path.is_dir() {
                waiting.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                found.insert(path, bytes);
            }
        }
    }
    found
}

fn done(command: &mut Command, words: &str) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{words}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{words}: {status}")) }
}
