//! `#[trace]` on every kind of function.

#![cfg(feature = "macros")]

use std::future::Future;
use std::pin::Pin;

use tracewell::testing::record;
use tracewell::{Kind, SpanStatus, trace};

#[trace]
fn plain(number: u8) -> u8 {
    inner();
    if number == 0 {
        return 7;
    }
    number + 1
}

#[trace(name = "deep inside")]
fn inner() {}

#[trace(kind = client, attrs("order.id" = id, items = items.len(), shown = ?items, user.name = %"ada"))]
fn parse(id: u64, items: &[&str]) -> Result<u8, std::num::ParseIntError> {
    let _ = id;
    let first: u8 = items[0].parse()?;
    Ok(first)
}

#[trace]
async fn fetch<T: std::fmt::Debug>(
    what: &T,
    text: &str,
) -> Result<u8, Box<dyn std::error::Error + Send + Sync>> {
    tokio::task::yield_now().await;
    inner();
    let _ = what;
    Ok(text.parse::<u8>()?)
}

#[trace]
async fn nothing() {
    tokio::task::yield_now().await;
}

#[trace]
async fn odd() -> Result<(), ()> {
    Err(())
}

#[trace]
fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
    Box::pin(async move {
        tokio::task::yield_now().await;
        inner();
        text.len()
    })
}

struct Shop(u8);

impl Shop {
    #[trace(attrs(shelf = self.0))]
    async fn sell(&mut self) -> Result<u8, String> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| "sold out".to_owned())?;
        Ok(self.0)
    }
}

fn run<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

#[test]
fn functions_run_inside_spans_of_their_own() {
    let (_, recorded) = record(|| {
        assert_eq!((plain(0), plain(1)), (7, 2));
        assert_eq!(parse(5, &["3"]), Ok(3));
    });
    let spans = recorded.spans();
    let plain: Vec<_> = spans.iter().filter(|span| span.name == "plain").collect();
    let inner: Vec<_> = spans.iter().filter(|span| span.name == "deep inside").collect();
    assert_eq!(plain.len(), 2);
    assert_eq!(inner[0].parent_id, plain[0].span_id);
    let parse = recorded.span("parse");
    assert_eq!((parse.kind, parse.status), (Kind::Client, SpanStatus::Unset));
    assert!(parse.attribute("order.id").is_some_and(|id| *id == 5));
    assert!(parse.attribute("items").is_some_and(|items| *items == 1));
    assert!(parse.attribute("shown").is_some_and(|items| *items == "[\"3\"]"));
    assert!(parse.attribute("user.name").is_some_and(|name| *name == "ada"));
}

#[test]
fn async_functions_are_inside_wherever_they_are_polled() {
    let (_, recorded) = record(|| {
        run(async {
            assert_eq!(fetch(&1, "4").await.unwrap(), 4);
            nothing().await;
            assert_eq!(boxed("abc").await, 3);
        });
    });
    let spans = recorded.spans();
    let inner: Vec<_> =
        spans.iter().filter(|span| span.name == "deep inside").map(|span| span.parent_id).collect();
    assert_eq!(inner, [recorded.span("fetch").span_id, recorded.span("boxed").span_id]);
    assert!(recorded.span("nothing").parent_id.is_none());
}

#[test]
fn errors_of_every_kind_fail_their_span() {
    let (_, recorded) = record(|| {
        let _ = parse(1, &["x"]);
        run(async {
            let _ = fetch(&1, "x").await;
            let _ = odd().await;
            let _ = Shop(0).sell().await;
        });
    });
    for (name, message) in
        [("parse", "invalid digit"), ("fetch", "invalid digit"), ("odd", ""), ("sell", "sold out")]
    {
        let span = recorded.span(name);
        assert_eq!(span.status, SpanStatus::Error, "{name}");
        assert!(span.status_message.contains(message), "{name}: {}", span.status_message);
        assert!(span.event("exception").is_some(), "{name}");
    }
    assert!(
        recorded
            .span("parse")
            .attribute("error.type")
            .is_some_and(|kind| *kind == "core::num::error::ParseIntError")
    );
}

#[test]
fn traced_futures_may_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    is_send(fetch(&1, "4"));
    is_send(nothing());
}
