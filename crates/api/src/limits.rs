//! What a question may cost.

use std::time::Duration;

/// The limits of all APIs of a process.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Memory of all answers together: what was read for them and what was not yet sent.
    pub answer_bytes_max: usize,
    /// Queries that work at the same time. Each holds a thread of the blocking pool while it does.
    pub working_max: usize,
    /// Queries that wait for their turn; one more is refused.
    pub waiting_max: usize,
    /// How long one query may work. Time in which its client does not read is not counted.
    pub query_time_max: Duration,
    /// The longest body of `/api/transform`.
    pub body_bytes_max: usize,
    /// By how much clocks may be corrected when a trace is read; zero is off.
    pub clock_skew_max: Duration,
}

/// How often a parameter may be given.
pub(crate) const REPEATS_MAX: usize = 100;

/// How much memory one part of a body takes. An answer that fits is sent with its length.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// A part this long is sent: the next span would likely make its memory grow beyond [`CHUNK_BYTES`].
pub(crate) const CHUNK_BYTES_ENOUGH: usize = CHUNK_BYTES - (16 << 10);

impl Limits {
    /// Returns the usual limits for a machine with this many cores.
    pub fn of(cores: usize) -> Self {
        Self {
            answer_bytes_max: 256 << 20,
            working_max: cores.max(1) * 2,
            waiting_max: 1_024,
            query_time_max: Duration::from_secs(30),
            body_bytes_max: 64 << 20,
            clock_skew_max: Duration::ZERO,
        }
    }
}
