//! Counts what a [`Measure`] asks for.
//!
//! Labels are numbered, and cells go by those numbers. Tallies of several threads are merged at the end.

use std::collections::{HashMap, HashSet};

use span::{SpanRef, StatusCode, TraceId, ValueRef};

use super::{Cell, Dimension, FigureCell, Figures, Label, Measure, Measured, Panel, TRACES_COUNTED_MAX};
use crate::{Within, failed};

/// A count under way.
#[derive(Clone, Debug)]
pub struct Tally {
    panels: Vec<PanelTally>,
    spans: u64,
    errors: u64,
    traces: HashSet<TraceId>,
    traces_more: bool,
    wants_traces: bool,
    labels: Vec<Label>,
    numbers: HashMap<Label, u32>,
}

#[derive(Clone, Debug)]
struct PanelTally {
    panel: Panel,
    cells: HashMap<(Box<[u32]>, u32), Cell>,
    cells_max: usize,
    others: Cell,
}

impl Tally {
    /// Begins to count what `measure` asks for.
    pub fn new(measure: &Measure) -> Self {
        let cells_max = measure.cells_max;
        let panel = |panel: &Panel| PanelTally {
            panel: panel.clone(),
            cells: HashMap::new(),
            cells_max,
            others: Cell::default(),
        };
        Self {
            panels: measure.panels.iter().map(panel).collect(),
            spans: 0,
            errors: 0,
            traces: HashSet::new(),
            traces_more: false,
            wants_traces: measure.traces,
            labels: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// Counts a span that the search accepts.
    pub fn add(&mut self, span: SpanRef<'_>) {
        let errors = u64::from(failed(span));
        self.count(1, errors);
        self.add_trace(span.trace_id());
        for panel in 0..self.panels.len() {
            let Panel { by, steps, durations } = self.panels[panel].panel.clone();
            let Some(step) = steps.map_or(Some(0), |steps| steps.of(span.start())) else { continue };
            let labels: Option<Vec<Label>> = by.iter().map(|dimension| label_of(span, dimension)).collect();
            let Some(labels) = labels else { continue };
            let numbers: Vec<u32> = labels.into_iter().map(|label| self.label(label)).collect();
            let cell = self.cell(panel, &numbers, step);
            cell.spans += 1;
            cell.errors += errors;
            if durations {
                cell.durations.add(span.duration());
                if errors != 0 {
                    cell.error_durations.add(span.duration());
                }
            }
        }
    }

    /// Counts spans for the totals alone.
    pub fn count(&mut self, spans: u64, errors: u64) {
        self.spans += spans;
        self.errors += errors;
    }

    /// Notes a trace of an accepted span, where traces are asked for.
    pub fn add_trace(&mut self, id: TraceId) {
        if !self.wants_traces || self.traces_more && self.traces.len() == TRACES_COUNTED_MAX {
            return;
        }
        if self.traces.len() == TRACES_COUNTED_MAX {
            self.traces_more = !self.traces.contains(&id);
        } else {
            self.traces.insert(id);
        }
    }

    /// Returns the number of a label, a new one where it was never seen.
    pub fn label(&mut self, label: Label) -> u32 {
        let fresh = self.labels.len() as u32;
        if let Some(number) = self.numbers.get(&label) {
            return *number;
        }
        self.labels.push(label.clone());
        self.numbers.insert(label, fresh);
        fresh
    }

    /// Returns a panel's cell; its others' where there are as many as there may be.
    pub fn cell(&mut self, panel: usize, labels: &[u32], step: u32) -> &mut Cell {
        let PanelTally { cells, cells_max, others, .. } = &mut self.panels[panel];
        let key = (Box::from(labels), step);
        if *cells_max <= cells.len() && !cells.contains_key(&key) {
            return others;
        }
        cells.entry(key).or_default()
    }

    /// Returns about how much memory it takes, traces apart.
    pub fn bytes(&self) -> usize {
        const LABEL: usize = 96;
        const CELL: usize = 192;
        let labels: usize = self.labels.iter().map(|label| 2 * label.text.len() + LABEL).sum();
        labels + self.panels.iter().map(|panel| panel.cells.len() * CELL).sum::<usize>()
    }

    /// Tells whether there were more cells than were wanted: another measure may want more.
    pub fn is_cut(&self) -> bool {
        self.panels.iter().any(|panel| panel.cells_max <= panel.cells.len())
    }

    /// Adds what another tally of the same measure counted.
    pub fn merge(&mut self, other: Self) {
        self.count(other.spans, other.errors);
        self.traces_more |= other.traces_more;
        other.traces.into_iter().for_each(|id| self.add_trace(id));
        let numbers: Vec<u32> = other.labels.into_iter().map(|label| self.label(label)).collect();
        for (panel, theirs) in other.panels.into_iter().enumerate() {
            for ((labels, step), cell) in theirs.cells {
                let labels: Vec<u32> = labels.iter().map(|label| numbers[*label as usize]).collect();
                self.cell(panel, &labels, step).merge(&cell);
            }
            self.panels[panel].others.merge(&theirs.others);
        }
    }

    /// Returns what was counted.
    pub fn finish(self) -> Measured {
        let Self { panels, spans, errors, traces, traces_more, labels, .. } = self;
        let figures = |panel: PanelTally| {
            let cell = |((numbers, step), cell): ((Box<[u32]>, u32), Cell)| FigureCell {
                labels: numbers.iter().map(|number| labels[*number as usize].clone()).collect(),
                step,
                cell,
            };
            let mut cells: Vec<FigureCell> = panel.cells.into_iter().map(cell).collect();
            cells.sort_unstable_by(|a, b| (&a.labels, a.step).cmp(&(&b.labels, b.step)));
            Figures { cells, others: panel.others }
        };
        let panels = panels.into_iter().map(figures).collect();
        Measured { spans, errors, traces: traces.len() as u64, traces_more, panels }
    }
}

fn label_of(span: SpanRef<'_>, dimension: &Dimension) -> Option<Label> {
    Some(match dimension {
        Dimension::Service => Label::text(span.resource().service()),
        Dimension::Name => Label::text(span.operation()),
        Dimension::Kind => Label::of_kind(span.kind()),
        Dimension::Status if failed(span) => Label::of_status(StatusCode::Error),
        Dimension::Status => Label::of_status(span.status_code()),
        Dimension::Attribute { within, key } => Label::of_value(value_of(span, *within, key.as_bytes())?),
    })
}

/// Returns the value that counts: the first place in which the key stands, and there the last value. Of events and
/// links the first that has it.
fn value_of<'a>(span: SpanRef<'a>, within: Within, key: &[u8]) -> Option<ValueRef<'a>> {
    let of_span = || span.attribute(key).filter(|_| within.spans());
    let of_resource = || span.resource().attribute(key).filter(|_| within.resources());
    let of_scope = || span.scope().attribute(key).filter(|_| within.scopes());
    let of_event = || span.events().filter(|_| within.events()).find_map(|event| event.attribute(key));
    let of_link = || span.links().filter(|_| within.links()).find_map(|link| link.attribute(key));
    of_span().or_else(of_resource).or_else(of_scope).or_else(of_event).or_else(of_link)
}
