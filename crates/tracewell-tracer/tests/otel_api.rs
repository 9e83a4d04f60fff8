//! Spans of OpenTelemetry's API among ours: one tree, whoever made which.

#![cfg(feature = "otel-api-0_33")]

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    Event, Link, Span as _, SpanContext, SpanKind, Status, TraceContextExt, Tracer as _, TracerProvider,
};
use opentelemetry::{Array, Context as OtelContext, KeyValue, Value};
use tracewell_tracer::context::Propagator;
use tracewell_tracer::otel_api::{self, BridgePropagator, BridgeTracer, BridgeTracerProvider};
use tracewell_tracer::{Capture, CapturedSpan, Guard, Sampler, Sampling, TracerBuilder};

struct World {
    capture: Capture,
    guard: Guard,
    theirs: BridgeTracer,
}

fn world(root: Sampler) -> World {
    let sampling = Sampling { root, ..Sampling::default() };
    otel_api::follow();
    let capture = Capture::new();
    let guard =
        TracerBuilder::default().sampling(sampling).start(capture.exporter()).expect("a thread starts");
    let theirs = BridgeTracerProvider::new(guard.tracer()).tracer("a-library");
    World { capture, guard, theirs }
}

impl World {
    fn ours(&self, name: &str) -> tracewell_tracer::Span {
        self.guard.tracer().span(name).start()
    }

    fn flushed(&self) -> &Capture {
        assert!(self.guard.flush(Duration::from_secs(10)), "everything is exported");
        &self.capture
    }

    fn span(&self, name: &str) -> CapturedSpan {
        self.flushed().span(name)
    }

    /// Checks whose child each span is; nobody's is a root.
    fn check(&self, tree: &[(&str, &str)]) {
        for (child, parent) in tree {
            let (child, parent) = (self.span(child), (!parent.is_empty()).then(|| self.span(parent)));
            let expected = parent.as_ref().map(|parent| parent.span_id);
            assert_eq!(Some(child.parent_id).filter(|id| !id.is_none()), expected, "{}", child.name);
            if let Some(parent) = parent {
                assert_eq!(child.trace_id, parent.trace_id, "{}", child.name);
            }
        }
    }
}

#[test]
fn spans_of_both_apis_are_one_tree_in_whatever_order_they_nest() {
    let world = world(Sampler::AlwaysOn);
    let a = world.ours("a");
    let entered = a.enter();
    let b = OtelContext::current_with_span(world.theirs.start("b"));
    let attached = b.clone().attach();
    let c = world.ours("c");
    {
        let _entered = c.enter();
        world.theirs.start("d").end();
        world.ours("e").end();
    }
    world.theirs.in_span("f", |_| world.ours("g").end());
    world.ours("h").end();
    drop(attached);
    world.ours("i").end();
    drop((b, c, entered, a));
    world.check(&[
        ("a", ""),
        ("b", "a"),
        ("c", "b"),
        ("d", "c"),
        ("e", "c"),
        ("f", "b"),
        ("g", "f"),
        ("h", "b"),
        ("i", "a"),
    ]);
}

#[test]
fn context_of_theirs_is_followed_to_another_thread() {
    let world = world(Sampler::AlwaysOn);
    let context = OtelContext::new().with_span(world.theirs.start("asked"));
    let tracer = world.guard.tracer().clone();
    let carried = context.clone();
    std::thread::spawn(move || {
        let _attached = carried.attach();
        tracer.span("answered").start().end();
    })
    .join()
    .expect("nothing fails there");
    drop(context);
    world.check(&[("answered", "asked")]);
}

#[test]
fn parent_that_is_told_counts_and_an_empty_one_makes_a_root() {
    let world = world(Sampler::AlwaysOn);
    let first = OtelContext::new().with_span(world.theirs.start("first"));
    let second = OtelContext::new().with_span(world.theirs.start("second"));
    {
        let _attached = first.clone().attach();
        world.theirs.start_with_context("of the second", &second).end();
        world.theirs.start_with_context("of nobody", &OtelContext::new()).end();
        first.span().end();
        world.theirs.start("of an ended one").end();
    }
    drop((first, second));
    world.check(&[("of the second", "second"), ("of nobody", ""), ("of an ended one", "first")]);
}

#[test]
fn everything_that_is_said_arrives_with_its_type() {
    let world = world(Sampler::AlwaysOn);
    let time = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
    let linked = world.theirs.start("linked");
    let event = Event::new("told", time(1), vec![KeyValue::new("tries", 3)], 0);
    let builder = world
        .theirs
        .span_builder("told")
        .with_kind(SpanKind::Producer)
        .with_start_time(time(0))
        .with_attributes([KeyValue::new("flag", true), KeyValue::new("share", 0.5)])
        .with_events(vec![event])
        .with_links(vec![Link::new(linked.span_context().clone(), vec![KeyValue::new("why", "batch")], 0)]);
    let mut span = builder.start(&world.theirs);
    assert!(span.is_recording());
    span.set_attribute(KeyValue::new("name", "x"));
    span.set_attribute(KeyValue::new("ids", Value::Array(Array::I64(vec![1, 2]))));
    span.add_event("later", vec![KeyValue::new("hosts", Value::Array(Array::String(vec!["a".into()])))]);
    span.record_error(&std::fmt::Error);
    span.set_status(Status::error("refused"));
    span.update_name("renamed");
    span.end_with_timestamp(time(9));
    assert!(!span.is_recording());
    span.set_attribute(KeyValue::new("late", true));
    drop((span, linked));
    let said = format!("{:#?}", world.span("renamed"));
    for part in [
        "Producer",
        "\"flag\"",
        "\"share\"",
        "0.5",
        "\"told\"",
        "\"tries\"",
        "\"ids\"",
        "\"later\"",
        "\"hosts\"",
        "\"exception\"",
        "\"refused\"",
        "\"why\"",
        "1700000000000000000",
        "1700000009000000000",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert!(!said.contains("late\""), "{said}");
}

#[test]
fn what_is_not_sampled_or_suppressed_is_not_recorded_and_hands_its_ids_on() {
    let world = world(Sampler::AlwaysOff);
    let root = world.theirs.start("root");
    let ids = root.span_context().clone();
    assert!(!root.is_recording() && ids.is_valid() && !ids.is_sampled());
    let context = OtelContext::new().with_span(root);
    let child = world.theirs.start_with_context("child", &context);
    assert_eq!(child.span_context().trace_id(), ids.trace_id());
    drop((child, context));
    let silent = OtelContext::new().with_telemetry_suppressed();
    assert!(!world.theirs.start_with_context("silent", &silent).span_context().is_valid());
    assert!(world.flushed().spans().is_empty());
}

#[test]
fn headers_carry_what_is_current_in_either_api_and_the_baggage_of_both() {
    let world = world(Sampler::AlwaysOn);
    let propagator = BridgePropagator::new(Propagator::default());
    let ours = world.ours("ours");
    let entered = ours.enter();
    let mut headers = HashMap::new();
    let context = OtelContext::current().with_baggage([KeyValue::new("tenant", "acme")]);
    propagator.inject_context(&context, &mut headers);
    assert!(headers["traceparent"].contains(&ours.span_id().to_string()), "{headers:?}");
    assert_eq!(headers["baggage"], "tenant=acme");
    assert!(propagator.fields().any(|name| name == "traceparent"));
    drop((entered, ours));

    let came = propagator.extract_with_context(&OtelContext::new(), &headers);
    let caller: SpanContext = came.span().span_context().clone();
    assert!(caller.is_remote() && caller.is_sampled());
    assert_eq!(came.baggage().get("tenant").map(|value| value.as_str().to_owned()).as_deref(), Some("acme"));
    {
        let _attached = came.attach();
        world.ours("served").end();
        world.theirs.start("served by theirs").end();
    }
    world.check(&[("served", "ours"), ("served by theirs", "ours")]);
    assert!(!propagator.extract(&HashMap::<String, String>::new()).span().span_context().is_valid());
}
