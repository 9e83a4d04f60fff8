//! What a measurement says: one row, printed as a table and as JSON.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

/// One measured value, with the bar it is held against and what a peer did in the same run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// What was measured; stable, because the ledger of proofs refers to it.
    pub(crate) name: String,
    /// The unit of `value`, `bar` and `peer`.
    pub(crate) unit: &'static str,
    /// The measured value.
    pub(crate) value: f64,
    /// What it should be.
    pub(crate) bar: Option<Bar>,
    /// What the peer did with the same load.
    pub(crate) peer: Option<f64>,
    /// Where the load stood: its own size per span, how many spans, and the like.
    pub(crate) note: String,
}

/// A bar and the side of it that is good.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bar {
    /// The value should be at least this.
    AtLeast(f64),
    /// The value should be at most this.
    AtMost(f64),
}

impl Row {
    /// Makes a row without a bar or a peer.
    pub(crate) fn new(name: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self { name: name.into(), unit, value, bar: None, peer: None, note: String::new() }
    }

    /// Sets the bar.
    pub(crate) fn bar(mut self, bar: Bar) -> Self {
        self.bar = Some(bar);
        self
    }

    /// Sets the note.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Tells whether the bar is reached; rows without one are.
    pub(crate) fn reaches_bar(&self) -> bool {
        match self.bar {
            None => true,
            Some(Bar::AtLeast(least)) => least <= self.value,
            Some(Bar::AtMost(most)) => self.value <= most,
        }
    }
}

/// Puts the peer's values beside ours, by name and unit.
pub(crate) fn beside(mut ours: Vec<Row>, peers: &[Row]) -> Vec<Row> {
    for row in &mut ours {
        let same = peers.iter().find(|peer| peer.name == row.name && peer.unit == row.unit);
        row.peer = same.map(|peer| peer.value);
    }
    ours
}

/// Prints the rows as a table, and appends them as JSON lines to `json` where it is given.
pub(crate) fn report(rows: &[Row], json: Option<&Path>) -> anyhow::Result<()> {
    println!(
        "{:<44} {:>12} {:<12} {:>12} {:>10} {:>8}  note",
        "name", "value", "unit", "bar", "peer", "ratio"
    );
    for row in rows {
        let bar = match row.bar {
            None => String::new(),
            Some(Bar::AtLeast(least)) => format!(">= {}", short(least)),
            Some(Bar::AtMost(most)) => format!("<= {}", short(most)),
        };
        let mark = if row.reaches_bar() { "" } else { " !" };
        let peer = row.peer.map(short).unwrap_or_default();
        let ratio = row.peer.map(|peer| format!("{:.2}", row.value / peer)).unwrap_or_default();
        println!(
            "{:<44} {:>12} {:<12} {:>12} {:>10} {:>8}  {}{mark}",
            row.name,
            short(row.value),
            row.unit,
            bar,
            peer,
            ratio,
            row.note,
        );
    }
    let Some(path) = json else { return Ok(()) };
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&serde_json::to_string(row)?);
        lines.push('\n');
    }
    std::fs::write(path, lines).with_context(|| format!("cannot write {}", path.display()))
}

/// Returns a number with as many digits as a reader wants.
fn short(value: f64) -> String {
    match value.abs() {
        size if 1000.0 <= size => format!("{value:.0}"),
        size if 10.0 <= size => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_a_good_side() {
        let row = |bar| Row::new("x", "ms", 5.0).bar(bar).reaches_bar();
        assert!(row(Bar::AtMost(5.0)) && row(Bar::AtLeast(5.0)));
        assert!(!row(Bar::AtMost(4.9)) && !row(Bar::AtLeast(5.1)));
    }

    #[test]
    fn peers_stand_beside_rows_of_the_same_name() {
        let rows =
            beside(vec![Row::new("a", "ms", 1.0)], &[Row::new("b", "ms", 2.0), Row::new("a", "ms", 3.0)]);
        assert_eq!(rows[0].peer, Some(3.0));
    }
}
