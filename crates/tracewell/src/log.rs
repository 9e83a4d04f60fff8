//! Events as lines of JSON on standard output, each with the ids of its trace and span.
//!
//! A line is made in a buffer of the thread and written at once, so lines never mix.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use tracewell_tracer::subscriber::{Directives, EventSink};
use tracewell_tracer::{Value, current};
use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Level, Metadata};

thread_local! {
    static LINE: Cell<String> = const { Cell::new(String::new()) };
    /// A value while it is shown.
    static SHOWN: Cell<String> = const { Cell::new(String::new()) };
}

/// Writes lines to standard output.
#[derive(Debug, Default)]
pub(crate) struct JsonLog {
    secrets: Secrets,
}

impl JsonLog {
    /// Makes a writer that takes out secrets.
    pub(crate) fn new(secrets: Secrets) -> Self {
        Self { secrets }
    }

    /// Writes a line that `write` makes, at once.
    fn line(&self, write: impl FnOnce(&mut String, &Secrets)) {
        let mut line = LINE.try_with(Cell::take).unwrap_or_default();
        line.clear();
        write(&mut line, &self.secrets);
        // Whoever closed the pipe does not want the line.
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
        if line.capacity() <= 64 * 1024 {
            let _ = LINE.try_with(|kept| kept.set(line));
        }
    }
}

/// Who writes lines that are no events; none if lines are off. Not decided, somebody else's subscriber
/// is at work.
static LINES: OnceLock<Option<(JsonLog, Directives)>> = OnceLock::new();

/// What is taken out of lines about exceptions, which are written whoever writes the others.
static SECRETS: OnceLock<Secrets> = OnceLock::new();

/// Decides what is taken out of lines about exceptions; the first decision stays.
pub(crate) fn guard(secrets: Secrets) {
    let _ = SECRETS.set(secrets);
}

/// Decides who writes lines, if they are on; the first decision stays.
pub(crate) fn decide(lines: Option<(JsonLog, Directives)>) {
    let _ = LINES.set(lines);
}

/// Writes a line with the current ids, also where tracing is off. Returns whether it was the SDK's to
/// write; where not, whoever installed a subscriber of his own wants an event instead.
///
/// ```
/// assert!(!tracewell::log_line(tracing::Level::INFO, "shop", "served", &[("status", 200.into())]));
/// ```
pub fn log_line(level: Level, target: &str, message: &str, fields: &[(&str, Value<'_>)]) -> bool {
    let Some(lines) = LINES.get() else { return false };
    let Some((log, directives)) = lines else { return true };
    if directives.level_max() < level {
        return true;
    }
    log.line(|line, secrets| {
        head(line, now_unix_ns(), level, target);
        let message = ("message", Value::Str(message));
        for (key, value) in std::iter::once(&message).chain(fields) {
            line.push(',');
            text(line, key);
            line.push(':');
            match value {
                Value::Int(number) => secrets.number(line, key, *number),
                Value::Bool(truth) => line.push_str(if *truth { "true" } else { "false" }),
                Value::Double(number) if number.is_finite() => {
                    secrets.shown(line, key, format_args!("{number:?}"));
                }
                Value::Str(value) => quoted(line, key, value, secrets),
                Value::Display(value) => quoted(line, key, &value.to_string(), secrets),
                other => quoted(line, key, &format!("{other:?}"), secrets),
            }
        }
        tail(line);
    });
    true
}

fn quoted(line: &mut String, key: &str, value: &str, secrets: &Secrets) {
    line.push('"');
    secrets.write(line, key, value);
    line.push('"');
}

/// What is taken out of the values of a line.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    #[cfg(feature = "redact")]
    pub(crate) redactor: Option<tracewell_redact::Redactor>,
}

impl Secrets {
    /// Appends a text without its secrets, as the inside of a JSON string.
    fn write(&self, line: &mut String, key: &str, text: &str) {
        #[cfg(feature = "redact")]
        if let Some(redactor) = &self.redactor {
            // Dropped or replaced: a line keeps its fields.
            let safe = redactor.apply(key, text).into_text(text).unwrap_or_else(|| "****".into());
            let _ = Escaped(line).write_str(&safe);
            return;
        }
        let _ = (key, Escaped(line).write_str(text));
    }

    /// Appends a number, unless its key makes it a secret.
    fn number(&self, line: &mut String, key: &str, number: i64) {
        #[cfg(feature = "redact")]
        if let Some(redactor) = &self.redactor
            && !redactor.apply_number(redactor.class_of(key), number).is_keep()
        {
            line.push_str("\"****\"");
            return;
        }
        let _ = (key, write!(line, "{number}"));
    }

    /// Appends what is neither text nor a whole number of 64 bits, unless its key makes it a secret.
    fn shown(&self, line: &mut String, key: &str, value: impl fmt::Display) {
        #[cfg(feature = "redact")]
        if self.redactor.as_ref().is_some_and(|redactor| redactor.class_of(key).is_secret()) {
            line.push_str("\"****\"");
            return;
        }
        let _ = (key, write!(line, "{value}"));
    }
}

impl EventSink for JsonLog {
    fn event(&self, event: &Event<'_>) {
        self.line(|line, secrets| write_event(line, now_unix_ns(), event, secrets));
    }
}

#[expect(clippy::disallowed_methods, reason = "a line of a log says when")]
pub(crate) fn now_unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn write_event(line: &mut String, unix_ns: u64, event: &Event<'_>, secrets: &Secrets) {
    let metadata: &Metadata<'_> = event.metadata();
    head(line, unix_ns, *metadata.level(), metadata.target());
    event.record(&mut Fields { line, secrets });
    tail(line);
}

fn head(line: &mut String, unix_ns: u64, level: Level, target: &str) {
    line.push_str("{\"timestamp\":\"");
    timestamp(line, unix_ns);
    line.push_str("\",\"level\":\"");
    line.push_str(level.as_str());
    line.push_str("\",\"target\":");
    text(line, target);
}

fn tail(line: &mut String) {
    let context = current();
    if context.span.is_valid() {
        // Writing to a String cannot fail.
        let _ = write!(
            line,
            ",\"trace_id\":\"{}\",\"span_id\":\"{}\"",
            context.span.trace_id, context.span.span_id
        );
    }
    line.push_str("}\n");
}

struct Fields<'a> {
    line: &'a mut String,
    secrets: &'a Secrets,
}

impl Fields<'_> {
    fn key(&mut self, field: &Field) -> bool {
        let name = field.name();
        if name.starts_with("log.") {
            return false;
        }
        self.line.push(',');
        text(self.line, name);
        self.line.push(':');
        true
    }

    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        if self.key(field) {
            self.secrets.shown(self.line, field.name(), value);
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.key(field) {
            self.line.push('"');
            self.secrets.write(self.line, field.name(), value);
            self.line.push('"');
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if self.key(field) {
            self.secrets.number(self.line, field.name(), value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.plain(field, value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.plain(field, format_args!("{value:?}"));
        } else {
            // JSON has no such numbers.
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.key(field) {
            self.line.push('"');
            // Made apart, because a secret is seen only in the whole text.
            let mut shown = SHOWN.try_with(Cell::take).unwrap_or_default();
            shown.clear();
            let _ = write!(shown, "{value:?}");
            self.secrets.write(self.line, field.name(), &shown);
            if shown.capacity() <= 64 * 1024 {
                let _ = SHOWN.try_with(|kept| kept.set(shown));
            }
            self.line.push('"');
        }
    }
}

/// Writes a whole line of texts.
pub(crate) fn said(unix_ns: u64, level: &str, target: &str, fields: &[(&str, &str)]) -> String {
    let mut line = "{\"timestamp\":\"".to_owned();
    timestamp(&mut line, unix_ns);
    line.push('"');
    let usual = Secrets::default();
    let of_lines = || LINES.get().and_then(Option::as_ref).map(|(log, _)| &log.secrets);
    let secrets = SECRETS.get().or_else(of_lines).unwrap_or(&usual);
    for (key, value) in [("level", level), ("target", target)].iter().chain(fields) {
        line.push(',');
        text(&mut line, key);
        line.push(':');
        quoted(&mut line, key, value, secrets);
    }
    line.push_str("}\n");
    line
}

/// Prints a line.
pub(crate) fn print(line: &str) {
    // Whoever closed the pipe does not want the line.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

fn text(line: &mut String, text: &str) {
    line.push('"');
    // Nothing in the writer fails.
    let _ = Escaped(line).write_str(text);
    line.push('"');
}

/// Appends text as the inside of a JSON string.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'"' | b'\\' | 0..0x20))
        {
            self.0.push_str(&text[plain..at]);
            match byte {
                b'"' => self.0.push_str("\\\""),
                b'\\' => self.0.push_str("\\\\"),
                b'\n' => self.0.push_str("\\n"),
                other => write!(self.0, "\\u{other:04x}")?,
            }
            plain = at + 1;
        }
        self.0.push_str(&text[plain..]);
        Ok(())
    }
}

/// Writes RFC 3339 in UTC with microseconds.
fn timestamp(line: &mut String, unix_ns: u64) {
    let seconds = unix_ns / 1_000_000_000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let _ = write!(
        line,
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}Z",
        second / 3600,
        second / 60 % 60,
        second % 60,
        unix_ns / 1000 % 1_000_000,
    );
}

/// Turns days since 1970 into year, month and day: eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (year + era * 400 + u64::from(month <= 2), month, of_year - (153 * march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_778), (2026, 11, 21));
    }

    #[derive(Debug, Default, Clone)]
    struct Keep(Arc<Mutex<String>>, Arc<Secrets>);

    impl EventSink for Keep {
        fn event(&self, event: &Event<'_>) {
            write_event(&mut self.0.lock().unwrap(), 1_500_000_000, event, &self.1);
        }
    }

    #[test]
    fn lines_are_json_with_the_ids_of_their_span() {
        let kept = Keep::default();
        let (_, capture) = crate::testing::record_with(kept.clone(), || {
            tracing::info_span!("work").in_scope(|| {
                tracing::warn!(text = "a \"b\"\n\u{1}", number = -3, odd = f64::NAN, shown = ?Some("x"), "it {}", 1);
            });
        });
        let line = kept.0.lock().unwrap().clone();
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["timestamp"], "1970-01-01T00:00:01.500000Z");
        assert_eq!((&json["level"], &json["message"]), (&"WARN".into(), &"it 1".into()));
        assert_eq!(json["text"], "a \"b\"\n\u{1}");
        assert_eq!(json["number"], -3);
        assert_eq!(json["odd"], "NaN");
        assert_eq!(json["shown"], "Some(\"x\")");
        assert_eq!(json["trace_id"], capture.span("work").trace_id.to_string());
        assert_eq!(json["span_id"], capture.span("work").span_id.to_string());
    }

    #[cfg(feature = "redact")]
    #[test]
    fn lines_hold_no_secrets() {
        let secrets = Secrets { redactor: Some(tracewell_redact::Redactor::secrets()) };
        let kept = Keep(Arc::default(), Arc::new(secrets));
        crate::testing::record_with(kept.clone(), || {
            tracing::info!(
                password = "hunter2",
                pin = 1234,
                items = 3,
                "paid with {}",
                "4242 4242 4242 4242"
            );
        });
        let line = kept.0.lock().unwrap().clone();
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["message"], "paid with ****4242");
        assert_eq!(
            (&json["password"], &json["pin"], &json["items"]),
            (&"****".into(), &"****".into(), &3.into())
        );
    }
}
