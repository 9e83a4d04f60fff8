//! Errors and panics as lines of the log, for `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`.

use tracewell_tracer::{Exception, ExceptionSink, Exceptions};

use crate::log;

/// Where exceptions go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Onto their spans.
    #[default]
    Spans,
    /// Into the log.
    Logs,
    /// Both.
    Both,
    /// Nowhere; spans fail all the same.
    Nowhere,
}

impl Signal {
    /// Reads `logs` or `logs/dup`; other words of a list are other people's.
    pub(crate) fn parse(text: &str) -> Self {
        let has = |word: &str| text.split(',').any(|part| part.trim() == word);
        match () {
            () if has("logs/dup") => Self::Both,
            () if has("logs") => Self::Logs,
            () => Self::Spans,
        }
    }

    pub(crate) fn exceptions(self) -> Exceptions {
        let logs = matches!(self, Self::Logs | Self::Both);
        let log = logs.then(|| std::sync::Arc::new(Lines) as _);
        Exceptions { on_spans: matches!(self, Self::Spans | Self::Both), log }
    }
}

/// Writes exceptions to standard output, a line each.
#[derive(Debug)]
struct Lines;

impl ExceptionSink for Lines {
    fn exception(&self, exception: &Exception<'_>) {
        // A panic has its line from the hook, which is there even where no span is.
        if exception.kind != "panic" {
            log::print(&line("ERROR", exception));
        }
    }
}

/// Writes a panic that may end the process.
pub(crate) fn fatal(message: &str, details: &str) {
    let context = tracewell_tracer::current();
    let (trace_id, span_id) = (context.span.trace_id, context.span.span_id);
    let unix_ns = log::now_unix_ns();
    log::print(&line("FATAL", &Exception { trace_id, span_id, unix_ns, kind: "panic", message, details }));
}

fn line(level: &str, exception: &Exception<'_>) -> String {
    let Exception { trace_id, span_id, unix_ns, kind, message, details } = *exception;
    let mut fields = vec![("message", message), ("exception.type", kind), ("exception.message", message)];
    let stack = format!("{kind}: {message}{details}");
    if !details.is_empty() {
        fields.push(("exception.stacktrace", &stack));
    }
    let (trace_id, span_id) =
        if span_id.is_none() { Default::default() } else { (trace_id.to_string(), span_id.to_string()) };
    if !span_id.is_empty() {
        fields.extend([("trace_id", trace_id.as_str()), ("span_id", span_id.as_str())]);
    }
    log::said(unix_ns, level, "exception", &fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opt_in_is_a_list_of_words() {
        assert_eq!(Signal::parse("logs"), Signal::Logs);
        assert_eq!(Signal::parse("http, logs/dup"), Signal::Both);
        assert_eq!(Signal::parse("nothing"), Signal::Spans);
    }

    #[test]
    fn exceptions_are_lines_with_the_ids_of_their_span() {
        #[derive(Debug, Default)]
        struct Keep(std::sync::Mutex<String>);
        impl ExceptionSink for Keep {
            fn exception(&self, exception: &Exception<'_>) {
                *self.0.lock().unwrap() = line("ERROR", exception);
            }
        }
        let (kept, capture) = (std::sync::Arc::new(Keep::default()), tracewell_tracer::Capture::new());
        let log: std::sync::Arc<dyn ExceptionSink> = kept.clone();
        let exceptions = Exceptions { log: Some(log), ..Signal::Logs.exceptions() };
        let builder = tracewell_tracer::TracerBuilder::default().exceptions(exceptions);
        let guard = builder.start(capture.exporter()).unwrap();
        guard.tracer().span("work").start().record_error(&"x".parse::<u8>().unwrap_err());
        guard.flush(std::time::Duration::from_secs(20));
        let span = capture.span("work");
        assert!(span.event("exception").is_none() && span.attribute("error.type").is_some());
        assert_eq!(span.status, crate::SpanStatus::Error);
        let json: serde_json::Value = serde_json::from_str(&kept.0.lock().unwrap()).unwrap();
        assert_eq!(json["exception.message"], "invalid digit found in string");
        assert_eq!(json["span_id"], span.span_id.to_string());
        assert_eq!(json["level"], "ERROR");
    }
}
