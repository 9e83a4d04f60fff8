//! Traces in a terminal: one line for each, or a tree with durations, a time line, and marks on what
//! failed and on the bottleneck.
//!
//! The bottleneck is the span with the most time of its own on the critical path, so a parent that only
//! waits for its child is not marked. Names come from strangers: control characters do not reach the terminal.

use std::fmt::Write;

use insight::{CriticalPath, TraceSummary, Tree};
use span::{DurationNanos, SpanRef, StatusCode, Trace};

use crate::clock;

/// Columns of the time line.
const TIMELINE: usize = 24;
/// Wider labels do not push the rest away.
const LABEL_MAX: usize = 72;

/// Whether marks are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Colour,
}

/// Writes a trace as a tree.
pub(crate) fn tree(trace: &Trace, ink: Ink) -> String {
    let tree = Tree::of(trace);
    let path = CriticalPath::of(trace, &tree);
    let bottleneck = path.bottleneck();
    let total = trace.end().since(trace.start());
    let rows = labelled(trace, &tree);
    let width = rows.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0).min(LABEL_MAX);
    let mut text = heading(trace, &tree);
    for (row, label) in &rows {
        let span = trace.batch().span(*row);
        let pad = width.saturating_sub(label.chars().count());
        let line = timeline(trace, span, total);
        let _ = write!(text, "\n{label}{:pad$}  {:>8}  {line}", "", duration(span.duration()));
        if bottleneck == Some(*row) {
            let mark = format!("<- bottleneck: {} of {}", duration(path.time(*row)), duration(total));
            let _ = write!(text, "  {}", inked(&mark, "33;1", ink));
        }
        if span.status_code() == StatusCode::Error {
            let why = clean(&String::from_utf8_lossy(span.status_message()));
            let mark = if why.is_empty() { "error".to_owned() } else { format!("error: {why}") };
            let _ = write!(text, "  {}", inked(&mark, "31;1", ink));
        }
        text.truncate(text.trim_end_matches(' ').len());
    }
    text
}

/// Writes a trace as one line.
pub(crate) fn line(trace: &Trace, ink: Ink) -> String {
    let tree = Tree::of(trace);
    let summary = TraceSummary::of(trace, &tree, is_error);
    let total = trace.end().since(trace.start());
    let root = tree.main_root().map(|row| name(trace.batch().span(row))).unwrap_or_default();
    let errors = match summary.services.iter().map(|service| service.error_count).sum::<usize>() {
        0 => String::new(),
        count => inked(&format!("  {count} failed"), "31;1", ink),
    };
    let spans = trace.batch().len();
    let start = clock::show(trace.start());
    format!("{}  {start:.19}  {:>8}  {spans:>5} spans  {root}{errors}", trace.id(), duration(total))
}

fn heading(trace: &Trace, tree: &Tree) -> String {
    let summary = TraceSummary::of(trace, tree, is_error);
    let total = trace.end().since(trace.start());
    let failed = summary.services.iter().map(|service| service.error_count).sum::<usize>();
    let (spans, services) = (trace.batch().len(), summary.services.len());
    format!(
        "trace {}  {}  {}\n{} in {}{}",
        trace.id(),
        clock::show(trace.start()),
        duration(total),
        counted(spans, "span"),
        counted(services, "service"),
        if failed == 0 { String::new() } else { format!(", {failed} failed") },
    )
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns all rows, parents first, each with its branches and its name.
fn labelled(trace: &Trace, tree: &Tree) -> Vec<(usize, String)> {
    // For each depth: whether more siblings follow below.
    let mut open: Vec<bool> = Vec::new();
    let mut rows = Vec::with_capacity(tree.len());
    for (row, depth) in tree.pre_order() {
        let last = match tree.parent(row) {
            Some(parent) => tree.children(parent).next_back() == Some(row),
            None => tree.roots().next_back() == Some(row),
        };
        open.truncate(depth);
        let mut label = String::new();
        // A chain of a thousand spans is not drawn a thousand columns wide.
        let from = depth.saturating_sub(16);
        for more in open.iter().skip(from.max(1)) {
            label.push_str(if *more { "│  " } else { "   " });
        }
        if 0 < depth {
            label.push_str(if last { "└─ " } else { "├─ " });
        }
        open.push(!last);
        if tree.is_orphan(row) {
            label.push_str("(parent missing) ");
        }
        label.push_str(&name(trace.batch().span(row)));
        rows.push((row, label));
    }
    rows
}

fn name(span: SpanRef<'_>) -> String {
    clean(&format!("{}  {}", span.resource().service(), span.operation()))
}

/// Draws when in the trace the span ran.
fn timeline(trace: &Trace, span: SpanRef<'_>, total: DurationNanos) -> String {
    let column = |time: u64| (u128::from(time) * TIMELINE as u128 / u128::from(total.0.max(1))) as usize;
    let from = column(span.start().since(trace.start()).0).min(TIMELINE - 1);
    let until = column(span.end().since(trace.start()).0).clamp(from + 1, TIMELINE);
    format!("{}{}{}", " ".repeat(from), "━".repeat(until - from), " ".repeat(TIMELINE - until))
}

/// Writes a duration with three digits.
pub(crate) fn duration(duration: DurationNanos) -> String {
    let nanos = duration.0 as f64;
    let (number, unit) = match duration.0 {
        0..1_000 => return format!("{} ns", duration.0),
        1_000..1_000_000 => (nanos / 1e3, "us"),
        1_000_000..1_000_000_000 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    let digits = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    let text = format!("{number:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn inked(text: &str, code: &str, ink: Ink) -> String {
    match ink {
        Ink::Plain => text.to_owned(),
        Ink::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
    }
}

fn is_error(span: SpanRef<'_>) -> bool {
    span.status_code() == StatusCode::Error
}

#[cfg(test)]
mod tests {
    use span::{BatchBuilder, ResourceRow, ScopeRow, SpanId, SpanRow, TraceId, UnixNanos, ValueRef};

    use super::*;

    /// Spans as (id, parent, service, name, start ms, end ms, status).
    type Sketch<'a> = (u64, u64, &'a str, &'a str, u64, u64, StatusCode);

    fn trace(spans: &[Sketch<'_>]) -> Trace {
        let mut builder = BatchBuilder::new();
        let scope = builder.scope(ScopeRow::default());
        let id = TraceId::from_halves(0, 7);
        for (span_id, parent, service, name, start, end, status_code) in spans {
            let mark = builder.mark();
            builder.push(b"service.name", ValueRef::Str(service.as_bytes())).unwrap();
            let attributes = builder.since(mark);
            let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
            let row = SpanRow {
                trace_id: id,
                span_id: SpanId::from_u64(*span_id),
                parent_span_id: SpanId::from_u64(*parent),
                start: UnixNanos(1_767_225_600_000_000_000 + start * 1_000_000),
                end: UnixNanos(1_767_225_600_000_000_000 + end * 1_000_000),
                name: builder.text(name.as_bytes()).unwrap(),
                status_code: *status_code,
                resource,
                scope,
                ..SpanRow::default()
            };
            builder.span(row);
        }
        Trace::assemble(id, builder.finish().spans()).unwrap().unwrap()
    }

    #[test]
    fn leaf_that_takes_the_time_is_marked_and_not_its_parent() {
        let trace = trace(&[
            (1, 0, "gateway", "POST /chat", 0, 1_200, StatusCode::Unset),
            (2, 1, "gateway", "SELECT history", 50, 150, StatusCode::Unset),
            (3, 1, "ai", "process", 200, 1_000, StatusCode::Unset),
            (4, 3, "ai", "model request", 225, 975, StatusCode::Error),
        ]);
        let expected = "\
trace 00000000000000000000000000000007  2026-01-01T00:00:00Z  1.2 s
4 spans in 2 services, 1 failed
gateway  POST /chat            1.2 s  ━━━━━━━━━━━━━━━━━━━━━━━━
├─ gateway  SELECT history    100 ms   ━━
└─ ai  process                800 ms      ━━━━━━━━━━━━━━━━
   └─ ai  model request       750 ms      ━━━━━━━━━━━━━━━       <- bottleneck: 750 ms of 1.2 s  error";
        assert_eq!(tree(&trace, Ink::Plain), expected);
        assert_eq!(
            line(&trace, Ink::Plain),
            "00000000000000000000000000000007  2026-01-01T00:00:00     1.2 s      4 spans  gateway  POST /chat  1 failed"
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let trace = trace(&[(1, 9, "a\u{1b}[2J", "b\nc", 0, 1, StatusCode::Unset)]);
        let shown = tree(&trace, Ink::Plain);
        assert!(shown.ends_with("(parent missing) a\u{fffd}[2J  b\u{fffd}c      1 ms  ━━━━━━━━━━━━━━━━━━━━━━━━  <- bottleneck: 1 ms of 1 ms"), "{shown}");
    }

    #[test]
    fn durations_have_three_digits() {
        for (nanos, expected) in [
            (7, "7 ns"),
            (1_500, "1.5 us"),
            (750_000_000, "750 ms"),
            (1_234_000_000, "1.23 s"),
            (100_000_000_000, "100 s"),
        ] {
            assert_eq!(duration(DurationNanos(nanos)), expected);
        }
    }
}
