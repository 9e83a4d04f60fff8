//! Spans kept in memory, for tests of services: what was recorded, by name, parent and attribute.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tracewell_context::{SpanId, TraceId};

use crate::export::{Accepted, Export, ExportError, Request};
use crate::kind::{Kind, Status};
use crate::limits::VALUE_DEPTH_MAX;
use crate::read::{Field, Fields, each_span};

/// Keeps what its exporter is given. Flush the tracer before you look.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    spans: Arc<Mutex<Vec<CapturedSpan>>>,
}

/// A span that was captured.
#[derive(Clone, Debug, PartialEq)]
pub struct CapturedSpan {
    /// Its trace.
    pub trace_id: TraceId,
    /// Itself.
    pub span_id: SpanId,
    /// Its parent; all zeros for a root.
    pub parent_id: SpanId,
    /// Its name.
    pub name: String,
    /// Which side of a call it is.
    pub kind: Kind,
    /// When it began, in nanoseconds since 1970.
    pub start_unix_ns: u64,
    /// When it ended.
    pub end_unix_ns: u64,
    /// How it went.
    pub status: Status,
    /// What its error said.
    pub status_message: String,
    /// What vendors keep beside the ids.
    pub trace_state: String,
    /// W3C's trace flags, and OTLP's bits about the parent above them.
    pub flags: u32,
    /// The library that made it.
    pub scope: String,
    /// Its attributes, in the order in which they were set.
    pub attributes: Vec<(String, CapturedValue)>,
    /// What happened meanwhile.
    pub events: Vec<CapturedEvent>,
    /// The spans it links.
    pub links: Vec<CapturedLink>,
    /// Attributes, events and links that did not fit.
    pub dropped: (u64, u64, u64),
}

/// An event of a captured span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CapturedEvent {
    /// When.
    pub unix_ns: u64,
    /// What.
    pub name: String,
    /// Its attributes.
    pub attributes: Vec<(String, CapturedValue)>,
}

/// A link of a captured span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CapturedLink {
    /// The other trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// Its attributes.
    pub attributes: Vec<(String, CapturedValue)>,
}

/// A value of a captured attribute. It equals what it was made of: `value == 3`, `value == "text"`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CapturedValue {
    /// None.
    #[default]
    Empty,
    /// A text.
    Str(String),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A map.
    Map(Vec<(String, Self)>),
}

impl PartialEq<&str> for CapturedValue {
    fn eq(&self, text: &&str) -> bool {
        matches!(self, Self::Str(own) if own == text)
    }
}

impl PartialEq<i64> for CapturedValue {
    fn eq(&self, number: &i64) -> bool {
        matches!(self, Self::Int(own) if own == number)
    }
}

impl PartialEq<bool> for CapturedValue {
    fn eq(&self, truth: &bool) -> bool {
        matches!(self, Self::Bool(own) if own == truth)
    }
}

impl PartialEq<f64> for CapturedValue {
    fn eq(&self, number: &f64) -> bool {
        matches!(self, Self::Double(own) if own == number)
    }
}

impl Capture {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an exporter that fills it.
    pub fn exporter(&self) -> impl Export + use<> {
        Exporter(self.clone())
    }

    /// Returns everything that was captured, in the order in which it came.
    pub fn spans(&self) -> Vec<CapturedSpan> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the one span of that name.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one: the message names what was captured.
    #[track_caller]
    pub fn span(&self, name: &str) -> CapturedSpan {
        let spans = self.spans();
        let mut named = spans.iter().filter(|span| span.name == name);
        match (named.next(), named.next()) {
            (Some(span), None) => span.clone(),
            (first, _) => {
                let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
                let how_many = if first.is_none() { "no span" } else { "more than one span" };
                panic!("{how_many} is called `{name}`; captured were {names:?}")
            }
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl CapturedSpan {
    /// Returns the value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&CapturedValue> {
        self.attributes.iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }

    /// Returns the event of that name.
    pub fn event(&self, name: &str) -> Option<&CapturedEvent> {
        self.events.iter().find(|event| event.name == name)
    }

    fn read(scope: &[u8], span: &[u8]) -> Self {
        let mut read = Self {
            trace_id: TraceId::NONE,
            span_id: SpanId::NONE,
            parent_id: SpanId::NONE,
            name: String::new(),
            kind: Kind::Internal,
            start_unix_ns: 0,
            end_unix_ns: 0,
            status: Status::Unset,
            status_message: String::new(),
            trace_state: String::new(),
            flags: 0,
            scope: Fields(scope)
                .find(|(number, _)| *number == 1)
                .map(|(_, name)| name.text())
                .unwrap_or_default(),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            dropped: (0, 0, 0),
        };
        for (number, field) in Fields(span) {
            match number {
                1 => read.trace_id = trace_id(field),
                2 => read.span_id = span_id(field),
                3 => read.trace_state = field.text(),
                4 => read.parent_id = span_id(field),
                5 => read.name = field.text(),
                6 => read.kind = kind(field.number()),
                7 => read.start_unix_ns = field.number(),
                8 => read.end_unix_ns = field.number(),
                9 => read.attributes.push(attribute(field)),
                10 => read.dropped.0 = field.number(),
                11 => read.events.push(event(field)),
                12 => read.dropped.1 = field.number(),
                13 => read.links.push(link(field)),
                14 => read.dropped.2 = field.number(),
                15 => (read.status, read.status_message) = status(field),
                16 => read.flags = field.number() as u32,
                _ => {}
            }
        }
        read
    }
}

fn trace_id(field: Field<'_>) -> TraceId {
    field.bytes().try_into().map(TraceId::from_bytes).unwrap_or_default()
}

fn span_id(field: Field<'_>) -> SpanId {
    field.bytes().try_into().map(SpanId::from_bytes).unwrap_or_default()
}

fn kind(number: u64) -> Kind {
    match number {
        2 => Kind::Server,
        3 => Kind::Client,
        4 => Kind::Producer,
        5 => Kind::Consumer,
        _ => Kind::Internal,
    }
}

fn status(field: Field<'_>) -> (Status, String) {
    let (mut status, mut message) = (Status::Unset, String::new());
    for (number, field) in Fields(field.bytes()) {
        match (number, field.number()) {
            (2, _) => message = field.text(),
            (3, 1) => status = Status::Ok,
            (3, 2) => status = Status::Error,
            _ => {}
        }
    }
    (status, message)
}

fn event(field: Field<'_>) -> CapturedEvent {
    let mut event = CapturedEvent::default();
    for (number, field) in Fields(field.bytes()) {
        match number {
            1 => event.unix_ns = field.number(),
            2 => event.name = field.text(),
            3 => event.attributes.push(attribute(field)),
            _ => {}
        }
    }
    event
}

fn link(field: Field<'_>) -> CapturedLink {
    let mut link = CapturedLink::default();
    for (number, field) in Fields(field.bytes()) {
        match number {
            1 => link.trace_id = trace_id(field),
            2 => link.span_id = span_id(field),
            4 => link.attributes.push(attribute(field)),
            _ => {}
        }
    }
    link
}

fn attribute(field: Field<'_>) -> (String, CapturedValue) {
    entry(field.bytes(), 0)
}

fn entry(bytes: &[u8], depth: usize) -> (String, CapturedValue) {
    let (mut key, mut held) = (String::new(), CapturedValue::Empty);
    for (number, field) in Fields(bytes) {
        match number {
            1 => key = field.text(),
            2 => held = value(field.bytes(), depth + 1),
            _ => {}
        }
    }
    (key, held)
}

fn value(bytes: &[u8], depth: usize) -> CapturedValue {
    let Some((number, field)) = Fields(bytes).last() else { return CapturedValue::Empty };
    if 2 * VALUE_DEPTH_MAX < depth {
        return CapturedValue::Empty;
    }
    let inside = Fields(field.bytes()).map(|(_, field)| field.bytes());
    match number {
        1 => CapturedValue::Str(field.text()),
        2 => CapturedValue::Bool(field.number() != 0),
        3 => CapturedValue::Int(field.number().cast_signed()),
        4 => CapturedValue::Double(f64::from_bits(field.number())),
        5 => CapturedValue::List(inside.map(|bytes| value(bytes, depth + 1)).collect()),
        6 => CapturedValue::Map(inside.map(|bytes| entry(bytes, depth + 1)).collect()),
        7 => CapturedValue::Bytes(field.bytes().to_vec()),
        _ => CapturedValue::Empty,
    }
}

struct Exporter(Capture);

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter")
    }
}

impl Export for Exporter {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        let mut spans = self.0.spans.lock().unwrap_or_else(PoisonError::into_inner);
        each_span(request.body, &mut |_, scope, span| spans.push(CapturedSpan::read(scope, span)));
        Ok(Accepted::default())
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }
}
