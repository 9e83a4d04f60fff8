//! Which traces are recorded: decided at a span's start, before a byte of it is written.
//!
//! A child follows its parent, so a trace is whole or absent. A root is decided by the sampler: always,
//! never, by ratio, or by a function of the user's. The ratio is OpenTelemetry's consistent one: the
//! low 56 bits of the trace id are a random number R, a trace is kept when R >= T, and T travels in
//! the trace state as `ot=th:..`, so that whoever counts spans knows what each stands for.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use tracewell_context::{Context, Sampling as Binding, TraceId, TraceState};

/// Thresholds and random numbers have this many bits.
const BITS: u32 = 56;

/// A span that asks whether it is to be recorded.
#[derive(Debug)]
pub struct Asking<'a> {
    /// The span's name.
    pub name: &'a str,
    /// The parent, if there is one, in this process or another.
    pub parent: Option<&'a Context>,
    /// The trace that it belongs to or begins.
    pub trace_id: TraceId,
}

/// A function that decides; `true` records.
pub type Decide = Arc<dyn Fn(&Asking<'_>) -> bool + Send + Sync>;

/// How roots are decided.
#[derive(Clone)]
pub enum Sampler {
    /// Every trace is recorded.
    AlwaysOn,
    /// None is.
    AlwaysOff,
    /// This share of traces is, 0 to 1.
    Ratio(f64),
    /// A function decides.
    Custom(Decide),
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlwaysOn => f.write_str("always_on"),
            Self::AlwaysOff => f.write_str("always_off"),
            Self::Ratio(ratio) => write!(f, "ratio {ratio}"),
            Self::Custom(_) => f.write_str("custom"),
        }
    }
}

/// How spans are decided.
#[derive(Clone, Debug)]
pub struct Sampling {
    /// How roots are decided.
    pub root: Sampler,
    /// Whether children follow their parents; otherwise `root` is asked for each span.
    pub parent_based: bool,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { root: Sampler::AlwaysOn, parent_based: true }
    }
}

/// The sampler at work.
#[derive(Debug)]
pub(crate) struct Judge {
    parent_based: bool,
    root: RwLock<Root>,
}

#[derive(Debug)]
struct Root {
    sampler: Sampler,
    threshold: u64,
    /// What a sampled root of `Ratio` carries.
    state: TraceState,
}

impl Root {
    fn of(sampler: Sampler) -> Self {
        let ratio = if let Sampler::Ratio(ratio) = sampler { ratio } else { 1.0 };
        let threshold = threshold(ratio);
        let state = match &sampler {
            Sampler::Ratio(ratio) if 0.0 < *ratio => TraceState::EMPTY.with_ot("th", &digits(threshold)),
            _ => Ok(TraceState::EMPTY),
        };
        Self { sampler, threshold, state: state.unwrap_or(TraceState::EMPTY) }
    }
}

impl Judge {
    pub(crate) fn new(sampling: Sampling) -> Self {
        Self { parent_based: sampling.parent_based, root: RwLock::new(Root::of(sampling.root)) }
    }

    /// Changes how roots are decided from now on.
    pub(crate) fn replace(&self, sampler: Sampler) {
        *self.root.write().unwrap_or_else(PoisonError::into_inner) = Root::of(sampler);
    }

    /// Returns how roots are decided.
    pub(crate) fn sampler(&self) -> Sampler {
        self.root.read().unwrap_or_else(PoisonError::into_inner).sampler.clone()
    }

    /// Returns the parent's decision where it binds.
    #[inline]
    pub(crate) fn inherited(&self, parent: &Context) -> Option<bool> {
        match parent.sampling {
            Binding::Debug => Some(true),
            Binding::Decided if self.parent_based => Some(parent.span.flags.is_sampled()),
            _ => None,
        }
    }

    /// Decides anew. A root that is sampled by ratio gets the state that says so.
    pub(crate) fn decide(&self, asking: &Asking<'_>) -> Option<TraceState> {
        let root = self.root.read().unwrap_or_else(PoisonError::into_inner);
        let decide = match &root.sampler {
            Sampler::AlwaysOn => return Some(TraceState::EMPTY),
            Sampler::AlwaysOff => return None,
            Sampler::Ratio(ratio) => {
                let kept = 0.0 < *ratio && root.threshold <= randomness(asking);
                return kept.then(|| root.state.clone());
            }
            Sampler::Custom(decide) => Arc::clone(decide),
        };
        // A user's function runs without the lock: it may set the rate.
        drop(root);
        decide(asking).then_some(TraceState::EMPTY)
    }
}

/// Returns R: what the trace state says it is, else the low bits of the trace id.
fn randomness(asking: &Asking<'_>) -> u64 {
    let said = asking.parent.and_then(|parent| parent.span.trace_state.ot("rv"));
    said.filter(|digits| digits.len() == 14)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_else(|| asking.trace_id.low() & ((1 << BITS) - 1))
}

/// Returns T for a ratio.
fn threshold(ratio: f64) -> u64 {
    let whole = 1u64 << BITS;
    let rejected = (1.0 - ratio.clamp(0.0, 1.0)) * whole as f64;
    (rejected.round() as u64).min(whole - 1)
}

/// Writes T as `th` wants it: 14 digits without the zeros at the end.
fn digits(threshold: u64) -> String {
    let all = format!("{threshold:014x}");
    let short = all.trim_end_matches('0');
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(low: u64) -> Asking<'static> {
        Asking { name: "", parent: None, trace_id: TraceId::from_halves(0, low) }
    }

    #[test]
    fn thresholds_are_written_as_opentelemetry_does() {
        assert_eq!(digits(threshold(1.0)), "0");
        assert_eq!(digits(threshold(0.5)), "8");
        assert_eq!(digits(threshold(0.25)), "c");
    }

    #[test]
    fn ratio_keeps_its_share_and_says_so() {
        let judge = Judge::new(Sampling { root: Sampler::Ratio(0.25), parent_based: true });
        let step = (1u64 << BITS) / 1_000;
        let kept: Vec<_> = (0..1_000).filter_map(|n| judge.decide(&asking(n * step))).collect();
        assert!((249..=251).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept[0].as_str(), "ot=th:c");
        judge.replace(Sampler::Ratio(0.0));
        assert!(judge.decide(&asking((1 << BITS) - 1)).is_none());
    }
}
