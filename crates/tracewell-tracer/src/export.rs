//! Sending: one thread that turns parcels into requests and hands them to an exporter.
//!
//! A request is a finished OTLP `ExportTraceServiceRequest`: the resource and the scopes are written
//! around spans that are bytes already. Exporters of other protocols read it again, here, where no
//! service waits.
//!
//! A request that failed for a while is tried again with a doubling pause and jitter, or after what the
//! server asked for; meanwhile spans gather in the queue up to its budget. What is refused for good,
//! or failed for too long, is dropped and counted.

mod guard;
#[cfg(feature = "redact")]
mod redaction;
mod request;
mod span_view;
mod worker;

pub mod http;
pub mod jaeger;
pub mod zipkin;

#[cfg(feature = "grpc")]
pub mod grpc;

pub mod compression;
mod endpoint;

use std::fmt;
use std::time::{Duration, Instant};

use crate::read;

pub use compression::Compression;
pub use endpoint::{Endpoint, EndpointError};
pub use guard::{Guard, TracerBuilder};

/// A request on its way out.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// An `ExportTraceServiceRequest` of OTLP.
    pub body: &'a [u8],
    /// The spans in it.
    pub spans: u32,
    /// When to give up waiting.
    pub deadline: Instant,
}

/// Whatever takes requests: called by the exporter's thread alone, and free to block until the
/// request's deadline.
pub trait Export: Send {
    /// Sends a request. Spans that the other side did not want are told, not failed.
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError>;

    /// Says where spans go, for the line that is printed at the start.
    fn describe(&self) -> String;
}

/// A request arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Spans that the other side rejected all the same.
    pub rejected: u64,
    /// What it said about them.
    pub message: String,
}

impl Accepted {
    /// Reads the answer of OTLP.
    fn read(answer: &[u8]) -> Self {
        let (rejected, message) = read::partial_success(answer);
        Self { rejected, message }
    }
}

/// Why a request did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Nobody was reached, or the connection broke.
    #[error("cannot reach {to}: {why}")]
    Unreachable {
        /// Where to.
        to: String,
        /// What the system said.
        why: String,
    },
    /// The other side has too much to do.
    #[error("not now: {status}")]
    Busy {
        /// Its status.
        status: String,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// The other side will never take it.
    #[error("refused: {status}")]
    Refused {
        /// Its status, and what it said.
        status: String,
    },
    /// What came back is not what the protocol says.
    #[error("no sense in the answer: {what}")]
    Protocol {
        /// What is wrong with it.
        what: String,
    },
}

impl ExportError {
    /// Tells whether it is worth trying again.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }

    pub(crate) fn unreachable(to: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::Unreachable { to: to.to_string(), why: why.to_string() }
    }

    pub(crate) fn protocol(what: impl Into<String>) -> Self {
        Self::Protocol { what: what.into() }
    }
}
