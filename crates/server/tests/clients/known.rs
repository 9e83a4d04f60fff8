//! The known trace of `clients/README.md`: run a program that sends it, read it back, compare.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::jaeger::{self, Span, Trace};
use crate::programs::{self, Set};
use crate::running::Tracewell;
use crate::{patience, table};

/// How much of a span a protocol can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carries {
    /// OTLP: all of it.
    All,
    /// Jaeger: lists become text, and JavaScript knows one sort of number.
    Jaeger { doubles_only: bool },
    /// Zipkin: text only, no links, events without attributes, no internal kind.
    Text,
}

/// Sends the known trace with `set` over `protocol` to the listener `door`, and finds it again.
pub(crate) fn check(set: Set, protocol: &str, door: &str) {
    let program = match set {
        Set::PythonOld | Set::PythonWeb | Set::PythonCurrent => "emit.py",
        Set::NodeOld | Set::NodeCurrent => "emit.js",
        Set::Go => "emit",
        Set::Java => "Emit.java",
    };
    let Some(mut command) = set.command(program) else { return };
    let server = Tracewell::start();
    let address = server.address(door);
    let by_url = protocol.contains("http") || protocol.contains("zipkin");
    // Go's OTLP exporters take an address where the others take a URL.
    let bare = !by_url || set == Set::Go && protocol.starts_with("otlp");
    let endpoint = if bare { address.to_string() } else { format!("http://{address}") };
    let marker = format!("{}-{protocol}", set.folder());
    let sent = programs::line_of({
        command.args([protocol, &endpoint, &marker]);
        command
    });
    assert_eq!(sent["flushed"], true, "{sent}");
    let query = server.address("query");
    let id = text(&sent["trace_id"]);
    let rows = sent["spans"].as_array().expect("a list of spans");
    let trace = patience::until("the whole trace is there", || {
        Trace::by_id(query, id).filter(|trace| rows.len() <= trace.spans().count())
    });
    table::row(&sent, protocol, rows.len(), trace.spans().count());
    assert_eq!(trace.spans().count(), rows.len(), "no span twice");
    let carries = if protocol.starts_with("otlp") {
        Carries::All
    } else if protocol.starts_with("zipkin") {
        Carries::Text
    } else {
        Carries::Jaeger { doubles_only: matches!(set, Set::NodeOld | Set::NodeCurrent) }
    };
    compare(&trace, &sent, &marker, carries);
    if carries == Carries::All {
        lists(query, id);
    }
    find(query, &sent, &marker);
}

fn compare(trace: &Trace, sent: &Value, marker: &str, carries: Carries) {
    for row in sent["spans"].as_array().expect("a list of spans") {
        let span = trace.span(text(&row["span_id"]));
        assert_eq!(span.name().to_lowercase(), text(&row["name"]).to_lowercase());
        assert_eq!(span.service(), text(&sent["service"]));
        assert_eq!(span.parent(), row["parent_span_id"].as_str(), "parent of {}", span.name());
        // 2026-01-01 in microseconds: whatever the clients' clocks say, it is after this was written.
        assert!(1_767_225_600_000_000 < span.start_us(), "start of {}", span.name());
    }
    let named = |name: &str| {
        let row = sent["spans"].as_array().into_iter().flatten().find(|row| row["name"] == name);
        trace.span(text(&row.unwrap_or_else(|| panic!("{name} was sent"))["span_id"]))
    };
    let root = named("GET /checkout");
    root_attributes(root, marker, carries);
    for (name, kind) in [
        ("GET /checkout", "server"),
        ("POST payments", "client"),
        ("orders publish", "producer"),
        ("orders process", "consumer"),
    ] {
        assert_eq!(named(name).tag_text("span.kind").as_deref(), Some(kind), "kind of {name}");
    }
    // Node's Jaeger exporter leaves the kind out when it is internal, and Zipkin has no such kind.
    let internal = matches!(carries, Carries::All | Carries::Jaeger { doubles_only: false });
    assert_eq!(named("charge").tag_text("span.kind").as_deref(), internal.then_some("internal"));
    if carries != Carries::Text {
        assert_eq!(links(named("orders process")), [named("POST payments").id()], "the link");
    }
    statuses(root, named("charge"), named("POST payments"), carries);
    events(named("charge"), named("POST payments"), carries);
}

fn root_attributes(root: Span<'_>, marker: &str, carries: Carries) {
    assert_eq!(root.tag_text("tw.marker").as_deref(), Some(marker));
    assert_eq!(root.tag_text("tw.text").as_deref(), Some("käse ✓"));
    assert_eq!(root.tag_text("http.request.method").as_deref(), Some("GET"));
    let typed = |key: &str| root.tag(key).unwrap_or_else(|| panic!("attribute {key} was not kept"));
    let (status_type, status) = typed("http.response.status_code");
    let (bool_type, truth) = typed("tw.bool");
    let (double_type, double) = typed("tw.double");
    if carries == Carries::Text {
        assert_eq!(jaeger::plain(status), "200");
        assert_eq!(jaeger::plain(truth).to_lowercase(), "true");
        assert_eq!(jaeger::plain(double), "0.25");
    } else {
        let doubles_only = carries == Carries::Jaeger { doubles_only: true };
        assert_eq!(status_type, if doubles_only { "float64" } else { "int64" });
        assert_eq!(status.as_f64(), Some(200.0));
        assert_eq!((bool_type, truth.as_bool()), ("bool", Some(true)));
        assert_eq!((double_type, double.as_f64()), ("float64", Some(0.25)));
    }
    let (texts, ints) = (jaeger::plain(typed("tw.texts").1), jaeger::plain(typed("tw.ints").1));
    if carries == Carries::All {
        assert_eq!((texts.as_str(), ints.as_str()), (r#"["a","b"]"#, "[1,2]"));
        assert_eq!(
            root.process_tag("service.version").map(|(_, v)| jaeger::plain(v)).as_deref(),
            Some("1.2.3")
        );
        assert_eq!(root.tag_text("otel.scope.name").as_deref(), Some("known"));
    } else {
        // Each client has its own way to write a list as text.
        assert!(texts.contains('a') && texts.contains('b'), "{texts}");
        assert!(ints.contains('1') && ints.contains('2'), "{ints}");
    }
}

/// Version 1 writes lists as text; version 3 tells what is in them.
fn lists(query: SocketAddr, id: &str) {
    let texts = json!({"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}});
    let ints = json!({"arrayValue": {"values": [{"intValue": "1"}, {"intValue": "2"}]}});
    assert_eq!(jaeger::typed(query, id, "tw.texts"), Some(texts));
    assert_eq!(jaeger::typed(query, id, "tw.ints"), Some(ints));
}

fn statuses(root: Span<'_>, charge: Span<'_>, payment: Span<'_>, carries: Carries) {
    assert_eq!(root.tag_text("otel.status_code"), None, "the root's status is unset");
    assert_eq!(root.tag("error").map(|(_, value)| value), None, "the root is no error");
    assert_eq!(charge.tag_text("otel.status_code").as_deref(), Some("OK"));
    assert_eq!(payment.tag_text("otel.status_code").as_deref(), Some("ERROR"));
    assert_eq!(payment.tag("error").map(|(_, value)| value), Some(&Value::Bool(true)), "the error flag");
    if carries != Carries::Text {
        assert_eq!(payment.tag_text("otel.status_description").as_deref(), Some("card declined"));
    }
}

fn events(charge: Span<'_>, payment: Span<'_>, carries: Carries) {
    let retry = charge.events().next().expect("an event of `charge`");
    let exception = payment.events().next().expect("an event of `POST payments`");
    if carries == Carries::Text {
        assert!(retry.name().contains("retry"), "{}", retry.name());
        assert!(exception.name().contains("exception"), "{}", exception.name());
        return;
    }
    assert_eq!((retry.name().as_str(), exception.name().as_str()), ("retry", "exception"));
    let doubles_only = carries == Carries::Jaeger { doubles_only: true };
    let (attempt_type, attempt) = retry.field("attempt").expect("the event's attributes");
    assert_eq!((attempt_type, attempt.as_f64()), (if doubles_only { "float64" } else { "int64" }, Some(2.0)));
    let (jitter_type, jitter) = retry.field("jitter").expect("the event's attributes");
    assert_eq!((jitter_type, jitter.as_f64()), ("float64", Some(0.5)));
    assert_eq!(retry.field("final").map(|(_, value)| value), Some(&Value::Bool(false)));
    let message = exception.field("exception.message").map(|(_, value)| jaeger::plain(value));
    assert_eq!(message.as_deref(), Some("card declined"));
    assert!(exception.field("exception.type").is_some(), "an exception has a type");
    assert!(exception.field("exception.stacktrace").is_some(), "an exception has a stack");
}

fn links(span: Span<'_>) -> Vec<&str> {
    span.references("FOLLOWS_FROM").collect()
}

/// Finds the trace in every way that users look for one.
fn find(query: SocketAddr, sent: &Value, marker: &str) {
    let (id, service) = (text(&sent["trace_id"]), text(&sent["service"]));
    assert!(jaeger::services(query).iter().any(|name| name == service), "{service} is a service");
    let operations = jaeger::operations(query, service);
    assert_eq!(operations.len(), 5, "{operations:?}");
    let tags = |json: Value| jaeger::encoded(&json.to_string());
    for search in [
        format!("service={service}"),
        format!("service={service}&tags={}", tags(serde_json::json!({ "tw.marker": marker }))),
        format!("tags={}", tags(serde_json::json!({ "tw.marker": marker }))),
        format!("service={service}&tag=http.response.status_code:200"),
        format!(
            "service={service}&tags={}",
            tags(serde_json::json!({ "tw.bool": "true", "tw.double": "0.25" }))
        ),
        format!("service={service}&tags={}", tags(serde_json::json!({ "error": "true" }))),
        format!("service={service}&operation={}", jaeger::encoded("orders process")),
        format!("traceID={id}"),
    ] {
        assert_eq!(jaeger::search(query, &search), [id], "{search}");
    }
    assert_eq!(
        jaeger::search(query, &format!("service={service}&tag=tw.marker:another")),
        Vec::<String>::new()
    );
}

fn text(json: &Value) -> &str {
    json.as_str().unwrap_or_else(|| panic!("a text, not {json}"))
}
