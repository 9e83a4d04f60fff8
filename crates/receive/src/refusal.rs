//! Why a message was not taken, in one vocabulary for all protocols.
//!
//! Each protocol says it in its own codes; the counters and the log say it by [`Cause`]. The distinction that
//! matters to a sender is whether the very same message can succeed later ([`Refusal::is_passing`]): a retryable
//! code for what can never fit would be sent for ever.

use pipeline::NotStored;
use wire::DecodeError;

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The sender's bytes are not what they claim to be.
    #[error("{0}")]
    Malformed(DecodeError),
    /// Larger than the operator allows.
    #[error("the message has more than {bytes_max} bytes; {setting} allows no more")]
    TooLarge { bytes_max: usize, setting: &'static str },
    /// Compressed in a way that nobody here reads.
    #[error("unsupported Content-Encoding: {name}")]
    Encoding { name: String },
    /// The body drips.
    #[error("{0}")]
    Slow(String),
    /// The body broke off: nobody reads the answer.
    #[error("the body broke off")]
    BrokenOff,
    /// All the memory for requests on their way is taken.
    #[error("too much is on its way here; try again in a second")]
    Busy,
    /// The intake is full.
    #[error("{0}; try again in a second")]
    Full(String),
    /// The server is going down.
    #[error("the server is shutting down")]
    Closed,
    /// The engine failed.
    #[error("the spans were not stored: {0}")]
    NotStored(NotStored),
    /// Our own fault: a decoder or the flow panicked.
    #[error("the server failed; its log says why")]
    Broke,
}

/// The counter of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Bytes that are not what they claim to be.
    Malformed,
    /// Larger than the limits.
    TooLarge,
    /// An unknown compression.
    Encoding,
    /// A body that came too slowly.
    Slow,
    /// A body that broke off.
    BrokenOff,
    /// No memory left for requests on their way.
    Busy,
    /// The intake was full.
    Full,
    /// The server was going down.
    Closed,
    /// The engine failed.
    NotStored,
    /// We failed.
    Broke,
}

impl Cause {
    /// Every cause, in the order of its counters.
    pub const ALL: [Self; 10] = [
        Self::Malformed,
        Self::TooLarge,
        Self::Encoding,
        Self::Slow,
        Self::BrokenOff,
        Self::Busy,
        Self::Full,
        Self::Closed,
        Self::NotStored,
        Self::Broke,
    ];

    /// Returns the word for labels.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Encoding => "encoding",
            Self::Slow => "slow",
            Self::BrokenOff => "broken_off",
            Self::Busy => "busy",
            Self::Full => "full",
            Self::Closed => "closed",
            Self::NotStored => "not_stored",
            Self::Broke => "broke",
        }
    }
}

impl Refusal {
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Malformed(_) => Cause::Malformed,
            Self::TooLarge { .. } => Cause::TooLarge,
            Self::Encoding { .. } => Cause::Encoding,
            Self::Slow(_) => Cause::Slow,
            Self::BrokenOff => Cause::BrokenOff,
            Self::Busy => Cause::Busy,
            Self::Full(_) => Cause::Full,
            Self::Closed => Cause::Closed,
            Self::NotStored(_) => Cause::NotStored,
            Self::Broke => Cause::Broke,
        }
    }

    /// Tells whether the same message can be taken later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::NotStored(not_stored) => not_stored.is_passing(),
            Self::Busy | Self::Full(_) | Self::Closed => true,
            Self::Malformed(_)
            | Self::TooLarge { .. }
            | Self::Encoding { .. }
            | Self::Slow(_)
            | Self::BrokenOff
            | Self::Broke => false,
        }
    }
}
