//! What large traces cost a browser: renderer CPU while they are opened and scrolled.
//!
//! The measuring itself is `ui/e2e/huge.test.ts`, which drives Chromium against the release binary and fails at
//! twice a bar; suite `ui` runs the same file. Here its rows are printed like all others.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::row::{Bar, Row};

/// What is promised; a run that does not measure all of it has failed.
const ROWS: [&str; 7] = [
    "ui.10k.first_rows",
    "ui.10k.scroll",
    "ui.100k.first_rows",
    "ui.100k.scroll",
    "ui.100k.skeleton",
    "ui.500k.first_rows",
    "ui.500k.scroll",
];

/// A row as the browser test writes it.
#[derive(Debug, Deserialize)]
struct Told {
    name: String,
    unit: String,
    value: f64,
    bar: Option<f64>,
    note: String,
}

/// Runs the measurements against `binary`; fails where a value is beyond twice its bar.
pub(crate) fn measure(binary: &Path) -> anyhow::Result<(Vec<Row>, bool)> {
    let ui = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui"));
    let binary = binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?;
    if !ui.join("node_modules").is_dir() {
        run(Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&ui))?;
    }
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let file = folder.path().join("rows.json");
    let ended_well = Command::new("npm")
        .args(["run", "--silent", "e2e", "--", "huge"])
        .current_dir(&ui)
        .env("UI_SERVER", binary)
        .env("UI_ROWS", &file)
        .status()
        .context("npm does not start")?
        .success();
    let text = std::fs::read_to_string(&file).context("the browser test wrote no rows")?;
    let told: Vec<Told> = serde_json::from_str(&text).context("the browser test wrote no rows")?;
    let measured_all = ROWS.iter().all(|row| told.iter().any(|told| told.name == *row));
    Ok((told.into_iter().map(row).collect::<anyhow::Result<_>>()?, ended_well && measured_all))
}

fn row(told: Told) -> anyhow::Result<Row> {
    let unit = match told.unit.as_str() {
        "ms CPU" => "ms CPU",
        "ms" => "ms",
        "MB" => "MB",
        other => bail!("`{other}` is no unit"),
    };
    let row = Row::new(told.name, unit, told.value).note(told.note);
    Ok(match told.bar {
        Some(most) => row.bar(Bar::AtMost(most)),
        None => row,
    })
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().context("npm does not start")?;
    ensure!(status.success(), "npm: {status}");
    Ok(())
}
