//! Saying more about a span of `tracing` than its macros can: what has a dynamic key, a link, a status.
//!
//! As everywhere, what a user's formatter writes is written first, and copied under the slot's lock: it may
//! do anything, even record on the same span.

use std::error::Error;
use std::fmt::Write as _;

use tracewell_context::{Context, SpanContext};
use tracing_core::Dispatch;
use tracing_core::span::Id;

use super::{TraceSubscriber, Tracing};
use crate::encode::{attribute, bytes_field, fixed64_field};
use crate::error_record;
use crate::kind::Status;
use crate::limits::{NAME_BYTES_MAX, cut_bytes};
use crate::record::{ATTRIBUTE, Record, attributes_of};
use crate::value::Value;
use crate::{fold, local};

/// A span of `tracing` that this engine keeps.
#[derive(Debug)]
pub struct Reached<'a> {
    tracing: &'a Tracing,
    slot: u64,
}

/// Finds the span of that id behind a dispatcher; `None` where another subscriber has it.
pub fn reach<'a>(dispatch: &'a Dispatch, id: &Id) -> Option<Reached<'a>> {
    if let Some(subscriber) = dispatch.downcast_ref::<TraceSubscriber>() {
        return Some(Reached { tracing: &subscriber.tracing, slot: id.into_u64() });
    }
    #[cfg(feature = "layer")]
    {
        super::layer::find(dispatch, id).map(|(tracing, slot)| Reached { tracing, slot })
    }
    #[cfg(not(feature = "layer"))]
    None
}

impl Reached<'_> {
    /// Tells whether anything that is said about the span will be kept.
    pub fn is_recording(&self) -> bool {
        self.tracing.slots.is_recorded(self.slot)
    }

    /// Returns what the span hands on to its children and to the services that it calls.
    pub fn context(&self) -> Context {
        let context = self.tracing.slots.context(self.slot).unwrap_or_default();
        fold::known(&context.span);
        context
    }

    /// Sets an attribute; one of that key is replaced.
    pub fn attribute(&self, key: &str, value: Value<'_>) {
        if !self.is_recording() {
            return;
        }
        local::with_scratch(|scratch| {
            attribute(scratch, ATTRIBUTE, key, value, self.tracing.tracer.engine.limits.value_chars);
            self.change(|record| record.attributes_encoded(scratch));
        });
    }

    /// Records that something happened now.
    pub fn event(&self, name: &str, attributes: &[(&str, Value<'_>)]) {
        if !self.is_recording() {
            return;
        }
        let engine = &self.tracing.tracer.engine;
        local::with_scratch(|scratch| {
            fixed64_field(scratch, 0x09, engine.clock.unix_ns(engine.clock.ticks()));
            bytes_field(scratch, 0x12, cut_bytes(name, NAME_BYTES_MAX).as_bytes());
            attributes_of(scratch, 0x1a, attributes, &engine.limits);
            self.change(|record| record.event_encoded(scratch));
        });
    }

    /// Links another span, of this trace or another.
    pub fn link(&self, to: &SpanContext) {
        self.change(|record| record.link(to, &[]));
    }

    /// Says how it went. `Ok` is final; an error yields to it alone.
    pub fn status(&self, status: Status, message: &str) {
        self.change(|record| record.status(status, message));
    }

    /// Records an error: an `exception` event with type, message and chain of causes, and the status.
    pub fn error<E: Error + ?Sized>(&self, error: &E) {
        if !self.is_recording() {
            return;
        }
        let (message, mut chain) = (error.to_string(), String::new());
        for cause in error_record::causes(error) {
            // A formatter that fails leaves what it wrote.
            let _ = write!(chain, "\nCaused by: {cause}");
        }
        let chain = Some(chain.as_str()).filter(|chain| !chain.is_empty());
        let (kind, mut untold) = (std::any::type_name::<E>(), None);
        self.change(|record| untold = error_record::note(record, kind, &message, chain));
        if let Some(untold) = untold {
            untold.tell(kind, &message, chain);
        }
    }

    /// Gives it another name.
    pub fn rename(&self, name: &str) {
        self.change(|record| record.name(name));
    }

    fn change(&self, change: impl FnOnce(&mut Record)) {
        self.tracing.slots.with_record(self.slot, change);
    }
}
