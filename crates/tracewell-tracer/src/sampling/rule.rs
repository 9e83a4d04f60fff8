//! Rules: which spans they fit, and what share of those they record.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::{Asking, Pattern};
use crate::kind::Kind;
use crate::value::Value;

/// A rule of [`super::Sampler::Rules`]. Without conditions it fits every span; with several, all must
/// hold. It records everything that it fits, unless told.
///
/// ```
/// use tracewell_tracer::{Kind, Place, Rule, Sampler};
///
/// let sampler = Sampler::Rules {
///     rules: vec![
///         Rule::new("health").operation("GET /health*").share(0.0),
///         Rule::new("gold").kind(Kind::Server).attribute("customer.tier", "gold"),
///         Rule::new("jobs").operation("job *").parent(Place::None).per_second(5.0),
///     ],
///     otherwise: 0.1,
/// };
/// assert_eq!(format!("{sampler:?}"), "rules health 0, gold 1, jobs 5/s, otherwise 0.1");
/// ```
#[derive(Clone)]
pub struct Rule {
    pub(super) name: String,
    operation: Option<Pattern>,
    kind: Option<Kind>,
    attributes: Vec<(String, Pattern)>,
    place: Option<Place>,
    pub(super) share: f64,
    pub(super) per_second: Option<f64>,
    /// So many a second are recorded whatever the share says.
    pub(super) at_least: Option<f64>,
}

/// Where a span's parent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It has none.
    None,
    /// In this process.
    Local,
    /// In another process.
    Remote,
}

impl Rule {
    /// Makes a rule. Its name tells in `traces_sampled_total` what decided.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            operation: None,
            kind: None,
            attributes: Vec::new(),
            place: None,
            share: 1.0,
            per_second: None,
            at_least: None,
        }
    }

    /// Fits spans of that name only; `*` stands for anything.
    #[must_use]
    pub fn operation(mut self, pattern: &str) -> Self {
        self.operation = Some(Pattern::new(pattern));
        self
    }

    /// Fits spans of exactly that name.
    pub(super) fn exactly(mut self, name: &str) -> Self {
        self.operation = Some(Pattern::exact(name));
        self
    }

    /// Fits spans of that kind only.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Fits spans with that attribute only; `*` stands for anything. Numbers and truths are compared as
    /// text.
    #[must_use]
    pub fn attribute(mut self, key: &str, pattern: &str) -> Self {
        self.attributes.push((key.to_owned(), Pattern::new(pattern)));
        self
    }

    /// Fits spans whose parent is there only.
    #[must_use]
    pub fn parent(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Records that share, 0 to 1.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Records so many traces a second and none beyond.
    #[must_use]
    pub fn per_second(mut self, traces: f64) -> Self {
        self.per_second = Some(traces);
        self
    }

    /// Records so many traces a second whatever the share says.
    #[must_use]
    pub fn at_least_per_second(mut self, traces: f64) -> Self {
        self.at_least = Some(traces);
        self
    }

    pub(super) fn wants_attributes(&self) -> bool {
        !self.attributes.is_empty()
    }

    pub(super) fn fits(&self, asking: &Asking<'_>) -> bool {
        let place = match asking.parent {
            None => Place::None,
            Some(parent) if parent.span.is_remote => Place::Remote,
            Some(_) => Place::Local,
        };
        self.operation.as_ref().is_none_or(|operation| operation.fits(asking.name))
            && self.kind.is_none_or(|kind| kind == asking.kind)
            && self.place.is_none_or(|wanted| wanted == place)
            && self.attributes.iter().all(|(key, pattern)| {
                asking.attribute(key).is_some_and(|value| match value {
                    Value::Str(text) => pattern.fits(text),
                    other => pattern.fits(&format!("{other:?}")),
                })
            })
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.per_second {
            Some(rate) => write!(f, "{} {rate}/s", self.name),
            None => write!(f, "{} {}", self.name, self.share),
        }
    }
}

/// So many a second, saved up for a second at most, or for one where it is less than one a second.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    state: Mutex<(f64, u64)>,
}

impl Bucket {
    pub(super) fn new(rate: f64) -> Self {
        let rate = if rate.is_finite() { rate.max(0.0) } else { 0.0 };
        Self { rate, state: Mutex::new((rate.max(1.0).min(rate * 1e9), 0)) }
    }

    /// Takes one, if there is one at that time, in nanoseconds.
    pub(super) fn take(&self, now: u64) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, last) = *state;
        let passed = now.saturating_sub(last) as f64 / 1e9;
        let tokens = (tokens + passed * self.rate).min(self.rate.max(1.0));
        let taken = 1.0 <= tokens;
        *state = (if taken { tokens - 1.0 } else { tokens }, now.max(last));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_give_their_rate() {
        let bucket = Bucket::new(10.0);
        let second = 1_000_000_000;
        let burst = (0..100).filter(|_| bucket.take(second)).count();
        assert_eq!(burst, 10);
        let steady = (0..1_000).filter(|ms| bucket.take(second + ms * 1_000_000)).count();
        assert!((9..=10).contains(&steady), "{steady}");
        assert!(!Bucket::new(0.0).take(second));
        let rare = Bucket::new(0.5);
        assert!(rare.take(second) && !rare.take(2 * second) && rare.take(4 * second));
    }
}
