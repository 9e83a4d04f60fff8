//! `GET /api/tw/dependencies`: who calls whom, how often, how well.
//!
//! Calls are known only where a span's parent is, so whole traces are folded, newest first, for as long as an
//! answer may take; what was not looked at is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::Response;
use insight::Tree;
use span::{Trace, TraceId, UnixNanos};
use store::{Detail, Durations, Search, StoreError};

use super::window::Window;
use super::{Call, JSON, object, settle, write_missing};
use crate::json::JsonWriter;
use crate::{ApiError, Desk};

/// The most services and edges that are told apart: senders name services, and hostile ones a new one in each span.
const NAMES_MAX: usize = 2_000;
const EDGES_MAX: usize = 20_000;

/// Returns the calls between services.
pub(super) async fn dependencies(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_dependencies(&desk, &call).await;
    settle(&desk, answered)
}

async fn try_dependencies(desk: &Desk, call: &Call) -> Result<Response<Body>, ApiError> {
    let parameters = call.parameters()?;
    let now = Arc::clone(&desk.backend().now);
    let window = Window::read(&parameters, now())?;
    let only = parameters.get("service").map(str::to_owned);
    let tenant = call.tenant.clone();
    // Half of the time is for looking; the other half is reserve, as one look may take long.
    let deadline = now().plus((desk.backend().limits.query_time_max / 2).into());
    call.answer(desk, JSON, move |reader, stop| {
        let mut search = Search { detail: Detail::Skeleton, stop: stop.clone(), ..Search::all(tenant) };
        window.narrow(&mut search);
        let mut cursor = reader.search(search)?;
        let (mut traffic, mut covered) = (Traffic::default(), window.from);
        let mut missing = Vec::new();
        while let Some(trace) = cursor.next()? {
            traffic.add(&trace, window)?;
            if deadline < now() {
                covered = trace.start().max(window.from);
                missing.push(
                    "the time did not suffice for the whole range; older traces are not counted".to_owned(),
                );
                break;
            }
        }
        Ok(object(|json| {
            traffic.write(
                json,
                Window { from: covered.min(window.to), ..window },
                window,
                only.as_deref(),
                &missing,
            )
        }))
    })
    .await
}

/// Calls and services, folded trace by trace.
#[derive(Default)]
struct Traffic {
    traces: u64,
    names: BTreeMap<String, usize>,
    services: Vec<Service>,
    edges: BTreeMap<(usize, usize), Edge>,
}

#[derive(Clone, Default)]
struct Service {
    spans: u64,
    errors: u64,
    entries: u64,
    self_ns: u64,
}

struct Edge {
    errors: u64,
    durations: Durations,
    /// Traces come newest first, so the first is the newest.
    sample: TraceId,
    error_sample: Option<TraceId>,
}

impl Traffic {
    fn add(&mut self, trace: &Trace, window: Window) -> Result<(), ApiError> {
        let tree = Tree::of(trace);
        self.traces += 1;
        // Resources are few and spans are many: each resource is looked up once.
        let mut of_resource: Vec<Option<usize>> = vec![None; trace.batch().resource_rows().len()];
        let mut places = Vec::with_capacity(tree.len());
        for span in trace.spans() {
            let known = &mut of_resource[span.row().resource as usize];
            let place = match *known {
                Some(place) => place,
                None => self.place(span.resource().service())?,
            };
            *known = Some(place);
            places.push(place);
        }
        for (row, span) in trace.spans().enumerate() {
            if !(window.from..window.to).contains(&span.start()) {
                continue;
            }
            let failed = store::failed(span);
            let service = &mut self.services[places[row]];
            service.spans += 1;
            service.errors += u64::from(failed);
            service.entries += u64::from(tree.parent(row).is_none());
            service.self_ns = service.self_ns.saturating_add(tree.self_time(trace, row).0);
            let Some(parent) = tree.parent(row) else { continue };
            let edges = self.edges.len();
            let edge = self.edges.entry((places[parent], places[row])).or_insert_with(|| Edge {
                errors: 0,
                durations: Durations::default(),
                sample: trace.id(),
                error_sample: None,
            });
            edge.durations.add(span.duration());
            if failed {
                edge.errors += 1;
                edge.error_sample.get_or_insert_with(|| trace.id());
            }
            if EDGES_MAX < edges {
                return Err(StoreError::TooLarge { bytes_max: EDGES_MAX * 512 }.into());
            }
        }
        Ok(())
    }

    fn place(&mut self, name: &str) -> Result<usize, ApiError> {
        if let Some(place) = self.names.get(name) {
            return Ok(*place);
        }
        if NAMES_MAX < self.names.len() {
            return Err(StoreError::TooLarge { bytes_max: NAMES_MAX * 512 }.into());
        }
        self.services.push(Service::default());
        self.names.insert(name.to_owned(), self.services.len() - 1);
        Ok(self.services.len() - 1)
    }

    fn write(
        &self,
        json: &mut JsonWriter,
        covered: Window,
        window: Window,
        only: Option<&str>,
        missing: &[String],
    ) {
        let time = |json: &mut JsonWriter, key, time: UnixNanos| {
            json.key(key);
            json.text(&time.0.to_string());
        };
        time(json, "from", window.from);
        time(json, "to", window.to);
        time(json, "covered", covered.from);
        json.key("traces");
        json.unsigned(self.traces);
        let mut names = vec![""; self.services.len()];
        for (name, place) in &self.names {
            names[*place] = name;
        }
        let asked = |place: usize| only.is_none_or(|only| names[place] == only);
        let mut edges: Vec<_> =
            self.edges.iter().filter(|((parent, child), _)| asked(*parent) || asked(*child)).collect();
        edges.sort_by_key(|((parent, child), _)| (names[*parent], names[*child]));
        let shown = |place: usize| {
            asked(place) || edges.iter().any(|((parent, child), _)| *parent == place || *child == place)
        };
        json.key("services");
        json.begin_array();
        for (name, place) in self.names.iter().filter(|(_, place)| shown(**place)) {
            let service = &self.services[*place];
            json.begin_object();
            json.key("name");
            json.text(name);
            for (key, number) in [
                ("spans", service.spans),
                ("errors", service.errors),
                ("entries", service.entries),
                ("selfNs", service.self_ns),
            ] {
                json.key(key);
                json.unsigned(number);
            }
            json.end_object();
        }
        json.end_array();
        json.key("edges");
        json.begin_array();
        for ((parent, child), edge) in edges {
            edge.write(json, (names[*parent], names[*child]), covered);
        }
        json.end_array();
        write_missing(json, missing);
    }
}

impl Edge {
    fn write(&self, json: &mut JsonWriter, (parent, child): (&str, &str), covered: Window) {
        let calls = self.durations.count();
        json.begin_object();
        json.key("parent");
        json.text(parent);
        json.key("child");
        json.text(child);
        json.key("calls");
        json.unsigned(calls);
        json.key("rate");
        json.double(calls as f64 / covered.seconds().max(1e-9));
        json.key("errors");
        json.unsigned(self.errors);
        json.key("errorShare");
        json.double(self.errors as f64 / calls.max(1) as f64);
        for (key, share) in [("p50Ns", 0.5), ("p95Ns", 0.95)] {
            json.key(key);
            json.unsigned(self.durations.quantile(share).0);
        }
        json.key("sampleTraceId");
        json.text(&self.sample.to_string());
        json.key("errorTraceId");
        match self.error_sample {
            Some(id) => json.text(&id.to_string()),
            None => json.null(),
        }
        json.end_object();
    }
}
