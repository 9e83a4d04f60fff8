//! No two rooms of a crate import each other, directly or around a corner.
//!
//! Every `crate::..` and `super::..` path outside the unit tests is an arrow from its file's module
//! to the module that it names, seen through re-exports (`crate::Batch` is an arrow to `batch` when
//! the root says `pub use batch::Batch`). Arrows between a module and its own parent or children are
//! how Rust families are built and do not count; an arrow between cousins counts for the two
//! siblings under which they live. What is left must have an order.

use std::collections::{BTreeMap, BTreeSet};

use super::Breach;
use super::rust;
use super::tree::{Package, Source, Tree};

/// `["head", "rows"]` for `src/head/rows.rs`; empty for the crate's root.
type ModulePath = Vec<String>;

/// Re-exports of re-exports are followed so far.
const HOPS_MAX: usize = 8;

pub(crate) fn check(tree: &Tree, breaches: &mut Vec<Breach>) {
    for package in &tree.packages {
        let house = House::of(package, &tree.sources);
        house.check(breaches);
    }
}

/// One crate's modules.
struct House<'a> {
    modules: BTreeMap<ModulePath, &'a Source>,
    /// What each module imports or re-exports by a name: module -> name -> path.
    names: BTreeMap<ModulePath, BTreeMap<String, ModulePath>>,
}

/// One import: who, whom, and where it stands.
struct Arrow<'a> {
    from: ModulePath,
    to: ModulePath,
    source: &'a Source,
    line: usize,
}

impl<'a> House<'a> {
    fn of(package: &Package, sources: &'a [Source]) -> Self {
        let prefix = format!("{}/src/", package.folder);
        let mut modules = BTreeMap::new();
        for source in sources {
            if let Some(inside) = source.path.strip_prefix(&prefix)
                && !inside.starts_with("bin/")
            {
                modules.insert(module_path(inside), source);
            }
        }
        let mut house = Self { modules, names: BTreeMap::new() };
        let mut names = BTreeMap::new();
        for (module, source) in &house.modules {
            let code = rust::without_tests(&source.code);
            let mut named = BTreeMap::new();
            for (at, _) in code.match_indices("use ") {
                if !code[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || c == '}') {
                    continue;
                }
                for leaf in leaves(&code[at + "use ".len()..]) {
                    if let Some(target) = house.absolute(module, &leaf.path) {
                        named.insert(leaf.name, target);
                    }
                }
            }
            names.insert(module.clone(), named);
        }
        house.names = names;
        house
    }

    fn check(&self, breaches: &mut Vec<Breach>) {
        let mut families: BTreeMap<ModulePath, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        let arrows = self.arrows();
        for arrow in &arrows {
            let (parent, from, to) = siblings(&arrow.from, &arrow.to).expect("arrows() keeps siblings only");
            families.entry(parent).or_default().entry(from).or_default().insert(to);
        }
        for arrow in &arrows {
            let (parent, from, to) = siblings(&arrow.from, &arrow.to).expect("arrows() keeps siblings only");
            if reaches(&families[&parent], &to, &from) {
                let what = format!("import cycle: `{from}` imports `{to}`, and `{to}` leads back to it");
                breaches.push(Breach::new(&arrow.source.path, arrow.line, what));
            }
        }
    }

    fn arrows(&self) -> Vec<Arrow<'a>> {
        let mut arrows = Vec::new();
        for (module, source) in &self.modules {
            if self.is_test(module) {
                continue;
            }
            let code = rust::without_tests(&source.code);
            for opening in ["crate::", "super::"] {
                for (at, _) in code.match_indices(opening) {
                    let before = &code[..at];
                    if before.ends_with("::") || before.ends_with("in ") || before.ends_with('$') {
                        continue;
                    }
                    for leaf in leaves(&code[at..]) {
                        let Some(path) = self.absolute(module, &leaf.path) else { continue };
                        let to = self.resolved(path);
                        if siblings(module, &to).is_some() {
                            let line = rust::line_of(code, at);
                            arrows.push(Arrow { from: module.clone(), to, source, line });
                        }
                    }
                }
            }
        }
        arrows
    }

    /// Whether the parent declares `module` under `#[cfg(test)]`.
    fn is_test(&self, module: &[String]) -> bool {
        (1..=module.len()).any(|length| {
            let (parent, name) = (&module[..length - 1], &module[length - 1]);
            let Some(source) = self.modules.get(parent) else { return false };
            let words: Vec<&str> = source.code.split_whitespace().collect();
            let declared = format!("{name};");
            words
                .windows(3)
                .any(|window| window[0] == "#[cfg(test)]" && window[1] == "mod" && window[2] == declared)
        })
    }

    /// Turns a path as written in `module` into one from the root; `None` for paths of other crates.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<ModulePath> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module[..module.len().checked_sub(1)?].to_vec(),
            _ => {
                let child: ModulePath = module.iter().chain([first]).cloned().collect();
                self.modules.contains_key(&child).then_some(())?;
                child
            }
        };
        for part in rest {
            if part == "super" {
                base.pop()?;
            } else {
                base.push(part.clone());
            }
        }
        Some(base)
    }

    /// Returns the module that holds the item at `path`, through re-exports.
    fn resolved(&self, mut path: ModulePath) -> ModulePath {
        for _ in 0..HOPS_MAX {
            let depth =
                (0..=path.len()).rev().find(|depth| self.modules.contains_key(&path[..*depth])).unwrap_or(0);
            let module = &path[..depth];
            let Some(item) = path.get(depth) else { return path };
            let Some(target) = self.names.get(module).and_then(|names| names.get(item)) else {
                return module.to_vec();
            };
            if *target == path {
                return module.to_vec();
            }
            path = target.iter().chain(&path[depth + 1..]).cloned().collect();
        }
        path
    }
}

/// Finds the family in which two modules are, or live under, different siblings.
fn siblings(from: &[String], to: &[String]) -> Option<(ModulePath, String, String)> {
    let depth = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    Some((from[..depth].to_vec(), from.get(depth)?.clone(), to.get(depth)?.clone()))
}

fn reaches(graph: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut waiting = vec![from];
    while let Some(module) = waiting.pop() {
        if module == to {
            return true;
        }
        let next = graph.get(module).into_iter().flatten().map(String::as_str);
        waiting.extend(next.filter(|name| seen.insert(name)));
    }
    false
}

fn module_path(inside: &str) -> ModulePath {
    let stem = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut parts: ModulePath = stem.split('/').map(str::to_owned).collect();
    let last = parts.last().map(String::as_str);
    if last == Some("mod") || parts.len() == 1 && matches!(last, Some("lib" | "main")) {
        parts.pop();
    }
    parts
}

/// One path of a use tree, and the name that it gets.
struct Leaf {
    path: ModulePath,
    name: String,
}

/// Spells out the paths of the use tree, or of the plain path, that `code` starts with.
fn leaves(code: &str) -> Vec<Leaf> {
    let mut found = Vec::new();
    let mut rest = code;
    tree_leaves(&mut rest, &[], &mut found);
    found
}

fn tree_leaves(rest: &mut &str, prefix: &[String], found: &mut Vec<Leaf>) {
    let mut path = prefix.to_vec();
    loop {
        *rest = rest.trim_start();
        if let Some(inside) = rest.strip_prefix('{') {
            *rest = inside;
            while !rest.is_empty() && !rest.starts_with('}') {
                tree_leaves(rest, &path, found);
                *rest = rest.trim_start_matches([',', ' ', '\n']);
            }
            *rest = rest.strip_prefix('}').unwrap_or(rest);
            return;
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        *rest = after;
        if word.is_empty() {
            // `*`, or something that is no path: skip it so that the loop above comes to an end.
            *rest = rest.get(1..).unwrap_or_default();
            break;
        }
        if word != "self" || path.is_empty() {
            path.push(word.to_owned());
        }
        match rest.strip_prefix("::") {
            Some(after) if !after.starts_with('<') => *rest = after,
            _ => break,
        }
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if let Some(after) = rest.trim_start().strip_prefix("as ") {
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
        name = after[..end].to_owned();
        *rest = &after[end..];
    }
    found.push(Leaf { path, name });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::manifest::Manifest;

    fn check(files: &[(&str, &str)]) -> Vec<String> {
        let sources = files
            .iter()
            .map(|(path, text)| Source::new(&format!("crates/a/src/{path}"), (*text).to_owned()))
            .collect();
        let package = Package { folder: "crates/a".into(), manifest: Manifest::default() };
        let tree = Tree { sources, packages: vec![package], ..Tree::default() };
        let mut breaches = Vec::new();
        super::check(&tree, &mut breaches);
        breaches.into_iter().map(|breach| breach.path).collect()
    }

    const BOTH: [&str; 2] = ["crates/a/src/b.rs", "crates/a/src/c.rs"];

    #[test]
    fn imports_in_one_direction_hold() {
        assert!(check(&[("b.rs", "use crate::c::{self, D};"), ("c.rs", "struct D;")]).is_empty());
        assert!(check(&[("b.rs", "mod d; use d::E;"), ("b/d.rs", "use super::F;")]).is_empty());
    }

    #[test]
    fn modules_that_import_each_other_are_named() {
        let found = check(&[("b.rs", "use crate::c::D;"), ("c.rs", "fn f() { super::b::g() }")]);
        assert_eq!(found, BOTH);
    }

    #[test]
    fn cycles_hide_neither_behind_reexports_nor_in_folders() {
        let root = ("lib.rs", "mod b; mod c; pub use b::B; pub use c::{C as D};");
        assert_eq!(check(&[root, ("b.rs", "use crate::D;"), ("c.rs", "use crate::{B};")]), BOTH);
        let (outer, inner) = (("b.rs", "mod e;"), ("b/e.rs", "use crate::c::D;"));
        assert_eq!(
            check(&[outer, inner, ("c.rs", "use crate::b::E;")]),
            ["crates/a/src/b/e.rs", "crates/a/src/c.rs"]
        );
    }

    #[test]
    fn unit_tests_may_look_around() {
        let test = "#[cfg(test)]\nmod tests {\n use crate::c::D;\n}";
        assert!(check(&[("b.rs", test), ("c.rs", "use crate::b::E;")]).is_empty());
        let root = ("lib.rs", "mod c;\n#[cfg(test)]\nmod b;");
        assert!(check(&[root, ("b.rs", "use crate::c::D;"), ("c.rs", "use crate::b::E;")]).is_empty());
    }
}
