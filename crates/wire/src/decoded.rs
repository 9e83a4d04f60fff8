//! What a decoder gives back.

use span::{BatchFull, SpanBatch};

/// The spans of one message, and how many of them could not be taken.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The spans that were good.
    pub batch: SpanBatch,
    /// How many spans were refused.
    pub rejected: u64,
    /// Why the first of them was refused, for the sender's eyes; a warning where none was.
    pub reason: Option<String>,
}

/// Why a whole message was refused. All of these are the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The message ends inside a field.
    #[error("{field}: the message ends at byte {at}, inside this field")]
    Truncated {
        /// What was being read.
        field: &'static str,
        /// Offset in the decompressed message.
        at: usize,
    },
    /// A field holds what it cannot hold.
    #[error("{field}: {why} at byte {at}")]
    Invalid {
        /// What was being read.
        field: &'static str,
        /// What is wrong with it.
        why: &'static str,
        /// Offset in the decompressed message.
        at: usize,
    },
    /// Messages nest deeper than any sender means them to.
    #[error("{field}: nested deeper than {depth_max} levels")]
    TooDeep {
        /// What was being read.
        field: &'static str,
        /// The limit.
        depth_max: usize,
    },
    /// More items than one message may hold.
    #[error("{what}: more than {count_max} in one message")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        count_max: usize,
    },
    /// The JSON is none; says where and what.
    #[error("{0}")]
    Json(String),
    /// The compressed body is broken.
    #[error("body is no valid {encoding}: {why}")]
    Compression {
        /// The encoding that was declared.
        encoding: &'static str,
        /// What the decompressor said.
        why: String,
    },
    /// The body is larger than allowed once decompressed.
    #[error("body exceeds {bytes_max} bytes once decompressed")]
    TooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// More text than a batch holds.
    #[error(transparent)]
    BatchFull(#[from] BatchFull),
}

/// Spans refused so far, and the words for the sender.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    count: u64,
    reason: Option<String>,
    warning: Option<&'static str>,
}

/// How much of a refused span's name the sender is told.
const NAME_SHOWN_BYTES: usize = 64;

impl Refusals {
    /// Counts a refused span. The first one is told by its `name`.
    pub(crate) fn refuse(&mut self, name: &[u8], why: &str) {
        self.count += 1;
        if self.reason.is_none() {
            let shown = name.get(..NAME_SHOWN_BYTES).unwrap_or(name);
            self.reason = Some(format!("span \"{}\": {why}", shown.escape_ascii()));
        }
    }

    /// Remembers something the sender should know although nothing was refused.
    pub(crate) fn warn(&mut self, what: &'static str) {
        self.warning.get_or_insert(what);
    }

    /// Joins the spans that were good.
    pub(crate) fn decoded(self, batch: SpanBatch) -> Decoded {
        let reason = self.reason.or_else(|| self.warning.map(String::from));
        Decoded { batch, rejected: self.count, reason }
    }
}
