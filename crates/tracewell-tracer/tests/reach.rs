//! What is said about a span of `tracing` beside its macros, as subscriber and as layer.

use std::time::Duration;

use tracewell_tracer::subscriber::reach;
use tracewell_tracer::{Capture, CapturedValue, Guard, SpanStatus, TraceSubscriber, TracerBuilder, Value};
use tracing::Dispatch;

/// Records on the very span that is being written.
struct Nested<'a>(&'a tracing::Span);

impl std::fmt::Display for Nested<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.with_subscriber(|(id, dispatch)| {
            reach(dispatch, id).expect("it is ours").attribute("from.inside", Value::Int(1));
        });
        f.write_str("made")
    }
}

fn started() -> (Capture, Guard) {
    let capture = Capture::new();
    let guard = TracerBuilder::default().start(capture.exporter()).expect("a thread starts");
    (capture, guard)
}

fn check(capture: &Capture, guard: &Guard, dispatch: &Dispatch) {
    let context = tracing::dispatcher::with_default(dispatch, || {
        let span = tracing::info_span!("declared");
        let other = tracing::info_span!("other");
        let other = other.with_subscriber(|(id, dispatch)| reach(dispatch, id).expect("ours").context());
        let context = span.with_subscriber(|(id, dispatch)| {
            let reached = reach(dispatch, id).expect("it is ours");
            assert!(reached.is_recording());
            reached.attribute(&["dynamic", "key"].join("."), Value::Bool(true));
            reached.attribute("text", Value::Display(&Nested(&span)));
            reached.event("told", &[("text", Value::Display(&Nested(&span)))]);
            reached.link(&other.expect("it has one").span);
            reached.error(&std::fmt::Error);
            reached.status(SpanStatus::Error, "refused");
            reached.rename("renamed");
            reached.context()
        });
        context.expect("somebody records")
    });
    assert!(guard.flush(Duration::from_secs(10)));
    let span = capture.span("renamed");
    assert_eq!(span.span_id, context.span.span_id);
    assert_eq!(span.attribute("dynamic.key"), Some(&CapturedValue::Bool(true)));
    assert_eq!(span.attribute("text"), Some(&CapturedValue::Str("made".to_owned())));
    assert_eq!(span.attribute("from.inside"), Some(&CapturedValue::Int(1)));
    assert!(span.event("told").is_some() && span.event("exception").is_some());
    assert!(format!("{span:?}").contains("refused"), "{span:?}");
    assert_eq!(span.links.len(), 1);
}

#[test]
fn more_than_macros_can_is_said_of_a_span() {
    let (capture, guard) = started();
    check(&capture, &guard, &Dispatch::new(TraceSubscriber::new(guard.tracer().clone())));
}

#[cfg(feature = "layer")]
#[test]
fn beside_other_layers_too() {
    use tracing_subscriber::layer::SubscriberExt as _;
    let (capture, guard) = started();
    let layer = tracewell_tracer::subscriber::TraceLayer::new(guard.tracer().clone());
    check(&capture, &guard, &Dispatch::new(tracing_subscriber::registry().with(layer)));
}

#[test]
fn spans_of_other_subscribers_are_out_of_reach() {
    let none = Dispatch::none();
    assert!(reach(&none, &tracing::span::Id::from_u64(1)).is_none());
}
