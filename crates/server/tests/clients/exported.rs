//! An export as Parquet, read by a program that is not ours and compared with the same spans as JSON.

use std::path::Path;

use serde_json::{Value, json};

use crate::programs::{Set, line_of};
use crate::running::tracewell;

/// A span with everything: every type of value, an event, a link, and what a table cannot say.
const SPANS: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
"scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[
{"traceId":"000000000000000000000000000000a1","spanId":"00000000000000b1","name":"GET /cart","kind":2,
"startTimeUnixNano":"1767225600000000001","endTimeUnixNano":"1767225600250000001","status":{"code":2,"message":"broken"},
"attributes":[{"key":"text","value":{"stringValue":"t"}},{"key":"on","value":{"boolValue":true}},
{"key":"code","value":{"intValue":"503"}},{"key":"share","value":{"doubleValue":0.5}},
{"key":"raw","value":{"bytesValue":"AAE="}},{"key":"list","value":{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"b"}]}}}],
"events":[{"timeUnixNano":"1767225600100000000","name":"exception","attributes":[
{"key":"exception.message","value":{"stringValue":"no stock"}}]},{"timeUnixNano":"1767225600200000000","name":"end"}],
"links":[{"traceId":"000000000000000000000000000000a2","spanId":"00000000000000b9","traceState":"k=v"}]},
{"traceId":"000000000000000000000000000000a1","spanId":"00000000000000b2","parentSpanId":"00000000000000b1","name":"SELECT",
"startTimeUnixNano":"1767225600000000002","endTimeUnixNano":"1767225600000000012",
"attributes":[{"key":"twice","value":{"intValue":"1"}},{"key":"twice","value":{"intValue":"2"}}]}]}]}]}"#;

pub(crate) fn check() {
    let Some(mut reader) = Set::PythonCurrent.command("table.py") else { return };
    let home = tempfile::tempdir().expect("a place for the data");
    let (data, input) = (home.path().join("data"), home.path().join("spans.json"));
    let table = home.path().join("spans.parquet");
    std::fs::write(&input, SPANS.replace('\n', "")).expect("there is room");
    store(&["import"], &data, &[&input]);
    store(&["export", "--format", "parquet", "--output"], &data, &[&table]);
    let read: Value = line_of({
        reader.arg(&table);
        reader
    });
    let expected = json!({
        "rows": 2,
        "by_kind": [["server", 1], ["unspecified", 1]],
        "p100_ns": 250_000_000,
        "start": "2026-01-01 00:00:00.000000001",
        "values": ["t", true, 503, 0.5, "\\x00\\x01", "[1,\"b\"]"],
        "events": [["exception", "no stock"], ["end", null]],
        "links": [["000000000000000000000000000000a2", "00000000000000b9", "k=v"]],
        "services": ["shop"],
        "scope": ["lib", "1"],
        "parents": [null, "00000000000000b1"],
        "twice": 2,
        "with_otlp": ["SELECT"],
    });
    assert_eq!(read, expected);
}

fn store(command: &[&str], data: &Path, last: &[&Path]) {
    let output = tracewell()
        .arg("store")
        .args(command)
        .args(last)
        .arg("--data-dir")
        .arg(data)
        .output()
        .expect("the binary was built for this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
