//! What strangers send, to every door: odd spans are kept as they are, broken messages are refused, and whoever
//! comes next notices nothing.

use axum::Router;
use listen::Origins;
use receive::{Cause, Protocol, Sampling, Strategies};
use span::{
    BatchBuilder, Encoding, PackedWriter, ResourceRow, ScopeRow, SpanBatch, SpanId, SpanRow, TraceId,
    UnixNanos, ValueRef,
};

use crate::house::{House, batch, call_framed, config, frame, post};

/// One way in that answers: where, as what, and what its success and its refusal look like.
struct Way {
    name: &'static str,
    protocol: Protocol,
    path: &'static str,
    content_type: &'static str,
    encode: fn(&SpanBatch) -> Vec<u8>,
    success: u16,
}

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

const WAYS: [Way; 8] = [
    Way {
        name: "otlp grpc",
        protocol: Protocol::OtlpGrpc,
        path: EXPORT,
        content_type: "application/grpc",
        encode: wire::otlp::encode_proto,
        success: 0,
    },
    Way {
        name: "otlp http",
        protocol: Protocol::OtlpHttp,
        path: "/v1/traces",
        content_type: "application/x-protobuf",
        encode: wire::otlp::encode_proto,
        success: 200,
    },
    Way {
        name: "otlp json",
        protocol: Protocol::OtlpHttp,
        path: "/v1/traces",
        content_type: "application/json",
        encode: wire::otlp::encode_json,
        success: 200,
    },
    Way {
        name: "jaeger grpc",
        protocol: Protocol::JaegerGrpc,
        path: "/jaeger.api_v2.CollectorService/PostSpans",
        content_type: "application/grpc",
        encode: wire::jaeger::encode_proto,
        success: 0,
    },
    Way {
        name: "jaeger http",
        protocol: Protocol::JaegerHttp,
        path: "/api/traces",
        content_type: "application/x-thrift",
        encode: |batch| wire::jaeger::encode_batch_binary(batch).remove(0),
        success: 202,
    },
    Way {
        name: "zipkin json",
        protocol: Protocol::ZipkinHttp,
        path: "/api/v2/spans",
        content_type: "application/json",
        encode: wire::zipkin::encode_json_v2,
        success: 202,
    },
    Way {
        name: "zipkin protobuf",
        protocol: Protocol::ZipkinHttp,
        path: "/api/v2/spans",
        content_type: "application/x-protobuf",
        encode: wire::zipkin::encode_proto,
        success: 202,
    },
    Way {
        name: "zipkin thrift",
        protocol: Protocol::ZipkinHttp,
        path: "/api/v1/spans",
        content_type: "application/x-thrift",
        encode: wire::zipkin::encode_thrift,
        success: 202,
    },
];

impl Way {
    fn router(&self, house: &House) -> Router {
        let sampling = Sampling::new(Strategies::always(1.0));
        match self.protocol {
            Protocol::OtlpGrpc | Protocol::OtlpHttp => receive::otlp(house.door.clone(), Origins::default()),
            Protocol::JaegerGrpc => receive::jaeger_grpc(house.door.clone(), sampling),
            Protocol::ZipkinHttp => receive::zipkin(house.door.clone()),
            _ => receive::jaeger_http(house.door.clone(), sampling),
        }
    }

    fn is_grpc(&self) -> bool {
        self.content_type == "application/grpc"
    }

    /// Sends a message and returns the code of the answer: gRPC's or HTTP's.
    async fn send(&self, house: &House, encoding: Encoding, message: Vec<u8>) -> u16 {
        if self.is_grpc() {
            let compressed = u8::from(encoding != Encoding::Identity);
            let framed = frame(compressed, &message);
            return call_framed(&self.router(house), self.path, encoding.name(), framed).await.grpc().0
                as u16;
        }
        let headers = [("content-type", self.content_type), ("content-encoding", encoding.name())];
        post(&self.router(house), self.path, &headers, message).await.status.as_u16()
    }

    /// Returns this way's code for HTTP's 400 or 413.
    fn refusal(&self, http: u16) -> u16 {
        match (self.is_grpc(), http) {
            (false, code) => code,
            (true, 413) => 8,
            (true, _) => 3,
        }
    }
}

/// Makes one span of trace 1, as odd as the test wants it.
fn odd(make: impl FnOnce(&mut BatchBuilder, &mut SpanRow)) -> SpanBatch {
    let mut builder = BatchBuilder::new();
    let mark = builder.mark();
    builder.push(b"service.name", ValueRef::Str(b"odd")).unwrap();
    let attributes = builder.since(mark);
    let resource = builder.resource(ResourceRow { attributes, ..ResourceRow::default() });
    let scope = builder.scope(ScopeRow::default());
    let mut row = SpanRow {
        trace_id: TraceId::from_halves(0, 1),
        span_id: SpanId::from_u64(1),
        start: UnixNanos(1_000_000),
        end: UnixNanos(2_000_000),
        name: builder.text(b"op").unwrap(),
        resource,
        scope,
        ..SpanRow::default()
    };
    make(&mut builder, &mut row);
    builder.span(row);
    builder.finish()
}

fn with_attributes(attributes: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> SpanBatch {
    odd(|builder, row| {
        let mark = builder.mark();
        for (key, value) in attributes {
            builder.push(&key, ValueRef::Str(&value)).unwrap();
        }
        row.attributes = builder.since(mark);
    })
}

fn deep(levels: usize) -> SpanBatch {
    let mut inner = PackedWriter::new();
    for _ in 0..levels {
        let mut outer = PackedWriter::new();
        outer.item(ValueRef::Array(inner.packed().list()));
        inner = outer;
    }
    odd(|builder, row| {
        let mark = builder.mark();
        builder.push(b"deep", ValueRef::Array(inner.packed().list())).unwrap();
        row.attributes = builder.since(mark);
    })
}

fn at(start: u64, end: u64) -> SpanBatch {
    odd(|_, row| (row.start, row.end) = (UnixNanos(start), UnixNanos(end)))
}

#[tokio::test]
async fn odd_spans_are_kept() {
    let year_2100 = 4_102_444_800_000_000_000;
    let cases: [(&str, SpanBatch); 11] = [
        ("plain", odd(|_, _| {})),
        (
            "10,000 attributes",
            with_attributes((0..10_000).map(|n| (format!("key.{n}").into_bytes(), b"v".to_vec()))),
        ),
        ("an attribute of 1 MB", with_attributes(std::iter::once((b"big".to_vec(), vec![b'x'; 1_000_000])))),
        ("the same key twice", with_attributes((0..2).map(|n| (b"twice".to_vec(), vec![b'0' + n])))),
        ("an empty key", with_attributes(std::iter::once((Vec::new(), b"v".to_vec())))),
        ("text that is no UTF-8", with_attributes(std::iter::once((b"\xff".to_vec(), b"a\xffb".to_vec())))),
        ("a value of 60 levels", deep(60)),
        ("1970", at(0, 1_000)),
        ("2100", at(year_2100, year_2100 + 1_000)),
        ("an end before the start", at(2_000_000, 1_000_000)),
        ("no name", odd(|_, row| row.name = span::Text::EMPTY)),
    ];
    for (what, batch) in &cases {
        for way in &WAYS {
            let house = House::new();
            let code = way.send(&house, Encoding::Identity, (way.encode)(batch)).await;
            assert_eq!((code, house.stored(1)), (way.success, 1), "{what} by {}", way.name);
            assert_eq!(
                house.door.stats().of(way.protocol).spans_rejected.total(),
                0,
                "{what} by {}",
                way.name
            );
        }
    }
}

#[tokio::test]
async fn times_at_the_ends_of_their_range_are_kept() {
    for batch in [at(u64::MAX, 0), at(0, u64::MAX), at(u64::MAX, u64::MAX)] {
        for way in &WAYS {
            let house = House::new();
            let code = way.send(&house, Encoding::Identity, (way.encode)(&batch)).await;
            assert_eq!((code, house.stored(1)), (way.success, 1), "{}", way.name);
        }
    }
}

#[tokio::test]
async fn spans_without_ids_are_rejected_and_counted_while_others_are_kept() {
    let mut builder = BatchBuilder::new();
    let bad = odd(|_, row| row.span_id = SpanId::from_u64(0));
    let worse = odd(|_, row| row.trace_id = TraceId::from_halves(0, 0));
    let good = odd(|_, _| {});
    builder.append(good.spans().chain(bad.spans()).chain(worse.spans())).unwrap();
    let batch = builder.finish();
    for way in &WAYS {
        let house = House::new();
        let code = way.send(&house, Encoding::Identity, (way.encode)(&batch)).await;
        assert_eq!((code, house.stored(1)), (way.success, 1), "{}", way.name);
        assert_eq!(house.door.stats().of(way.protocol).spans_rejected.total(), 2, "{}", way.name);
    }
}

#[tokio::test]
async fn truncated_messages_are_refused_whole() {
    for way in &WAYS {
        let house = House::new();
        // Of one span: half of a list of several can be a list.
        let whole = (way.encode)(&batch(1));
        let mut refused = 0;
        for length in (1..whole.len()).step_by(3) {
            let code = way.send(&house, Encoding::Identity, whole[..length].to_vec()).await;
            assert_eq!(code, way.refusal(400), "{length} bytes by {}", way.name);
            refused += 1;
        }
        assert_eq!(house.stored(1), 0, "{}", way.name);
        assert_eq!(house.refused(way.protocol, Cause::Malformed), refused);
        assert_eq!(way.send(&house, Encoding::Identity, whole).await, way.success, "{}", way.name);
        assert_eq!(house.door.in_flight_bytes(), 0);
    }
}

#[tokio::test]
async fn what_is_compressed_badly_or_too_well_is_refused() {
    let bomb = vec![0; 8 << 20];
    for encoding in Encoding::ALL.into_iter().filter(|encoding| *encoding != Encoding::Identity) {
        let small = wire::compress(encoding, &bomb);
        for way in &WAYS {
            let house = House::new();
            assert_eq!(
                way.send(&house, encoding, small.clone()).await,
                way.refusal(413),
                "{} {encoding:?}",
                way.name
            );
            assert_eq!(house.refused(way.protocol, Cause::TooLarge), 1);
            let lie = b"this was never compressed".to_vec();
            assert_eq!(way.send(&house, encoding, lie).await, way.refusal(400), "{} {encoding:?}", way.name);
            let good = wire::compress(encoding, &(way.encode)(&batch(2)));
            let half = good[..good.len() / 2].to_vec();
            assert_eq!(way.send(&house, encoding, half).await, way.refusal(400), "{} {encoding:?}", way.name);
            assert_eq!(way.send(&house, encoding, good).await, way.success, "{} {encoding:?}", way.name);
            assert_eq!((house.stored(1), house.door.in_flight_bytes()), (2, 0));
        }
    }
}

#[tokio::test]
async fn oversized_messages_are_refused_for_good() {
    for way in &WAYS {
        let house = House::new();
        let large = vec![b' '; config().request_bytes_max + 1];
        assert_eq!(way.send(&house, Encoding::Identity, large).await, way.refusal(413), "{}", way.name);
        assert_eq!(house.refused(way.protocol, Cause::TooLarge), 1);
    }
}

#[tokio::test]
async fn many_cheap_items_cost_little_and_end() {
    // Half a million empty resource_spans, or spans: nothing in them can be stored.
    let cheap = [b"\x0a\x00".repeat(500_000), {
        let spans = b"\x12\x00".repeat(250_000);
        let mut scope = vec![0x12];
        prost::encoding::encode_varint(spans.len() as u64, &mut scope);
        scope.extend_from_slice(&spans);
        let mut request = vec![0x0a];
        prost::encoding::encode_varint(scope.len() as u64, &mut request);
        request.extend_from_slice(&scope);
        request
    }];
    for message in cheap {
        let house = House::new();
        for way in &WAYS[..2] {
            let code = way.send(&house, Encoding::Identity, message.clone()).await;
            assert!([way.success, way.refusal(400)].contains(&code), "{code} by {}", way.name);
        }
        assert_eq!(WAYS[1].send(&house, Encoding::Identity, (WAYS[1].encode)(&batch(1))).await, 200);
        assert_eq!(house.door.in_flight_bytes(), 0);
    }
}

#[tokio::test]
async fn random_bytes_never_break_a_door() {
    let house = House::new();
    // A fixed sequence (xorshift), so that a failure comes again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..200_usize {
        let bytes: Vec<u8> = (0..round * 3)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            })
            .collect();
        let way = &WAYS[round % WAYS.len()];
        let code = way.send(&house, Encoding::Identity, bytes).await;
        assert!([way.success, way.refusal(400)].contains(&code), "{code} by {} in round {round}", way.name);
    }
}
