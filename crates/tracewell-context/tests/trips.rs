//! Properties: what is injected is extracted again, and any bytes are survived.

#[expect(unreachable_pub, reason = "to the fuzz targets it is a library")]
#[path = "../../../fuzz/src/context.rs"]
mod context;

use proptest::collection::vec;
use proptest::prelude::*;
use tracewell_context::{Context, Format, Propagator, Sampling, SpanContext, SpanId, TraceFlags, TraceId};

fn contexts() -> impl Strategy<Value = Context> {
    let ids = (1..=u64::MAX, any::<u64>(), 1..=u64::MAX, 0..4_u8);
    let states = vec(("[a-z][a-z0-9@_*/-]{0,20}", "[!-+\\--<>-~]{1,30}"), 0..40);
    let baggage = vec(("[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}", "\\PC{0,20}"), 0..10);
    (ids, states, baggage).prop_map(|((low, high, span, flags), states, baggage)| {
        let mut span = SpanContext::new(
            TraceId::from_halves(high, low),
            SpanId::from_u64(span),
            TraceFlags::from_bits(flags),
        );
        span.is_remote = true;
        for (key, value) in states {
            span.trace_state = span.trace_state.with(&key, &value).expect("the strategy makes valid members");
        }
        baggage.iter().fold(Context::of(span), |context, (key, value)| {
            context.with_baggage(key, value).expect("ten entries fit")
        })
    })
}

fn trip(propagator: Propagator, context: &Context) -> Context {
    let mut headers: Vec<(String, String)> = vec![];
    propagator.inject(context, &mut headers);
    assert!(headers.iter().all(|(_, value)| value.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))));
    propagator.extract(&headers)
}

proptest! {
    #[test]
    fn what_is_injected_is_extracted(context in contexts()) {
        prop_assert_eq!(&trip(Propagator::default(), &context), &context);
        for format in [Format::B3, Format::B3Multi, Format::Jaeger, Format::XRay] {
            let back = trip(Propagator::of(&[format]), &context);
            prop_assert_eq!(back.span.trace_id, context.span.trace_id);
            prop_assert_eq!(back.span.span_id, context.span.span_id);
            prop_assert_eq!(back.span.flags, context.span.flags.without(TraceFlags::RANDOM));
            prop_assert_eq!(back.sampling, Sampling::Decided);
        }
        let back = trip(Propagator::of(&[Format::OtTrace]), &context);
        prop_assert_eq!(back.span.trace_id.low(), context.span.trace_id.low());
        for format in [Format::Jaeger, Format::OtTrace] {
            let back = trip(Propagator::of(&[format]), &context);
            for entry in context.baggage.iter() {
                // Blanks around a value are not kept in a header, and of keys that differ in case alone one
                // is, because names of headers have no case.
                prop_assert!(back.baggage.iter().any(|kept| kept.key().eq_ignore_ascii_case(entry.key())));
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..400)) {
        context::headers(&bytes);
    }

    #[test]
    fn almost_headers_are_survived(
        headers in vec(("(traceparent|tracestate|b3|uber-trace-id|uberctx-a|baggage|x-amzn-trace-id)", "[0-9a-f=;:,% -]{0,80}"), 0..6),
    ) {
        let bytes: Vec<u8> = headers.into_iter().flat_map(|(name, value)| format!("{name}:{value}\n").into_bytes()).collect();
        context::headers(&bytes);
    }
}

#[test]
fn every_input_in_the_corpus_is_survived() {
    let folder = format!("{}/../../fuzz/corpus/context", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        context::headers(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(5 <= count);
}
