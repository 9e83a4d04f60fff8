//! Errors on spans: the `exception` event, `error.type` and the status.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

use tracewell_context::{SpanId, TraceId};

use crate::encode::attribute;
use crate::exceptions::{Exception, ExceptionSink};
use crate::kind::Status;
use crate::local;
use crate::record::Record;
use crate::value::Value;

/// Causes of one error that are written at most; a chain that long is a loop.
const CAUSES_MAX: usize = 16;

/// Records an error with its chain of causes.
pub(crate) fn write<E: Error + ?Sized>(record: &mut Record, kind: &str, error: &E) {
    let mut message = local::text();
    // A formatter that fails leaves what it wrote.
    let _ = write!(message, "{error}");
    let mut chain = local::text();
    for cause in causes(error) {
        let _ = write!(chain, "\nCaused by: {cause}");
    }
    write_text(record, kind, &message, Some(&chain).filter(|chain| !chain.is_empty()).map(String::as_str));
    local::give_back_text(chain);
    local::give_back_text(message);
}

/// Returns an error's causes, nearest first, as far as they are written.
pub(crate) fn causes<E: Error + ?Sized>(error: &E) -> impl Iterator<Item = &dyn Error> {
    std::iter::successors(error.source(), |cause| (**cause).source())
        .take(CAUSES_MAX)
        .map(|cause| cause as &dyn Error)
}

/// What the sink of exceptions is to be told, once no lock is held.
pub(crate) struct Untold {
    log: Arc<dyn ExceptionSink>,
    trace_id: TraceId,
    span_id: SpanId,
    unix_ns: u64,
}

impl Untold {
    pub(crate) fn tell(self, kind: &str, message: &str, chain: Option<&str>) {
        let Self { log, trace_id, span_id, unix_ns } = self;
        let (kind, details) = (short_type(kind), chain.unwrap_or_default());
        log.exception(&Exception { trace_id, span_id, unix_ns, kind, message, details });
    }
}

/// Records a failure from its texts.
pub(crate) fn write_text(record: &mut Record, kind: &str, message: &str, chain: Option<&str>) {
    if let Some(untold) = note(record, kind, message, chain) {
        untold.tell(kind, message, chain);
    }
}

/// Records a failure on its span; returns what the sink is still to be told.
pub(crate) fn note(record: &mut Record, kind: &str, message: &str, chain: Option<&str>) -> Option<Untold> {
    let kind = short_type(kind);
    let now = record.now_unix_ns();
    record.attribute("error.type", Value::Str(kind));
    record.status(Status::Error, message);
    let untold = record.engine().exceptions.log.clone().map(|log| {
        let (trace_id, span_id) = record.ids();
        Untold { log, trace_id, span_id, unix_ns: now }
    });
    if !record.engine().exceptions.on_spans {
        return untold;
    }
    record.event(now, "exception", |out, limits| {
        attribute(out, 0x1a, "exception.type", Value::Str(kind), limits.value_chars);
        attribute(out, 0x1a, "exception.message", Value::Str(message), limits.value_chars);
        if let Some(chain) = chain {
            let mut whole = local::text();
            whole.extend([kind, ": ", message, chain]);
            attribute(out, 0x1a, "exception.stacktrace", Value::Str(&whole), limits.value_chars);
            local::give_back_text(whole);
        }
        0
    });
    untold
}

/// A boxed error says only that it is one.
fn short_type(kind: &str) -> &str {
    if kind.starts_with("dyn ") { "error" } else { kind }
}
