//! A span of our own request, read again in place, for exporters of other protocols.
//!
//! Nothing is copied: texts are slices of the request, and lists stay messages until they are walked.
//! What makes no sense is left out, because what is read here was written by ourselves.

use crate::limits::VALUE_DEPTH_MAX;
use crate::read::{Field, Fields};

/// A span, taken apart.
#[derive(Debug, Default)]
pub(super) struct SpanView<'a> {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) parent_id: [u8; 8],
    pub(super) trace_state: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) kind: u64,
    pub(super) start_unix_ns: u64,
    pub(super) end_unix_ns: u64,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) events: Vec<EventView<'a>>,
    pub(super) links: Vec<LinkView>,
    pub(super) status: u64,
    pub(super) status_message: &'a [u8],
    pub(super) flags: u64,
    /// Attributes, events and links that did not fit.
    pub(super) dropped: [u64; 3],
}

/// A key with its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: AnyValue<'a>,
}

/// A value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum AnyValue<'a> {
    Empty,
    Str(&'a [u8]),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'a [u8]),
    /// An `ArrayValue`.
    List(&'a [u8]),
    /// A `KeyValueList`.
    Map(&'a [u8]),
}

/// An event.
#[derive(Debug, Default)]
pub(super) struct EventView<'a> {
    pub(super) unix_ns: u64,
    pub(super) name: &'a [u8],
    pub(super) attributes: Vec<Attribute<'a>>,
}

/// Whom a link names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkView {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
}

impl<'a> SpanView<'a> {
    pub(super) fn read(span: &'a [u8]) -> Self {
        let mut view = Self::default();
        for (number, field) in Fields(span) {
            match number {
                1 => view.trace_id = id(field),
                2 => view.span_id = id(field),
                3 => view.trace_state = field.bytes(),
                4 => view.parent_id = id(field),
                5 => view.name = field.bytes(),
                6 => view.kind = field.number(),
                7 => view.start_unix_ns = field.number(),
                8 => view.end_unix_ns = field.number(),
                9 => view.attributes.push(Attribute::read(field.bytes())),
                10 => view.dropped[0] = field.number(),
                11 => view.events.push(event(field.bytes())),
                12 => view.dropped[1] = field.number(),
                13 => view.links.push(link(field.bytes())),
                14 => view.dropped[2] = field.number(),
                15 => (view.status, view.status_message) = status(field.bytes()),
                16 => view.flags = field.number(),
                _ => {}
            }
        }
        view
    }

    /// Returns how long it took.
    pub(super) fn duration_ns(&self) -> u64 {
        self.end_unix_ns.saturating_sub(self.start_unix_ns)
    }

    /// Returns the kind's word; none for a kind that nobody told.
    pub(super) fn kind_word(&self) -> Option<&'static str> {
        match self.kind {
            1 => Some("internal"),
            2 => Some("server"),
            3 => Some("client"),
            4 => Some("producer"),
            5 => Some("consumer"),
            _ => None,
        }
    }

    pub(super) fn is_error(&self) -> bool {
        self.status == 2
    }

    /// Returns what OTLP's own words for the status are; none if there is no status.
    pub(super) fn status_word(&self) -> Option<&'static str> {
        match self.status {
            1 => Some("OK"),
            2 => Some("ERROR"),
            _ => None,
        }
    }

    /// Returns what did not fit, by the names that other protocols have for it.
    pub(super) fn dropped_counts(&self) -> impl Iterator<Item = (&'static str, i64)> + use<> {
        const NAMES: [&str; 3] =
            ["otel.dropped_attributes_count", "otel.dropped_events_count", "otel.dropped_links_count"];
        let counts = NAMES.into_iter().zip(self.dropped);
        counts.filter(|(_, count)| 0 < *count).map(|(name, count)| (name, count.cast_signed()))
    }
}

impl<'a> Attribute<'a> {
    pub(super) fn read(entry: &'a [u8]) -> Self {
        let mut read = Self { key: &[], value: AnyValue::Empty };
        for (number, field) in Fields(entry) {
            match number {
                1 => read.key = field.bytes(),
                2 => read.value = AnyValue::read(field.bytes()),
                _ => {}
            }
        }
        read
    }
}

impl<'a> AnyValue<'a> {
    fn read(message: &'a [u8]) -> Self {
        let Some((number, field)) = Fields(message).last() else { return Self::Empty };
        match number {
            1 => Self::Str(field.bytes()),
            2 => Self::Bool(field.number() != 0),
            3 => Self::Int(field.number().cast_signed()),
            4 => Self::Double(f64::from_bits(field.number())),
            5 => Self::List(field.bytes()),
            6 => Self::Map(field.bytes()),
            7 => Self::Bytes(field.bytes()),
            _ => Self::Empty,
        }
    }

    /// Appends the value as JSON.
    pub(super) fn json(self, out: &mut String) {
        self.json_at(out, 0);
    }

    fn json_at(self, out: &mut String, depth: usize) {
        match self {
            Self::Str(text) => json_text(out, text),
            Self::Bytes(bytes) => json_text(out, super::http::base64(bytes).as_bytes()),
            Self::Double(number) if !number.is_finite() => json_text(out, number.to_string().as_bytes()),
            // A value that deep is a loop; its emptiness shows where it was cut.
            Self::List(_) | Self::Map(_) if VALUE_DEPTH_MAX < depth => out.push_str("null"),
            Self::List(list) => {
                let values = Fields(list).map(|(_, field)| Self::read(field.bytes()));
                json_each(out, ['[', ']'], values, |out, value| value.json_at(out, depth + 1));
            }
            Self::Map(map) => {
                let entries = Fields(map).map(|(_, field)| Attribute::read(field.bytes()));
                json_each(out, ['{', '}'], entries, |out, entry| {
                    json_text(out, entry.key);
                    out.push(':');
                    entry.value.json_at(out, depth + 1);
                });
            }
            Self::Empty => out.push_str("null"),
            Self::Bool(truth) => out.push_str(if truth { "true" } else { "false" }),
            Self::Int(number) => out.push_str(&number.to_string()),
            Self::Double(number) => out.push_str(&format!("{number:?}")),
        }
    }
}

/// Appends attributes as an object of JSON.
pub(super) fn json_object(out: &mut String, attributes: &[Attribute<'_>]) {
    json_each(out, ['{', '}'], attributes.iter(), |out, attribute| {
        json_text(out, attribute.key);
        out.push(':');
        attribute.value.json(out);
    });
}

/// Appends what `write` makes of each, between brackets and with commas.
pub(super) fn json_each<T>(
    out: &mut String,
    brackets: [char; 2],
    each: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push(brackets[0]);
    for (number, one) in each.enumerate() {
        if 0 < number {
            out.push(',');
        }
        write(out, one);
    }
    out.push(brackets[1]);
}

/// Appends a text of JSON; bytes that are no text become replacement characters.
pub(super) fn json_text(out: &mut String, text: &[u8]) {
    out.push('"');
    for c in String::from_utf8_lossy(text).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Reads the name and the version of a scope.
pub(super) fn scope(scope: &[u8]) -> (&[u8], &[u8]) {
    let (mut name, mut version): (&[u8], &[u8]) = (&[], &[]);
    for (number, field) in Fields(scope) {
        match number {
            1 => name = field.bytes(),
            2 => version = field.bytes(),
            _ => {}
        }
    }
    (name, version)
}

/// Reads the attributes of a resource; `service.name` comes apart from the rest.
pub(super) fn resource(resource: &[u8]) -> (&[u8], Vec<Attribute<'_>>) {
    let mut service: &[u8] = b"unknown_service";
    let mut rest = Vec::new();
    for (_, field) in Fields(resource).filter(|(number, _)| *number == 1) {
        let attribute = Attribute::read(field.bytes());
        match attribute.value {
            AnyValue::Str(name) if attribute.key == b"service.name" => service = name,
            _ => rest.push(attribute),
        }
    }
    (service, rest)
}

fn id<const N: usize>(field: Field<'_>) -> [u8; N] {
    field.bytes().try_into().unwrap_or([0; N])
}

fn status(message: &[u8]) -> (u64, &[u8]) {
    let (mut code, mut text): (u64, &[u8]) = (0, &[]);
    for (number, field) in Fields(message) {
        match number {
            2 => text = field.bytes(),
            3 => code = field.number(),
            _ => {}
        }
    }
    (code, text)
}

fn event(message: &[u8]) -> EventView<'_> {
    let mut event = EventView::default();
    for (number, field) in Fields(message) {
        match number {
            1 => event.unix_ns = field.number(),
            2 => event.name = field.bytes(),
            3 => event.attributes.push(Attribute::read(field.bytes())),
            _ => {}
        }
    }
    event
}

fn link(message: &[u8]) -> LinkView {
    let mut link = LinkView::default();
    for (number, field) in Fields(message) {
        match number {
            1 => link.trace_id = id(field),
            2 => link.span_id = id(field),
            _ => {}
        }
    }
    link
}
