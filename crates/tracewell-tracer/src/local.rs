//! What a thread keeps: its current context, its generator of ids, and a desk for each tracer.
//!
//! The current context is a value on a stack of entered scopes. Whoever leaves out of order leaves his
//! own scope and no other: what lies above keeps its place. A desk holds the thread's open chunk and
//! the records of spans that have ended, so a steady service allocates nothing.
//!
//! Nothing of a user's runs while a cell of this room is borrowed: no formatter, no sampler, no drop of
//! foreign values. A thread that is ending has no room any more; its last spans are counted as dropped.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use tracewell_context::{Context, Sampling, SpanId};

use crate::depot::Chunk;
use crate::engine::Engine;
use crate::random::Random;
use crate::record::Record;
use crate::sampling::Tally;

/// Records that a desk keeps for later spans; a deeper tree than that is rare.
const RECORDS_MAX: usize = 64;

thread_local! {
    static LOCAL: Local = Local::new();
    /// Apart from the room, because it is asked first and most often.
    static SUPPRESSED: Cell<bool> = const { Cell::new(false) };
    /// Whether the current span is one of ours that was not sampled, as most are where a share is small.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

struct Local {
    current: RefCell<Context>,
    entered: RefCell<Vec<Entered>>,
    random: Cell<Random>,
    desks: RefCell<Vec<Desk>>,
    scratch: Cell<Vec<u8>>,
    texts: RefCell<Vec<String>>,
    tokens: Cell<u64>,
}

/// A scope that was entered and not yet left.
struct Entered {
    token: u64,
    /// How often it was entered again right away, as unsampled children of one span are.
    again: u32,
    /// What was current before.
    previous: Context,
}

struct Desk {
    engine: Arc<Engine>,
    chunk: Arc<Chunk>,
    #[expect(clippy::vec_box, reason = "records are lent out and given back: boxes move, not records")]
    records: Vec<Box<Record>>,
    /// Made when the thread's first trace is decided.
    tally: Option<Arc<Tally>>,
}

impl Local {
    fn new() -> Self {
        Self {
            current: RefCell::default(),
            entered: RefCell::default(),
            random: Cell::new(Random::seeded()),
            desks: RefCell::default(),
            scratch: Cell::default(),
            texts: RefCell::default(),
            // Span ids of subscribers are tokens too; these stay clear of them.
            tokens: Cell::new(1 << 63),
        }
    }
}

/// Tells whether the current span is of this process and was not sampled.
#[inline]
pub(crate) fn is_quiet() -> bool {
    QUIET.get()
}

#[inline]
fn is_unsampled(context: &Context) -> bool {
    context.sampling == Sampling::Decided
        && !context.span.flags.is_sampled()
        && !context.span.is_remote
        && context.span.is_valid()
}

/// Calls `look` with the current context.
#[inline]
pub(crate) fn with_current<R>(look: impl FnOnce(&Context) -> R) -> R {
    let mut look = Some(look);
    let found = LOCAL.try_with(|local| {
        let current = local.current.try_borrow().ok()?;
        look.take().map(|look| look(&current))
    });
    match (found, look) {
        (Ok(Some(found)), _) => found,
        (_, Some(look)) => look(&Context::default()),
        (_, None) => unreachable!("`look` is taken only where its result is returned"),
    }
}

/// Makes `context` current until [`leave`] is called with the same token.
#[inline]
pub(crate) fn enter(token: u64, context: Context) {
    // A thread that ends has no current context; the scope is left without effect.
    let _ = LOCAL.try_with(|local| {
        QUIET.set(is_unsampled(&context));
        let previous = local.current.replace(context);
        local.entered.borrow_mut().push(Entered { token, again: 0, previous });
    });
}

/// Enters the innermost scope once more, if it is of that token; returns whether it is.
#[inline]
pub(crate) fn enter_again(token: u64) -> bool {
    let entered = LOCAL.try_with(|local| {
        let mut entered = local.entered.borrow_mut();
        let innermost = entered.last_mut().filter(|scope| scope.token == token);
        innermost.map(|scope| scope.again += 1).is_some()
    });
    entered.unwrap_or(false)
}

/// Like [`enter`], with a token of its own.
#[inline]
pub(crate) fn enter_anew(context: Context) -> u64 {
    let token = LOCAL.try_with(|local| {
        let token = local.tokens.get();
        local.tokens.set(token + 1);
        token
    });
    let token = token.unwrap_or(u64::MAX);
    enter(token, context);
    token
}

/// Leaves the newest scope of that token, if there is one.
pub(crate) fn leave(token: u64) {
    let left = LOCAL.try_with(|local| {
        let mut entered = local.entered.borrow_mut();
        let at = entered.iter().rposition(|scope| scope.token == token)?;
        if 0 < entered[at].again {
            entered[at].again -= 1;
            return None;
        }
        let scope = entered.remove(at);
        Some(match entered.get_mut(at) {
            // Somebody entered later and is still inside: he returns to where this scope began.
            Some(above) => std::mem::replace(&mut above.previous, scope.previous),
            None => {
                QUIET.set(is_unsampled(&scope.previous));
                local.current.replace(scope.previous)
            }
        })
    });
    drop(left);
}

/// Returns the token of the newest scope below 2^63 (those are spans of a subscriber).
pub(crate) fn innermost_span() -> Option<u64> {
    let found = LOCAL.try_with(|local| {
        let entered = local.entered.borrow();
        entered.iter().rev().map(|scope| scope.token).find(|token| *token < 1 << 63)
    });
    found.ok().flatten()
}

/// Tells whether a scope of that span has not been left on this thread.
pub(crate) fn is_inside(span: SpanId) -> bool {
    let inside = LOCAL.try_with(|local| {
        local.current.borrow().span.span_id == span
            || local.entered.borrow().iter().any(|scope| scope.previous.span.span_id == span)
    });
    inside.unwrap_or(false)
}

/// Draws `N` ids.
#[inline]
pub(crate) fn draw<const N: usize>() -> [u64; N] {
    draw_stirred(None)
}

/// Draws `N` ids that differ from those of every process with which this one shares a past.
#[inline]
pub(crate) fn draw_at<const N: usize>(ticks: u64) -> [u64; N] {
    draw_stirred(Some(ticks))
}

#[inline]
fn draw_stirred<const N: usize>(ticks: Option<u64>) -> [u64; N] {
    let drawn = LOCAL.try_with(|local| {
        let mut random = local.random.get();
        if let Some(ticks) = ticks {
            random.stir(ticks);
        }
        let drawn = std::array::from_fn(|_| random.next());
        local.random.set(random);
        drawn
    });
    drawn.unwrap_or_else(|_| {
        let mut random = Random::seeded();
        std::array::from_fn(|_| random.next())
    })
}

/// Lends a record of the engine, a used one if there is one.
#[inline]
pub(crate) fn record(engine: &Arc<Engine>) -> Box<Record> {
    let used = LOCAL.try_with(|local| {
        let mut desks = local.desks.try_borrow_mut().ok()?;
        desks.iter_mut().find(|desk| Arc::ptr_eq(&desk.engine, engine))?.records.pop()
    });
    used.ok().flatten().unwrap_or_else(|| Box::new(Record::new(Arc::clone(engine))))
}

/// Lends a record that is there for the current context alone.
pub(crate) fn quiet_record(engine: &Arc<Engine>) -> Box<Record> {
    let found = LOCAL.try_with(|local| {
        let mut desks = local.desks.try_borrow_mut().ok()?;
        let mut record = desks.iter_mut().find(|desk| Arc::ptr_eq(&desk.engine, engine))?.records.pop()?;
        record.be(local.current.try_borrow().ok()?.clone(), false);
        Some(record)
    });
    found.ok().flatten().unwrap_or_else(|| {
        let mut record = Box::new(Record::new(Arc::clone(engine)));
        record.be(with_current(Context::clone), false);
        record
    })
}

/// Puts a finished record's bytes into the thread's chunk and keeps the record.
#[inline]
pub(crate) fn put(record: Box<Record>) {
    let mut record = Some(record);
    let _ = LOCAL.try_with(|local| {
        let Ok(mut desks) = local.desks.try_borrow_mut() else { return };
        let Some(record) = record.take() else { return };
        let desk = desk(&mut desks, record.engine());
        desk.engine.depot.put(&desk.chunk, record.bytes(), record.scope());
        desk.keep(record);
    });
    if let Some(record) = record {
        record.engine().depot.dropped_late();
    }
}

/// Puts a span that waited elsewhere into the thread's chunk.
pub(crate) fn put_bytes(engine: &Arc<Engine>, span: &[u8], scope: u32) {
    let put = LOCAL.try_with(|local| {
        let mut desks = local.desks.try_borrow_mut().ok()?;
        let desk = desk(&mut desks, engine);
        desk.engine.depot.put(&desk.chunk, span, scope);
        Some(())
    });
    if put.ok().flatten().is_none() {
        engine.depot.dropped_late();
    }
}

/// Keeps a record whose span is not wanted.
pub(crate) fn recycle(record: Box<Record>) {
    let _ = LOCAL.try_with(|local| {
        if let Ok(mut desks) = local.desks.try_borrow_mut()
            && let Some(desk) = desks.iter_mut().find(|desk| Arc::ptr_eq(&desk.engine, record.engine()))
        {
            desk.keep(record);
        }
    });
}

/// Counts a decision about a trace.
#[inline]
pub(crate) fn count(engine: &Arc<Engine>, operation: &str, recorded: bool, rule: &str) {
    // A thread that is ending decides nothing that anybody will count.
    let _ = LOCAL.try_with(|local| {
        let Ok(mut desks) = local.desks.try_borrow_mut() else { return };
        let desk = desk(&mut desks, engine);
        let tally = desk.tally.get_or_insert_with(|| engine.tallies.register());
        tally.count(operation, recorded, rule);
    });
}

impl Desk {
    /// Keeps a record for a later span.
    #[inline]
    fn keep(&mut self, record: Box<Record>) {
        if self.records.len() < RECORDS_MAX {
            self.records.push(record.cleared());
        }
    }
}

/// Returns the desk of an engine.
#[inline]
fn desk<'a>(desks: &'a mut Vec<Desk>, engine: &Arc<Engine>) -> &'a mut Desk {
    let at = desks.iter().position(|desk| Arc::ptr_eq(&desk.engine, engine));
    let at = at.unwrap_or_else(|| new_desk(desks, engine));
    &mut desks[at]
}

#[cold]
fn new_desk(desks: &mut Vec<Desk>, engine: &Arc<Engine>) -> usize {
    // Desks of tracers that were shut down are cleared away when a new one comes.
    desks.retain(|desk| !desk.engine.is_closed());
    desks.push(Desk {
        engine: Arc::clone(engine),
        chunk: engine.depot.chunk(),
        records: Vec::new(),
        tally: None,
    });
    desks.len() - 1
}

/// Lends a buffer for fields of a span that others may touch meanwhile. It comes empty; a formatter
/// that records while it is called gets another.
#[inline]
pub(crate) fn with_scratch<R>(use_it: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut scratch = LOCAL.try_with(|local| local.scratch.take()).unwrap_or_default();
    scratch.clear();
    let result = use_it(&mut scratch);
    if scratch.capacity() <= 64 * 1024 {
        let _ = LOCAL.try_with(|local| local.scratch.set(scratch));
    }
    result
}

/// Lends an empty text.
pub(crate) fn text() -> String {
    LOCAL.try_with(|local| local.texts.try_borrow_mut().ok()?.pop()).ok().flatten().unwrap_or_default()
}

/// Takes a text back for later; large ones and more than a few are freed.
pub(crate) fn give_back_text(mut text: String) {
    text.clear();
    let _ = LOCAL.try_with(|local| {
        if let Ok(mut texts) = local.texts.try_borrow_mut()
            && texts.len() < 4
            && text.capacity() <= 16 * 1024
        {
            texts.push(text);
        }
    });
}

/// Tells whether telemetry is suppressed on this thread.
#[inline]
pub(crate) fn is_suppressed() -> bool {
    SUPPRESSED.get()
}

/// Suppresses telemetry on this thread, or not; returns what it was.
pub(crate) fn suppress(on: bool) -> bool {
    SUPPRESSED.replace(on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracewell_context::{SpanContext, SpanId, TraceFlags, TraceId};

    fn numbered(number: u64) -> Context {
        Context::of(SpanContext::new(TraceId::from_halves(0, 1), SpanId::from_u64(number), TraceFlags::NONE))
    }

    fn current() -> u64 {
        with_current(|current| current.span.span_id.to_u64())
    }

    #[test]
    fn scopes_may_be_left_in_any_order() {
        enter(1, numbered(1));
        enter(2, numbered(2));
        enter(3, numbered(3));
        leave(2);
        assert_eq!(current(), 3);
        leave(3);
        assert_eq!(current(), 1);
        leave(9);
        assert_eq!(current(), 1);
        leave(1);
        assert_eq!(current(), 0);
    }
}
