//! Operations: futures inside spans that say what kind of work they are.

use std::error::Error;
use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::task::Poll;

use tracewell_tracer::{Kind, Span, Value, span};

/// Attributes of an operation.
pub type Attributes<'a> = &'a [(&'a str, Value<'a>)];

/// Runs a future inside a span.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let total = tracewell::trace_operation("sum", &[("items", 2.into())], async { 1 + 2 }).await;
/// assert_eq!(total, 3);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn trace_operation<F: Future>(
    name: &str,
    attributes: Attributes<'_>,
    work: F,
) -> impl Future<Output = F::Output> + use<F> {
    begun(name, Kind::Internal, attributes).instrument(work)
}

/// Runs a future inside a span; an error that it ends with is recorded.
pub fn trace_result<F, T, E>(
    name: &str,
    attributes: Attributes<'_>,
    work: F,
) -> impl Future<Output = Result<T, E>> + use<F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Error,
{
    observed(begun(name, Kind::Internal, attributes), work)
}

/// Runs a call to a database inside a span: `name` is the operation, `system` as `postgresql`.
pub fn trace_database_operation<F, T, E>(
    name: &str,
    system: &str,
    work: F,
) -> impl Future<Output = Result<T, E>> + use<F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Error,
{
    let attributes = [("db.system.name", system.into()), ("db.operation.name", name.into())];
    observed(begun(name, Kind::Client, &attributes), work)
}

/// Runs a call to a language model inside a span, as `("gpt-5", "chat")`.
pub fn trace_ai_operation<F, T, E>(
    model: &str,
    operation: &str,
    work: F,
) -> impl Future<Output = Result<T, E>> + use<F, T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Error,
{
    let attributes = [("gen_ai.operation.name", operation.into()), ("gen_ai.request.model", model.into())];
    observed(begun(&format!("{operation} {model}"), Kind::Client, &attributes), work)
}

/// Runs `each` over all items inside one span, with at most `at_once` of them under way, and returns
/// their results in the items' order. Each item has a span of its own; what fails is recorded there.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let texts = ["1", "x", "3"];
/// let numbers = tracewell::trace_batch_operation("parse", texts, 2, |text| async move { text.parse::<u8>() }).await;
/// assert_eq!(numbers.iter().filter(|number| number.is_ok()).count(), 2);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn trace_batch_operation<I, F, T, E>(
    name: &str,
    items: I,
    at_once: usize,
    mut each: impl FnMut(I::Item) -> F,
) -> Vec<Result<T, E>>
where
    I: IntoIterator,
    F: Future<Output = Result<T, E>>,
    E: Error,
{
    let mut batch = span(name).attr("batch.size", at_once).start();
    let context = batch.context().clone();
    let mut items = items.into_iter().enumerate();
    let mut running = Vec::new();
    let mut results: Vec<Option<Result<T, E>>> = Vec::new();
    poll_fn(|cx| {
        loop {
            while running.len() < at_once.max(1) {
                let Some((number, item)) = items.next() else { break };
                let own = span(name).parent(&context).attr("batch.item", number).start();
                results.push(None);
                running.push((number, Box::pin(observed(own, each(item)))));
            }
            if running.is_empty() {
                return Poll::Ready(());
            }
            let before = running.len();
            running.retain_mut(|(number, work)| match work.as_mut().poll(cx) {
                Poll::Ready(result) => {
                    results[*number] = Some(result);
                    false
                }
                Poll::Pending => true,
            });
            if running.len() == before {
                return Poll::Pending;
            }
            // Where one ended another may begin, and must be polled to be woken.
        }
    })
    .await;
    let results: Vec<Result<T, E>> = results.into_iter().flatten().collect();
    let failed = results.iter().filter(|result| result.is_err()).count();
    batch.attr("batch.items", results.len()).attr("batch.failed", failed);
    results
}

/// Spawns a task on tokio that keeps the current context.
#[cfg(feature = "tokio")]
pub fn spawn<F>(work: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(tracewell_tracer::carry(work))
}

fn begun(name: &str, kind: Kind, attributes: Attributes<'_>) -> Span {
    let mut begun = span(name).kind(kind).start();
    for (key, value) in attributes {
        begun.attr(key, *value);
    }
    begun
}

async fn observed<T, E: Error + Display>(
    mut own: Span,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut work = std::pin::pin!(work);
    let result = poll_fn(|cx| {
        let _inside = own.enter();
        work.as_mut().poll(cx)
    })
    .await;
    if let Err(error) = &result {
        own.record_error(error);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SpanStatus;
    use crate::testing::record;

    fn run<F: Future>(work: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
    }

    #[test]
    fn operations_say_what_kind_of_work_they_are() {
        let (_, recorded) = record(|| {
            run(async {
                let parsed = trace_database_operation("SELECT", "sqlite", async { "x".parse::<u8>() }).await;
                assert!(parsed.is_err());
                let _ = trace_ai_operation("gpt-5", "chat", async { "1".parse::<u8>() }).await;
            });
        });
        let query = recorded.span("SELECT");
        assert_eq!((query.kind, query.status), (Kind::Client, SpanStatus::Error));
        assert!(query.attribute("db.system.name").is_some_and(|system| *system == "sqlite"));
        assert!(query.event("exception").is_some());
        assert!(recorded.span("chat gpt-5").attribute("gen_ai.request.model").is_some());
    }

    #[test]
    fn batches_keep_order_bound_and_every_error() {
        let at_once = std::cell::Cell::new(0);
        let most = std::cell::Cell::new(0);
        let (results, recorded) = record(|| {
            run(trace_batch_operation("work", 0..20u32, 3, |number| {
                let (at_once, most) = (&at_once, &most);
                async move {
                    at_once.set(at_once.get() + 1);
                    most.set(most.get().max(at_once.get()));
                    tokio::time::sleep(std::time::Duration::from_millis(u64::from(20 - number) / 4)).await;
                    at_once.set(at_once.get() - 1);
                    if number % 5 == 0 { Err(std::fmt::Error) } else { Ok(number) }
                }
            }))
        });
        assert_eq!(most.get(), 3);
        assert_eq!(results.len(), 20);
        assert!(results.iter().enumerate().all(|(at, result)| match result {
            Ok(number) => *number as usize == at,
            Err(_) => at % 5 == 0,
        }));
        let spans = recorded.spans();
        let batch = spans.iter().find(|span| span.parent_id.is_none()).unwrap();
        assert!(batch.attribute("batch.failed").is_some_and(|failed| *failed == 4));
        let failed = spans.iter().filter(|span| span.status == SpanStatus::Error);
        assert_eq!((spans.len(), failed.count()), (21, 4));
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn spawned_tasks_keep_the_context() {
        let (_, recorded) = record(|| {
            run(async {
                let outer = span("outer").start();
                let task = {
                    let _inside = outer.enter();
                    spawn(async { span("inner").start().end() })
                };
                task.await.unwrap();
            });
        });
        assert_eq!(recorded.span("inner").parent_id, recorded.span("outer").span_id);
    }
}
