//! What stands around every answer.

use span::TraceId;

use crate::ApiError;
use crate::json::{JsonWriter, Layout};

/// Something that is missing from an answer that is otherwise good.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    pub(super) message: String,
    /// The trace it is about, if it is about one.
    pub(super) id: Option<TraceId>,
}

/// What `errors` holds at the end of a good answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errors<'a> {
    /// `null`, or one entry for each.
    Missing(&'a [Missing]),
    /// `[]`, as the archive says it.
    Empty,
}

/// Begins an envelope; `data` comes next.
pub(super) fn begin(json: &mut JsonWriter) {
    json.begin_object();
    json.key("data");
}

/// Ends an envelope, after `data`.
pub(super) fn end(json: &mut JsonWriter, total: usize, errors: Errors<'_>) {
    numbers(json, total);
    match errors {
        Errors::Missing([]) => json.null(),
        Errors::Empty => {
            json.begin_array();
            json.end_array();
        }
        Errors::Missing(missing) => {
            json.begin_array();
            for Missing { message, id } in missing {
                json.begin_object();
                json.key("msg");
                json.text(message);
                if let Some(id) = id {
                    json.key("traceID");
                    json.short_trace_id(*id);
                }
                json.end_object();
            }
            json.end_array();
        }
    }
    json.end_object();
}

/// Returns a whole answer whose `data` is written by `data`, which returns the total.
pub(super) fn around(layout: Layout, data: impl FnOnce(&mut JsonWriter) -> usize) -> Vec<u8> {
    let mut json = JsonWriter::new(layout);
    begin(&mut json);
    let total = data(&mut json);
    end(&mut json, total, Errors::Missing(&[]));
    json.take()
}

/// Returns the envelope of a refused request, with a line's end.
pub(super) fn of_error(error: &ApiError) -> Vec<u8> {
    let mut json = JsonWriter::new(Layout::Compact);
    begin(&mut json);
    json.null();
    numbers(&mut json, 0);
    json.begin_array();
    json.begin_object();
    json.key("code");
    json.unsigned(u64::from(error.status().as_u16()));
    json.key("msg");
    json.text(&error.to_string());
    json.end_object();
    json.end_array();
    json.end_object();
    let mut text = json.take();
    text.push(b'\n');
    text
}

fn numbers(json: &mut JsonWriter, total: usize) {
    json.key("total");
    json.unsigned(total as u64);
    json.key("limit");
    json.unsigned(0);
    json.key("offset");
    json.unsigned(0);
    json.key("errors");
}
