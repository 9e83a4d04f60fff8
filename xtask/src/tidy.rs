//! The laws of the house that neither the compiler nor clippy knows.
//!
//! `cargo xtask tidy` and this package's own test read every source file once and apply each law to
//! it; a breach is one line `path:line: what is wrong`. The laws are one file each:
//!
//! - [`mod@file`]: length, header, bare `#[allow]`, `#[ignore]`, `#![forbid(unsafe_code)]`
//! - [`rooms`]: names that say nothing, and modules that hide a crate
//! - [`cycles`]: modules that import each other
//! - [`floors`]: which crate may depend on which
//! - [`ledger`]: every promise in `docs/proof.md` names a proof that exists
//! - [`links`]: every link of the papers leads somewhere
//!
//! Sizes are printed and never fail: they are for looking at.

mod cycles;
mod file;
mod floors;
mod ledger;
mod links;
mod manifest;
mod rooms;
mod rust;
mod sizes;
mod tree;

use std::path::Path;
use std::process::ExitCode;

use tree::Tree;

/// Where a law is broken, and how: `crates/span/src/id.rs:12: ..`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    pub(crate) path: String,
    /// From 1; 0 when the breach is of the whole file.
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Breach {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

/// Applies all laws to the repository at `root`, prints the breaches and the sizes.
pub(crate) fn command(root: &Path, suites: &[&'static str]) -> ExitCode {
    let tree = match Tree::read(root, suites) {
        Ok(tree) => tree,
        Err(error) => {
            eprintln!("tidy: {error}");
            return ExitCode::FAILURE;
        }
    };
    print!("{}", sizes::table(&tree));
    let breaches = breaches(&tree);
    for breach in &breaches {
        println!("{}:{}: {}", breach.path, breach.line, breach.what);
    }
    if breaches.is_empty() {
        println!("tidy: {} files, nothing to say", tree.sources.len());
        return ExitCode::SUCCESS;
    }
    println!("tidy: {} breaches", breaches.len());
    ExitCode::FAILURE
}

/// Returns every breach of every law, in the order of the files.
fn breaches(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in &tree.sources {
        file::check(source, &mut breaches);
    }
    rooms::check(tree, &mut breaches);
    cycles::check(tree, &mut breaches);
    floors::check(tree, &mut breaches);
    ledger::check(tree, &mut breaches);
    links::check(tree, &mut breaches);
    breaches.sort();
    breaches.dedup();
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn house_is_tidy() {
        let tree = Tree::read(&crate::repository(), &crate::suites::names()).unwrap();
        let breaches = breaches(&tree);
        let lines: Vec<String> = breaches
            .iter()
            .map(|breach| format!("{}:{}: {}", breach.path, breach.line, breach.what))
            .collect();
        assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
    }
}
