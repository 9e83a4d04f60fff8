//! The floors of the house: an arrow between crates may only go down.
//!
//! A crate may depend on crates of lower floors only, so two on one floor never know each other.
//! What tests alone use does not count. A crate without a floor is a breach: adding one is a
//! decision about the architecture, and it is taken here.

use super::Breach;
use super::tree::Tree;

/// Every crate that the architecture knows, by floor.
const FLOORS: [(u8, &[&str]); 6] = [
    (0, &["tracewell-context", "tracewell-redact"]),
    (1, &["span", "listen", "ui-assets", "tracewell-tracer", "tracewell-macros"]),
    (2, &["wire", "store", "insight", "state", "tracewell"]),
    (
        3,
        &[
            "tracewell-reqwest",
            "tracewell-tower",
            "pipeline",
            "query",
            "shop",
            "store-columnar",
            "store-clickhouse",
            "store-elastic",
        ],
    ),
    (4, &["receive", "api", "alerting", "sim", "bench"]),
    (5, &["server", "xtask"]),
];

pub(crate) fn check(tree: &Tree, breaches: &mut Vec<Breach>) {
    let ours: Vec<&str> = tree.packages.iter().map(|package| package.manifest.name.as_str()).collect();
    for package in &tree.packages {
        let path = format!("{}/Cargo.toml", package.folder);
        let name = &package.manifest.name;
        let Some(floor) = floor(name) else {
            breaches.push(Breach::new(&path, 0, format!("crate `{name}` stands on no floor")));
            continue;
        };
        for (dependency, line) in &package.manifest.dependencies {
            if !ours.contains(&dependency.as_str()) {
                continue;
            }
            let below = self::floor(dependency).is_some_and(|other| other < floor);
            if !below {
                let what = format!("`{name}` may not depend on `{dependency}`: an arrow goes down");
                breaches.push(Breach::new(&path, *line, what));
            }
        }
    }
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, crates)| crates.contains(&name)).map(|(floor, _)| *floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::manifest::Manifest;
    use crate::tidy::tree::Package;

    fn check(arrows: &[(&str, &[&str])]) -> usize {
        let packages = arrows
            .iter()
            .map(|(name, dependencies)| Package {
                folder: format!("crates/{name}"),
                manifest: Manifest {
                    name: (*name).to_owned(),
                    dependencies: dependencies.iter().map(|name| ((*name).to_owned(), 1)).collect(),
                },
            })
            .collect();
        let tree = Tree { packages, ..Tree::default() };
        let mut breaches = Vec::new();
        super::check(&tree, &mut breaches);
        breaches.len()
    }

    #[test]
    fn arrows_go_down_only() {
        assert_eq!(check(&[("wire", &["span", "serde"]), ("span", &[])]), 0);
        assert_eq!(check(&[("span", &["wire"]), ("wire", &[])]), 1);
        assert_eq!(check(&[("api", &["receive"]), ("receive", &[])]), 1);
    }

    #[test]
    fn crate_without_a_floor_is_a_breach() {
        assert_eq!(check(&[("attic", &[])]), 1);
    }
}
