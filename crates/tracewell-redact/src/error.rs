//! Why rules cannot be followed.

use std::fmt;

/// Why rules cannot be followed. The operator is to blame.
///
/// ```
/// use tracewell_redact::{RedactError, Redactor, Rules};
///
/// let rules = Rules { deny: vec!["--".into()], ..Rules::secrets() };
/// assert_eq!(Redactor::new(&rules).err(), Some(RedactError::NoWords { pattern: "--".into() }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedactError {
    /// A pattern of a key has no letter and no digit.
    NoWords {
        /// The pattern.
        pattern: String,
    },
    /// A pattern of a key has more words than are compared.
    TooManyWords {
        /// The pattern.
        pattern: String,
        /// How many are compared.
        words_max: usize,
    },
    /// A rule wants a keyed hash, and the key is missing or too short to keep a secret.
    WeakKey {
        /// Bytes that it needs.
        bytes_min: usize,
    },
}

impl fmt::Display for RedactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWords { pattern } => write!(f, "`{pattern}` is no pattern of a key: it has no words"),
            Self::TooManyWords { pattern, words_max } => {
                write!(f, "`{pattern}` has more than {words_max} words")
            }
            Self::WeakKey { bytes_min } => {
                write!(f, "mode hmac needs a key of at least {bytes_min} bytes")
            }
        }
    }
}

impl std::error::Error for RedactError {}
