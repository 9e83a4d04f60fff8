//! A batch as text that people read: what golden files hold.

use span::{SpanBatch, ValueRef};

/// Writes everything that a batch says, one fact a line.
pub(crate) fn sketch(batch: &SpanBatch) -> String {
    let mut out = String::new();
    for span in batch.spans() {
        let row = span.row();
        line(
            &mut out,
            format!(
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
            ),
        );
        let texts = [
            ("status", span.status_message()),
            ("trace state", span.trace_state()),
            ("scope", span.scope().name()),
            ("scope version", span.scope().version()),
        ];
        for (name, value) in texts.into_iter().filter(|(_, value)| !value.is_empty()) {
            line(&mut out, format!("  {name} {:?}", text(value)));
        }
        attributes(&mut out, "  resource ", span.resource().attributes());
        attributes(&mut out, "  ", span.attributes());
        for event in span.events() {
            line(&mut out, format!("  event {:?} @{}", text(event.name()), event.time().0));
            attributes(&mut out, "    ", event.attributes());
        }
        for link in span.links() {
            line(&mut out, format!("  link {} {}", link.trace_id(), link.span_id()));
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
        line(out, format!("{indent}{} = {value}", text(key)));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn line(out: &mut String, line: String) {
    out.push_str(&line);
    out.push('\n');
}
