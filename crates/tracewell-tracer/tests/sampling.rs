//! Which traces are recorded, which are kept although they were not, and what is told of it.

use std::sync::Arc;
use std::time::Duration;

use tracewell_tracer::context::{Context, SpanContext};
use tracewell_tracer::{
    Capture, Guard, Keep, Kind, Place, Priority, Queue, Rule, Sampler, Sampling, SpanFilter, TraceSubscriber,
    Tracer, TracerBuilder, Value, attach, carry, current,
};

const SOON: Duration = Duration::from_secs(20);
const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

fn run(builder: TracerBuilder, work: impl FnOnce(&Tracer)) -> (Capture, Guard) {
    let capture = Capture::new();
    let guard = builder.start(capture.exporter()).expect("a thread starts");
    work(guard.tracer());
    assert!(guard.flush(SOON));
    (capture, guard)
}

fn sampled(root: Sampler, work: impl FnOnce(&Tracer)) -> (Capture, Guard) {
    run(TracerBuilder::default().sampling(Sampling { root, ..Sampling::default() }), work)
}

fn names(capture: &Capture) -> Vec<String> {
    let mut names: Vec<String> = capture.spans().into_iter().map(|span| span.name).collect();
    names.sort();
    names
}

#[test]
fn functions_see_name_kind_attributes_and_parent() {
    let decide = Arc::new(|asking: &tracewell_tracer::Asking<'_>| {
        let gold = matches!(asking.attribute("tier"), Some(Value::Str("gold")));
        gold && asking.kind == Kind::Server && asking.name.starts_with("GET") && asking.parent.is_none()
    });
    let (capture, _guard) = sampled(Sampler::Custom(decide), |tracer| {
        for (name, tier) in [("GET /a", "gold"), ("GET /b", "tin"), ("POST /c", "gold")] {
            let root = tracer.span(name).kind(Kind::Server).attr("n", 1).attr("tier", tier).start();
            assert_eq!(root.is_recording(), name == "GET /a");
            assert_eq!(root.context().span.flags.is_sampled(), root.is_recording());
            let _inside = root.enter();
            tracer.span("child").attr("k", "v").start().end();
        }
        let subscriber = TraceSubscriber::new(tracer.clone());
        tracing::subscriber::with_default(subscriber, || {
            for tier in ["gold", "tin"] {
                let span = tracing::info_span!("GET /t", otel.kind = "server", tier);
                span.in_scope(|| tracing::info_span!("inner").in_scope(|| {}));
            }
        });
    });
    assert_eq!(names(&capture), ["GET /a", "GET /t", "child", "inner"]);
    assert!(capture.span("GET /a").attribute("tier").is_some_and(|tier| *tier == "gold"));
    assert_eq!(capture.span("GET /a").flags & 1, 1);
    assert_eq!(capture.span("inner").parent_id, capture.span("GET /t").span_id);
}

#[test]
fn rules_decide_by_operation_attribute_and_place() {
    let rules = vec![
        Rule::new("health").operation("GET /health*").share(0.0),
        Rule::new("gold").attribute("tier", "g*").attribute("n", "7"),
        Rule::new("called").parent(Place::Remote).share(0.0),
    ];
    let (capture, guard) = sampled(Sampler::Rules { rules, otherwise: 0.0 }, |tracer| {
        tracer.span("GET /health/live").attr("tier", "gold").attr("n", 7).start().end();
        tracer.span("GET /").attr("tier", "gold").attr("n", 7).start().end();
        tracer.span("GET /").attr("tier", "gold").attr("n", 8).start().end();
    });
    assert_eq!(names(&capture), ["GET /"]);
    let counts = guard.tracer().traces_sampled();
    let count = |recorded, rule: &str| {
        counts
            .iter()
            .filter(|row| row.recorded == recorded && row.rule == rule)
            .map(|row| row.count)
            .sum::<u64>()
    };
    assert_eq!((count(true, "gold"), count(false, "health"), count(false, "otherwise")), (1, 1, 1));
    assert!(counts.iter().any(|row| row.operation == "GET /health/live"));
}

#[test]
fn priority_is_heard_from_builder_attribute_and_field() {
    let (capture, guard) = sampled(Sampler::Ratio(0.0), |tracer| {
        tracer.span("builder").priority(Priority::High).attr("a", 1).start().end();
        tracer.span("attribute").attr("sampling.priority", "emergency").start().end();
        tracer.span("number").attr("sampling.priority", 0).start().end();
        tracing::subscriber::with_default(TraceSubscriber::new(tracer.clone()), || {
            tracing::info_span!("field", a = 1, sampling.priority = "high").in_scope(|| {
                tracing::info_span!("inner").in_scope(|| {});
            });
            tracing::info_span!("plain", a = 1).in_scope(|| {});
        });
    });
    assert_eq!(names(&capture), ["attribute", "builder", "field", "inner"]);
    let counts = guard.tracer().traces_sampled();
    let rules: Vec<&str> = counts.iter().filter(|row| row.recorded).map(|row| row.rule.as_str()).collect();
    assert_eq!(rules, ["priority.emergency", "priority.high", "priority.high"]);
}

#[test]
fn emergency_and_rate_change_at_run_time() {
    let (capture, _guard) = run(
        TracerBuilder::default().sampling(Sampling { emergency_ratio: 0.0, ..Sampling::default() }),
        |tracer| {
            tracer.span("before").start().end();
            tracer.set_emergency(true);
            tracer.span("during").start().end();
            tracer.span("still").priority(Priority::Emergency).start().end();
            tracer.set_emergency(false);
            tracer.set_sample_rate(0.0);
            tracer.span("off").start().end();
            tracer.set_sample_rate(1.0);
            tracer.span("on").start().end();
        },
    );
    assert_eq!(names(&capture), ["before", "on", "still"]);
}

#[test]
fn rate_limit_keeps_so_many_a_second() {
    let (capture, _guard) = sampled(Sampler::PerSecond(5.0), |tracer| {
        for _ in 0..1_000 {
            tracer.span("x").start().end();
        }
    });
    assert!((5..50).contains(&capture.spans().len()), "{}", capture.spans().len());
}

fn keeping(keep: Keep) -> TracerBuilder {
    // As small a share as there is, but not none: nothing of what is switched off is kept.
    TracerBuilder::default().sampling(Sampling { root: Sampler::Ratio(1e-15), keep, ..Sampling::default() })
}

#[test]
fn errors_are_kept_whole_although_not_sampled() {
    let (capture, guard) = run(keeping(Keep::errors_and_slow()), |tracer| {
        for fails in [false, true] {
            let root = tracer.span("root").attr("fails", fails).start();
            assert!(root.is_recording() && !root.context().span.flags.is_sampled());
            let _inside = root.enter();
            tracer.span("before").start().end();
            let mut child = tracer.span("child").start();
            if fails {
                child.record_failure("E", "broken");
            }
            child.end();
            let carried = current();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let _there = attach(carried);
                    tracer.span("after").start().end();
                });
            });
        }
        let mut status = tracer.span("status").start();
        status.attr("http.response.status_code", 503);
    });
    assert_eq!(names(&capture), ["after", "before", "child", "root", "status"]);
    let root = capture.span("root");
    assert!(root.attribute("sampling.kept").is_some_and(|why| *why == "error"));
    assert_eq!(root.flags & 1, 0, "it was not sampled");
    assert_eq!(capture.span("before").parent_id, root.span_id);
    assert_eq!(guard.status().spans_dropped_unsampled, 0);
}

#[test]
fn slow_local_traces_are_kept_and_fast_ones_forgotten() {
    let keep = Keep { slow: Some(Duration::from_millis(30)), errors: false, ..Keep::default() };
    let caller = Context::of(SpanContext::from_traceparent(UNSAMPLED).unwrap());
    let (capture, _guard) = run(keeping(keep), |tracer| {
        for wait in [0, 40] {
            let subscriber = TraceSubscriber::new(tracer.clone());
            tracing::subscriber::with_default(subscriber, || {
                let _from = attach(caller.clone());
                tracing::info_span!("served", wait).in_scope(|| {
                    tracing::info_span!("inner").in_scope(|| std::thread::sleep(Duration::from_millis(wait)));
                });
            });
        }
        let mut failed = tracer.span("failed").start();
        failed.record_failure("E", "not wanted");
    });
    assert_eq!(names(&capture), ["inner", "served"]);
    assert!(capture.span("served").attribute("sampling.kept").is_some_and(|why| *why == "slow"));
    assert_eq!(capture.span("served").parent_id.to_string(), "b7ad6b7169203331");
}

#[test]
fn what_waits_for_an_error_is_bounded_and_counted() {
    let (capture, guard) = run(keeping(Keep { bytes_max: 10_000, ..Keep::errors_and_slow() }), |tracer| {
        let mut root = tracer.span("root").start();
        let inside = root.enter();
        for _ in 0..1_000 {
            tracer.span("child").start().end();
        }
        drop(inside);
        root.record_failure("E", "broken");
    });
    let dropped = guard.status().spans_dropped_unsampled;
    assert!(0 < dropped);
    assert_eq!(capture.spans().len() as u64 + dropped, 1_001);
    assert!(capture.spans().iter().any(|span| span.name == "root"));
}

fn folding(work: impl FnOnce(&Tracer)) -> Capture {
    let filter = SpanFilter::faster_than(Duration::from_secs(60)).named("get *").named("x");
    run(TracerBuilder::default().span_filter(filter), work).0
}

#[test]
fn fast_leaves_become_two_numbers_of_their_parent() {
    let capture = folding(|tracer| {
        let root = tracer.span("root").start();
        let _inside = root.enter();
        for number in 0..10 {
            tracer.span("get user").attr("number", number).start().end();
        }
        tracer.span("put user").start().end();
        let mut failed = tracer.span("get failed").start();
        failed.record_failure("E", "x");
    });
    assert_eq!(names(&capture), ["get failed", "put user", "root"]);
    let root = capture.span("root");
    assert!(root.attribute("folded.count").is_some_and(|count| *count == 10));
    assert!(root.attribute("folded.duration").is_some());
}

#[test]
fn folding_never_leaves_a_child_without_its_parent() {
    let capture = folding(|tracer| {
        let root = tracer.span("root").start();
        let _inside = root.enter();
        // It has a child; its ids left the process; its context is carried on; it is still entered.
        {
            let parent = tracer.span("get parent").start();
            let _inside = parent.enter();
            tracer.span("x").start().end();
        }
        let called = tracer.span("get called").start();
        assert!(called.context().span.is_valid());
        drop(called);
        let carried = {
            let spawner = tracer.span("get spawner").start();
            let _inside = spawner.enter();
            carry(async { tracer.span("task").start().end() })
        };
        futures_executor(carried);
        let left = tracer.span("get left").start();
        let stale = left.enter();
        drop(left);
        tracer.span("late").start().end();
        drop(stale);
        let shared = tracer.span("get shared").start();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let inside = shared.enter();
                tracer.span("elsewhere").start().end();
                drop(inside);
            });
        });
    });
    let spans = capture.spans();
    for span in spans.iter().filter(|span| !span.parent_id.is_none()) {
        assert!(spans.iter().any(|parent| parent.span_id == span.parent_id), "{} is an orphan", span.name);
    }
    assert!(!spans.iter().any(|span| span.name == "x"), "{spans:?}");
    assert!(capture.span("get parent").attribute("folded.count").is_some_and(|count| *count == 1));
}

#[test]
fn folding_through_tracing_keeps_what_has_events() {
    let filter = SpanFilter::faster_than(Duration::from_secs(60));
    let (capture, _guard) = run(TracerBuilder::default().span_filter(filter), |tracer| {
        tracing::subscriber::with_default(TraceSubscriber::new(tracer.clone()), || {
            tracing::info_span!("root").in_scope(|| {
                tracing::info_span!("leaf").in_scope(|| {});
                tracing::info_span!("told").in_scope(|| tracing::info!("something"));
            });
        });
    });
    assert_eq!(names(&capture), ["root", "told"]);
}

#[test]
fn shares_shrink_while_the_queue_is_full() {
    let load = tracewell_tracer::Load { cpu: 2.0, queue: 0.1, least: 0.0, emergency: 2.0 };
    struct Stuck;
    impl tracewell_tracer::Export for Stuck {
        fn export(
            &mut self,
            _: tracewell_tracer::export::Request<'_>,
        ) -> Result<tracewell_tracer::export::Accepted, tracewell_tracer::export::ExportError> {
            let status = "busy".to_owned();
            let retry_after = Some(Duration::from_millis(1));
            Err(tracewell_tracer::export::ExportError::Busy { status, retry_after })
        }
        fn describe(&self) -> String {
            "stuck".to_owned()
        }
    }
    let queue = Queue { bytes_max: 300_000, delay: Duration::from_millis(20), ..Queue::default() };
    let sampling = Sampling { load: Some(load), ..Sampling::default() };
    let guard = TracerBuilder::default().sampling(sampling).queue(queue).start(Stuck).unwrap();
    let unsampled = (0..2_000).any(|_| {
        for _ in 0..100 {
            guard.tracer().span("x").attr("text", "0123456789").start().end();
        }
        std::thread::sleep(Duration::from_millis(5));
        guard.tracer().traces_sampled().iter().any(|row| !row.recorded && row.rule == "load")
    });
    assert!(unsampled, "{:?}", guard.tracer().traces_sampled());
    guard.shutdown(Duration::ZERO);
}

#[test]
fn baggage_is_copied_by_its_allow_list_alone() {
    let builder = TracerBuilder::default().baggage_keys(["tenant", "absent"]);
    let (capture, _guard) = run(builder, |tracer| {
        let from = Context::default().with_baggage("tenant", "acme").unwrap();
        let _in = attach(from.with_baggage("secret", "x").unwrap());
        let root = tracer.span("root").start();
        let _inside = root.enter();
        tracing::subscriber::with_default(TraceSubscriber::new(tracer.clone()), || {
            tracing::info_span!("child").in_scope(|| {});
        });
    });
    for name in ["root", "child"] {
        let span = capture.span(name);
        assert!(span.attribute("tenant").is_some_and(|tenant| *tenant == "acme"), "{name}");
        assert_eq!(span.attributes.len(), 1);
    }
}

/// Runs a future that never waits.
fn futures_executor<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let waker = std::task::Waker::noop();
    match future.as_mut().poll(&mut std::task::Context::from_waker(waker)) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("it does not wait"),
    }
}
