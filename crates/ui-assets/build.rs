//! Lists the files of the built UI and writes a table that includes their bytes.
//!
//! `ui/dist` is made by `cargo xtask ui` and committed; a build never runs node. Where it is absent, the
//! table is empty and the page says how to build it.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let dist = here.join("../../ui/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut paths = Vec::new();
    if dist.is_dir() {
        list(&dist, &dist, &mut paths)?;
    } else {
        println!("cargo::warning=ui/dist is absent, the page will say so; `cargo xtask ui` builds it");
    }
    paths.sort();
    let mut table = String::from("pub(crate) const FILES: &[crate::Asset] = &[\n");
    let mut whole = DefaultHasher::new();
    for name in &paths {
        let path = dist.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let bytes = fs::read(&path)?;
        let mut own = DefaultHasher::new();
        bytes.hash(&mut own);
        (name, &bytes).hash(&mut whole);
        let content_type = content_type(name);
        writeln!(
            table,
            "    crate::Asset {{ path: {name:?}, content_type: {content_type:?}, etag: \"\\\"{:016x}\\\"\", \
             bytes: include_bytes!({path:?}) }},",
            own.finish()
        )
        .expect("a string takes all");
    }
    writeln!(table, "];\n\npub(crate) const BUILD: &str = \"{:016x}\";", whole.finish())
        .expect("a string takes all");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("files.rs"), table)
}

/// Adds the paths of all files below `folder`, relative to `root`, with `/` between folders.
fn list(root: &Path, folder: &Path, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, paths)?;
        } else if let Ok(inside) = path.strip_prefix(root) {
            let parts: Vec<_> = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            paths.push(parts.join("/"));
        }
    }
    Ok(())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}
