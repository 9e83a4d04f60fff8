//! Findings in words.

use std::borrow::Cow;

use insight::{Finding, FindingKind};
use span::{DurationNanos, SpanRef};

use super::laid::Laid;
use crate::json::JsonWriter;

/// So many rows of a finding are listed; its count tells of the others.
const ROWS_MAX: usize = 1_000;

/// So many letters of a failure's message are shown in a title.
const MESSAGE_LETTERS_MAX: usize = 200;

/// Writes all findings of a trace.
pub(super) fn write_findings(json: &mut JsonWriter, laid: &Laid) {
    json.begin_array();
    for finding in &laid.findings.all {
        write(json, laid, finding);
    }
    json.end_array();
}

fn write(json: &mut JsonWriter, laid: &Laid, finding: &Finding) {
    let total = laid.trace.end().since(laid.trace.start());
    let span = laid.span(finding.row);
    json.begin_object();
    json.key("kind");
    json.text(word(finding.kind));
    json.key("row");
    json.unsigned(laid.rows[finding.row] as u64);
    json.key("rows");
    json.begin_array();
    let mut rows: Vec<usize> = finding.rows.iter().map(|place| laid.rows[*place]).collect();
    rows.sort_unstable();
    rows.iter().take(ROWS_MAX).for_each(|row| json.unsigned(*row as u64));
    json.end_array();
    json.key("count");
    json.unsigned(finding.rows.len() as u64);
    json.key("ns");
    json.unsigned(finding.time.0);
    json.key("share");
    json.double(share(finding.time, total));
    let message = (finding.kind == FindingKind::Error).then(|| message_of(span));
    json.key("title");
    json.text(&title(laid, finding, message.as_deref().unwrap_or_default()));
    json.key("service");
    json.text(span.resource().service());
    json.key("operation");
    json.text(span.operation());
    if let Some(message) = message {
        json.key("message");
        json.text(&message);
    }
    if !finding.parts.is_empty() {
        json.key("parts");
        json.begin_array();
        for (service, time) in &finding.parts {
            json.begin_object();
            json.key("service");
            json.text(service);
            json.key("ns");
            json.unsigned(time.0);
            json.key("share");
            json.double(share(*time, total));
            json.end_object();
        }
        json.end_array();
    }
    json.end_object();
}

const fn word(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Error => "error",
        FindingKind::SlowestSelf => "slowest_self",
        FindingKind::CriticalPath => "critical_path",
        FindingKind::Repeated => "repeated",
        FindingKind::Sequential => "sequential",
        FindingKind::Gap => "gap",
        FindingKind::Orphans => "orphans",
        FindingKind::ClockSkew => "clock_skew",
    }
}

fn title(laid: &Laid, finding: &Finding, message: &str) -> String {
    let span = laid.span(finding.row);
    let named = format!("{} · {}", span.resource().service(), span.operation());
    let (time, count) = (told(finding.time), finding.rows.len());
    let percent = 100.0 * share(finding.time, laid.trace.end().since(laid.trace.start()));
    match finding.kind {
        FindingKind::Error => {
            let short: String = message.chars().take(MESSAGE_LETTERS_MAX).collect();
            let colon = if short.is_empty() { "" } else { ": " };
            match count - 1 {
                0 => format!("{named} failed{colon}{short}"),
                others => format!("{named} failed{colon}{short} (and {others} more)"),
            }
        }
        FindingKind::SlowestSelf => format!("{named} took {time} by itself, {percent:.0} % of the trace"),
        FindingKind::CriticalPath => {
            let (service, _) = finding.parts.first().map_or(("", 0), |(name, time)| (&**name, time.0));
            format!("{service} holds {percent:.0} % of the critical path")
        }
        FindingKind::Repeated => {
            let of = laid.tree.parent(finding.row).map(|parent| laid.span(parent).operation());
            let under = of.map_or_else(String::new, |of| format!(" under {of}"));
            format!("{count} × {named}{under}, {time} together")
        }
        FindingKind::Sequential => {
            format!("{count} calls one after the other, from {named}: side by side they would save {time}")
        }
        FindingKind::Gap => format!("{named} did something for {time} that no span tells"),
        FindingKind::Orphans if count == 1 => "1 span whose parent never came".to_owned(),
        FindingKind::Orphans => format!("{count} spans whose parent never came"),
        FindingKind::ClockSkew => {
            format!("the clock of {} is off by at least {time}", span.resource().service())
        }
    }
}

/// Returns what a failed span says: its status message, else its exception.
fn message_of(span: SpanRef<'_>) -> Cow<'_, str> {
    if !span.status_message().is_empty() {
        return String::from_utf8_lossy(span.status_message());
    }
    let exceptions = span.events().filter(|event| event.name() == b"exception");
    let of_event = |key: &[u8]| exceptions.clone().find_map(|event| event.attribute(key));
    let of_span = |key: &[u8]| span.attribute(key);
    let said = of_event(b"exception.message")
        .or_else(|| of_event(b"exception.type"))
        .or_else(|| of_span(b"error.message"))
        .or_else(|| of_span(b"error.type"));
    said.map_or(Cow::Borrowed(""), |value| value.text_form())
}

fn share(part: DurationNanos, whole: DurationNanos) -> f64 {
    if whole.0 == 0 { 0.0 } else { (part.0 as f64 / whole.0 as f64).min(1.0) }
}

/// Says a length of time with three digits.
pub(super) fn told(time: DurationNanos) -> String {
    let ns = time.0 as f64;
    let (number, unit) = match time.0 {
        0..1_000 => return format!("{} ns", time.0),
        1_000..1_000_000 => (ns / 1e3, "µs"),
        1_000_000..1_000_000_000 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    let digits = if 100.0 <= number {
        0
    } else if 10.0 <= number {
        1
    } else {
        2
    };
    format!("{number:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_with_three_digits() {
        let all = [0, 999, 1_500, 69_140_000, 202_000_000, 1_234_000_000, 90_000_000_000];
        let texts = all.map(|ns| told(DurationNanos(ns))).join(", ");
        assert_eq!(texts, "0 ns, 999 ns, 1.50 µs, 69.1 ms, 202 ms, 1.23 s, 90.0 s");
    }
}
