//! What a connection may cost.
//!
//! The time limits speak of the client alone: a second in which we did not ask for its bytes, because the
//! pipeline was full or a handler was busy, is never held against it.

use std::time::Duration;

/// Header fields of one request, and of one HTTP/2 header list.
pub const HEADER_BYTES_MAX: usize = 16 << 10;

/// Path and query of a request; longer is 414.
pub const URL_BYTES_MAX: usize = 16 << 10;

/// Streams that one HTTP/2 connection may have open.
pub(crate) const STREAMS_MAX: u32 = 256;

/// Streams reset by the client before we accepted them (CVE-2023-44487): more in a queue end the connection.
pub(crate) const RESETS_PENDING_MAX: usize = 20;

/// Streams that we had to reset because of the client's errors (CVE-2025-8671): more end the connection.
pub(crate) const RESETS_LOCAL_MAX: usize = 1024;

/// One stream's window: a whole export of a large batch travels without waiting for us.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 4 << 20;

/// All streams of a connection together.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// Fewer frames, fewer wake-ups.
pub(crate) const FRAME_BYTES: u32 = 1 << 20;

/// What one stream may hold of a reply that its client does not take; with [`STREAMS_MAX`] it bounds a connection.
pub(crate) const SEND_BUFFER_BYTES: usize = 256 << 10;

/// Connections that each listener may have beyond the common cap, so that a flood on one port never
/// closes the door of health.
pub(crate) const RESERVE: usize = 8;

/// The limits of all listeners of a process. [`Limits::of`] gives the usual ones.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections of all listeners together; past it the listeners wait.
    pub connections_max: usize,
    /// From the first byte of a request (from the start of the connection, for the first) to the end of its header.
    pub head_time: Duration,
    /// A connection without a request is closed after this long.
    pub idle_time: Duration,
    /// How long a body may dawdle before its rate counts.
    pub body_grace: Duration,
    /// The slowest a body may come after its grace.
    pub body_bytes_per_second_min: u64,
    /// How long a client may take nothing of a reply that is ready.
    pub stall_time: Duration,
    /// An HTTP/2 connection is pinged this often.
    pub ping_interval: Duration,
    /// And closed when the answer takes longer than this.
    pub ping_time: Duration,
}

impl Limits {
    /// Returns the usual limits for a process that may open this many descriptors: half of them
    /// may be connections, the other half is the store's.
    pub fn of(descriptors: u64) -> Self {
        Self {
            connections_max: usize::try_from(descriptors / 2).map_or(10_000, |half| half.clamp(1, 10_000)),
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(120),
            body_grace: Duration::from_secs(10),
            body_bytes_per_second_min: 1024,
            stall_time: Duration::from_secs(30),
            ping_interval: Duration::from_secs(20),
            ping_time: Duration::from_secs(20),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_half_of_the_descriptors() {
        assert_eq!(Limits::of(1024).connections_max, 512);
        assert_eq!(Limits::of(1 << 20).connections_max, 10_000);
        assert_eq!(Limits::of(u64::MAX).connections_max, 10_000);
        assert_eq!(Limits::of(0).connections_max, 1);
    }
}
