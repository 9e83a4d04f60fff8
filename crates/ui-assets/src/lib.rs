//! The built UI as bytes with types and ETags.
//!
//! The files are those of `ui/dist` when this crate was built, listed by its `build.rs`. Their names are
//! stable; what changes with their content is [`BUILD`], which a server puts into the path of everything
//! but the page itself, so that browsers may keep those files for ever.
//!
//! Deliberately absent: routes, headers, compression, and node.

#![forbid(unsafe_code)]

mod files {
    //! The table that `build.rs` wrote.
    include!(concat!(env!("OUT_DIR"), "/files.rs"));
}

/// One file of the UI.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its path below the UI's folder, such as `assets/index.js`.
    pub path: &'static str,
    /// What it is, for `Content-Type`.
    pub content_type: &'static str,
    /// A hash of its bytes, quoted as in `ETag`.
    pub etag: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

/// A hash over all files.
pub const BUILD: &str = files::BUILD;

/// What stands where the UI was not built.
const FALLBACK: Asset = Asset {
    path: "index.html",
    content_type: "text/html; charset=utf-8",
    etag: "\"fallback\"",
    bytes: b"<!doctype html>\n<html lang=\"en\"><head><base href=\"/\"><title>Tracewell</title></head><body>\
        <h1>Tracewell</h1><p>This binary was built without its UI. <code>cargo xtask ui</code> builds it. \
        The API is here: <a href=\"api/services\">/api/services</a></p></body></html>\n",
};

/// Returns all files but the page itself.
pub fn files() -> impl Iterator<Item = Asset> {
    files::FILES.iter().copied().filter(|asset| asset.path != "index.html")
}

/// Returns the page, or one that says that the UI was not built.
pub fn page() -> Asset {
    files::FILES.iter().copied().find(|asset| asset.path == "index.html").unwrap_or(FALLBACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_always_there_and_names_its_base() {
        for page in [page(), FALLBACK] {
            let text = std::str::from_utf8(page.bytes).unwrap();
            assert!(text.contains("<base href=\"/\""), "{text}");
            assert!(page.content_type.starts_with("text/html"));
        }
    }

    #[test]
    fn every_file_has_a_type_and_an_own_etag() {
        let mut etags: Vec<&str> = files().map(|asset| asset.etag).collect();
        let all = etags.len();
        etags.sort_unstable();
        etags.dedup();
        assert_eq!(etags.len(), all);
        assert!(files().all(|asset| asset.content_type != "application/octet-stream"));
    }
}
