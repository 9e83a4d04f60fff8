//! Figures in JSON: values with counts, and rate, errors and durations.

use store::{Cell, Durations, FigureCell, Figures, LabelKind, Steps};

use super::window::Window;
use crate::json::JsonWriter;

/// Returns the durations of several cells together.
pub(super) fn durations_of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Durations {
    let mut all = Durations::default();
    cells.for_each(|cell| all.merge(&cell.durations));
    all
}

/// Writes `values`, most frequent first, at most `limit` of those that are wanted; returns how many spans have other
/// values.
pub(super) fn write_values(
    json: &mut JsonWriter,
    figures: &Figures,
    limit: usize,
    wanted: impl Fn(&str) -> bool,
) -> u64 {
    let mut cells: Vec<&FigureCell> =
        figures.cells.iter().filter(|cell| wanted(&cell.labels[0].text)).collect();
    cells.sort_by(|a, b| b.cell.spans.cmp(&a.cell.spans).then_with(|| a.labels.cmp(&b.labels)));
    let others: u64 = cells.iter().skip(limit).map(|cell| cell.cell.spans).sum();
    json.key("values");
    json.begin_array();
    for FigureCell { labels, cell, .. } in cells.into_iter().take(limit) {
        json.begin_object();
        json.key("text");
        json.text(&labels[0].text);
        json.key("type");
        json.text(kind_word(labels[0].kind));
        json.key("count");
        json.unsigned(cell.spans);
        json.key("errors");
        json.unsigned(cell.errors);
        json.end_object();
    }
    json.end_array();
    others + figures.others.spans
}

/// Returns the word for a sort of values.
pub(super) const fn kind_word(kind: LabelKind) -> &'static str {
    match kind {
        LabelKind::Empty => "empty",
        LabelKind::String => "string",
        LabelKind::Bool => "bool",
        LabelKind::Int => "int",
        LabelKind::Double => "double",
        LabelKind::Bytes => "bytes",
        LabelKind::Array => "array",
        LabelKind::Map => "map",
        LabelKind::Keyword => "keyword",
    }
}

/// Writes the members that say how something does: its rate, errors and durations, whole and over time.
pub(super) fn write_red<'a>(
    json: &mut JsonWriter,
    window: Window,
    steps: &Steps,
    cells: impl Iterator<Item = &'a FigureCell> + Clone,
) {
    let (mut whole, mut over_time) = (Cell::default(), vec![Cell::default(); steps.count as usize]);
    for FigureCell { step, cell, .. } in cells {
        whole.merge(cell);
        over_time[*step as usize].merge(cell);
    }
    json.key("spans");
    json.unsigned(whole.spans);
    json.key("rate");
    json.double(whole.spans as f64 / window.seconds());
    json.key("errors");
    json.unsigned(whole.errors);
    json.key("errorShare");
    json.double(if whole.spans == 0 { 0.0 } else { whole.errors as f64 / whole.spans as f64 });
    for (key, share) in [("p50Ns", 0.5), ("p95Ns", 0.95), ("p99Ns", 0.99)] {
        json.key(key);
        json.unsigned(whole.durations.quantile(share).0);
    }
    json.key("sparkline");
    json.begin_object();
    for (key, figure) in [
        ("counts", (|cell| cell.spans) as fn(&Cell) -> u64),
        ("errors", |cell| cell.errors),
        ("p95Ns", |cell| cell.durations.quantile(0.95).0),
    ] {
        json.key(key);
        json.begin_array();
        over_time.iter().for_each(|cell| json.unsigned(figure(cell)));
        json.end_array();
    }
    json.end_object();
}

/// Writes the window and how it is divided.
pub(super) fn write_window(json: &mut JsonWriter, window: Window, steps: &Steps) {
    json.key("from");
    json.text(&window.from.0.to_string());
    json.key("to");
    json.text(&window.to.0.to_string());
    json.key("stepNs");
    json.unsigned(steps.step.0);
}
