//! How a span ends: plainly, where nothing ties it to others.

use std::sync::Arc;

use crate::fold;
use crate::kind::Status;
use crate::local;
use crate::panic_note;
use crate::record::Record;
use crate::sampling::{PRIORITY_KEY, Priority};
use crate::ties::Ties;
use crate::trail::Fate;
use crate::value::Value;

/// The attribute that tells why a trace is there although it was not sampled.
const KEPT: &str = "sampling.kept";

/// Ends a span, now or at that time.
#[inline]
pub(crate) fn end(mut record: Box<Record>, at: Option<u64>) {
    if std::thread::panicking() {
        panic_note::fail(&mut record);
    }
    match record.untie() {
        None => {
            record.end(at);
            local::put(record);
        }
        Some(ties) => end_tied(record, *ties, at),
    }
}

#[cold]
fn end_tied(mut record: Box<Record>, mut ties: Ties, at: Option<u64>) {
    let engine = Arc::clone(record.engine());
    let end = at.unwrap_or_else(|| record.now_unix_ns());
    let took = end.saturating_sub(record.start_unix_ns());
    if let (Some(cell), Some(folding)) = (ties.cell.take(), &engine.folding) {
        let may = !ties.is_root
            && record.is_plain()
            && folding.0.takes(record.name_said(), took)
            && !local::is_inside(cell.span_id());
        match fold::end(&cell, may, took) {
            Err(fold::Folded) => return local::recycle(record),
            Ok((0, _)) => {}
            Ok((count, duration_ns)) => {
                record.attribute("folded.count", count.into());
                record.attribute("folded.duration", duration_ns.into());
            }
        }
    }
    let (Some(trails), Some(trail)) = (&engine.trails, &ties.trail) else {
        record.end(Some(end));
        return local::put(record);
    };
    let slow = trails.keep.slow.is_some_and(|slow| slow.as_nanos() <= u128::from(took));
    let why = match () {
        () if trails.keep.errors && failed(&record, trails.keep.status) => Some("error"),
        () if ties.is_root && slow => Some("slow"),
        () if matters(&record) => Some("priority"),
        () => None,
    };
    if ties.is_root
        && let Some(why) = why.or_else(|| trails.kept(trail))
    {
        record.attribute(KEPT, why.into());
    }
    record.end(Some(end));
    match trails.end(trail, record.scope(), record.bytes(), why) {
        Fate::Nothing => local::recycle(record),
        Fate::Send(waiting) => {
            waiting.each(|scope, span| local::put_bytes(&engine, span, scope));
            local::put(record);
        }
    }
}

fn failed(record: &Record, status: u16) -> bool {
    let code = || record.attribute_said("http.response.status_code");
    record.status_said() == Status::Error
        || matches!(code(), Some(Value::Int(code)) if i64::from(status) <= code)
}

fn matters(record: &Record) -> bool {
    let priority = record.attribute_said(PRIORITY_KEY).and_then(Priority::read);
    matches!(priority, Some(Priority::High | Priority::Emergency))
}
