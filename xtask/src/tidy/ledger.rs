//! The ledger of promises, `docs/proof.md`: a table `| promise | proof |`.
//!
//! A proof is one or several, separated by commas, of
//!
//! - `test:CRATE::PATH::NAME`: a test function `NAME` in that crate's `src` or `tests`
//! - `suite:NAME`: a suite of `cargo xtask test`
//! - `bench:ROW`: a row that the benchmark prints
//! - `fuzz:TARGET`: a fuzz target
//! - `open`: nothing proves it yet
//!
//! The law is only that what is named exists; whether it proves the promise is for the reader.

use super::Breach;
use super::tree::{Source, Tree};

/// Where the ledger lies.
const PATH: &str = "docs/proof.md";

pub(crate) fn check(tree: &Tree, breaches: &mut Vec<Breach>) {
    let Some(paper) = tree.papers.iter().find(|paper| paper.path == PATH) else {
        breaches.push(Breach::new(PATH, 0, "the ledger of promises is missing"));
        return;
    };
    for (index, line) in paper.text.lines().enumerate() {
        let Some(proofs) = row(line) else { continue };
        for proof in proofs.split(',').map(|proof| proof.trim().trim_matches('`')) {
            if let Err(what) = exists(tree, proof) {
                breaches.push(Breach::new(PATH, index + 1, what));
            }
        }
    }
}

/// Returns the proofs of a table row; the head, its underline and all other lines have none.
fn row(line: &str) -> Option<&str> {
    let (_, proofs) = line.strip_prefix('|')?.strip_suffix('|')?.rsplit_once('|')?;
    let proofs = proofs.trim();
    (proofs != "proof" && !proofs.starts_with("--")).then_some(proofs)
}

fn exists(tree: &Tree, proof: &str) -> Result<(), String> {
    if proof == "open" {
        return Ok(());
    }
    let Some((sort, name)) = proof.split_once(':') else {
        return Err(format!("`{proof}` is no proof: test:, suite:, bench:, fuzz: or open"));
    };
    let found = match sort {
        "test" => test_exists(tree, name),
        "suite" => tree.suites.contains(&name),
        "bench" => {
            let quoted = format!("\"{name}\"");
            below(tree, "crates/bench/").any(|source| source.text.contains(&quoted))
        }
        "fuzz" => tree.paths.binary_search(&format!("fuzz/fuzz_targets/{name}.rs")).is_ok(),
        _ => return Err(format!("`{sort}:` is no sort of proof")),
    };
    if found { Ok(()) } else { Err(format!("proof `{proof}` does not exist")) }
}

/// Finds the function by its last name in the crate by its first.
fn test_exists(tree: &Tree, path: &str) -> bool {
    let Some((package, rest)) = path.split_once("::") else { return false };
    let function = rest.rsplit("::").next().unwrap_or_default();
    let Some(package) = tree.packages.iter().find(|other| other.manifest.name == package) else {
        return false;
    };
    let folder = format!("{}/", package.folder);
    let (plain, generic) = (format!("fn {function}("), format!("fn {function}<"));
    below(tree, &folder).any(|source| source.code.contains(&plain) || source.code.contains(&generic))
}

fn below<'a>(tree: &'a Tree, folder: &'a str) -> impl Iterator<Item = &'a Source> {
    tree.sources.iter().filter(move |source| source.path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::manifest::Manifest;
    use crate::tidy::tree::{Package, Paper};

    fn check(rows: &str) -> Vec<String> {
        let tree = Tree {
            sources: vec![
                Source::new("crates/span/src/id.rs", "fn ids_are_hex() {} // fn ids_are_odd() {}".into()),
                Source::new("crates/bench/src/ingest.rs", "const ROW: &str = \"ingest.http\";".into()),
            ],
            packages: vec![Package {
                folder: "crates/span".into(),
                manifest: Manifest { name: "span".into(), dependencies: vec![] },
            }],
            papers: vec![Paper {
                path: PATH.into(),
                text: format!("| promise | proof |\n|---|---|\n{rows}"),
            }],
            paths: vec!["fuzz/fuzz_targets/otlp.rs".into()],
            suites: vec!["unit"],
        };
        let mut breaches = Vec::new();
        super::check(&tree, &mut breaches);
        breaches.into_iter().map(|breach| breach.what).collect()
    }

    #[test]
    fn named_proofs_that_exist_hold() {
        let rows =
            "| a | open |\n| b | test:span::id::ids_are_hex, `bench:ingest.http` |\n| c | fuzz:otlp |\n";
        assert_eq!(check(rows), Vec::<String>::new());
        assert_eq!(check("| d | suite:unit |"), Vec::<String>::new());
    }

    #[test]
    fn proofs_that_do_not_exist_are_named() {
        assert_eq!(
            check("| a | test:span::ids_are_odd |"),
            ["proof `test:span::ids_are_odd` does not exist"]
        );
        assert_eq!(check("| a | test:wire::x |").len(), 1);
        assert_eq!(check("| a | bench:none |").len(), 1);
        assert_eq!(check("| a | suite:none |").len(), 1);
        assert_eq!(check("| a | trust me |").len(), 1);
    }
}
