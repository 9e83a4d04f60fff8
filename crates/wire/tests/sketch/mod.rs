//! A batch as text that people read: what golden files hold.

use std::fmt::Write as _;

use span::{SpanBatch, ValueRef};

/// Writes everything that a batch says, one fact a line.
pub(crate) fn sketch(batch: &SpanBatch) -> String {
    let mut out = String::new();
    for span in batch.spans() {
        let row = span.row();
        writeln!(
            out,
            "{} {} < {} {:?} {:?} {:?} {} +{}ns flags {:x}",
            span.trace_id(),
            span.span_id(),
            span.parent_span_id(),
            text(span.name()),
            span.kind(),
            span.status_code(),
            span.start().0,
            i128::from(span.end().0) - i128::from(span.start().0),
            row.flags,
        )
        .unwrap();
        let texts = [
            ("status", span.status_message()),
            ("trace state", span.trace_state()),
            ("scope", span.scope().name()),
            ("scope version", span.scope().version()),
        ];
        for (name, value) in texts.into_iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(out, "  {name} {:?}", text(value)).unwrap();
        }
        attributes(&mut out, "  resource ", span.resource().attributes());
        attributes(&mut out, "  ", span.attributes());
        for event in span.events() {
            writeln!(out, "  event {:?} @{}", text(event.name()), event.time().0).unwrap();
            attributes(&mut out, "    ", event.attributes());
        }
        for link in span.links() {
            writeln!(out, "  link {} {}", link.trace_id(), link.span_id()).unwrap();
            attributes(&mut out, "    ", link.attributes());
        }
    }
    out
}

fn attributes<'a>(
    out: &mut String,
    indent: &str,
    attributes: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
) {
    for (key, value) in attributes {
        let value = match value {
            ValueRef::Str(bytes) => format!("{:?}", text(bytes)),
            ValueRef::Bytes(bytes) => format!("bytes {}", bytes.escape_ascii()),
            ValueRef::Array(_) | ValueRef::Map(_) => value.json_form(),
            value => format!("{value:?}"),
        };
        writeln!(out, "{indent}{} = {value}", text(key)).unwrap();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
