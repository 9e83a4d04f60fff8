//! OTLP as JSON: what is written is read back, and every spelling that senders use is understood.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the answer")]

use bytes::Bytes;
use proptest::prelude::*;
use span::{SpanBatch, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, ValueRef};
use wire::otlp::{decode_json, decode_proto, encode_json, encode_proto};
use wire::{DecodeError, Decoded};

const IDS: &str = r#""traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"00000000000000fF""#;

fn decode(body: &str) -> Result<Decoded, DecodeError> {
    decode_json(Bytes::copy_from_slice(body.as_bytes()))
}

/// Decodes one span with good ids and the given other members.
fn decode_span(members: &str) -> Decoded {
    let comma = if members.is_empty() { "" } else { "," };
    let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{IDS}{comma}{members}}}]}}]}}]}}"#);
    let decoded = decode(&body).unwrap();
    assert_eq!((decoded.rejected, decoded.batch.len()), (0, 1));
    decoded
}

fn decode_value(value: &str) -> SpanBatch {
    decode_span(&format!(r#""attributes":[{{"value":{value},"key":"k"}}]"#)).batch
}

fn in_order(batch: &SpanBatch) -> SpanBatch {
    let mut spans: Vec<_> = batch.spans().collect();
    spans.sort_by_key(|span| (span.row().resource, span.row().scope));
    let mut builder = span::BatchBuilder::new();
    builder.append(spans).unwrap();
    builder.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(batch in span::arbitrary::batches_of_text()) {
        let body = encode_json(&batch);
        let decoded = decode_json(Bytes::from(body)).unwrap();
        prop_assert_eq!((decoded.rejected, decoded.reason), (0, None));
        prop_assert_eq!(decoded.batch, in_order(&batch));
    }

    #[test]
    fn whatever_is_stored_the_answer_is_utf8_and_parses(batch in span::arbitrary::batches()) {
        let body = encode_json(&batch);
        prop_assert!(std::str::from_utf8(&body).is_ok());
        prop_assert_eq!(decode_json(Bytes::from(body)).unwrap().batch.len(), batch.len());
    }

    #[test]
    fn no_flipped_byte_breaks_the_decoder(
        batch in span::arbitrary::batches_of_text(), at in any::<prop::sample::Index>(), to in any::<u8>()
    ) {
        let mut body = encode_json(&batch);
        let at = at.index(body.len());
        body[at] = to;
        let _ = decode_json(Bytes::from(body));
    }

    #[test]
    fn no_bytes_break_the_decoder(body in "[\\[\\]{}:,\"a-z\\\\u0-9. ]{0,60}") {
        let _ = decode(&body);
    }
}

// The two files were written by hand from OTLP's .proto files; the protobuf library of Python parses the
// binary one and writes it back byte for byte.
#[test]
fn a_whole_request_means_the_same_as_its_protobuf() {
    let body = include_bytes!("../fixtures/otlp_request.json");
    let from_json = decode_json(Bytes::from_static(body)).unwrap();
    let proto = include_bytes!("../fixtures/otlp_request.bin");
    let from_proto = decode_proto(Bytes::from_static(proto)).unwrap();
    assert_eq!(from_json.batch, from_proto.batch);
    assert_eq!(encode_proto(&from_json.batch), proto);
    assert_eq!(encode_json(&from_proto.batch), body.trim_ascii());
}

#[test]
fn empty_requests_are_empty_batches() {
    for body in
        ["{}", " {\"resourceSpans\":[]} ", r#"{"resourceSpans":[{},{"scopeSpans":[{}]}],"x":[{}]}"#, "null"]
    {
        let decoded = decode(body).unwrap();
        assert_eq!((decoded.batch.len(), decoded.rejected), (0, 0), "{body}");
    }
}

#[test]
fn keys_come_in_any_order_and_both_cases() {
    let body = format!(
        r#"{{"resource_spans":[{{
            "scope_spans":[{{
                "spans":[{{"start_time_unix_nano":"7","endTimeUnixNano":9,"dropped_events_count":3,{IDS}}}],
                "schema_url":"s","scope":{{"version":"1","name":"lib","attributes":[{{"key":"in","value":{{}}}}]}}
            }}],
            "resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"cart"}}}}]}},
            "schemaUrl":"r"
        }}]}}"#
    );
    let batch = decode(&body).unwrap().batch;
    let span = batch.span(0);
    assert_eq!((span.start(), span.end(), span.row().dropped_events_count), (UnixNanos(7), UnixNanos(9), 3));
    assert_eq!(span.trace_id(), TraceId::from_halves(0x0102_0304_0506_0708, 0x090a_0b0c_0d0e_0f10));
    assert_eq!(span.span_id(), SpanId::from_u64(255));
    assert_eq!(span.resource().service_name(), Some(&b"cart"[..]));
    assert_eq!((span.resource().schema_url(), span.scope().schema_url()), (&b"r"[..], &b"s"[..]));
    assert_eq!((span.scope().name(), span.scope().version()), (&b"lib"[..], &b"1"[..]));
    assert!(span.scope().attributes().eq([(&b"in"[..], ValueRef::Empty)]));
}

#[test]
fn old_senders_are_understood() {
    let body = format!(
        r#"{{"resourceSpans":[{{"instrumentationLibrarySpans":[
            {{"instrumentationLibrary":{{"name":"old"}},"spans":[{{{IDS}}}]}}]}}]}}"#
    );
    assert_eq!(decode(&body).unwrap().batch.span(0).scope().name(), b"old");
}

#[test]
fn enums_are_numbers_or_names() {
    for (kind, expected) in [
        ("2", SpanKind::Server),
        ("\"3\"", SpanKind::Client),
        ("\"SPAN_KIND_PRODUCER\"", SpanKind::Producer),
        ("\"SPAN_KIND_UNSPECIFIED\"", SpanKind::Unspecified),
        ("null", SpanKind::Unspecified),
    ] {
        let decoded = decode_span(&format!(r#""kind":{kind}"#));
        assert_eq!((decoded.batch.span(0).kind(), decoded.reason), (expected, None), "{kind}");
    }
    for (code, expected) in [
        ("2", StatusCode::Error),
        ("\"STATUS_CODE_OK\"", StatusCode::Ok),
        ("\"STATUS_CODE_UNSET\"", StatusCode::Unset),
    ] {
        let decoded = decode_span(&format!(r#""status":{{"code":{code},"message":"m"}}"#));
        assert_eq!((decoded.batch.span(0).status_code(), decoded.reason), (expected, None), "{code}");
    }
    assert!(decode_span(r#""kind":"SPAN_KIND_NEW""#).reason.unwrap().contains("kind"));
    let unknown = decode_span(r#""kind":77,"status":{"code":-1}"#).batch;
    assert_eq!(unknown.span(0).residual(), b"\x30\x4d\x7a\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

#[test]
fn values_keep_their_types() {
    let cases = [
        (r#"{"stringValue":"a\u00e9\n"}"#, ValueRef::Str("aé\n".as_bytes())),
        (r#"{"boolValue":true}"#, ValueRef::Bool(true)),
        (r#"{"intValue":"-9223372036854775808"}"#, ValueRef::Int(i64::MIN)),
        (r#"{"int_value":5}"#, ValueRef::Int(5)),
        (r#"{"doubleValue":1}"#, ValueRef::Double(1.0)),
        (r#"{"doubleValue":"-Infinity"}"#, ValueRef::Double(f64::NEG_INFINITY)),
        (r#"{"bytesValue":"+/8="}"#, ValueRef::Bytes(b"\xfb\xff")),
        (r#"{"bytesValue":"-_8"}"#, ValueRef::Bytes(b"\xfb\xff")),
        ("{}", ValueRef::Empty),
        ("null", ValueRef::Empty),
        (r#"{"futureValue":[{}]}"#, ValueRef::Empty),
    ];
    for (value, expected) in cases {
        let batch = decode_value(value);
        assert!(batch.span(0).attributes().eq([(&b"k"[..], expected)]), "{value}");
    }
    let batch = decode_value(
        r#"{"kvlistValue":{"values":[{"key":"list","value":{"arrayValue":{"values":[{"intValue":"1"},{}]}}}]}}"#,
    );
    let Some(ValueRef::Map(map)) = batch.span(0).attribute(b"k") else { panic!("a map") };
    let Some((b"list", ValueRef::Array(list))) = map.iter().next() else { panic!("a list in it") };
    assert!(list.iter().eq([ValueRef::Int(1), ValueRef::Empty]));
}

#[test]
fn text_without_escapes_is_not_copied() {
    let plain = decode_value(r#"{"stringValue":"plain"}"#);
    let escaped = decode_value(r#"{"stringValue":"pl\u0061in"}"#);
    assert_eq!(plain, escaped);
    // The escape makes the body five bytes longer, and its five bytes of text stand beside it.
    assert_eq!(escaped.bytes() - plain.bytes(), 10);
}

#[test]
fn arrays_beyond_the_depth_limit_are_kept_as_json() {
    let nested = |depth: usize| {
        let (open, close) = (r#"{"arrayValue":{"values":["#, "]}}");
        format!("{}{{}}{}", open.repeat(depth), close.repeat(depth))
    };
    let fits = decode_value(&nested(span::DEPTH_MAX));
    assert!(matches!(fits.span(0).attribute(b"k"), Some(ValueRef::Array(_))));
    for depth in [span::DEPTH_MAX + 1, 100_000] {
        let text = nested(depth);
        let batch = decode_value(&text);
        assert_eq!(batch.span(0).attribute(b"k"), Some(ValueRef::Str(text.as_bytes())));
    }
}

#[test]
fn spans_without_proper_ids_are_refused_and_the_others_kept() {
    let spans = |bad: &str| {
        let body = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{bad},"name":"n","events":[{{}}]}},{{{IDS}}}]}}]}}]}}"#
        );
        let decoded = decode(&body).unwrap();
        assert_eq!((decoded.batch.len(), decoded.rejected), (1, 1));
        assert_eq!(decoded.batch.span(0).events().len(), 0);
        decoded.reason.unwrap()
    };
    let trace = r#""traceId":"01020304050607080910111213141516""#;
    assert_eq!(spans(r#""spanId":"01""#), "span \"n\": the span id has not 16 hex digits");
    assert_eq!(spans(trace), "span \"n\": the span id is missing or all zeros");
    assert_eq!(
        spans(r#""traceId":"zz020304050607080910111213141516""#),
        "span \"n\": the trace id has not 32 hex digits"
    );
    assert_eq!(
        spans(&format!("{IDS},\"parentSpanId\":\"1\"")),
        "span \"n\": the parent span id has neither 16 hex digits nor none"
    );
    assert_eq!(spans(r#""traceId":"","spanId":"""#), "span \"n\": the trace id is missing or all zeros");
}

#[test]
fn times_saturate_and_broken_utf8_is_data() {
    let batch = decode_span(r#""startTimeUnixNano":"-5","endTimeUnixNano":"99999999999999999999999""#).batch;
    assert_eq!((batch.span(0).start(), batch.span(0).end()), (UnixNanos::MIN, UnixNanos::MAX));
    let body = [
        br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":""#.as_slice(),
        b"\xff",
        b"\",",
        IDS.as_bytes(),
        b"}]}]}]}",
    ]
    .concat();
    assert_eq!(decode_json(Bytes::from(body)).unwrap().batch.span(0).name(), b"\xff");
}

#[test]
fn what_is_no_request_is_an_error_that_names_the_place() {
    for (body, expected) in [
        ("", "request: the message ends at byte 0, inside this field"),
        ("[]", "request: an object was expected at byte 0"),
        ("{} x", "request: the end was expected at byte 3"),
        (r#"{"resourceSpans":{}}"#, "resource_spans: an array was expected at byte 17"),
        (
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":5}]}]}]}"#,
            "span.name: a string was expected at byte 51",
        ),
        (
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":true}]}]}]}"#,
            "span.kind: a number was expected at byte 51",
        ),
        (
            r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x}]}]}]}"#,
            "span.name: the message ends at byte 60, inside this field",
        ),
    ] {
        assert_eq!(decode(body).unwrap_err().to_string(), expected, "{body}");
    }
    let body =
        r#"{"resourceSpans":[{"resource":{"attributes":[{"value":{"intValue":"9223372036854775808"}}]}}]}"#;
    assert!(
        decode(body).unwrap_err().to_string().starts_with("value.int_value: 64 bits do not hold this number")
    );
}
