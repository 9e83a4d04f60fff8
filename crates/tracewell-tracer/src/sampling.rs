//! Which traces are recorded: decided at a span's start, before a byte of it is written.
//!
//! A child follows its parent, so a trace is whole or absent. A root is decided by the sampler: always,
//! never, by ratio, so many a second, by the first rule that fits, or by a function of the user's. The
//! ratio is OpenTelemetry's consistent one: the low 56 bits of the trace id are a random number R, a
//! trace is kept when R >= T, and T travels in the trace state as `ot=th:..`, so that whoever counts
//! spans knows what each stands for.
//!
//! Over that stand, in this order: what the span itself says (`sampling.priority`), the emergency (a
//! share that nothing but `sampling.priority=emergency` gets past), and the load (all shares shrink
//! while the process or the queue is too full). Rules and functions that want to know attributes are
//! asked when the span's first attributes have been said; its record is thrown away where they say no.

mod judge;
mod load;
mod pattern;
mod priority;
mod ratio;
mod remote;
mod rule;
mod tally;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracewell_context::{Context, TraceId};

use crate::kind::Kind;
use crate::message::attribute_of;
use crate::value::Value;

pub(crate) use judge::{Judge, Verdict};
pub use load::Load;
pub(crate) use load::LoadMeter;
pub(crate) use pattern::Pattern;
pub(crate) use priority::KEY as PRIORITY_KEY;
pub use priority::Priority;
pub use remote::Remote;
pub(crate) use remote::RemotePoll;
pub use rule::{Place, Rule};
pub use tally::Sampled;
pub(crate) use tally::{Tallies, Tally};

/// A span that asks whether it is to be recorded.
pub struct Asking<'a> {
    /// The span's name.
    pub name: &'a str,
    /// Which side of a call it is.
    pub kind: Kind,
    /// The parent, if there is one, in this process or another.
    pub parent: Option<&'a Context>,
    /// The trace that it belongs to or begins.
    pub trace_id: TraceId,
    /// The span's message so far.
    pub(crate) message: &'a [u8],
}

impl<'a> Asking<'a> {
    /// Returns an attribute that was said before the span began; of lists and maps, nothing.
    pub fn attribute(&self, key: &str) -> Option<Value<'a>> {
        attribute_of(self.message, key)
    }
}

impl fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("parent", &self.parent)
            .field("trace_id", &self.trace_id)
            .finish_non_exhaustive()
    }
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
    /// So many traces a second are, and none beyond.
    PerSecond(f64),
    /// The first rule that fits decides.
    Rules {
        /// Asked in this order.
        rules: Vec<Rule>,
        /// The share of what no rule fits.
        otherwise: f64,
    },
    /// A function decides.
    Custom(Decide),
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlwaysOn => f.write_str("always_on"),
            Self::AlwaysOff => f.write_str("always_off"),
            Self::Ratio(ratio) => write!(f, "ratio {ratio}"),
            Self::PerSecond(rate) => write!(f, "{rate} a second"),
            Self::Rules { rules, otherwise } => {
                f.write_str("rules ")?;
                for rule in rules {
                    write!(f, "{rule:?}, ")?;
                }
                write!(f, "otherwise {otherwise}")
            }
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
    /// Shrinks all shares under load; off unless told.
    pub load: Option<Load>,
    /// The share of traces in an emergency; see [`crate::Tracer::set_emergency`].
    pub emergency_ratio: f64,
    /// What is kept although it was not sampled; nothing unless told.
    pub keep: Keep,
    /// Asks a Jaeger backend for the sampler, again and again; `root` holds until it answered.
    pub remote: Option<Remote>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            root: Sampler::AlwaysOn,
            parent_based: true,
            load: None,
            emergency_ratio: 0.01,
            keep: Keep::default(),
            remote: None,
        }
    }
}

/// What is kept of traces that were not sampled. While anything is, their spans are recorded all the
/// same and wait in memory until their part of the trace in this process has ended: unsampled is then
/// as dear as sampled, except that nothing is sent. A service upstream or downstream keeps its own
/// part, or does not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keep {
    /// Traces with an error, or with an HTTP status of at least `status`.
    pub errors: bool,
    /// The least `http.response.status_code` that is an error.
    pub status: u16,
    /// Traces whose part in this process took at least that long.
    pub slow: Option<Duration>,
    /// Bytes that may wait; spans beyond it are dropped and counted.
    pub bytes_max: usize,
}

impl Default for Keep {
    /// Nothing is kept.
    fn default() -> Self {
        Self { errors: false, status: 500, slow: None, bytes_max: 8 * 1024 * 1024 }
    }
}

impl Keep {
    /// Errors, statuses of 500 and above, and what takes a second or more.
    pub fn errors_and_slow() -> Self {
        Self { errors: true, slow: Some(Duration::from_secs(1)), ..Self::default() }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        !self.errors && self.slow.is_none()
    }
}
