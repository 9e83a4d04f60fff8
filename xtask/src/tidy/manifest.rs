//! The part of a `Cargo.toml` that the floors need: the package's name and what it depends on.
//!
//! A line-wise reader, not a TOML parser: this house writes one dependency per line.

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    /// Names under `[dependencies]`, `[build-dependencies]` and their `target.` forms, with their line.
    pub(crate) dependencies: Vec<(String, usize)>,
}

impl Manifest {
    pub(crate) fn parse(text: &str) -> Self {
        let mut manifest = Self::default();
        let mut table = String::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(header) = line.strip_prefix('[') {
                table = header.trim_end_matches(']').to_owned();
                if let Some((section, name)) = table.rsplit_once('.')
                    && counts(section)
                {
                    manifest.dependencies.push((name.to_owned(), index + 1));
                }
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            let key = key.trim().split('.').next().unwrap_or_default();
            if table == "package" && key == "name" {
                manifest.name = value.trim().trim_matches('"').to_owned();
            } else if counts(&table) && !key.starts_with('#') {
                manifest.dependencies.push((key.to_owned(), index + 1));
            }
        }
        manifest
    }
}

/// Whether what stands in `table` is linked into the package. What only its tests use is not.
fn counts(table: &str) -> bool {
    let last = table.rsplit('.').next().unwrap_or_default();
    last == "dependencies" || last == "build-dependencies"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_tests_do_not_count() {
        let manifest = Manifest::parse(
            "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = { workspace = true }\n\
             [dependencies.d]\npath = \"d\"\n[dev-dependencies]\ne = \"1\"\n[features]\nf = []",
        );
        assert_eq!(manifest.name, "a");
        assert_eq!(manifest.dependencies, [("b".into(), 4), ("c".into(), 5), ("d".into(), 6)]);
    }
}
