//! The table that the suite prints: one row for each client and protocol.

use serde_json::Value;

/// Prints a row: client, version, protocol, spans sent, spans found.
pub(crate) fn row(sent: &Value, protocol: &str, spans_sent: usize, spans_found: usize) {
    let client = sent["client"].as_str().unwrap_or_default();
    let version = sent["version"].as_str().unwrap_or_default();
    println!("| {client:22} | {version:8} | {protocol:36} | {spans_sent:5} sent | {spans_found:5} found |");
}
