//! The last line of a search: totals, histogram, heatmap and facets over everything that matches.

use query::Field;
use store::{
    Cell, Durations, FigureCell, Figures, Measure, Measured, Panel, Search, Steps, TraceReader, Within,
    bucket_least,
};

use super::super::figures::{durations_of, write_values};
use super::super::window::Window;
use crate::ApiError;
use crate::json::JsonWriter;

/// The most cells of one panel.
const CELLS_MAX: usize = 10_000;

/// The most values of a facet.
const VALUES_MAX: usize = 20;

/// What a summary may take while it is counted.
pub(super) const BYTES_MAX: usize = 24 << 20;

/// What is summed up.
pub(super) struct Summary<'a> {
    pub(super) window: Window,
    pub(super) buckets: u32,
    pub(super) facets: &'a [Field],
}

/// A summary, counted.
pub(super) struct Counted {
    measured: Measured,
    steps: Steps,
    /// By panel behind the first.
    facets: Vec<Field>,
}

impl Summary<'_> {
    pub(super) fn measure(&self, reader: &dyn TraceReader, search: &Search) -> Result<Counted, ApiError> {
        let steps = self.window.steps(self.buckets);
        let mut facets = vec![
            Field::attribute(Within::Resource, "service.name"),
            Field::Name,
            Field::Status,
            Field::Kind,
            Field::attribute(Within::Span, "http.response.status_code"),
        ];
        for facet in self.facets {
            if !facets.contains(facet) {
                facets.push(facet.clone());
            }
        }
        let mut panels = vec![Panel { by: Vec::new(), steps: Some(steps), durations: true }];
        for facet in &facets {
            let by = vec![facet.dimension().expect("facets are fields with values to count")];
            panels.push(Panel { by, ..Panel::default() });
        }
        let search = Search { after: None, ..search.clone() };
        let measured = reader.measure(&Measure { search, panels, traces: true, cells_max: CELLS_MAX })?;
        Ok(Counted { measured, steps, facets })
    }
}

impl Counted {
    /// Writes the members of the line; returns what they lack.
    pub(super) fn write(&self, json: &mut JsonWriter) -> Vec<String> {
        let mut missing = Vec::new();
        let Measured { spans, errors, traces, traces_more, panels } = &self.measured;
        json.key("traces");
        json.begin_object();
        json.key("count");
        json.unsigned(*traces);
        json.key("exact");
        json.bool(!traces_more);
        json.end_object();
        if *traces_more {
            missing.push(format!("there are more than {traces} traces; the others were not told apart"));
        }
        json.key("spans");
        json.unsigned(*spans);
        json.key("errors");
        json.unsigned(*errors);
        let [over_time, facets @ ..] = &panels[..] else { return missing };
        self.write_histogram(json, over_time);
        self.write_heatmap(json, over_time);
        json.key("facets");
        json.begin_array();
        for (field, figures) in self.facets.iter().zip(facets) {
            json.begin_object();
            json.key("key");
            json.text(&field.to_string());
            let others = write_values(json, figures, VALUES_MAX, |_| true);
            json.key("others");
            json.unsigned(others);
            json.end_object();
            if figures.others.spans != 0 {
                missing.push(format!(
                    "{field} has more than {CELLS_MAX} values; the others are counted together"
                ));
            }
        }
        json.end_array();
        missing
    }

    fn write_histogram(&self, json: &mut JsonWriter, figures: &Figures) {
        json.key("histogram");
        json.begin_object();
        self.write_steps(json);
        for (key, count) in
            [("counts", (|cell: &Cell| cell.spans) as fn(&Cell) -> u64), ("errors", |cell| cell.errors)]
        {
            let mut counts = vec![0; self.steps.count as usize];
            figures.cells.iter().for_each(|cell| counts[cell.step as usize] += count(&cell.cell));
            json.key(key);
            json.begin_array();
            counts.into_iter().for_each(|count| json.unsigned(count));
            json.end_array();
        }
        json.end_object();
        let all = durations_of(figures.cells.iter().map(|cell| &cell.cell));
        json.key("durations");
        json.begin_object();
        for (key, share) in [("p50Ns", 0.5), ("p95Ns", 0.95), ("p99Ns", 0.99)] {
            json.key(key);
            json.unsigned(all.quantile(share).0);
        }
        json.end_object();
    }

    fn write_heatmap(&self, json: &mut JsonWriter, figures: &Figures) {
        let buckets = |durations: &Durations| durations.iter().map(|(bucket, _)| bucket).collect::<Vec<_>>();
        let all: Vec<u8> = figures.cells.iter().flat_map(|cell| buckets(&cell.cell.durations)).collect();
        let range = all.iter().min().zip(all.iter().max());
        json.key("heatmap");
        json.begin_object();
        self.write_steps(json);
        json.key("bounds");
        json.begin_array();
        if let Some((first, last)) = range {
            (*first..=last + 1).for_each(|bucket| json.unsigned(bucket_least(bucket).0));
        }
        json.end_array();
        json.key("cells");
        json.begin_array();
        let first = range.map_or(0, |(first, _)| *first);
        for FigureCell { step, cell, .. } in &figures.cells {
            for (bucket, count) in cell.durations.iter() {
                json.begin_array();
                json.unsigned(u64::from(*step));
                json.unsigned(u64::from(bucket - first));
                json.unsigned(count);
                json.unsigned(cell.error_durations.get(bucket));
                json.end_array();
            }
        }
        json.end_array();
        json.end_object();
    }

    fn write_steps(&self, json: &mut JsonWriter) {
        json.key("start");
        json.text(&self.steps.start.0.to_string());
        json.key("stepNs");
        json.unsigned(self.steps.step.0);
    }
}
