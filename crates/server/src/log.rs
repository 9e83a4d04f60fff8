//! What the process says while it runs: lines on standard error.
//!
//! `--log debug` sets our rooms, `--log receive=debug` one of them; what we depend on stays at warnings. At
//! debug each request and each query is a line when it ends, with what it was and how long it took.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// The crates whose level `--log LEVEL` sets.
const ROOMS: [&str; 12] = [
    "api",
    "insight",
    "listen",
    "pipeline",
    "query",
    "receive",
    "shop",
    "span",
    "store",
    "store_columnar",
    "tracewell",
    "wire",
];

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Begins to log. A filter that [`check`] refuses leaves the default in place.
pub(crate) fn begin(filter: &str) {
    let filter = EnvFilter::try_new(directives(filter)).unwrap_or_else(|_| EnvFilter::new("warn"));
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let begun = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(ansi)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(std::io::stderr);
    // A second call, from a test in the same process, changes nothing.
    let _ = begun.try_init();
}

/// Says what is wrong with a filter.
pub(crate) fn check(filter: &str) -> Result<(), String> {
    for part in filter.split(',') {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level).trim();
        if !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
            return Err(
                "no filter: write off, error, warn, info, debug, trace, or by room as in receive=debug"
                    .to_owned(),
            );
        }
    }
    EnvFilter::try_new(directives(filter)).map(|_| ()).map_err(|error| format!("no filter: {error}"))
}

fn directives(filter: &str) -> String {
    let mut all = vec!["warn".to_owned()];
    for part in filter.split(',') {
        match part.trim() {
            level if !level.contains('=') => all.extend(ROOMS.iter().map(|room| format!("{room}={level}"))),
            // A room's name is written as people know it.
            one => all.push(one.replacen("store-columnar", "store_columnar", 1).replacen(
                "server",
                "tracewell",
                1,
            )),
        }
    }
    // Later directives of the same room win only if they are the longer ones, so the default comes first.
    if !filter.split(',').any(|part| !part.contains('=')) {
        all.splice(1..1, ROOMS.iter().map(|room| format!("{room}=info")));
    }
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_levels_and_rooms() {
        assert!(
            check("debug").is_ok()
                && check("info,receive=trace").is_ok()
                && check("store-columnar=debug").is_ok()
        );
        assert!(check("loud").is_err() && check("receive=").is_err());
        assert!(directives("receive=debug").ends_with(",receive=debug"));
        assert!(directives("debug").starts_with("warn,api=debug,"));
    }
}
