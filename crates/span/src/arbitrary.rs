//! Arbitrary batches, for property tests.
//!
//! A strategy draws a plain description of spans and builds the batch from it, so that what fails
//! shrinks to few and small spans. Drawn are all fields, all types of values (nested ones too), keys
//! that repeat or are empty, times at both ends of the clock, several resources and scopes, texts with
//! quotes, line ends and other scripts; in [`batches`] also texts that are no UTF-8, and residuals.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::{
    BatchBuilder, BatchFull, EventRow, LinkRow, Packed, PackedWriter, ResourceRow, Rows, ScopeRow, SpanBatch,
    SpanId, SpanKind, SpanRow, StatusCode, TraceId, UnixNanos, ValueRef,
};

/// Draws batches of any legal content. No id of a span is all zeros.
pub fn batches() -> impl Strategy<Value = SpanBatch> {
    drawn(any_bytes().boxed(), residual().boxed())
}

/// Draws batches whose texts are UTF-8 and that have no residuals: what JSON can carry.
pub fn batches_of_text() -> impl Strategy<Value = SpanBatch> {
    drawn(text().boxed(), Just(Vec::new()).boxed())
}

/// An attribute value, before it is packed.
#[derive(Clone, Debug)]
enum Drawn {
    Empty,
    Str(Vec<u8>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Array(Vec<Self>),
    Map(Vec<(Vec<u8>, Self)>),
}

type Text = proptest::strategy::BoxedStrategy<Vec<u8>>;
type Attributes = Vec<(Vec<u8>, Drawn)>;

#[derive(Clone, Debug)]
struct Owner {
    name: Vec<u8>,
    version: Vec<u8>,
    schema_url: Vec<u8>,
    attributes: Attributes,
    dropped: u32,
    residual: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Child {
    number: u64,
    name: Vec<u8>,
    flags: u32,
    attributes: Attributes,
    dropped: u32,
    residual: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Span {
    ids: (u128, u64, u64),
    times: (u64, u64),
    kind: SpanKind,
    status_code: StatusCode,
    texts: [Vec<u8>; 4],
    flags: u32,
    dropped: (u32, u32, u32),
    attributes: Attributes,
    events: Vec<Child>,
    links: Vec<Child>,
    owners: (proptest::sample::Index, proptest::sample::Index),
}

fn drawn(text: Text, residual: Text) -> impl Strategy<Value = SpanBatch> {
    let owners = || vec(owner(&text, &residual), 1..4);
    (owners(), owners(), vec(span(&text, &residual), 0..12)).prop_map(|(resources, scopes, spans)| {
        build(&resources, &scopes, &spans).expect("what is drawn is far smaller than a batch may be")
    })
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(String::new()),
        "[a-z.]{1,12}",
        "service.name|http.status_code|GET /|error",
        "[ -~]{0,20}",
        "\\PC{0,12}",
        "[\\x00-\\x1f\"\\\\/\u{7f}\u{2028}\u{1F600}]{0,8}",
        "[a-z]{300}",
    ]
    .prop_map(String::into_bytes)
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => text(), 1 => vec(any::<u8>(), 0..10)]
}

/// Fields that no version of OTLP will ever have.
fn residual() -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        (0_u8..0x80).prop_map(|number| vec![0xc0, 0xbb, 0x01, number]),
        vec(any::<u8>(), 0..20)
            .prop_map(|bytes| [&[0xca, 0xbb, 0x01, bytes.len() as u8][..], &bytes].concat()),
    ];
    prop_oneof![4 => Just(Vec::new()), 1 => vec(field, 1..4).prop_map(|fields| fields.concat())]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(1_700_000_000_000_000_000), Just(u64::MAX), any::<u64>()]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(0), 1 => any::<u32>()]
}

fn value(text: &Text) -> impl Strategy<Value = Drawn> + use<> {
    let text = text.clone();
    let leaf = prop_oneof![
        Just(Drawn::Empty),
        text.clone().prop_map(Drawn::Str),
        any::<bool>().prop_map(Drawn::Bool),
        any::<i64>().prop_map(Drawn::Int),
        any::<f64>().prop_map(Drawn::Double),
        Just(Drawn::Double(f64::NAN)),
        Just(Drawn::Double(f64::NEG_INFINITY)),
        vec(any::<u8>(), 0..20).prop_map(Drawn::Bytes),
    ];
    leaf.prop_recursive(4, 16, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Drawn::Array),
            vec((text.clone(), inner), 0..4).prop_map(Drawn::Map),
        ]
    })
}

fn attributes(text: &Text) -> impl Strategy<Value = Attributes> + use<> {
    vec((text.clone(), value(text)), 0..5)
}

fn owner(text: &Text, residual: &Text) -> impl Strategy<Value = Owner> + use<> {
    (text.clone(), text.clone(), text.clone(), attributes(text), count(), residual.clone()).prop_map(
        |(name, version, schema_url, attributes, dropped, residual)| Owner {
            name,
            version,
            schema_url,
            attributes,
            dropped,
            residual,
        },
    )
}

fn child(text: &Text, residual: &Text) -> impl Strategy<Value = Child> + use<> {
    (number(), text.clone(), count(), attributes(text), count(), residual.clone()).prop_map(
        |(number, name, flags, attributes, dropped, residual)| Child {
            number,
            name,
            flags,
            attributes,
            dropped,
            residual,
        },
    )
}

fn span(text: &Text, residual: &Text) -> impl Strategy<Value = Span> + use<> {
    let kind = proptest::sample::select(SpanKind::ALL.to_vec());
    let status_code = proptest::sample::select(vec![StatusCode::Unset, StatusCode::Ok, StatusCode::Error]);
    let texts =
        (text.clone(), text.clone(), text.clone(), residual.clone()).prop_map(|(a, b, c, d)| [a, b, c, d]);
    (
        (1_u128.., 1_u64.., number()),
        (number(), number()),
        (kind, status_code, count()),
        texts,
        (count(), count(), count()),
        attributes(text),
        (vec(child(text, residual), 0..3), vec(child(text, residual), 0..3)),
        any::<(proptest::sample::Index, proptest::sample::Index)>(),
    )
        .prop_map(
            |(ids, times, (kind, status_code, flags), texts, dropped, attributes, children, owners)| {
                let (events, links) = children;
                Span {
                    ids,
                    times,
                    kind,
                    status_code,
                    texts,
                    flags,
                    dropped,
                    attributes,
                    events,
                    links,
                    owners,
                }
            },
        )
}

fn build(resources: &[Owner], scopes: &[Owner], spans: &[Span]) -> Result<SpanBatch, BatchFull> {
    let mut builder = BatchBuilder::new();
    for owner in resources {
        let row = ResourceRow {
            attributes: push_attributes(&mut builder, &owner.attributes)?,
            dropped_attributes_count: owner.dropped,
            schema_url: builder.text(&owner.schema_url)?,
            residual: builder.text(&owner.residual)?,
        };
        builder.resource(row);
    }
    for owner in scopes {
        let row = ScopeRow {
            name: builder.text(&owner.name)?,
            version: builder.text(&owner.version)?,
            attributes: push_attributes(&mut builder, &owner.attributes)?,
            dropped_attributes_count: owner.dropped,
            schema_url: builder.text(&owner.schema_url)?,
            residual: builder.text(&owner.residual)?,
        };
        builder.scope(row);
    }
    for span in spans {
        let owners = (span.owners.0.index(resources.len()), span.owners.1.index(scopes.len()));
        push_span(&mut builder, span, owners)?;
    }
    Ok(builder.finish())
}

fn push_span(builder: &mut BatchBuilder, span: &Span, owners: (usize, usize)) -> Result<(), BatchFull> {
    let attributes = push_attributes(builder, &span.attributes)?;
    let mark = builder.mark();
    for event in &span.events {
        let row = EventRow {
            time: UnixNanos(event.number),
            name: builder.text(&event.name)?,
            attributes: push_attributes(builder, &event.attributes)?,
            dropped_attributes_count: event.dropped,
            residual: builder.text(&event.residual)?,
        };
        builder.event(row);
    }
    for link in &span.links {
        let row = LinkRow {
            trace_id: TraceId::from_halves(link.number, u64::from(link.flags)),
            span_id: SpanId::from_u64(link.number),
            flags: link.flags,
            trace_state: builder.text(&link.name)?,
            attributes: push_attributes(builder, &link.attributes)?,
            dropped_attributes_count: link.dropped,
            residual: builder.text(&link.residual)?,
        };
        builder.link(row);
    }
    let [name, status_message, trace_state, residual] = &span.texts;
    let row = SpanRow {
        trace_id: TraceId::from_bytes(span.ids.0.to_be_bytes()),
        span_id: SpanId::from_u64(span.ids.1),
        parent_span_id: SpanId::from_u64(span.ids.2),
        start: UnixNanos(span.times.0),
        end: UnixNanos(span.times.1),
        resource: owners.0 as u32,
        scope: owners.1 as u32,
        name: builder.text(name)?,
        kind: span.kind,
        status_code: span.status_code,
        status_message: builder.text(status_message)?,
        flags: span.flags,
        trace_state: builder.text(trace_state)?,
        attributes,
        events: builder.events_since(mark),
        links: builder.links_since(mark),
        dropped_attributes_count: span.dropped.0,
        dropped_events_count: span.dropped.1,
        dropped_links_count: span.dropped.2,
        residual: builder.text(residual)?,
    };
    builder.span(row);
    Ok(())
}

fn push_attributes(builder: &mut BatchBuilder, attributes: &Attributes) -> Result<Rows, BatchFull> {
    let mark = builder.mark();
    for (key, value) in attributes {
        value.with(|value| builder.push(key, value))?;
    }
    Ok(builder.since(mark))
}

impl Drawn {
    /// Hands the value to `take`, inner arrays and maps packed.
    fn with<R>(&self, take: impl FnOnce(ValueRef<'_>) -> R) -> R {
        let packed = self.packed();
        take(match self {
            Self::Empty => ValueRef::Empty,
            Self::Str(bytes) => ValueRef::Str(bytes),
            Self::Bool(on) => ValueRef::Bool(*on),
            Self::Int(number) => ValueRef::Int(*number),
            Self::Double(number) => ValueRef::Double(*number),
            Self::Bytes(bytes) => ValueRef::Bytes(bytes),
            Self::Array(_) => ValueRef::Array(Packed::new(&packed).list()),
            Self::Map(_) => ValueRef::Map(Packed::new(&packed).map()),
        })
    }

    fn packed(&self) -> Vec<u8> {
        let mut writer = PackedWriter::new();
        match self {
            Self::Array(items) => {
                for item in items {
                    item.with(|value| writer.item(value));
                }
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    value.with(|value| writer.entry(key, value));
                }
            }
            _ => {}
        }
        writer.finish()
    }
}
