//! Tag searches, as Jaeger's API made them common: `key=value`, leniently typed.
//!
//! Some keys name parts of a span that are no attributes. They find both the part and an attribute of
//! that name, because what an API shows must also be found by it.

use span::{SpanKind, StatusCode};

use crate::{Predicate, Within};

impl Predicate {
    /// Returns the predicate that a tag search for `key` and `value` means.
    pub fn tag(key: &str, value: &str) -> Self {
        let text = || value.to_owned();
        match key {
            "error" => match parse_bool(value) {
                Some(wanted) => Self::Failed(wanted),
                None => attribute(key, value),
            },
            "span.kind" => either(SpanKind::from_word(value).map(Self::Kind), key, value),
            "span.status" | "otel.status_code" => either(status_of(value).map(Self::Status), key, value),
            "otel.status_description" => either(Some(Self::StatusMessage(text())), key, value),
            "scope.name" | "otel.scope.name" | "otel.library.name" => {
                either(Some(Self::ScopeName(text())), key, value)
            }
            "scope.version" | "otel.scope.version" | "otel.library.version" => {
                either(Some(Self::ScopeVersion(text())), key, value)
            }
            "w3c.tracestate" => either(Some(Self::TraceState(text())), key, value),
            "event" => either(Some(Self::EventName(text())), key, value),
            _ => match key.strip_prefix("resource.") {
                Some(rest) if !rest.is_empty() => Self::Any(vec![
                    Self::Attribute { within: Within::Resource, key: rest.to_owned(), text: text() },
                    attribute(key, value),
                ]),
                _ => attribute(key, value),
            },
        }
    }
}

fn attribute(key: &str, value: &str) -> Predicate {
    Predicate::Attribute { within: Within::Anywhere, key: key.to_owned(), text: value.to_owned() }
}

fn either(part: Option<Predicate>, key: &str, value: &str) -> Predicate {
    match part {
        Some(part) => Predicate::Any(vec![part, attribute(key, value)]),
        None => attribute(key, value),
    }
}

/// Reads the words for truth that Go's `ParseBool` reads.
fn parse_bool(word: &str) -> Option<bool> {
    match word {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn status_of(word: &str) -> Option<StatusCode> {
    let word = word.strip_prefix("STATUS_CODE_").unwrap_or(word);
    match word.to_ascii_uppercase().as_str() {
        "UNSET" => Some(StatusCode::Unset),
        "OK" => Some(StatusCode::Ok),
        "ERROR" => Some(StatusCode::Error),
        _ => None,
    }
}
