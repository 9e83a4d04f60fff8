//! The suites of `cargo xtask test`.

/// Every suite by name, in the order in which they run.
const SUITES: [&str; 5] = ["unit", "clients", "grafana", "faults", "fuzz"];

/// Whether `cargo xtask test NAME` would run something.
pub(crate) fn is_suite(name: &str) -> bool {
    SUITES.contains(&name)
}
