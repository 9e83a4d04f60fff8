//! What Zipkin's JSON means, and what of it is refused: bodies as text, answers as text.

mod sketch;

use bytes::Bytes;
use sketch::sketch;
use wire::zipkin::{Debug, decode_json_v1, decode_json_v2};
use wire::{DecodeError, Decoded};

/// A decoder of either generation.
type Decode = fn(Bytes, Debug) -> Result<Decoded, DecodeError>;

/// Puts `fields` into a span that is good without them, and compares all but its first line's ids.
fn check(fields: &str, expected: &str) {
    let body = format!(r#"[{{"traceId":"1","id":"2","timestamp":5,{fields}}}]"#);
    let decoded = decode_json_v2(Bytes::from(body), Debug::AsSent).expect(fields);
    assert_eq!(decoded.reason, None, "{fields}");
    let seen = sketch(&decoded.batch);
    let head = "00000000000000000000000000000001 0000000000000002 < 0000000000000000 ";
    let seen = seen.strip_prefix(head).expect("ids are as sent");
    assert_eq!(seen.trim_end().replace("\n  ", "; "), expected, "{fields}");
}

#[test]
fn fields_mean_what_the_table_says() {
    let plain = r#""" Unspecified Unset 5000 +0ns flags 0"#;
    check(r#""name":"""#, plain);
    check(r#""unknown":{"deep":[[[{}]]]},"shared":true"#, plain);
    check(r#""parentId":"2""#, plain);
    check(r#""kind":"CLIENT","name":"get","duration":3"#, r#""get" Client Unset 5000 +3000ns flags 0"#);
    check(r#""debug":true"#, r#""" Unspecified Unset 5000 +0ns flags 3"#);
    check(
        r#""timestamp":0"#,
        r#""" Unspecified Unset 0 +0ns flags 0; otel.zipkin.absentField.startTime = Bool(true)"#,
    );
    check(r#""tags":{"error":"true"}"#, r#""" Unspecified Error 5000 +0ns flags 0"#);
    check(
        r#""tags":{"error":"boom"}"#,
        r#""" Unspecified Error 5000 +0ns flags 0; status "boom"; error = "boom""#,
    );
    check(r#""tags":{"error":""}"#, r#""" Unspecified Error 5000 +0ns flags 0; error = """#);
    for word in ["OK", "Ok", "STATUS_CODE_OK", "1"] {
        check(
            &format!(r#""tags":{{"otel.status_code":"{word}"}}"#),
            r#""" Unspecified Ok 5000 +0ns flags 0"#,
        );
    }
    check(
        r#""tags":{"otel.status_code":"odd"}"#,
        r#""" Unspecified Unset 5000 +0ns flags 0; otel.status_code = "odd""#,
    );
    check(
        r#""tags":{"span.kind":"internal","w3c.tracestate":"a=b","otel.library.name":"lib"}"#,
        r#""" Internal Unset 5000 +0ns flags 0; trace state "a=b"; scope "lib""#,
    );
    check(
        r#""tags":{"http.status_code":404,"host.name":"box","service.name":"x"}"#,
        r#""" Unspecified Unset 5000 +0ns flags 0; resource host.name = "box"; resource service.name = "x"; http.response.status_code = "404""#,
    );
    check(
        r#""localEndpoint":{"serviceName":"cart","ipv4":"10.0.0.1","port":80},"tags":{"service.name":"other"}"#,
        r#""" Unspecified Unset 5000 +0ns flags 0; resource service.name = "cart"; service.name = "other"; network.local.address = "10.0.0.1"; net.host.port = Int(80)"#,
    );
    check(
        r#""remoteEndpoint":{"serviceName":"db","ipv6":"::1","port":5432},"localEndpoint":null"#,
        r#""" Unspecified Unset 5000 +0ns flags 0; service.peer.name = "db"; network.peer.address = "::1"; net.peer.port = Int(5432)"#,
    );
    check(
        r#""annotations":[{"timestamp":7,"value":"hit \u00e9"}]"#,
        r#""" Unspecified Unset 5000 +0ns flags 0; event "hit é" @7000"#,
    );
}

#[test]
fn a_bad_span_is_refused_alone() {
    let bad = [
        (r#"{"traceId":"1","id":"3","localEndpoint":{"ipv4":"10.0.0.300"}}"#, "no IP address"),
        (r#"{"traceId":"1","id":"3","remoteEndpoint":{"port":70000}}"#, "out of range"),
        (r#"{"traceId":"1","id":"3","remoteEndpoint":{"port":-1}}"#, "out of range"),
        (r#"{"traceId":"0","id":"3"}"#, "all zeros"),
        (r#"{"traceId":"1"}"#, "the span id is missing"),
        (r#"{"id":"1"}"#, "the trace id is missing"),
        (r#"{"traceId":"xyz","id":"3"}"#, "32 hex digits"),
        (r#"{"traceId":"1","id":"12345678901234567"}"#, "16 hex digits"),
        (r#"{"traceId":"1","id":"3","parentId":"-"}"#, "16 hex digits"),
        (r#"{"traceId":"1","id":"3","timestamp":"soon"}"#, "a whole number was expected"),
        (r#"{"traceId":"1","id":"3","tags":[]}"#, "an object was expected"),
        (r#"{"traceId":["1"],"id":"3"}"#, "a string was expected"),
        (r#""a span""#, "an object was expected"),
        ("17", "an object was expected"),
    ];
    for (span, why) in bad {
        let good = r#"{"traceId":"1","id":"2"}"#;
        let body = Bytes::from(format!("[{good},{span},{good}]"));
        // The first generation has neither of these fields.
        let of_v2 = span.contains("Endpoint") || span.contains("tags");
        let decoders: [Decode; 2] = [decode_json_v2, decode_json_v1];
        for decode in decoders.into_iter().take(if of_v2 { 1 } else { 2 }) {
            let Decoded { batch, rejected, reason } = decode(body.clone(), Debug::AsSent).expect(span);
            assert_eq!((batch.len(), rejected), (2, 1), "{span}");
            assert!(reason.as_ref().is_some_and(|reason| reason.contains(why)), "{span}: {reason:?}");
        }
    }
}

#[test]
fn broken_json_refuses_the_message() {
    let deep = format!(r#"[{{"traceId":"1","id":"2","x":{}"#, "[".repeat(1_000_000));
    let broken = ["", "{}", "7", "[", "[{}", "[{]", r#"[{"traceId":"1"]"#, "[{},]", "[] []", &deep];
    for body in broken {
        for decode in [decode_json_v2, decode_json_v1] {
            let answer = decode(Bytes::from(body.to_owned()), Debug::AsSent);
            let body = body.get(..40).unwrap_or(body);
            assert!(
                matches!(answer, Err(DecodeError::Truncated { .. } | DecodeError::Invalid { .. })),
                "{body}"
            );
        }
    }
}

#[test]
fn v1_annotations_tell_kind_times_and_ends() {
    let check = |fields: &str, expected: &str| {
        let body = format!(r#"[{{"traceId":"00000000000000a1","id":"2",{fields}}}]"#);
        let decoded = decode_json_v1(Bytes::from(body), Debug::Forced).expect(fields);
        assert_eq!(decoded.reason, None, "{fields}");
        let seen = sketch(&decoded.batch);
        let head = "000000000000000000000000000000a1 0000000000000002 < 0000000000000000 ";
        let seen = seen.strip_prefix(head).expect("ids are padded");
        assert_eq!(seen.trim_end().replace("\n  ", "; "), expected, "{fields}");
    };
    let bad = r#"[{"traceId":"1","id":"2","annotations":[{"value":"sr","endpoint":{"ipv4":"x"}}]}]"#;
    assert_eq!(decode_json_v1(Bytes::from(bad), Debug::AsSent).unwrap().rejected, 1);
    let cart = r#""endpoint":{"serviceName":"cart"}"#;
    check(
        &format!(
            r#""name":"get","annotations":[{{"timestamp":5,"value":"cs",{cart}}},{{"timestamp":6,"value":"hit"}},{{"timestamp":9,"value":"cr",{cart}}}]"#
        ),
        r#""get" Client Unset 5000 +4000ns flags 3; resource service.name = "cart"; event "hit" @6000"#,
    );
    check(
        &format!(r#""timestamp":4,"duration":2,"annotations":[{{"timestamp":5,"value":"sr",{cart}}}]"#),
        r#""" Server Unset 4000 +2000ns flags 3; resource service.name = "cart""#,
    );
    check(
        r#""timestamp":4,"binaryAnnotations":[{"key":"sa","value":true,"endpoint":{"serviceName":"db","ipv4":"10.0.0.9","port":3306}},{"key":"lc","value":"spring"},{"key":"n","value":7}]"#,
        r#""" Unspecified Unset 4000 +0ns flags 3; resource service.name = "spring"; component = "spring"; n = "7"; service.peer.name = "db"; network.peer.address = "10.0.0.9"; net.peer.port = Int(3306)"#,
    );
    check(
        r#""timestamp":4"#,
        r#""" Unspecified Unset 4000 +0ns flags 3; resource service.name = "unknown-service""#,
    );
    check(
        &format!(r#""timestamp":4,"binaryAnnotations":[{{"key":"a","value":"x",{cart}}}]"#),
        r#""" Unspecified Unset 4000 +0ns flags 3; resource service.name = "cart"; a = "x""#,
    );
}

#[test]
fn siblings_share_a_resource_only_if_all_of_it_is_equal() {
    let span = |id, tags| {
        format!(r#"{{"traceId":"1","id":"{id}","localEndpoint":{{"serviceName":"cart"}},"tags":{{{tags}}}}}"#)
    };
    let (one, two) = (r#""host.name":"one""#, r#""host.name":"two""#);
    let body = format!("[{},{},{}]", span(1, one), span(2, two), span(3, one));
    let batch = decode_json_v2(Bytes::from(body), Debug::AsSent).unwrap().batch;
    let rows: Vec<u32> = batch.span_rows().iter().map(|row| row.resource).collect();
    assert_eq!(rows, [0, 1, 0]);
    assert_eq!(batch.resource_rows().len(), 2);
}
