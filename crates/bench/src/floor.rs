//! The lowest floor, shared with the SDK: what redacting an attribute and carrying a context cost.
//!
//! Each row is the best of many rounds: the work is the same in all, so whatever is more came from a busy
//! neighbour. No server runs.

use std::hint::black_box;

use tracewell_context::{Context, Propagator, SpanContext};
use tracewell_redact::{KeyClass, Redactor};

use crate::clock::Stopwatch;
use crate::row::{Bar, Row};

/// Rounds of each measurement.
const ROUNDS: usize = 60;
/// Calls in a round.
const CALLS: usize = 5_000;

/// What spans of a shop carry, with nothing in it to redact.
const CLEAN: [(&str, &str); 10] = [
    ("http.request.method", "GET"),
    ("http.route", "/api/v1/orders/{id}"),
    ("url.full", "https://shop.example.com:8443/api/v1/orders/4711?page=2&sort=name"),
    ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"),
    ("server.address", "orders-7d4b9c6f5-x2x8p.shop.svc.cluster.local"),
    ("messaging.destination.name", "orders.created"),
    ("order.id", "550e8400-e29b-41d4-a716-446655440000"),
    ("k8s.pod.name", "orders-7d4b9c6f5-x2x8p"),
    ("exception.message", "connection reset by peer (os error 104) while reading the response"),
    ("app.version", "2026.11.21-rc.1+4f2e9a1"),
];

const STATEMENT: &str =
    "SELECT id, name, price FROM products WHERE category = 'books' AND price < 19.99 LIMIT 20";

/// Measures redaction and propagation.
pub(crate) fn measure() -> Vec<Row> {
    let redactor = Redactor::secrets();
    let classes: Vec<(KeyClass, &str)> =
        CLEAN.iter().map(|(key, value)| (redactor.class_of(key), *value)).collect();
    let mut next = 0;
    let mut turn = || {
        next = (next + 1) % CLEAN.len();
        next
    };
    let bytes: usize = CLEAN.iter().map(|(_, value)| value.len()).sum();
    let note = format!("10 attributes of {} bytes on average", bytes / CLEAN.len());
    let classed = best_ns(|| {
        let (class, value) = classes[turn()];
        assert!(redactor.apply_class(black_box(class), black_box(value)).is_keep());
    });
    let whole = best_ns(|| {
        let (key, value) = CLEAN[turn()];
        assert!(redactor.apply(black_box(key), black_box(value)).is_keep());
    });
    let statement = best_ns(|| {
        black_box(redactor.apply_statement("postgresql", black_box(STATEMENT)));
    });

    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("host", "shop"), ("accept", "*/*"), ("traceparent", parent), ("baggage", "tenant=acme")];
    let propagator = Propagator::default();
    let extract = best_ns(|| {
        assert!(propagator.extract(black_box(&headers)).span.is_valid());
    });
    let context = Context::of(SpanContext::from_traceparent(parent).expect("it is one"));
    let inject = best_ns(|| {
        let mut written = 0;
        propagator
            .inject(black_box(&context), &mut |name: &str, value: &str| written += name.len() + value.len());
        assert!(0 < black_box(written));
    });
    vec![
        Row::new("redact.attribute", "ns", whole).bar(Bar::AtMost(250.0)).note(note.clone()),
        Row::new("redact.attribute.key_known", "ns", classed).bar(Bar::AtMost(100.0)).note(note),
        Row::new("redact.statement", "ns", statement).note(format!("{} bytes", STATEMENT.len())),
        Row::new("context.extract", "ns", extract).note("W3C trace context and baggage among four headers"),
        Row::new("context.inject", "ns", inject).note("traceparent, no allocation"),
    ]
}

fn best_ns(mut call: impl FnMut()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let watch = Stopwatch::start();
            (0..CALLS).for_each(|_| call());
            watch.read().as_nanos() as f64 / CALLS as f64
        })
        .fold(f64::MAX, f64::min)
}
