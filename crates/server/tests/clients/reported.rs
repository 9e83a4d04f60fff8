//! Instrumented programs say which spans their exporters took; here every one of them is found again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde_json::Value;

use crate::jaeger::{self, Span, Trace};
use crate::{patience, table};

/// Everything that one or several programs sent.
pub(crate) struct Reported {
    lines: Vec<Value>,
}

impl Reported {
    pub(crate) fn of(lines: Vec<Value>) -> Self {
        Self { lines }
    }

    /// Compares every span that was sent with what is kept, and prints a row per program.
    pub(crate) fn check(&self, query: SocketAddr) {
        let mut traces: BTreeMap<&str, Trace> = BTreeMap::new();
        for (id, count) in self.counts() {
            let trace = patience::until("a trace is whole", || {
                Trace::by_id(query, id).filter(|trace| count <= trace.spans().count())
            });
            assert_eq!(trace.spans().count(), count, "no span of {id} twice");
            traces.insert(id, trace);
        }
        for line in &self.lines {
            let sent = spans(line);
            for span in sent {
                let kept = traces[text(&span["trace_id"])].span(text(&span["span_id"]));
                compare(kept, span);
                // Node's Jaeger exporter leaves the kind out when it is internal.
                let silent = span["kind"] == "internal" && line["client"] == "opentelemetry-node";
                let kind = span["kind"].as_str().filter(|_| !silent);
                assert_eq!(kept.tag_text("span.kind").as_deref(), kind, "kind of {}", kept.name());
            }
            table::row(
                line,
                &format!("{} {}", text(&line["protocol"]), service(line)),
                sent.len(),
                sent.len(),
            );
        }
    }

    /// Checks that the trace with the marker is whole: one root, every parent there, these services.
    pub(crate) fn check_marked_trace(&self, query: SocketAddr, marker: &str, services: &[&str]) {
        let marked = self.lines.iter().flat_map(spans).find(|span| span["attributes"]["tw.marker"] == marker);
        let id = text(&marked.expect("a span carries the marker")["trace_id"]);
        let trace = Trace::by_id(query, id).expect("it was compared before");
        let ids: BTreeSet<&str> = trace.spans().map(|span| span.id()).collect();
        let roots = trace.spans().filter(|span| span.parent().is_none()).count();
        assert_eq!(roots, 1, "one root in {id}");
        for span in trace.spans() {
            assert!(
                span.parent().is_none_or(|parent| ids.contains(parent)),
                "the parent of {} is there",
                span.name()
            );
        }
        let found: BTreeSet<&str> = trace.spans().map(|span| span.service()).collect();
        assert_eq!(found, services.iter().copied().collect::<BTreeSet<&str>>());
        let tag = jaeger::encoded(&format!("{{\"tw.marker\":\"{marker}\"}}"));
        assert_eq!(jaeger::search(query, &format!("tags={tag}")), [id], "found by its marker");
        for service in services {
            let all = jaeger::search(query, &format!("service={service}&limit=1000"));
            assert!(all.iter().any(|other| other == id), "found by {service}");
        }
    }

    /// Returns the parent's and the child's name of each link between spans, as the programs sent them.
    pub(crate) fn chain(&self, marker: &str) -> BTreeSet<(String, String)> {
        let all: Vec<&Value> = self.lines.iter().flat_map(spans).collect();
        let marked = all.iter().find(|span| span["attributes"]["tw.marker"] == marker);
        let id = &marked.expect("a span carries the marker")["trace_id"];
        let name = |id: &Value| all.iter().find(|span| span["span_id"] == *id).map(|span| label(span));
        all.iter()
            .filter(|span| span["trace_id"] == *id)
            .filter_map(|span| Some((name(&span["parent_span_id"])?, label(span))))
            .collect()
    }

    fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for span in self.lines.iter().flat_map(spans) {
            *counts.entry(text(&span["trace_id"])).or_default() += 1;
        }
        counts
    }
}

fn compare(kept: Span<'_>, sent: &Value) {
    let name = text(&sent["name"]);
    assert_eq!(kept.name(), name);
    assert_eq!(kept.service(), text(&sent["service"]), "service of {name}");
    assert_eq!(kept.parent(), sent["parent_span_id"].as_str(), "parent of {name}");
    let error = kept.tag("error").is_some_and(|(_, value)| *value == Value::Bool(true));
    assert_eq!(error, sent["error"] == true, "the SDK's own word on the error of {name}");
    for (key, value) in sent["attributes"].as_object().into_iter().flatten() {
        let (_, found) = kept.tag(key).unwrap_or_else(|| panic!("{name} lost {key}"));
        let same = match (value.as_f64(), found.as_f64()) {
            (Some(sent), Some(kept)) => sent == kept,
            _ => jaeger::plain(value) == jaeger::plain(found),
        };
        assert!(same, "{key} of {name} was {value} and is {found}");
    }
    let names: Vec<String> = kept.events().map(|event| event.name()).collect();
    let sent_names: Vec<&str> = sent["events"].as_array().into_iter().flatten().map(text).collect();
    assert_eq!(names, sent_names, "events of {name}");
}

fn label(span: &Value) -> String {
    format!("{} {}", text(&span["service"]), text(&span["name"]))
}

fn service(line: &Value) -> &str {
    spans(line).first().map_or("", |span| text(&span["service"]))
}

fn spans(line: &Value) -> &Vec<Value> {
    line["spans"].as_array().expect("a list of spans")
}

fn text(json: &Value) -> &str {
    json.as_str().unwrap_or_else(|| panic!("a text, not {json}"))
}
