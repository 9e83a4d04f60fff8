//! OpenTelemetry's own protocol, as protobuf and as JSON.
//!
//! The decoders keep everything that OTLP says, and more than the reference collector does:
//!
//! - Fields come in any order; a sub-message that comes twice is merged; of a plain field that comes
//!   twice the last one stands. All of it as protobuf rules.
//! - Fields and enum numbers that this version does not know survive as protobuf in the `residual` of
//!   the row they belong to, and are written back. A `Span`'s residual also carries its `Status`'s (as
//!   field 15); a resource's residual is one of `ResourceSpans` (the `Resource`'s own as field 1), a
//!   scope's is one of `ScopeSpans` likewise.
//! - A span whose ids are missing, all zeros or of the wrong length is refused and counted; the others
//!   are kept. A link with such an id does not cost its span: it survives in the residual.
//! - An array or map that nests deeper than [`span::DEPTH_MAX`] is kept as opaque bytes (from protobuf)
//!   or as its own text (from JSON).
//! - `instrumentation_library_spans` of old senders are read as scope spans, where there are no others.
//!
//! Text is not checked to be UTF-8 here: broken text is data.

mod groups;
mod json_out;
mod json_owners;
mod json_span;
mod json_value;
mod number;
mod proto_out;
mod proto_owners;
mod proto_span;
mod proto_value;
mod reply;

pub use json_out::{encode_json, encode_json_into};
pub use json_owners::decode_json;
pub use proto_out::encode_proto;
pub use proto_owners::decode_proto;
pub use reply::{ExportReply, StatusReply};

/// Says why a span with these ids cannot be stored. Nothing could ever be found under an id of zeros,
/// and spans of unrelated senders would meet there.
fn check_ids(row: &span::SpanRow) -> Result<(), &'static str> {
    if row.trace_id.is_none() {
        return Err("the trace id is missing or all zeros");
    }
    if row.span_id.is_none() {
        return Err("the span id is missing or all zeros");
    }
    Ok(())
}
