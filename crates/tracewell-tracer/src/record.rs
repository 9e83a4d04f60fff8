//! A span while it is open: the bytes of its OTLP message, growing.
//!
//! ```text
//! trace id 18 | span id 10 | start 9 | end 9 | kind 2 | flags 6 | [parent 10] | [trace state] | name | ..
//! ```
//! The head has a fixed size, so the end and the kind are patched in place. All else is appended in the
//! order in which it happens, which protobuf allows: attributes (9), events (11) and links (13) are
//! repeated; of a name (5) or a status (15) that comes twice the last counts. An attribute that is set
//! again replaces the first, because keys are unique; a 64-bit filter of the keys seen so far says
//! when it is worth looking for one.

use std::ops::Range;
use std::sync::Arc;

use tracewell_context::{Context, SpanContext, SpanId, TraceId};

use crate::encode::{attribute, bytes_field, fixed64_field, nested, varint};
use crate::engine::Engine;
use crate::kind::{Kind, Status};
use crate::limits::{Limits, NAME_BYTES_MAX, SPAN_BYTES_MAX, cut, cut_bytes};
use crate::message::attribute_of;
use crate::read::Fields;
use crate::ties::Ties;
use crate::value::Value;

const HEAD_BYTES: usize = 54;
const END_AT: usize = 38;
const KIND_AT: usize = 47;
const FLAGS_AT: usize = 50;
/// A buffer that grew past this is not kept for later spans.
const BUFFER_BYTES_KEPT: usize = 16 * 1024;

pub(crate) const ATTRIBUTE: u8 = 0x4a;
const EVENT: u8 = 0x5a;
const LINK: u8 = 0x6a;

/// A span while it is open.
#[derive(Debug)]
pub(crate) struct Record {
    engine: Arc<Engine>,
    bytes: Vec<u8>,
    start_ticks: u64,
    start_unix_ns: u64,
    scope: u32,
    /// Bit per hash of a key that was set.
    seen: u64,
    attributes: u32,
    attributes_dropped: u32,
    events: u32,
    events_dropped: u32,
    links: u32,
    links_dropped: u32,
    status: Status,
    ties: Option<Box<Ties>>,
    /// Who the span is, where it is a value of its own.
    context: Context,
    /// Whether anything of it will be kept; else it is here for its context.
    recorded: bool,
}

impl Record {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            bytes: Vec::with_capacity(512),
            start_ticks: 0,
            start_unix_ns: 0,
            scope: 0,
            seen: 0,
            attributes: 0,
            attributes_dropped: 0,
            events: 0,
            events_dropped: 0,
            links: 0,
            links_dropped: 0,
            status: Status::Unset,
            ties: None,
            context: Context::EMPTY,
            recorded: false,
        }
    }

    /// Makes it the span of that context.
    #[inline]
    pub(crate) fn be(&mut self, context: Context, recorded: bool) {
        self.context = context;
        self.recorded = recorded;
    }

    /// Returns who the span is.
    #[inline]
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// Tells whether anything of it will be kept.
    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        self.recorded
    }

    /// Takes its context, to be decided about anew.
    pub(crate) fn take_context(&mut self) -> Context {
        std::mem::take(&mut self.context)
    }

    /// Writes the head of a span: who it is, whose child, since when.
    #[inline]
    pub(crate) fn begin(&mut self, span: &SpanContext, parent: Option<&SpanContext>, name: &str, ticks: u64) {
        let parent_id = parent.map_or(SpanId::NONE, |parent| parent.span_id);
        let unix_ns = self.engine.clock.unix_ns(ticks);
        self.start_ticks = ticks;
        self.start_unix_ns = unix_ns;
        let mut head = [0; HEAD_BYTES + 10];
        head[..2].copy_from_slice(&[0x0a, 16]);
        head[2..18].copy_from_slice(&span.trace_id.to_bytes());
        head[18..20].copy_from_slice(&[0x12, 8]);
        head[20..28].copy_from_slice(&span.span_id.to_bytes());
        head[28] = 0x39;
        head[29..37].copy_from_slice(&unix_ns.to_le_bytes());
        head[37] = 0x41;
        head[46..50].copy_from_slice(&[0x30, Kind::Internal as u8, 0x85, 0x01]);
        // The parent's whereabouts: known, and remote or not.
        let remote = parent.is_some_and(|parent| parent.is_remote);
        let flags = u32::from(span.flags.bits()) | 0x100 | if remote { 0x200 } else { 0 };
        head[50..54].copy_from_slice(&flags.to_le_bytes());
        head[54..56].copy_from_slice(&[0x22, 8]);
        head[56..64].copy_from_slice(&parent_id.to_bytes());
        let end = if parent_id.is_none() { HEAD_BYTES } else { HEAD_BYTES + 10 };
        self.bytes.extend_from_slice(&head[..end]);
        if !span.trace_state.as_str().is_empty() {
            bytes_field(&mut self.bytes, 0x1a, span.trace_state.as_str().as_bytes());
        }
        self.name(name);
    }

    /// Names the span, again if it has to be.
    #[inline]
    pub(crate) fn name(&mut self, name: &str) {
        bytes_field(&mut self.bytes, 0x2a, cut_bytes(name, NAME_BYTES_MAX).as_bytes());
    }

    pub(crate) fn kind(&mut self, kind: Kind) {
        self.bytes[KIND_AT] = kind as u8;
    }

    /// Returns the kind that was said last.
    pub(crate) fn kind_said(&self) -> Kind {
        Kind::ALL.into_iter().find(|kind| *kind as u8 == self.bytes[KIND_AT]).unwrap_or(Kind::Internal)
    }

    /// Returns the name that was said last.
    pub(crate) fn name_said(&self) -> &str {
        let name = Fields(&self.bytes).filter(|(number, _)| *number == 5).last();
        name.and_then(|(_, name)| std::str::from_utf8(name.bytes()).ok()).unwrap_or_default()
    }

    /// Says that it is sampled after all, as its context now has it.
    pub(crate) fn sampled(&mut self, span: &SpanContext) {
        self.bytes[FLAGS_AT] = span.flags.bits();
        if !span.trace_state.as_str().is_empty() {
            bytes_field(&mut self.bytes, 0x1a, span.trace_state.as_str().as_bytes());
        }
    }

    /// Returns an attribute; of lists and maps, nothing.
    pub(crate) fn attribute_said(&self, key: &str) -> Option<Value<'_>> {
        if self.seen & 1 << key_hash(key) == 0 { None } else { attribute_of(&self.bytes, key) }
    }

    pub(crate) fn status_said(&self) -> Status {
        self.status
    }

    /// Tells whether it says nothing that its parent could not say for it.
    pub(crate) fn is_plain(&self) -> bool {
        self.events == 0
            && self.links == 0
            && self.status != Status::Error
            && self.events_dropped | self.links_dropped == 0
    }

    /// Returns the ids of trace and span.
    pub(crate) fn ids(&self) -> (TraceId, SpanId) {
        let bytes = |at: usize, len: usize| &self.bytes[at..at + len];
        // The head has its size whatever is recorded.
        let trace_id = bytes(2, 16).try_into().map(TraceId::from_bytes).unwrap_or_default();
        (trace_id, bytes(20, 8).try_into().map(SpanId::from_bytes).unwrap_or_default())
    }

    pub(crate) fn start_unix_ns(&self) -> u64 {
        self.start_unix_ns
    }

    /// Returns the ties to other spans, which `make` makes if there are none yet.
    pub(crate) fn ties(&mut self, make: impl FnOnce() -> Ties) -> &mut Ties {
        self.ties.get_or_insert_with(|| Box::new(make()))
    }

    /// Takes the ties away.
    #[inline]
    pub(crate) fn untie(&mut self) -> Option<Box<Ties>> {
        self.ties.take()
    }

    pub(crate) fn in_scope(&mut self, scope: u32) {
        self.scope = scope;
    }

    /// Begins at another time than now; the end is measured from it.
    pub(crate) fn started_at(&mut self, unix_ns: u64) {
        let ticks = self.start_ticks.wrapping_add(unix_ns.wrapping_sub(self.start_unix_ns));
        self.start_ticks = ticks;
        self.start_unix_ns = unix_ns;
        self.bytes[29..37].copy_from_slice(&unix_ns.to_le_bytes());
    }

    /// Sets an attribute; one of that key is replaced.
    #[inline]
    pub(crate) fn attribute(&mut self, key: &str, value: Value<'_>) {
        let limits = self.engine.limits;
        if self.admits_attribute(key, &limits) {
            attribute(&mut self.bytes, ATTRIBUTE, key, value, limits.value_chars);
        }
    }

    #[inline]
    fn admits_attribute(&mut self, key: &str, limits: &Limits) -> bool {
        let bit = 1 << key_hash(key);
        if self.seen & bit != 0
            && let Some(place) = self.find(key)
        {
            self.bytes.drain(place);
            self.attributes -= 1;
        }
        self.seen |= bit;
        if limits.attributes <= self.attributes || SPAN_BYTES_MAX <= self.bytes.len() {
            self.attributes_dropped += 1;
            return false;
        }
        self.attributes += 1;
        true
    }

    /// Appends attributes that were encoded elsewhere, as entries of field 9.
    pub(crate) fn attributes_encoded(&mut self, entries: &[u8]) {
        let limits = self.engine.limits;
        for (key, entry) in Entries(entries) {
            if std::str::from_utf8(key).is_ok_and(|key| self.admits_attribute(key, &limits)) {
                self.bytes.extend_from_slice(entry);
            }
        }
    }

    /// Appends an event whose attributes `write` appends as field 3; it returns how many it left out.
    #[inline]
    pub(crate) fn event(
        &mut self,
        unix_ns: u64,
        name: &str,
        write: impl FnOnce(&mut Vec<u8>, &Limits) -> u32,
    ) {
        if !self.admits_event() {
            return;
        }
        let limits = self.engine.limits;
        nested(&mut self.bytes, EVENT, |out| {
            fixed64_field(out, 0x09, unix_ns);
            bytes_field(out, 0x12, cut_bytes(name, NAME_BYTES_MAX).as_bytes());
            let left_out = write(out, &limits);
            if 0 < left_out {
                out.push(0x20);
                varint(out, u64::from(left_out));
            }
        });
    }

    /// Appends the inside of an event that was encoded elsewhere.
    pub(crate) fn event_encoded(&mut self, event: &[u8]) {
        if self.admits_event() {
            bytes_field(&mut self.bytes, EVENT, event);
        }
    }

    fn admits_event(&mut self) -> bool {
        if self.engine.limits.events <= self.events || SPAN_BYTES_MAX <= self.bytes.len() {
            self.events_dropped += 1;
            return false;
        }
        self.events += 1;
        true
    }

    /// Links another span.
    pub(crate) fn link(&mut self, to: &SpanContext, attributes: &[(&str, Value<'_>)]) {
        if self.engine.limits.links <= self.links || SPAN_BYTES_MAX <= self.bytes.len() {
            self.links_dropped += 1;
            return;
        }
        self.links += 1;
        let limits = self.engine.limits;
        nested(&mut self.bytes, LINK, |out| {
            bytes_field(out, 0x0a, &to.trace_id.to_bytes());
            bytes_field(out, 0x12, &to.span_id.to_bytes());
            if !to.trace_state.as_str().is_empty() {
                bytes_field(out, 0x1a, to.trace_state.as_str().as_bytes());
            }
            let left_out = attributes_of(out, 0x22, attributes, &limits);
            if 0 < left_out {
                out.push(0x28);
                varint(out, u64::from(left_out));
            }
            let flags = u32::from(to.flags.bits()) | 0x100 | if to.is_remote { 0x200 } else { 0 };
            out.push(0x35);
            out.extend_from_slice(&flags.to_le_bytes());
        });
    }

    /// Says how it ended; `Ok` is final and an error yields to it alone.
    pub(crate) fn status(&mut self, status: Status, message: &str) {
        if status < self.status || self.status == Status::Ok {
            return;
        }
        self.status = status;
        let message = if status == Status::Error { cut(message, self.engine.limits.value_chars) } else { "" };
        // Both fields always, so that what comes later replaces all of what came before.
        nested(&mut self.bytes, 0x7a, |out| {
            bytes_field(out, 0x12, message.as_bytes());
            out.extend_from_slice(&[0x18, status.code()]);
        });
    }

    /// Returns the time, as the span's own clock goes.
    pub(crate) fn now_unix_ns(&self) -> u64 {
        self.start_unix_ns.saturating_add(self.age_ns())
    }

    /// Returns the time since its start, which may lie before the clock's own.
    #[inline]
    fn age_ns(&self) -> u64 {
        u64::try_from(self.engine.clock.ticks().wrapping_sub(self.start_ticks).cast_signed()).unwrap_or(0)
    }

    pub(crate) fn is_error(&self) -> bool {
        self.status == Status::Error
    }

    /// Completes the message.
    #[inline]
    pub(crate) fn end(&mut self, unix_ns: Option<u64>) {
        let end = unix_ns.unwrap_or_else(|| self.start_unix_ns.saturating_add(self.age_ns()));
        self.bytes[END_AT..END_AT + 8].copy_from_slice(&end.to_le_bytes());
        if 0 < self.attributes_dropped | self.events_dropped | self.links_dropped {
            let dropped =
                [(0x50, self.attributes_dropped), (0x60, self.events_dropped), (0x70, self.links_dropped)];
            for (tag, count) in dropped {
                self.bytes.push(tag);
                varint(&mut self.bytes, u64::from(count));
            }
        }
    }

    /// Returns the message.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn scope(&self) -> u32 {
        self.scope
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Makes the record ready for another span.
    #[inline]
    pub(crate) fn cleared(mut self: Box<Self>) -> Box<Self> {
        if !self.context.baggage.is_empty() || !self.context.span.trace_state.as_str().is_empty() {
            self.context = Context::EMPTY;
        }
        if !self.recorded && self.bytes.is_empty() {
            return self;
        }
        if BUFFER_BYTES_KEPT < self.bytes.capacity() {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        self.scope = 0;
        self.seen = 0;
        (self.attributes, self.attributes_dropped) = (0, 0);
        (self.events, self.events_dropped) = (0, 0);
        (self.links, self.links_dropped) = (0, 0);
        self.status = Status::Unset;
        self.ties = None;
        self
    }

    /// Returns the place of the attribute of that key.
    fn find(&self, key: &str) -> Option<Range<usize>> {
        let wanted = cut_bytes(key, NAME_BYTES_MAX).as_bytes();
        let mut at = HEAD_BYTES;
        while at < self.bytes.len() {
            let (tag, body, end) = field(&self.bytes, at)?;
            if tag == u64::from(ATTRIBUTE) && key_of(&self.bytes[body.clone()]) == Some(wanted) {
                return Some(at..end);
            }
            at = end;
        }
        None
    }
}

/// Appends attributes as field `tag`; returns how many did not fit.
pub(crate) fn attributes_of(
    out: &mut Vec<u8>,
    tag: u8,
    attributes: &[(&str, Value<'_>)],
    limits: &Limits,
) -> u32 {
    let fits = attributes.len().min(limits.attributes_per_event as usize);
    for (key, value) in &attributes[..fits] {
        attribute(out, tag, key, *value, limits.value_chars);
    }
    u32::try_from(attributes.len() - fits).unwrap_or(u32::MAX)
}

/// Attributes one after the other, each with its key and whole entry.
struct Entries<'a>(&'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (_, body, end) = field(self.0, 0)?;
        let (entry, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some((key_of(&entry[body])?, entry))
    }
}

/// Returns tag, inside and end of the field at `at`; our own writing, so only our own shapes.
fn field(bytes: &[u8], at: usize) -> Option<(u64, Range<usize>, usize)> {
    let (tag, at) = number(bytes, at)?;
    let end = match tag & 7 {
        0 => number(bytes, at)?.1,
        1 => at + 8,
        2 => {
            let (len, start) = number(bytes, at)?;
            let end = start + usize::try_from(len).ok()?;
            return (end <= bytes.len()).then_some((tag, start..end, end));
        }
        _ => at + 4,
    };
    (end <= bytes.len()).then_some((tag, at..end, end))
}

fn number(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = *bytes.get(at)?;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        at += 1;
        if byte < 0x80 {
            return Some((number, at));
        }
        shift += 7;
    }
}

/// Returns the key of an attribute's inside; we write it first.
fn key_of(attribute: &[u8]) -> Option<&[u8]> {
    let (tag, body, _) = field(attribute, 0)?;
    if tag == 0x0a { attribute.get(body) } else { None }
}

/// Returns 0..64.
#[inline]
fn key_hash(key: &str) -> u32 {
    let bytes = key.as_bytes();
    let last = bytes.last().map_or(0, |last| u32::from(*last));
    let middle = bytes.get(bytes.len() / 2).map_or(0, |middle| u32::from(*middle));
    (last.wrapping_mul(31) ^ middle.wrapping_mul(7) ^ (bytes.len() as u32).wrapping_mul(13)) & 63
}
