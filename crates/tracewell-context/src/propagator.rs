//! Propagators: a context into headers and out of them again.
//!
//! A [`Format`] is one way to write a context; a [`Propagator`] is a list of them, as
//! `OTEL_PROPAGATORS` names it. Injecting writes every format. Extracting reads them in order, and what a
//! later one finds replaces what an earlier one found, unless both name the same call; baggage is gathered
//! from all.
//!
//! Deliberately absent: errors. Whatever is malformed counts as absent, as the formats demand.

mod b3;
mod jaeger;
mod ot_trace;
mod trace_context;
mod xray;

use crate::baggage::{self, Draft};
use crate::{Context, Extract, Inject, Sampling, SpanContext, TraceFlags, carrier};

/// One way to write a context into headers.
///
/// ```
/// use tracewell_context::Format;
///
/// assert_eq!(Format::named("b3multi"), Some(Format::B3Multi));
/// assert_eq!(Format::B3Multi.name(), "b3multi");
/// assert!(Format::B3Multi.headers().contains(&"x-b3-traceid"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// W3C trace context: `traceparent` and `tracestate`.
    TraceContext,
    /// W3C baggage: `baggage`.
    Baggage,
    /// Zipkin's B3 in one header: `b3`. Reads the many as well.
    B3,
    /// Zipkin's B3 in many headers: `x-b3-traceid` and its kin. Reads the one as well.
    B3Multi,
    /// Jaeger's `uber-trace-id`, with its baggage as `uberctx-KEY`.
    Jaeger,
    /// AWS X-Ray's `x-amzn-trace-id`.
    XRay,
    /// OpenTracing's `ot-tracer-traceid` and its kin, with its baggage as `ot-baggage-KEY`. Writes the
    /// low 64 bits of the trace id, which is all that this format has.
    OtTrace,
}

impl Format {
    /// Every format, by the name it has in `OTEL_PROPAGATORS`.
    ///
    /// ```
    /// # use tracewell_context::Format;
    /// assert_eq!(Format::ALL.len(), 7);
    /// ```
    pub const ALL: [Self; 7] =
        [Self::TraceContext, Self::Baggage, Self::B3, Self::B3Multi, Self::Jaeger, Self::XRay, Self::OtTrace];

    /// Returns the name that the format has in `OTEL_PROPAGATORS`.
    ///
    /// ```
    /// # use tracewell_context::Format;
    /// assert_eq!(Format::OtTrace.name(), "ottrace");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::Baggage => "baggage",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
            Self::XRay => "xray",
            Self::OtTrace => "ottrace",
        }
    }

    /// Finds a format by its name, in any case.
    ///
    /// ```
    /// # use tracewell_context::Format;
    /// assert_eq!(Format::named("b4"), None);
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// Returns the headers that the format writes, those of its baggage aside.
    ///
    /// ```
    /// # use tracewell_context::Format;
    /// assert_eq!(Format::TraceContext.headers(), ["traceparent", "tracestate"]);
    /// ```
    pub const fn headers(self) -> &'static [&'static str] {
        match self {
            Self::TraceContext => &[trace_context::PARENT, trace_context::STATE],
            Self::Baggage => &[BAGGAGE],
            Self::B3 => &[b3::SINGLE],
            Self::B3Multi => &[b3::TRACE_ID, b3::SPAN_ID, b3::SAMPLED, b3::FLAGS],
            Self::Jaeger => &[jaeger::TRACE],
            Self::XRay => &[xray::TRACE],
            Self::OtTrace => &[ot_trace::TRACE_ID, ot_trace::SPAN_ID, ot_trace::SAMPLED],
        }
    }

    fn inject(self, context: &Context, carrier: &mut dyn Inject) {
        match self {
            Self::TraceContext => trace_context::inject(context, carrier),
            Self::Baggage if context.baggage.is_empty() => {}
            Self::Baggage => carrier.set(BAGGAGE, context.baggage.header()),
            Self::B3 => b3::inject_single(context, carrier),
            Self::B3Multi => b3::inject_multi(context, carrier),
            Self::Jaeger => jaeger::inject(context, carrier),
            Self::XRay => xray::inject(context, carrier),
            Self::OtTrace => ot_trace::inject(context, carrier),
        }
    }

    fn extract<C: Extract + ?Sized>(self, carrier: &C, context: &mut Context) {
        match self {
            Self::TraceContext => trace_context::extract(carrier, context),
            Self::Baggage => {
                if let Some(header) = carrier::joined(carrier, BAGGAGE, 2 * baggage::BYTES_MAX) {
                    gather(context, |draft| draft.read(&header));
                }
            }
            Self::B3 | Self::B3Multi => b3::extract(carrier, context),
            Self::Jaeger => jaeger::extract(carrier, context),
            Self::XRay => xray::extract(carrier, context),
            Self::OtTrace => ot_trace::extract(carrier, context),
        }
    }
}

/// The header of W3C baggage.
const BAGGAGE: &str = "baggage";

/// The formats that a process speaks, in order. By default W3C's two.
///
/// ```
/// use tracewell_context::{Format, Propagator};
///
/// let (propagator, unknown) = Propagator::from_names("b3, b4 ,tracecontext,b3");
/// assert_eq!(propagator, Propagator::of(&[Format::B3, Format::TraceContext]));
/// assert_eq!(unknown, ["b4"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Propagator {
    /// Invariant: no format twice, no gap.
    formats: [Option<Format>; Format::ALL.len()],
}

impl Propagator {
    /// Speaks nothing: injects nothing and extracts nothing.
    ///
    /// ```
    /// # use tracewell_context::Propagator;
    /// assert_eq!(Propagator::NONE.formats().count(), 0);
    /// ```
    pub const NONE: Self = Self { formats: [None; Format::ALL.len()] };

    /// Speaks these formats; one that comes twice counts where it comes first.
    ///
    /// ```
    /// # use tracewell_context::{Format, Propagator};
    /// assert_eq!(Propagator::of(&[Format::TraceContext, Format::Baggage]), Propagator::default());
    /// ```
    pub fn of(formats: &[Format]) -> Self {
        let mut propagator = Self::NONE;
        for format in formats {
            let free =
                propagator.formats.iter_mut().find(|slot| slot.is_none_or(|earlier| earlier == *format));
            *free.expect("there are as many slots as formats") = Some(*format);
        }
        propagator
    }

    /// Reads the value of `OTEL_PROPAGATORS`, and returns the names that it does not know. Names are
    /// separated by commas; `none` speaks nothing.
    ///
    /// ```
    /// # use tracewell_context::Propagator;
    /// assert_eq!(Propagator::from_names("none"), (Propagator::NONE, vec![]));
    /// ```
    pub fn from_names(names: &str) -> (Self, Vec<&str>) {
        let (mut formats, mut unknown) = (vec![], vec![]);
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match Format::named(name) {
                Some(format) => formats.push(format),
                None if name.eq_ignore_ascii_case("none") => {}
                None => unknown.push(name),
            }
        }
        (Self::of(&formats), unknown)
    }

    /// Walks the formats in order.
    ///
    /// ```
    /// # use tracewell_context::{Format, Propagator};
    /// assert_eq!(Propagator::default().formats().next(), Some(Format::TraceContext));
    /// ```
    pub fn formats(&self) -> impl Iterator<Item = Format> {
        self.formats.iter().flatten().copied()
    }

    /// Writes the context in every format. Of a context without a valid span only the baggage is written.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use tracewell_context::{Context, Format, Propagator, SpanContext};
    ///
    /// let span = SpanContext::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?;
    /// let mut headers = BTreeMap::new();
    /// Propagator::of(&[Format::B3]).inject(&Context::of(span), &mut headers);
    /// assert_eq!(headers["b3"], "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1");
    /// # Ok::<(), tracewell_context::ContextError>(())
    /// ```
    pub fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        self.formats().for_each(|format| format.inject(context, carrier));
    }

    /// Reads what the formats find. What is malformed counts as absent.
    ///
    /// ```
    /// use tracewell_context::{Context, Propagator};
    ///
    /// let headers = [("traceparent", "00-not-ours")];
    /// assert_eq!(Propagator::default().extract(&headers), Context::default());
    /// ```
    pub fn extract<C: Extract + ?Sized>(&self, carrier: &C) -> Context {
        let mut context = Context::default();
        self.formats().for_each(|format| format.extract(carrier, &mut context));
        context
    }
}

impl Default for Propagator {
    fn default() -> Self {
        Self::of(&[Format::TraceContext, Format::Baggage])
    }
}

/// Takes the span that a format has found: in place of another one, or into what is known of the same one.
///
/// Several formats often name one call, and each says only a part: one has the trace state, another half
/// of the id.
fn settle(context: &mut Context, found: SpanContext, sampling: Sampling) {
    let known = &context.span;
    let (high, known_high) = (found.trace_id.high(), known.trace_id.high());
    let is_same = known.span_id == found.span_id
        && known.trace_id.low() == found.trace_id.low()
        && (high == known_high || high == 0 || known_high == 0);
    if !is_same {
        context.span = found;
        context.sampling = sampling;
        return;
    }
    let (flags, sampling) = match (context.sampling, sampling) {
        (_, Sampling::Debug) | (Sampling::Deferred, _) => (found.flags, sampling),
        (Sampling::Debug, _) | (_, Sampling::Deferred) => (known.flags, context.sampling),
        (Sampling::Decided, Sampling::Decided) => (found.flags, sampling),
    };
    let is_random = known.flags.with(found.flags).is_random();
    context.span.flags = if is_random { flags.with(TraceFlags::RANDOM) } else { flags };
    if known_high == 0 {
        context.span.trace_id = found.trace_id;
    }
    if !found.trace_state.is_empty() {
        context.span.trace_state = found.trace_state;
    }
    context.sampling = sampling;
}

/// Adds to the baggage that other formats have found.
fn gather(context: &mut Context, add: impl FnOnce(&mut Draft)) {
    let mut draft = Draft::of(&context.baggage);
    add(&mut draft);
    context.baggage = draft.finish();
}

/// Adds the entries that stand under a header each, behind a prefix.
fn gather_prefixed<C: Extract + ?Sized>(carrier: &C, prefix: &str, context: &mut Context) {
    let mut draft = None;
    carrier.each(&mut |name, value| {
        let Some((start, key)) = name.split_at_checked(prefix.len()) else { return };
        if start.eq_ignore_ascii_case(prefix) && value.len() <= 3 * baggage::BYTES_MAX {
            let draft = draft.get_or_insert_with(|| Draft::of(&context.baggage));
            // What does not fit is left out: whoever sent it hears nothing of us.
            let _ = draft.put(key, &baggage::decode(value.trim_ascii()), "");
        }
    });
    if let Some(draft) = draft {
        context.baggage = draft.finish();
    }
}

/// Writes each entry under a header of its own, behind a prefix.
fn inject_prefixed(context: &Context, prefix: &str, carrier: &mut dyn Inject) {
    let (mut name, mut value) = (prefix.to_owned(), String::new());
    for entry in context.baggage.iter() {
        name.truncate(prefix.len());
        name.push_str(entry.key());
        value.clear();
        baggage::encode_into(entry.value(), &mut value);
        carrier.set(&name, &value);
    }
}
