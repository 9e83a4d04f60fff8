//! Lengths to look at: the median file and each crate. Nothing here fails.

use std::fmt::Write;

use super::tree::Tree;

/// Returns a table of crates with files, lines and the median length of a file.
pub(crate) fn table(tree: &Tree) -> String {
    let mut out = String::new();
    let mut all = Vec::new();
    for package in &tree.packages {
        let prefix = format!("{}/", package.folder);
        let mut lengths: Vec<usize> = tree
            .sources
            .iter()
            .filter(|source| source.path.starts_with(&prefix) && !source.is_generated())
            .map(|source| source.lines())
            .collect();
        all.extend(lengths.iter().copied());
        row(&mut out, &package.manifest.name, &mut lengths);
    }
    row(&mut out, "all", &mut all);
    out
}

fn row(out: &mut String, name: &str, lengths: &mut [usize]) {
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    let lines: usize = lengths.iter().sum();
    writeln!(out, "{name:20} {:4} files {lines:6} lines, median {median:4}", lengths.len())
        .expect("a String takes everything");
}
