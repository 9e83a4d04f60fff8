//! Every link of a paper to a file of the repository leads to one.

use super::Breach;
use super::tree::{Paper, Tree};

pub(crate) fn check(tree: &Tree, breaches: &mut Vec<Breach>) {
    for paper in &tree.papers {
        for (line, target) in targets(paper) {
            let path = resolved(&paper.path, &target);
            let folder = format!("{path}/");
            let exists = path.is_empty()
                || tree.paths.binary_search(&path).is_ok()
                || tree.paths.iter().any(|other| other.starts_with(&folder));
            if !exists {
                breaches.push(Breach::new(
                    &paper.path,
                    line,
                    format!("link to `{target}`, which is not there"),
                ));
            }
        }
    }
}

/// Returns line and target of each `](target)` and `src="target"` that names a file here.
fn targets(paper: &Paper) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in paper.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for (opening, closing) in [("](", ')'), ("src=\"", '"')] {
            for (at, _) in line.match_indices(opening) {
                let rest = &line[at + opening.len()..];
                let Some(end) = rest.find(closing) else { continue };
                let target = rest[..end].split(['#', ' ']).next().unwrap_or_default();
                if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                    found.push((index + 1, target.to_owned()));
                }
            }
        }
    }
    found
}

/// Joins `target` to the folder of the paper at `from`; a leading `/` means the root.
fn resolved(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<String> {
        let tree = Tree {
            papers: vec![Paper { path: "docs/a.md".into(), text: text.to_owned() }],
            paths: vec!["README.md".into(), "docs/a.md".into(), "docs/pictures/p.png".into()],
            ..Tree::default()
        };
        let mut breaches = Vec::new();
        super::check(&tree, &mut breaches);
        breaches.into_iter().map(|breach| breach.what).collect()
    }

    #[test]
    fn links_to_files_folders_and_the_web_hold() {
        let text =
            "[r](../README.md) [r](/README.md#top) ![p](pictures/p.png) [f](pictures/) [w](https://a.b/c)";
        assert_eq!(check(text), Vec::<String>::new());
    }

    #[test]
    fn missing_file_is_named() {
        assert_eq!(check("[x](b.md)\n```\n[y](c.md)\n```"), ["link to `b.md`, which is not there"]);
    }
}
