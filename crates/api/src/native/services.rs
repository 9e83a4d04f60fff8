//! `GET /api/tw/services` and `../{service}/operations`: rate, errors and durations.
//!
//! A service is judged by its entry spans: those that serve somebody, or begin a trace. What it does inside and
//! whom it calls would count one request many times.

use axum::body::Body;
use axum::extract::{Path, State};
use http::Response;
use span::{SpanKind, Tenant};
use store::{
    Dimension, FigureCell, Measure, Measured, Panel, Predicate, Search, SpanFilter, Steps, Stop, TraceReader,
};

use super::figures::{durations_of, write_red, write_window};
use super::window::{Window, number};
use super::{Call, JSON, object, settle, write_missing};
use crate::{ApiError, Desk};

/// The most cells of one answer: a thousand services of thirty steps.
const CELLS_MAX: usize = 30_000;

/// Returns all services.
pub(super) async fn services(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_services(&desk, &call).await;
    settle(&desk, answered)
}

/// Returns the operations of a service.
pub(super) async fn operations(
    State(desk): State<Desk>,
    Path(service): Path<String>,
    call: Call,
) -> Response<Body> {
    let answered = try_operations(&desk, service, &call).await;
    settle(&desk, answered)
}

/// What both ask: a window in steps.
struct Wanted {
    tenant: Tenant,
    window: Window,
    steps: Steps,
}

impl Wanted {
    fn read(desk: &Desk, call: &Call) -> Result<Self, ApiError> {
        let parameters = call.parameters()?;
        let window = Window::read(&parameters, (desk.backend().now)())?;
        let steps = window.steps(number(&parameters, "buckets", 1..=500, 30)?);
        Ok(Self { tenant: call.tenant.clone(), window, steps })
    }

    fn measure(
        &self,
        reader: &dyn TraceReader,
        stop: &Stop,
        all: Vec<Predicate>,
        by: &[Dimension],
    ) -> Result<Measured, ApiError> {
        let mut search =
            Search { filter: SpanFilter { all }, stop: stop.clone(), ..Search::all(self.tenant.clone()) };
        self.window.narrow(&mut search);
        let panels = vec![Panel { by: by.to_vec(), steps: Some(self.steps), durations: true }];
        Ok(reader.measure(&Measure { search, panels, traces: false, cells_max: CELLS_MAX })?)
    }
}

async fn try_services(desk: &Desk, call: &Call) -> Result<Response<Body>, ApiError> {
    let wanted = Wanted::read(desk, call)?;
    call.answer(desk, JSON, move |reader, stop| {
        let kind = Predicate::Kind;
        let entry = Predicate::Any(vec![kind(SpanKind::Server), kind(SpanKind::Consumer), Predicate::Root]);
        let by = [Dimension::Service];
        let entries = wanted.measure(reader, stop, vec![entry], &by)?;
        let mut names = reader.services(&wanted.tenant)?;
        names.retain(|name| !cells_of(&entries).iter().any(|cell| cell.labels[0].text == *name));
        let inner = match names.is_empty() {
            true => Measured::default(),
            false => {
                let any = names.into_iter().map(Predicate::Service).collect();
                wanted.measure(reader, stop, vec![Predicate::Any(any)], &by)?
            }
        };
        Ok(object(|json| {
            write_window(json, wanted.window, &wanted.steps);
            json.key("total");
            json.begin_object();
            write_red(json, wanted.window, &wanted.steps, cells_of(&entries).iter());
            json.end_object();
            let served = runs(cells_of(&entries)).map(|run| (run, "entries"));
            let mut services: Vec<_> = served.chain(runs(cells_of(&inner)).map(|run| (run, "all"))).collect();
            services.sort_by(|(a, _), (b, _)| a[0].labels.cmp(&b[0].labels));
            json.key("services");
            json.begin_array();
            for (run, over) in services {
                json.begin_object();
                json.key("name");
                json.text(&run[0].labels[0].text);
                json.key("over");
                json.text(over);
                write_red(json, wanted.window, &wanted.steps, run.iter());
                json.end_object();
            }
            json.end_array();
            write_missing(json, &lacks(&[&entries, &inner]));
        }))
    })
    .await
}

async fn try_operations(desk: &Desk, service: String, call: &Call) -> Result<Response<Body>, ApiError> {
    let wanted = Wanted::read(desk, call)?;
    let name = call.parameters()?.get("name").map(str::to_owned);
    call.answer(desk, JSON, move |reader, stop| {
        let mut all = vec![Predicate::Service(service.clone())];
        all.extend(name.clone().map(Predicate::Name));
        let measured = wanted.measure(reader, stop, all, &[Dimension::Name, Dimension::Kind])?;
        Ok(object(|json| {
            write_window(json, wanted.window, &wanted.steps);
            json.key("service");
            json.text(&service);
            json.key("operations");
            json.begin_array();
            for run in runs(cells_of(&measured)) {
                let durations = durations_of(run.iter().map(|cell| &cell.cell));
                json.begin_object();
                json.key("name");
                json.text(&run[0].labels[0].text);
                json.key("kind");
                json.text(&run[0].labels[1].text);
                write_red(json, wanted.window, &wanted.steps, run.iter());
                json.key("totalNs");
                json.unsigned(durations.total().0);
                if name.is_some() {
                    json.key("durations");
                    json.begin_array();
                    for (bucket, count) in durations.iter() {
                        json.begin_array();
                        json.unsigned(store::bucket_least(bucket).0);
                        json.unsigned(count);
                        json.end_array();
                    }
                    json.end_array();
                }
                json.end_object();
            }
            json.end_array();
            write_missing(json, &lacks(&[&measured]));
        }))
    })
    .await
}

fn cells_of(measured: &Measured) -> &[FigureCell] {
    measured.panels.first().map_or(&[], |figures| &figures.cells)
}

/// Divides cells into those that are alike but for their step: they stand side by side.
fn runs(cells: &[FigureCell]) -> impl Iterator<Item = &[FigureCell]> {
    cells.chunk_by(|a, b| a.labels == b.labels)
}

/// Says what does not fit into an answer.
fn lacks(all: &[&Measured]) -> Vec<String> {
    let others: u64 = all.iter().flat_map(|measured| &measured.panels).map(|panel| panel.others.spans).sum();
    match others {
        0 => Vec::new(),
        others => vec![format!("{others} spans have more names than can be listed; narrow the time range")],
    }
}
