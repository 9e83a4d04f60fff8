//! Why a handler failed, from the handler to the layer: as an extension of its response.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

use http::Response;
use tracewell::{Span, SpanStatus};

/// Causes of one error that are written at most; a chain that long is a loop.
const CAUSES_MAX: usize = 16;

/// Why a handler failed. Attached to its response, it is recorded on the request's span.
///
/// ```
/// use http::Response;
/// use tracewell_tower::Failure;
///
/// # let error = "x".parse::<u8>().unwrap_err();
/// let mut response = Response::builder().status(422).body("no number").unwrap();
/// Failure::of(&error).attach(&mut response);
/// ```
#[derive(Clone, Debug)]
pub struct Failure(Arc<Said>);

#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) stack: String,
}

impl Failure {
    /// Keeps what an error says: its type, its message, its causes, and the way here, where
    /// `RUST_BACKTRACE` wants it.
    pub fn of<E: Error + ?Sized>(error: &E) -> Self {
        let message = error.to_string();
        let kind = std::any::type_name::<E>();
        let kind = if kind.starts_with("dyn ") { "error" } else { kind };
        let mut stack = format!("{kind}: {message}");
        let mut cause = error.source();
        for _ in 0..CAUSES_MAX {
            let Some(next) = cause else { break };
            // Nothing fails in a String.
            let _ = write!(stack, "\nCaused by: {next}");
            cause = next.source();
        }
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            let _ = write!(stack, "\n{backtrace}");
        }
        Self(Arc::new(Said { kind: kind.to_owned(), message, stack }))
    }

    /// Attaches it to a response.
    pub fn attach<B>(self, response: &mut Response<B>) {
        response.extensions_mut().insert(self);
    }

    pub(crate) fn said(&self) -> &Said {
        &self.0
    }
}

impl Said {
    /// Records it as an exception; what fails the span is somebody else's to say.
    pub(crate) fn record(&self, span: &mut Span) {
        if !span.is_recording() {
            return;
        }
        let mut attributes = vec![
            ("exception.type", self.kind.as_str().into()),
            ("exception.message", self.message.as_str().into()),
        ];
        if !self.stack.is_empty() {
            attributes.push(("exception.stacktrace", self.stack.as_str().into()));
        }
        span.event("exception", &attributes).attr("error.type", self.kind.as_str());
    }

    pub(crate) fn fail(&self, span: &mut Span) {
        self.record(span);
        span.status(SpanStatus::Error, &self.message);
    }
}

/// An error that a handler of axum may return: whatever came up with `?`, recorded on the request's span
/// and answered with a status and nothing else.
///
/// ```
/// use tracewell_tower::HandlerError;
///
/// async fn double(text: String) -> Result<String, HandlerError> {
///     let number: u32 = text.parse().map_err(|error| HandlerError::new(http::StatusCode::BAD_REQUEST, &error))?;
///     let shown = String::from_utf8(number.to_be_bytes().to_vec())?;
///     Ok(shown)
/// }
/// ```
#[cfg(feature = "axum")]
#[derive(Debug)]
pub struct HandlerError {
    status: http::StatusCode,
    failure: Failure,
}

#[cfg(feature = "axum")]
impl HandlerError {
    /// Answers with a status.
    pub fn new<E: Error + ?Sized>(status: http::StatusCode, error: &E) -> Self {
        Self { status, failure: Failure::of(error) }
    }
}

#[cfg(feature = "axum")]
impl<E: Error> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::new(http::StatusCode::INTERNAL_SERVER_ERROR, &error)
    }
}

#[cfg(feature = "axum")]
impl axum::response::IntoResponse for HandlerError {
    fn into_response(self) -> axum::response::Response {
        let reason = self.status.canonical_reason().unwrap_or_default();
        let mut response = axum::response::IntoResponse::into_response((self.status, reason));
        self.failure.attach(&mut response);
        response
    }
}
