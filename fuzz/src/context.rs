//! Trace context: what any format understood is written and understood again, the same.

use tracewell_context::{Context, Extract, Format, Inject, Propagator};

/// Headers, a line each: `name:value`.
pub fn headers(data: &[u8]) {
    let lines: Vec<(&str, &[u8])> = data
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((std::str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]))
        })
        .collect();
    for format in Format::ALL {
        survives(Propagator::of(&[format]), &lines);
    }
    survives(Propagator::of(&Format::ALL), &lines);
    survives(Propagator::default(), &lines);
}

fn survives<C: Extract + ?Sized>(propagator: Propagator, carrier: &C) {
    let context = propagator.extract(carrier);
    assert!(context.baggage.len() <= 64 && context.baggage.header().len() <= 8192);
    assert!(context.span.trace_state.iter().count() <= 32);
    let once = trip(propagator, &context);
    let twice = trip(propagator, &once);
    if context.span.is_valid() && propagator.formats().next() != Some(Format::OtTrace) {
        assert_eq!((once.span.trace_id, once.span.span_id), (context.span.trace_id, context.span.span_id));
    }
    assert_eq!(twice, once);
}

fn trip(propagator: Propagator, context: &Context) -> Context {
    let mut headers = Headers(vec![]);
    propagator.inject(context, &mut headers);
    propagator.extract(&headers.0)
}

struct Headers(Vec<(String, Vec<u8>)>);

impl Inject for Headers {
    fn set(&mut self, name: &str, value: &str) {
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')), "{value:?}");
        self.0.set(name, value);
    }
}
