//! Code that speaks `tracing` is understood, alone and beside other layers.

use std::fmt;
use std::time::Duration;

use tracewell_tracer::subscriber::Directives;
use tracewell_tracer::{
    Capture, CapturedValue, Kind, Sampler, Sampling, SpanStatus, TraceSubscriber, TracerBuilder,
    current_trace_id,
};
use tracing::field::{self, Empty};
use tracing::{Instrument as _, info, info_span, instrument, warn_span};

const SOON: Duration = Duration::from_secs(20);

fn check(sampling: Sampling, work: impl Fn(), look: impl Fn(&Capture)) {
    let capture = Capture::new();
    let guard = TracerBuilder::default()
        .sampling(sampling.clone())
        .start(capture.exporter())
        .expect("a thread starts");
    tracing::subscriber::with_default(TraceSubscriber::new(guard.tracer().clone()), &work);
    assert!(guard.shutdown(SOON));
    look(&capture);
    #[cfg(feature = "layer")]
    {
        use tracing_subscriber::layer::SubscriberExt as _;
        let capture = Capture::new();
        let guard =
            TracerBuilder::default().sampling(sampling).start(capture.exporter()).expect("a thread starts");
        let layer = tracewell_tracer::subscriber::TraceLayer::new(guard.tracer().clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), &work);
        assert!(guard.shutdown(SOON));
        look(&capture);
    }
}

#[instrument(err, fields(answer = 42, otel.kind = "client"), skip(fail))]
fn instrumented(fail: bool) -> Result<(), fmt::Error> {
    info!(step = 1, "half done");
    if fail { Err(fmt::Error) } else { Ok(()) }
}

#[test]
fn instrumented_code_just_works() {
    let work = || {
        let request = info_span!(
            "request",
            user = "ada",
            big = u64::MAX,
            ratio = 0.5,
            status = Empty,
            otel.status_code = Empty,
            otel.name = Empty
        );
        let _inside = request.enter();
        let _ = instrumented(true);
        request.record("status", 500);
        request.record("status", 501);
        request.record("otel.status_code", "error");
        request.record("otel.name", "GET /x");
    };
    check(Sampling::default(), work, |capture| {
        let request = capture.span("GET /x");
        assert_eq!(request.attribute("user"), Some(&CapturedValue::Str("ada".into())));
        assert_eq!(request.attribute("big"), Some(&CapturedValue::Str(u64::MAX.to_string())));
        assert_eq!(request.attribute("status"), Some(&CapturedValue::Int(501)));
        assert_eq!(request.attributes.len(), 4);
        assert_eq!(request.status, SpanStatus::Error);
        let inner = capture.span("instrumented");
        assert_eq!((inner.parent_id, inner.kind), (request.span_id, Kind::Client));
        assert_eq!(inner.attribute("answer"), Some(&CapturedValue::Int(42)));
        assert_eq!(inner.status, SpanStatus::Error);
        let step = inner.event("half done").unwrap();
        assert!(step.attributes.contains(&("step".into(), CapturedValue::Int(1))));
        let failure = inner.event("exception").unwrap();
        assert!(failure.attributes.iter().any(|(key, _)| key == "exception.message"));
        assert!(request.start_unix_ns <= inner.start_unix_ns);
        assert!(inner.start_unix_ns <= step.unix_ns && step.unix_ns <= inner.end_unix_ns);
    });
}

#[test]
fn parents_are_explicit_contextual_or_none() {
    let work = || {
        let first = info_span!("first");
        let _inside = first.enter();
        let second = info_span!(parent: &first, "second");
        let _third = info_span!(parent: None, "third");
        second.in_scope(|| info_span!("fourth").in_scope(|| {}));
        second.follows_from(&first);
    };
    check(Sampling::default(), work, |capture| {
        assert_eq!(capture.span("second").parent_id, capture.span("first").span_id);
        assert_eq!(capture.span("fourth").parent_id, capture.span("second").span_id);
        assert!(capture.span("third").parent_id.is_none());
        assert_eq!(capture.span("second").links[0].span_id, capture.span("first").span_id);
    });
}

#[test]
fn spans_that_are_not_sampled_keep_their_trace_id() {
    let work = || {
        let root = info_span!("root", x = 1);
        let _inside = root.enter();
        let trace = current_trace_id();
        assert!(trace.is_some());
        let child = info_span!("child", x = Empty);
        let copy = child.clone();
        drop(child);
        copy.in_scope(|| {
            assert_eq!(current_trace_id(), trace);
            copy.record("x", 1);
            info!("nothing");
        });
        drop(copy);
        assert_eq!(current_trace_id(), trace);
    };
    let off = Sampling { root: Sampler::AlwaysOff, ..Sampling::default() };
    check(off, work, |capture| assert!(capture.spans().is_empty()));
}

/// A value whose formatter records on the very span that it is recorded on.
struct Meddler(tracing::Span);

impl fmt::Debug for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.record("inner", 1);
        info!("from a formatter");
        info_span!("made by a formatter").in_scope(|| {});
        f.write_str("meddled")
    }
}

#[test]
fn formatters_may_record_while_they_are_recorded() {
    let work = || {
        let span = info_span!("span", inner = Empty, outer = Empty);
        let _inside = span.enter();
        span.record("outer", field::debug(Meddler(span.clone())));
        info!(field = ?Meddler(span.clone()), "event");
        let _other = info_span!("other", field = ?Meddler(span.clone()));
    };
    check(Sampling::default(), work, |capture| {
        let span = capture.span("span");
        assert_eq!(span.attribute("inner"), Some(&CapturedValue::Int(1)));
        assert_eq!(span.attribute("outer"), Some(&CapturedValue::Str("meddled".into())));
        // What a formatter does inside an event or a new span, `tracing` itself keeps from us.
        assert_eq!(span.events.len(), 2);
        assert_eq!(capture.spans().len(), 3);
    });
}

#[test]
fn spans_close_wherever_their_last_handle_is_dropped() {
    let work = || {
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let span = info_span!("travels");
        let task = async { info!("inside") }.instrument(span);
        std::thread::spawn(move || {
            tracing::dispatcher::with_default(&dispatch, || {
                let mut task = Box::pin(task);
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(Future::poll(task.as_mut(), &mut context).is_ready());
            });
        })
        .join()
        .unwrap();
    };
    check(Sampling::default(), work, |capture| assert_eq!(capture.span("travels").events.len(), 1));
}

#[test]
fn directives_decide_which_spans_count() {
    let capture = Capture::new();
    let guard = TracerBuilder::default().start(capture.exporter()).unwrap();
    let directives = Directives::parse("warn,loud=trace").unwrap();
    let subscriber = TraceSubscriber::new(guard.tracer().clone()).directives(directives);
    tracing::subscriber::with_default(subscriber, || {
        info_span!("quiet").in_scope(|| {});
        warn_span!("warned").in_scope(|| {});
        info_span!(target: "loud", "wanted").in_scope(|| {});
    });
    assert!(guard.shutdown(SOON));
    let names: Vec<_> = capture.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["warned", "wanted"]);
}
