//! Turning parameters into a search.
//!
//! Every API that Jaeger's clients know asks the same question in other words: [`Question`] is that
//! question, checked. How each word is read, and what is said about a wrong one, stands in the files
//! beside; texts are Jaeger's, which are Go's.

mod go_text;
mod parameters;
mod path_word;
mod trace_name;

use span::{DurationNanos, Tenant, UnixNanos};
use store::{Detail, Predicate, Search, SpanFilter, Stop};

use crate::ApiError;

pub(crate) use go_text::{duration_text, parse_bool, parse_duration, parse_i32, parse_i64};
pub(crate) use parameters::{Parameters, form_decoded};
pub(crate) use path_word::PathWord;
pub(crate) use trace_name::{TraceName, find};

/// How many traces a search returns unless told.
pub const LIMIT_DEFAULT: usize = 100;

/// How far a search looks back unless told: two days, as Jaeger does.
pub const LOOKBACK_DEFAULT: DurationNanos = DurationNanos(2 * 24 * 3_600 * 1_000_000_000);

/// What to look for, in the words of Jaeger's search. An empty text asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The service of one span.
    pub service: String,
    /// The operation of the same span.
    pub operation: String,
    /// Its tags, leniently typed.
    pub tags: Vec<(String, String)>,
    /// The least it took; zero asks for nothing.
    pub duration_min: DurationNanos,
    /// The most it took; zero asks for nothing.
    pub duration_max: DurationNanos,
    /// Its earliest start.
    pub start_min: UnixNanos,
    /// Its latest start, inclusive.
    pub start_max: UnixNanos,
}

impl Question {
    /// Checks the bounds of the duration.
    pub fn check_durations(&self) -> Result<(), ApiError> {
        let bounded = self.duration_min.0 != 0 && self.duration_max.0 != 0;
        if bounded && self.duration_max < self.duration_min {
            return Err(ApiError::Malformed("'maxDuration' should be greater than 'minDuration'".to_owned()));
        }
        Ok(())
    }

    /// Returns the search that answers it.
    pub fn search(&self, tenant: Tenant, detail: Detail, stop: &Stop) -> Search {
        let mut all = Vec::new();
        if !self.service.is_empty() {
            all.push(Predicate::Service(self.service.clone()));
        }
        if !self.operation.is_empty() {
            all.push(Predicate::Name(self.operation.clone()));
        }
        if self.duration_min.0 != 0 {
            all.push(Predicate::DurationMin(self.duration_min));
        }
        if self.duration_max.0 != 0 {
            all.push(Predicate::DurationMax(self.duration_max));
        }
        all.extend(self.tags.iter().map(|(key, value)| Predicate::tag(key, value)));
        Search {
            tenant,
            filter: SpanFilter { all },
            start_min: self.start_min,
            start_max: self.start_max,
            arrived_after: None,
            after: None,
            detail,
            stop: stop.clone(),
        }
    }
}

/// Reads a JSON object of texts, as `tags` carries it.
pub fn tags_of_json(text: &str) -> Result<Vec<(String, String)>, serde_json::Error> {
    let tags: std::collections::BTreeMap<String, String> = serde_json::from_str(text)?;
    Ok(tags.into_iter().collect())
}
