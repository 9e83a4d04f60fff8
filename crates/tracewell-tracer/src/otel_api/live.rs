//! Which of two current contexts counts: the thread's own, or OpenTelemetry's.
//!
//! A span of the bridge remembers which span of ours was current when it was made. While that one is still
//! the thread's current, whatever OpenTelemetry's context holds began inside it, and counts:
//!
//! ```text
//! ours A entered            current: A
//!   theirs B made, attached  B lies under A, A is current   -> B
//!     ours C entered         B lies under A, C is current   -> C
//! on a thread of its own:
//!   theirs B attached        nothing of ours is current     -> B
//! ```

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::Context as OtelContext;
use opentelemetry::trace::TraceContextExt;
use tracewell_context::{Context, SpanId};

use super::convert;
use crate::{ambient, scope};

/// Spans of the bridge that may still be somebody's parent.
static LIVE: Mutex<Option<HashMap<SpanId, Live>>> = Mutex::new(None);

#[derive(Debug)]
struct Live {
    /// With baggage and the sampling decision, which OpenTelemetry's context does not carry.
    context: Context,
    /// What was current here when it was made.
    under: SpanId,
    /// Unrecorded spans share their parent's id.
    holders: u32,
}

/// Holds a span's place among the living.
/// One without an id has none.
#[derive(Debug)]
pub(super) struct Place(SpanId);

impl Place {
    pub(super) fn take(context: &Context, under: SpanId) -> Self {
        let id = context.span.span_id;
        let live = || Live { context: context.clone(), under, holders: 0 };
        if !id.is_none() {
            living().get_or_insert_default().entry(id).or_insert_with(live).holders += 1;
        }
        Self(id)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut living = living();
        let Some(all) = living.as_mut() else { return };
        if let Some(live) = all.get_mut(&self.0) {
            live.holders -= 1;
            if live.holders == 0 {
                all.remove(&self.0);
            }
        }
    }
}

/// Dropped before OpenTelemetry's own cell, because it was made after it.
struct Alive;

impl Drop for Alive {
    fn drop(&mut self) {}
}

thread_local! {
    static ALIVE: Alive = {
        OtelContext::map_current(|_| ());
        Alive
    };
}

/// Asks OpenTelemetry's current context; a thread that is ending has none, and asking there would panic.
fn ask<R>(look: impl FnOnce(&OtelContext) -> R) -> Option<R> {
    ALIVE.try_with(|_| ()).ok()?;
    Some(OtelContext::map_current(look))
}

/// Returns the context of the span in OpenTelemetry's current context, where that lies inside `local`.
pub(super) fn inner(local: &Context) -> Option<Context> {
    ask(|current| inner_of(current, local)).flatten()
}

fn inner_of(current: &OtelContext, local: &Context) -> Option<Context> {
    if !current.has_active_span() {
        return None;
    }
    let span = current.span();
    let theirs = span.span_context();
    let none_is_ours = !local.span.is_valid();
    if !theirs.is_valid() || convert::id(theirs.span_id()) == local.span.span_id {
        return None;
    }
    match living().as_ref().and_then(|all| all.get(&convert::id(theirs.span_id()))) {
        Some(live) if none_is_ours || live.under == local.span.span_id => Some(live.context.clone()),
        Some(_) => None,
        // A caller in another process, or a span that nobody here made.
        None => none_is_ours.then(|| Context::of(convert::span_context(theirs))),
    }
}

/// Returns the context that OpenTelemetry's `parent` means for a span that is made now; `None` is a root.
pub(super) fn parent(parent: &OtelContext) -> Option<Context> {
    let local = scope::current();
    let told = parent.span().span_context().clone();
    let now = ask(|current| current.span().span_context().span_id());
    if now == Some(told.span_id()) {
        return Some(local);
    }
    if !told.is_valid() {
        return None;
    }
    let living = living();
    let live = living.as_ref().and_then(|all| all.get(&convert::id(told.span_id())));
    Some(live.map_or_else(|| Context::of(convert::span_context(&told)), |live| live.context.clone()))
}

/// Returns the id of the span of ours that is current on this thread.
pub(super) fn local_id() -> SpanId {
    ambient::own_context().span.span_id
}

fn living() -> MutexGuard<'static, Option<HashMap<SpanId, Live>>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}
