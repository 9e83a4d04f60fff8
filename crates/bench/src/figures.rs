//! Figures and completion in process, through `TraceReader`: what the pages of the UI ask of the engine.
//!
//! The server is stopped, and its directory is opened here. The first round reads files and tables; rows tell the best
//! of the rounds after it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use span::{DurationNanos, SpanKind, Tenant, TraceKey, UnixNanos};
use store::{Dimension, Measure, Panel, Predicate, Search, SpanFilter, Steps, TraceReader, Within};
use store_columnar::{ColumnarStore, Config, Limits, Retention};

use crate::clock::{Stopwatch, now};
use crate::row::{Bar, Row};

const ROUNDS: usize = 5;
const MINUTE: u64 = 60_000_000_000;
/// A count by minute has no more minutes than a week.
const MINUTES_MAX: u64 = 7 * 24 * 60;

/// Measures a stopped server's directory.
pub(crate) fn measure(directory: &Path) -> anyhow::Result<Vec<Row>> {
    let store = ColumnarStore::open(Config {
        directory: directory.to_owned(),
        process_id: std::process::id(),
        now: Arc::new(now),
        retention: Retention { age: None, bytes: None },
        spared: |_| true,
        limits: Limits::default(),
    })
    .context("the data directory cannot be opened")?;
    let minutes = minutes(&store)?;
    let everything = || Search::all(Tenant::default());
    let of = |all: Vec<Predicate>| Search { filter: SpanFilter { all }, ..everything() };
    let by = |dimension| Panel { by: vec![dimension], ..Panel::default() };
    let code = Dimension::Attribute { within: Within::Span, key: "http.response.status_code".to_owned() };
    let entry = Predicate::Any(vec![Predicate::Kind(SpanKind::Server), Predicate::Root]);
    let over_minutes = |by| Panel { by, steps: Some(minutes), durations: true };
    let facets = vec![
        over_minutes(Vec::new()),
        by(Dimension::Service),
        by(Dimension::Name),
        by(Dimension::Status),
        by(Dimension::Kind),
        by(code.clone()),
    ];
    let ask = |search: Search, panels: Vec<Panel>, traces: bool| Measure {
        search,
        panels,
        traces,
        cells_max: 100_000,
    };
    let service = Dimension::Service;
    let by_minute = ask(everything(), vec![over_minutes(vec![service.clone()])], false);
    let (spans, cells) = {
        let measured = store.measure(&by_minute)?;
        (measured.spans, measured.panels[0].cells.len())
    };
    let note = format!("{spans} spans, {cells} cells of {} minutes", minutes.count);
    let count =
        |measure: &Measure| best(|| store.measure(measure).map(drop).context("the engine cannot count"));
    let names = best(|| {
        store.attribute_names(&everything())?;
        Ok(())
    })?;
    let rows = vec![
        Row::new("figures.service_by_minute", "ms", count(&by_minute)?).bar(Bar::AtMost(300.0)).note(note),
        Row::new(
            "figures.services",
            "ms",
            count(&ask(of(vec![entry]), vec![over_minutes(vec![service])], false))?,
        ),
        Row::new("figures.summary_of_all", "ms", count(&ask(everything(), facets.clone(), true))?),
        Row::new(
            "figures.summary_of_errors",
            "ms",
            count(&ask(of(vec![Predicate::Failed(true)]), facets, true))?,
        ),
        Row::new("completion.names", "ms", names),
        Row::new("completion.values", "ms", count(&ask(everything(), vec![by(code)], false))?),
    ];
    store.close()?;
    Ok(rows)
}

/// Returns steps of a minute over all spans, as far as a week goes.
fn minutes(store: &ColumnarStore) -> anyhow::Result<Steps> {
    let newest: Option<TraceKey> =
        store.search(Search::all(Tenant::default()))?.next()?.map(|trace| trace.key());
    let end = newest.map_or(UnixNanos(0), |key| key.start).plus(DurationNanos(MINUTE));
    // The load began within the week before its end; finding where by halves needs no index.
    let mut minutes = 1;
    while minutes < MINUTES_MAX {
        let search = Search {
            start_max: end.minus(DurationNanos(minutes * MINUTE)),
            ..Search::all(Tenant::default())
        };
        if store.search(search)?.next()?.is_none() {
            break;
        }
        minutes *= 2;
    }
    let count = minutes.min(MINUTES_MAX);
    let start = end.minus(DurationNanos(count * MINUTE));
    Ok(Steps { start, step: DurationNanos(MINUTE), count: count as u32 })
}

/// Returns the least milliseconds of several rounds.
fn best(mut run: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut best = f64::INFINITY;
    run()?;
    for _ in 0..ROUNDS {
        let watch = Stopwatch::start();
        run()?;
        best = best.min(watch.read().as_secs_f64() * 1e3);
    }
    Ok(best)
}
