//! Names of crates, folders, files and modules.
//!
//! A room is named for the noun it keeps. A name that fits everything collects everything, so those
//! are refused; and a module with the name of a crate of the workspace would hide that crate.

use super::Breach;
use super::rust;
use super::tree::Tree;

const REFUSED: [&str; 10] =
    ["common", "util", "utils", "helper", "helpers", "misc", "shared", "types", "core", "manager"];

/// Files in these languages are rooms of ours.
const LANGUAGES: [&str; 7] = ["rs", "ts", "tsx", "js", "py", "go", "java"];

pub(crate) fn check(tree: &Tree, breaches: &mut Vec<Breach>) {
    for path in &tree.paths {
        let Some((stem, extension)) = path.rsplit_once('.') else { continue };
        if !LANGUAGES.contains(&extension) {
            continue;
        }
        for room in stem.split('/').filter(|room| is_refused(room)) {
            breaches.push(Breach::new(
                path,
                0,
                format!("a room called `{room}` says nothing: name its noun"),
            ));
        }
    }
    for package in tree.packages.iter().filter(|package| is_refused(&package.manifest.name)) {
        let what = format!("a crate called `{}` says nothing: name its noun", package.manifest.name);
        breaches.push(Breach::new(&format!("{}/Cargo.toml", package.folder), 0, what));
    }
    let crates: Vec<String> =
        tree.packages.iter().map(|package| package.manifest.name.replace('-', "_")).collect();
    for source in &tree.sources {
        for (line, module) in modules(&source.code) {
            if is_refused(module) {
                let what = format!("a module called `{module}` says nothing: name its noun");
                breaches.push(Breach::new(&source.path, line, what));
            } else if crates.iter().any(|name| name == module) {
                let what = format!("module `{module}` hides the crate of that name");
                breaches.push(Breach::new(&source.path, line, what));
            }
        }
    }
}

/// Returns line and name of each `mod NAME` in blanked code.
fn modules(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("mod ") {
        let starts = code[..at].chars().next_back().is_none_or(char::is_whitespace);
        let rest = &code[at + "mod ".len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if starts && rest[end..].trim_start().starts_with([';', '{']) {
            found.push((rust::line_of(code, at), &rest[..end]));
        }
    }
    found
}

fn is_refused(name: &str) -> bool {
    REFUSED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::manifest::Manifest;
    use crate::tidy::tree::{Package, Source};

    fn check(path: &str, code: &str) -> Vec<String> {
        let span = Manifest { name: "store-columnar".into(), dependencies: vec![] };
        let tree = Tree {
            sources: vec![Source::new(path, code.to_owned())],
            packages: vec![Package { folder: "crates/store-columnar".into(), manifest: span }],
            paths: vec![path.to_owned()],
            ..Tree::default()
        };
        let mut breaches = Vec::new();
        super::check(&tree, &mut breaches);
        breaches.into_iter().map(|breach| breach.what).collect()
    }

    #[test]
    fn empty_names_are_refused_as_file_folder_and_module() {
        assert_eq!(check("crates/a/src/util.rs", "").len(), 1);
        assert_eq!(check("crates/a/src/shared/b.rs", "").len(), 1);
        assert_eq!(check("crates/a/src/b.rs", "pub(crate) mod types {}").len(), 1);
        assert_eq!(check("crates/a/src/b.rs", "mod ids; // mod util;"), Vec::<String>::new());
    }

    #[test]
    fn module_may_not_hide_a_crate() {
        assert_eq!(check("crates/a/src/b.rs", "mod store_columnar;").len(), 1);
    }
}
