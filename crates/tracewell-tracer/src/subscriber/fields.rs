//! Fields of `tracing`, turned into attributes, events, and what `otel.*` fields say.
//!
//! A new span's fields are written into its record, which nobody else knows yet. Later fields and
//! events are written to a buffer of the thread first and copied under the slot's lock, because a
//! user's formatter may do anything, even record on the same span.

use std::error::Error;
use std::fmt;

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Record as Values};
use tracing_core::{Event, Level, Metadata};

use crate::encode::{attribute, bytes_field, fixed64_field, varint};
use crate::kind::{Kind, Status};
use crate::limits::{Limits, NAME_BYTES_MAX, SPAN_BYTES_MAX, cut_bytes};
use crate::local;
use crate::record::Record;
use crate::sampling::{PRIORITY_KEY, Priority};
use crate::value::Value;

/// Causes of one error that are written at most.
const CAUSES_MAX: usize = 16;

/// The fields of a new span.
pub(super) struct Opening<'a> {
    record: &'a mut Record,
}

impl<'a> Opening<'a> {
    #[inline]
    pub(super) fn new(record: &'a mut Record) -> Self {
        Self { record }
    }

    #[inline]
    fn set(&mut self, field: &Field, value: Value<'_>) {
        let name = field.name();
        match otel(name) {
            None => self.record.attribute(name, value),
            Some(word) => with_text(value, |text| self.word(word, name, text)),
        }
    }

    #[cold]
    fn word(&mut self, word: &str, name: &str, text: &str) {
        let mut said = Said::default();
        if said.hear(word, text) {
            said.apply(self.record);
        } else {
            self.record.attribute(name, Value::Str(text));
        }
    }
}

/// Returns what a new span says of its own importance.
pub(super) fn priority(attributes: &Attributes<'_>) -> Option<Priority> {
    struct Heard(Option<Priority>);
    impl Visit for Heard {
        fn record_str(&mut self, field: &Field, value: &str) {
            if field.name() == PRIORITY_KEY {
                self.0 = Priority::read(Value::Str(value));
            }
        }

        fn record_i64(&mut self, field: &Field, value: i64) {
            if field.name() == PRIORITY_KEY {
                self.0 = Priority::read(Value::Int(value));
            }
        }

        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == PRIORITY_KEY {
                self.0 = Priority::read(Value::Str(&format!("{value:?}")));
            }
        }
    }
    attributes.metadata().fields().field(PRIORITY_KEY)?;
    let mut heard = Heard(None);
    attributes.record(&mut heard);
    heard.0
}

/// Adds where a span begins in the code.
pub(super) fn location(record: &mut Record, metadata: &Metadata<'_>) {
    if let Some(file) = metadata.file() {
        record.attribute("code.file.path", Value::Str(file));
    }
    if let Some(line) = metadata.line() {
        record.attribute("code.line.number", Value::Int(i64::from(line)));
    }
    if let Some(module) = metadata.module_path() {
        record.attribute("code.module.name", Value::Str(module));
    }
}

/// What `otel.*` fields said.
#[derive(Default)]
struct Said {
    name: Option<String>,
    kind: Option<Kind>,
    status: Option<Status>,
    message: Option<String>,
}

impl Said {
    /// Takes what a field said; returns whether it was understood.
    fn hear(&mut self, word: &str, text: &str) -> bool {
        match word {
            "name" => self.name = Some(text.to_owned()),
            "kind" => self.kind = Kind::parse(text),
            "status_code" if text.eq_ignore_ascii_case("ok") => self.status = Some(Status::Ok),
            "status_code" if text.eq_ignore_ascii_case("error") => self.status = Some(Status::Error),
            "status_code" => {}
            "status_description" | "status_message" => {
                self.message = Some(text.to_owned());
                self.status = self.status.or(Some(Status::Error));
            }
            _ => return false,
        }
        true
    }

    fn apply(&self, record: &mut Record) {
        if let Some(name) = &self.name {
            record.name(name);
        }
        if let Some(kind) = self.kind {
            record.kind(kind);
        }
        if let Some(status) = self.status {
            record.status(status, self.message.as_deref().unwrap_or_default());
        }
    }
}

/// Fields that came after their span's start.
pub(super) struct Later<'a> {
    scratch: &'a mut Vec<u8>,
    limits: &'a Limits,
    said: Said,
}

/// What is left of later fields once they are read.
pub(super) struct LaterRead(Said);

impl Later<'_> {
    pub(super) fn read(values: &Values<'_>, scratch: &mut Vec<u8>, limits: &Limits) -> LaterRead {
        let mut later = Later { scratch, limits, said: Said::default() };
        values.record(&mut later);
        LaterRead(later.said)
    }

    fn set(&mut self, field: &Field, value: Value<'_>) {
        let name = field.name();
        if let Some(word) = otel(name) {
            let mut understood = false;
            with_text(value, |text| understood = self.said.hear(word, text));
            if understood {
                return;
            }
        }
        if self.scratch.len() < SPAN_BYTES_MAX {
            attribute(self.scratch, 0x4a, name, value, self.limits.value_chars);
        }
    }
}

impl LaterRead {
    pub(super) fn apply(&self, record: &mut Record, scratch: &[u8]) {
        record.attributes_encoded(scratch);
        self.0.apply(record);
    }
}

/// An event of `tracing`, on its way to become one of a span.
pub(super) struct Happening<'a> {
    scratch: &'a mut Vec<u8>,
    limits: &'a Limits,
    message: String,
    /// What the field `error` said, and the causes behind it.
    error: Option<String>,
    causes: String,
    count: u32,
    left_out: u32,
    is_error: bool,
}

/// What is left of an event once it is read.
pub(super) struct HappeningRead {
    fails: bool,
    is_exception: bool,
    message: String,
}

impl Happening<'_> {
    pub(super) fn read(
        event: &Event<'_>,
        scratch: &mut Vec<u8>,
        unix_ns: u64,
        limits: &Limits,
    ) -> HappeningRead {
        let metadata = event.metadata();
        fixed64_field(scratch, 0x09, unix_ns);
        let mut happening = Happening {
            scratch,
            limits,
            message: local::text(),
            error: None,
            causes: String::new(),
            count: 0,
            left_out: 0,
            is_error: *metadata.level() == Level::ERROR,
        };
        happening.put("level", Value::Str(metadata.level().as_str()));
        happening.put("target", Value::Str(metadata.target()));
        event.record(&mut happening);
        happening.finish(metadata)
    }

    fn finish(mut self, metadata: &Metadata<'_>) -> HappeningRead {
        let message = std::mem::take(&mut self.message);
        let is_exception = self.error.is_some();
        let (name, failure) = match self.error.take() {
            Some(error) => {
                self.put("exception.message", Value::Str(&error));
                if !self.causes.is_empty() {
                    let causes = std::mem::take(&mut self.causes);
                    self.put("exception.stacktrace", Value::Display(&format_args!("{error}{causes}")));
                }
                if !message.is_empty() {
                    self.put("message", Value::Str(&message));
                }
                ("exception", error)
            }
            None if message.is_empty() => (metadata.name(), String::new()),
            None => (message.as_str(), if self.is_error { message.clone() } else { String::new() }),
        };
        bytes_field(self.scratch, 0x12, cut_bytes(name, NAME_BYTES_MAX).as_bytes());
        if 0 < self.left_out {
            self.scratch.push(0x20);
            varint(self.scratch, u64::from(self.left_out));
        }
        local::give_back_text(message);
        HappeningRead { fails: self.is_error, is_exception, message: failure }
    }

    fn put(&mut self, key: &str, value: Value<'_>) {
        if self.limits.attributes_per_event <= self.count || SPAN_BYTES_MAX < self.scratch.len() {
            self.left_out += 1;
            return;
        }
        self.count += 1;
        attribute(self.scratch, 0x1a, key, value, self.limits.value_chars);
    }

    fn set(&mut self, field: &Field, value: Value<'_>) {
        match field.name() {
            "message" => with_text(value, |text| self.message.push_str(text)),
            // Plain errors of `error!(error = %e)` and of `#[instrument(err)]`.
            "error" if self.is_error => with_text(value, |text| self.error = Some(text.to_owned())),
            // What `tracing-log` adds to each record of the crate `log`.
            "log.target" | "log.module_path" | "log.file" | "log.line" => {}
            name => self.put(name, value),
        }
    }

    fn error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        if field.name() != "error" {
            self.set(field, Value::Display(&error));
            return;
        }
        self.error = Some(error.to_string());
        let mut cause = error.source();
        for _ in 0..CAUSES_MAX {
            let Some(next) = cause else { break };
            self.causes.push_str(&format!("\nCaused by: {next}"));
            cause = next.source();
        }
    }
}

impl HappeningRead {
    pub(super) fn apply(self, record: &mut Record, scratch: &[u8]) {
        // The event itself is a log already, wherever those go.
        if !self.is_exception || record.engine().exceptions.on_spans {
            record.event_encoded(scratch);
        }
        if self.fails && !record.is_error() {
            record.status(Status::Error, &self.message);
        }
    }
}

/// Returns what follows `otel.` in a field's name.
#[inline]
fn otel(name: &str) -> Option<&str> {
    name.strip_prefix("otel.")
}

/// Calls `take` with the text of a value.
fn with_text(value: Value<'_>, take: impl FnOnce(&str)) {
    if let Value::Str(text) = value {
        return take(text);
    }
    let mut text = local::text();
    let _ = fmt::write(&mut text, format_args!("{value:?}"));
    take(&text);
    local::give_back_text(text);
}

macro_rules! visit {
    ($visitor:ty) => {
        impl Visit for $visitor {
            #[inline]
            fn record_str(&mut self, field: &Field, value: &str) {
                self.set(field, Value::Str(value));
            }

            #[inline]
            fn record_i64(&mut self, field: &Field, value: i64) {
                self.set(field, Value::Int(value));
            }

            #[inline]
            fn record_u64(&mut self, field: &Field, value: u64) {
                match i64::try_from(value) {
                    Ok(value) => self.set(field, Value::Int(value)),
                    // OTLP has no larger number.
                    Err(_) => self.set(field, Value::Display(&value)),
                }
            }

            fn record_i128(&mut self, field: &Field, value: i128) {
                match i64::try_from(value) {
                    Ok(value) => self.set(field, Value::Int(value)),
                    Err(_) => self.set(field, Value::Display(&value)),
                }
            }

            fn record_u128(&mut self, field: &Field, value: u128) {
                match i64::try_from(value) {
                    Ok(value) => self.set(field, Value::Int(value)),
                    Err(_) => self.set(field, Value::Display(&value)),
                }
            }

            fn record_bool(&mut self, field: &Field, value: bool) {
                self.set(field, Value::Bool(value));
            }

            fn record_f64(&mut self, field: &Field, value: f64) {
                self.set(field, Value::Double(value));
            }

            fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
                self.error(field, value);
            }

            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                self.set(field, Value::Debug(value));
            }
        }
    };
}

visit!(Opening<'_>);
visit!(Later<'_>);
visit!(Happening<'_>);

impl Opening<'_> {
    fn error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.set(field, Value::Display(&error));
    }
}

impl Later<'_> {
    fn error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.set(field, Value::Display(&error));
    }
}
