//! The repository as tidy sees it: every Rust file, every crate's manifest, every paper, read once.
//!
//! What git ignores is not seen: the folders that builds and installs fill are skipped by name.

use std::fs;
use std::io;
use std::path::Path;

use super::manifest::Manifest;
use super::rust;

/// Folders that hold no source of ours, wherever they are.
const SKIPPED: [&str; 8] =
    ["target", ".cache", ".git", "node_modules", "tracewell-data", "corpus", "artifacts", "__pycache__"];

#[derive(Default)]
pub(crate) struct Tree {
    /// Every `.rs` file, sorted by path.
    pub(crate) sources: Vec<Source>,
    /// Every package below `crates/`, and `xtask`, sorted by folder.
    pub(crate) packages: Vec<Package>,
    /// Every `.md` file, sorted by path.
    pub(crate) papers: Vec<Paper>,
    /// The path of every file there is, sorted, with `/` between folders.
    pub(crate) paths: Vec<String>,
    /// The names of the suites that the runner knows.
    pub(crate) suites: Vec<&'static str>,
}

/// One Rust file.
pub(crate) struct Source {
    /// Relative to the root, with `/` between folders.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The same bytes with comments and literals blanked, so that a search finds code only.
    pub(crate) code: String,
}

pub(crate) struct Package {
    /// `crates/span`, `xtask`.
    pub(crate) folder: String,
    pub(crate) manifest: Manifest,
}

pub(crate) struct Paper {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Tree {
    /// Reads the repository at `root`; what suites there are is for the runner to say.
    pub(crate) fn read(root: &Path, suites: &[&'static str]) -> io::Result<Self> {
        let mut tree = Self { suites: suites.to_vec(), ..Self::default() };
        walk(root, "", &mut tree.paths)?;
        tree.paths.sort();
        for path in &tree.paths {
            if path.ends_with(".rs") {
                let text = fs::read_to_string(root.join(path))?;
                tree.sources.push(Source::new(path, text));
            } else if path.ends_with(".md") {
                tree.papers.push(Paper { path: path.clone(), text: fs::read_to_string(root.join(path))? });
            } else if let Some(folder) = path.strip_suffix("/Cargo.toml")
                && (folder.starts_with("crates/") || folder == "xtask")
            {
                let manifest = Manifest::parse(&fs::read_to_string(root.join(path))?);
                tree.packages.push(Package { folder: folder.to_owned(), manifest });
            }
        }
        Ok(tree)
    }
}

impl Source {
    pub(crate) fn new(path: &str, text: String) -> Self {
        Self { path: path.to_owned(), code: rust::blanked(&text), text }
    }

    /// Generated files say so in their first line; nobody reads or edits them by hand.
    pub(crate) fn is_generated(&self) -> bool {
        self.text.lines().next().is_some_and(|line| line.starts_with("// @generated"))
    }

    pub(crate) fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

/// Adds the paths of all files below `folder`, which is relative to `root`.
fn walk(root: &Path, folder: &str, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if !entry.file_type()?.is_dir() {
            paths.push(path);
        } else if !SKIPPED.contains(&name.as_str()) {
            walk(root, &path, paths)?;
        }
    }
    Ok(())
}
