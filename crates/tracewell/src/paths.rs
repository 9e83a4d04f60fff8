//! Paths of requests that are nobody's business: probes and scrapes.

use std::sync::OnceLock;

const USUAL: [&str; 3] = ["/health*", "/ready*", "/metrics"];

/// What `TRACEWELL_EXCLUDED_URLS` said.
static EXCLUDED: OnceLock<Vec<String>> = OnceLock::new();

/// Decides what is excluded; the first decision stays.
pub(crate) fn decide(patterns: Option<Vec<String>>) {
    if let Some(patterns) = patterns {
        let _ = EXCLUDED.set(patterns);
    }
}

/// Tells whether requests to a path are neither traced nor logged: by `TRACEWELL_EXCLUDED_URLS`, or
/// unless it is set, `/health*`, `/ready*` and `/metrics`. A star stands for any rest.
///
/// ```
/// assert!(tracewell::is_excluded("/healthz") && tracewell::is_excluded("/metrics"));
/// assert!(!tracewell::is_excluded("/metrics/of/yours"));
/// ```
pub fn is_excluded(path: &str) -> bool {
    match EXCLUDED.get() {
        Some(patterns) => patterns.iter().any(|pattern| is_like(path, pattern)),
        None => USUAL.iter().any(|pattern| is_like(path, pattern)),
    }
}

/// Compares with a pattern whose stars stand for any text.
fn is_like(path: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (path, pattern, like) in [
            ("/health", "/health*", true),
            ("/health/live", "/health*", true),
            ("/api/health", "/health*", false),
            ("/metrics", "/metrics", true),
            ("/metrics2", "/metrics", false),
            ("/a/b/c", "*/b/*", true),
            ("/a/c", "*/b/*", false),
            ("/x.css", "*.css", true),
            ("/", "*", true),
        ] {
            assert_eq!(is_like(path, pattern), like, "{path} {pattern}");
        }
    }
}
