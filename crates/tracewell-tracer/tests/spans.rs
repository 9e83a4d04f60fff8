//! What is said about a span is what arrives: the bytes are read by the server's own decoder.

use std::time::Duration;

use span::{StatusCode, ValueRef};
use tracewell_tracer::context::{Context, SpanContext};
use tracewell_tracer::export::{Accepted, Export, ExportError, Request};
use tracewell_tracer::{
    Capture, Kind, Limits, Queue, Sampler, Sampling, SpanStatus, Tracer, TracerBuilder, Value, attach, carry,
    current, suppress,
};

const SOON: Duration = Duration::from_secs(20);
const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Records with `work` and returns what the server's decoder makes of it.
fn arrived(builder: TracerBuilder, work: impl FnOnce(&Tracer)) -> span::SpanBatch {
    struct Keep(std::sync::mpsc::SyncSender<Vec<u8>>);
    impl Export for Keep {
        fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
            self.0.send(request.body.to_vec()).expect("somebody waits");
            Ok(Accepted::default())
        }
        fn describe(&self) -> String {
            "test".to_owned()
        }
    }
    let (sender, receiver) = std::sync::mpsc::sync_channel(16);
    let guard = builder.start(Keep(sender)).expect("a thread starts");
    work(guard.tracer());
    assert!(guard.shutdown(SOON));
    let body = receiver.recv().expect("something was sent");
    assert!(receiver.try_recv().is_err(), "one request was expected");
    let decoded = wire::otlp::decode_proto(body.into()).expect("it is OTLP");
    assert_eq!((decoded.rejected, decoded.reason), (0, None));
    decoded.batch
}

#[test]
fn a_formatter_that_panics_costs_what_it_was_to_write_and_no_more() {
    struct Broken;
    impl std::fmt::Debug for Broken {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("half of it")?;
            panic!("no more")
        }
    }
    let batch = arrived(TracerBuilder::default(), |tracer| {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut span = tracer.span("work").attr("kept", 1).start();
            span.event("told", &[("broken", Value::Debug(&Broken))]);
        }));
        assert!(caught.is_err());
    });
    let span = batch.span(0);
    assert_eq!((batch.len(), span.name(), span.events().count()), (1, b"work".as_slice(), 0));
    assert!(!span.trace_id().is_none() && span.attributes().any(|(key, _)| key == b"kept"));
}

#[test]
fn a_span_that_began_before_its_tracer_is_as_long_as_it_was() {
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let batch = arrived(TracerBuilder::default(), |tracer| {
        tracer.span("job").start_time(long_ago).start().end();
    });
    let took = batch.span(0).end().since(batch.span(0).start());
    assert!(Duration::from_secs(86_400 * 365) < Duration::from_nanos(took.0), "{took:?}");
}

#[test]
fn whoever_waits_for_ever_does_not_panic() {
    let capture = Capture::new();
    let guard = TracerBuilder::default().start(capture.exporter()).unwrap();
    guard.tracer().span("work").start().end();
    assert!(guard.flush(Duration::MAX) && guard.shutdown(Duration::MAX));
}

#[test]
fn everything_that_is_said_arrives_typed() {
    let other = SpanContext::from_traceparent(SAMPLED).unwrap();
    let batch = arrived(TracerBuilder::default().resource("service.name", "shop"), |tracer| {
        let mut span = tracer.span("first name").kind(Kind::Server).attr("early", 1).start();
        span.attr("text", "é").attr("yes", true).attr("int", -5).attr("double", 0.5);
        span.attr("bytes", [1u8, 2].as_slice()).attr("long", "x".repeat(300).as_str());
        let list = [Value::Int(1), Value::Str("two"), Value::List(&[Value::Bool(true)])];
        span.attr("list", list.as_slice()).attr("map", Value::Map(&[("k", Value::Int(3))]));
        span.attr("shown", Value::Display(&"d")).attr("text", "replaced");
        span.event("cache.miss", &[("key", "user:1".into()), ("size", 9.into())]);
        span.link(&other, &[("why", "batch".into())]);
        span.status(SpanStatus::Error, "went wrong").status(SpanStatus::Ok, "");
        span.status(SpanStatus::Error, "late").rename("second name");
    });
    assert_eq!(batch.len(), 1);
    let span = batch.span(0);
    assert_eq!(span.resource().service_name(), Some(b"shop".as_slice()));
    assert_eq!(span.name(), b"second name");
    assert_eq!((span.kind(), span.status_code()), (span::SpanKind::Server, StatusCode::Ok));
    assert_eq!(span.status_message(), b"");
    assert!(span.start() <= span.end());
    assert_eq!(span.attributes().len(), 10, "a key that is set again is replaced");
    let has = |key: &[u8], value: ValueRef<'_>| assert_eq!(span.attribute(key), Some(value));
    has(b"text", ValueRef::Str(b"replaced"));
    has(b"early", ValueRef::Int(1));
    has(b"yes", ValueRef::Bool(true));
    has(b"int", ValueRef::Int(-5));
    has(b"double", ValueRef::Double(0.5));
    has(b"bytes", ValueRef::Bytes(&[1, 2]));
    has(b"shown", ValueRef::Str(b"d"));
    has(b"long", ValueRef::Str("x".repeat(300).as_bytes()));
    assert!(matches!(span.attribute(b"list"), Some(ValueRef::Array(_))));
    assert!(matches!(span.attribute(b"map"), Some(ValueRef::Map(_))));
    let event = span.events().next().unwrap();
    assert_eq!((event.name(), event.attributes().len()), (b"cache.miss".as_slice(), 2));
    let link = span.links().next().unwrap();
    assert_eq!(link.row().trace_id, other.trace_id);
    assert_eq!(link.attribute(b"why"), Some(ValueRef::Str(b"batch")));
}

#[test]
fn limits_drop_and_count_in_the_span() {
    let limits = Limits { attributes: 2, events: 1, links: 1, attributes_per_event: 1, value_chars: 3 };
    let batch = arrived(TracerBuilder::default().limits(limits), |tracer| {
        let mut span = tracer.span("x").start();
        span.attr("a", "äöüß").attr("b", 2).attr("c", 3).attr("a", "xyz!");
        for _ in 0..3 {
            span.event("e", &[("a", 1.into()), ("b", 2.into())]);
            span.link(&SpanContext::from_traceparent(SAMPLED).unwrap(), &[]);
        }
    });
    let span = batch.span(0);
    assert_eq!(span.attribute(b"a"), Some(ValueRef::Str(b"xyz")));
    assert_eq!(span.attributes().len(), 2);
    let row = span.row();
    assert_eq!((row.dropped_attributes_count, row.dropped_events_count, row.dropped_links_count), (1, 2, 2));
    assert_eq!(span.events().next().unwrap().row().dropped_attributes_count, 1);
}

fn captured(sampling: Sampling, work: impl FnOnce(&Tracer)) -> Capture {
    let capture = Capture::new();
    let guard =
        TracerBuilder::default().sampling(sampling).start(capture.exporter()).expect("a thread starts");
    work(guard.tracer());
    assert!(guard.shutdown(SOON));
    capture
}

#[test]
fn children_follow_the_current_span_on_any_thread() {
    let capture = captured(Sampling::default(), |tracer| {
        let root = tracer.span("root").start();
        let context = root.context().clone();
        {
            let _inside = root.enter();
            let child = tracer.span("child").start();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let _there = attach(context);
                    assert_eq!(current().span.span_id, root.span_id());
                    tracer.span("elsewhere").start().end();
                    // A span may end on another thread than it began on.
                    child.end();
                });
            });
        }
        assert_eq!(current(), Context::default());
        tracer.span("alone").parent(&Context::default()).start().end();
    });
    let root = capture.span("root");
    assert_eq!(capture.span("child").parent_id, root.span_id);
    assert_eq!(capture.span("elsewhere").parent_id, root.span_id);
    assert_ne!(capture.span("alone").trace_id, root.trace_id);
    assert_eq!(root.flags, 0x103);
}

#[test]
fn unsampled_traces_are_absent_and_remote_decisions_hold() {
    let capture = captured(Sampling { root: Sampler::AlwaysOff, ..Sampling::default() }, |tracer| {
        let root = tracer.span("absent").attr("x", 1).start();
        assert!(!root.is_recording());
        assert!(!root.context().span.flags.is_sampled() && root.context().span.is_valid());
        let _inside = root.enter();
        let child = tracer.span("absent too").start();
        assert_eq!(child.context(), root.context(), "what is called hears of the same span");
        let remote = Context::of(SpanContext::from_traceparent(SAMPLED).unwrap());
        tracer.span("wanted").parent(&remote).start().end();
        suppress(|| tracer.span("suppressed").parent(&remote).start().end());
    });
    assert_eq!(capture.spans().len(), 1);
    let wanted = capture.span("wanted");
    assert_eq!(wanted.parent_id.to_string(), "b7ad6b7169203331");
    assert_eq!(wanted.flags, 0x301, "the parent is remote");
}

#[test]
fn ratio_travels_in_the_trace_state_of_the_whole_trace() {
    let capture = captured(Sampling { root: Sampler::Ratio(0.5), ..Sampling::default() }, |tracer| {
        for _ in 0..200 {
            let root = tracer.span("root").start();
            let _inside = root.enter();
            tracer.span("child").start().end();
        }
        tracer.set_sample_rate(0.0);
        tracer.span("none").start().end();
    });
    let spans = capture.spans();
    assert!((50..350).contains(&spans.len()), "{}", spans.len());
    assert!(spans.iter().all(|span| span.trace_state == "ot=th:8"));
    assert!(spans.iter().all(|span| span.name != "none"));
}

#[test]
fn errors_have_type_message_chain_and_fail_their_span() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot charge")]
    struct Charge(#[source] std::num::ParseIntError);
    let capture = captured(Sampling::default(), |tracer| {
        let error = Charge("x".parse::<i32>().unwrap_err());
        tracer.span("charge").start().record_error(&error);
    });
    let span = capture.span("charge");
    assert_eq!((span.status, span.status_message.as_str()), (SpanStatus::Error, "cannot charge"));
    assert!(format!("{:?}", span.attribute("error.type")).contains("Charge"));
    let event = span.event("exception").unwrap();
    let stack = format!("{:?}", event.attributes);
    assert!(stack.contains("Caused by: invalid digit"), "{stack}");
}

#[test]
fn panic_inside_a_span_fails_it_and_nothing_else() {
    let capture = captured(Sampling::default(), |tracer| {
        let tracer = tracer.clone();
        let panicked = std::thread::spawn(move || {
            let _span = tracer.span("doomed").start();
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
    });
    assert_eq!(capture.span("doomed").status, SpanStatus::Error);
}

#[test]
fn futures_carry_their_span_between_threads() {
    use std::task::{Context as Task, Poll, Waker};
    let capture = captured(Sampling::default(), |tracer| {
        let inner = tracer.clone();
        let mut polled = 0;
        let work = tracer.span("future").start().instrument(std::future::poll_fn(move |_| {
            inner.span("poll").start().end();
            polled += 1;
            if polled == 2 { Poll::Ready(()) } else { Poll::Pending }
        }));
        let mut work = Box::pin(carry(work));
        assert!(work.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
        assert_eq!(current(), Context::default());
        std::thread::spawn(move || {
            assert!(work.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_ready());
        })
        .join()
        .unwrap();
    });
    let future = capture.span("future").span_id;
    let polls: Vec<_> = capture.spans().into_iter().filter(|span| span.name == "poll").collect();
    assert!(polls.len() == 2 && polls.iter().all(|poll| poll.parent_id == future));
}

#[test]
fn flush_reaches_every_span_of_every_thread() {
    let capture = Capture::new();
    let guard = TracerBuilder::default().start(capture.exporter()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..5_000 {
                    guard.tracer().span("burst").attr("n", n).start().end();
                }
            });
        }
    });
    assert!(guard.flush(SOON));
    assert_eq!(capture.spans().len(), 20_000);
    assert_eq!(guard.status().spans_exported, 20_000);
    assert_eq!(guard.status().bytes_waiting, 0);
}

struct Down;

impl Export for Down {
    fn export(&mut self, _: Request<'_>) -> Result<Accepted, ExportError> {
        Err(ExportError::Unreachable { to: "nowhere".to_owned(), why: "test".to_owned() })
    }
    fn describe(&self) -> String {
        "down".to_owned()
    }
}

#[test]
fn backend_that_is_down_costs_spans_past_the_budget_and_nothing_else() {
    let queue = Queue { bytes_max: 256 * 1024, ..Queue::default() };
    let guard = TracerBuilder::default().queue(queue).start(Down).unwrap();
    let total = 20_000;
    for _ in 0..total {
        guard.tracer().span("lost").start().end();
    }
    guard.flush(SOON);
    let before = guard.status();
    assert!(0 < before.spans_dropped_full && before.bytes_waiting <= 256 * 1024, "{before:?}");
    assert!(before.trouble.contains("nowhere"));
    let tracer = guard.tracer().clone();
    assert!(guard.shutdown(SOON));
    let after = tracer.status();
    assert_eq!(after.spans_failed + after.spans_dropped_full, total, "{after:?}");
    assert!(!tracer.span("late").start().is_recording());
}

struct Panics(u32);

impl Export for Panics {
    fn export(&mut self, _: Request<'_>) -> Result<Accepted, ExportError> {
        self.0 += 1;
        assert!(1 < self.0, "on purpose");
        Ok(Accepted::default())
    }
    fn describe(&self) -> String {
        "panics".to_owned()
    }
}

#[test]
fn exporter_that_panics_loses_its_request_alone() {
    let guard = TracerBuilder::default().start(Panics(0)).unwrap();
    for _ in 0..2 {
        guard.tracer().span("x").start().end();
        assert!(guard.flush(SOON));
    }
    assert_eq!((guard.status().spans_failed, guard.status().spans_exported), (1, 1));
}

#[test]
fn scopes_name_the_library_that_made_a_span() {
    let capture = captured(Sampling::default(), |tracer| {
        let library = tracer.scoped("tracewell-axum", "1.2.3");
        for _ in 0..2 {
            library.span("theirs").start().end();
            tracer.span("ours").start().end();
        }
    });
    let count = |name, scope| {
        let spans = capture.spans();
        spans.iter().filter(|span| span.name == name && span.scope == scope).count()
    };
    assert_eq!((count("theirs", "tracewell-axum"), count("ours", "tracewell")), (2, 2));
}
