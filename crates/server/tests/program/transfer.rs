//! `tracewell store export` and `tracewell store import`, from one directory into another.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use crate::running::{fill, name, run};

fn export(home: &Path, flags: &[&str]) -> (bool, String, Vec<u8>) {
    let file = tempfile::NamedTempFile::new().expect("there is room");
    let places = ["store", "export", "--data-dir", name(home), "--output", name(file.path())];
    let (good, text) = run(&[&places, flags].concat());
    (good, text, std::fs::read(file.path()).expect("it was just made"))
}

fn import(home: &Path, content: &[u8]) -> (bool, String) {
    let file = tempfile::NamedTempFile::new().expect("there is room");
    std::fs::write(file.path(), content).expect("there is room");
    run(&["store", "import", "--data-dir", name(home), name(file.path())])
}

/// Returns the lines of an export in an order of their own.
fn lines(content: &[u8]) -> Vec<Json> {
    let mut lines: Vec<&[u8]> =
        content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.into_iter().map(|line| serde_json::from_slice(line).expect("each line is JSON")).collect()
}

/// Returns all that a document says of each span, by its trace, id and name.
fn jaeger_spans(content: &[u8]) -> BTreeMap<String, String> {
    let document: Json = serde_json::from_slice(content).expect("it is JSON");
    let mut all = BTreeMap::new();
    for trace in document["data"].as_array().expect("it holds traces") {
        for span in trace["spans"].as_array().expect("a trace has spans") {
            let process = &trace["processes"][span["processID"].as_str().expect("a span has a process")];
            let id = format!("{} {} {}", span["traceID"], span["spanID"], span["operationName"]);
            let rest = format!(
                "{} {} {} {} {} {}",
                span["references"], span["startTime"], span["duration"], span["tags"], span["logs"], process
            );
            assert!(all.insert(id, rest).is_none());
        }
    }
    all
}

#[test]
fn an_export_as_otlp_imported_elsewhere_is_the_same_traces() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(home.path(), "export");
    let (good, text, content) = export(home.path(), &[]);
    assert!(good && text.contains("traces         30\n"), "{text}");
    assert_eq!(lines(&content).len(), 30);
    for (form, flags) in [("json", &[][..]), ("proto", &["--format", "otlp-proto"])] {
        let other = other.path().join(form);
        let (good, text, sent) = export(home.path(), flags);
        assert!(good, "{text}");
        // Twice: what is there already is not stored again.
        for _ in 0..2 {
            let (good, text) = import(&other, &sent);
            assert!(good && text.contains("rejected       0\n"), "{text}");
        }
        let (good, text, again) = export(&other, &[]);
        assert!(good, "{text}");
        assert_eq!(lines(&again), lines(&content));
    }
}

#[test]
fn an_export_as_jaeger_imported_elsewhere_is_the_same_spans() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(home.path(), "export");
    let (good, text, content) = export(home.path(), &["--format", "jaeger"]);
    assert!(good, "{text}");
    let (good, text) = import(other.path(), &content);
    assert!(good, "{text}");
    let (good, text, again) = export(other.path(), &["--format", "jaeger"]);
    assert!(good, "{text}");
    let (content, again) = (jaeger_spans(&content), jaeger_spans(&again));
    assert!(300 < content.len());
    assert_eq!(again, content);
}

#[test]
fn an_export_takes_what_is_wanted() {
    let home = tempfile::tempdir().unwrap();
    fill(home.path(), "export");
    let (_, _, content) = export(home.path(), &[]);
    let all = lines(&content);
    let id = all[0]["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"].as_str().unwrap();
    let (good, text, one) = export(home.path(), &["--id", &id[..12]]);
    assert!(good && lines(&one).len() == 1, "{text}");
    assert!(String::from_utf8_lossy(&one).contains(id));
    let (good, text, _) = export(home.path(), &["--id", "abcdef0123"]);
    assert!(!good && text.contains("there is no trace abcdef0123 of tenant default"), "{text}");
    for (flags, count) in [
        (&["--since", "1h"][..], 30),
        (&["--until", "1h"], 0),
        (&["--since", "2020-01-01", "--until", "2020-01-02T00:00:00Z"], 0),
        (&["--service", "nobody"], 0),
        (&["--tenant", "other"], 0),
    ] {
        let (good, text, some) = export(home.path(), flags);
        assert!(good && lines(&some).len() == count, "{flags:?}: {text}");
    }
    let (good, text, some) = export(home.path(), &["--service", "payment"]);
    let some = lines(&some);
    assert!(good && !some.is_empty() && some.iter().all(|line| all.contains(line)), "{text}");
    assert!(some.iter().all(|line| line.to_string().contains("\"payment\"")));
    let (good, text, _) = export(&home.path().join("nowhere"), &[]);
    assert!(!good && !home.path().join("nowhere").exists(), "{text}");
}

#[test]
fn an_import_says_what_it_cannot_read_and_keeps_what_it_can() {
    let home = tempfile::tempdir().unwrap();
    let check = |content: &[u8], expected: &str| {
        let (good, text) = import(home.path(), content);
        assert!(!good && text.contains(expected), "{expected}: {text}");
    };
    let line = |id: &str| {
        format!(
            "{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{\"traceId\":\"{id}\",\"spanId\":\"00000000000000a1\",\
             \"name\":\"n\",\"startTimeUnixNano\":\"5\"}}]}}]}}]}}\n"
        )
    };
    let good = line("000000000000000000000000000000a1");
    check((good.clone() + "{\"resourceSpans\":[{\"scope").as_bytes(), "line 2: the file ends too early");
    let (_, _, kept) = export(home.path(), &[]);
    assert_eq!(lines(&kept).len(), 1, "what came before the damage is kept");
    let bad = line("00000000000000000000000000000000");
    check((good + &bad).as_bytes(), "rejected       1\nfirst of them  span \"n\": the trace id is missing");
    check(b"{\"resourceSpans\":[{\"scopeSpans\":7}]}", "line 1: scope_spans: an array was expected");
    check(b"{\"resourceMetrics\":[]}", "neither OTLP's resourceSpans nor Jaeger's data");
    check(b"PK\x03\x04zip", "holds no traces that this command knows");
    check(b"\x1f\x8b\x08", "zcat FILE | tracewell store import -");
    check(b"\0\0\0\x05\x0a\x03", "the file ends inside message 1");
    check(b"\x0a\x05\x01", "OTLP in protobuf");
    check(b"{\"data\":[{\"traceID\":\"1\",\"spans\":[{\"traceID\":\"1\"}]}]}", "the span id is missing");
    let (good, text) = run(&["store", "import", "--data-dir", name(home.path()), "/nowhere.json"]);
    assert!(!good && text.contains("cannot read /nowhere.json"), "{text}");
}
