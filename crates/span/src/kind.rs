//! A span's kind and status code, with OTLP's numbers.

/// What role a span plays in a call. The numbers are OTLP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum SpanKind {
    /// The sender did not say.
    #[default]
    Unspecified = 0,
    /// Work inside one service.
    Internal = 1,
    /// The receiving half of a synchronous call.
    Server = 2,
    /// The calling half of a synchronous call.
    Client = 3,
    /// Hands a message over for later.
    Producer = 4,
    /// Takes a message up.
    Consumer = 5,
}

/// How a span ended, as its instrumentation said. The numbers are OTLP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum StatusCode {
    /// Nothing was said.
    #[default]
    Unset = 0,
    /// Explicitly fine.
    Ok = 1,
    /// Failed.
    Error = 2,
}

impl SpanKind {
    /// All kinds, by number.
    pub const ALL: [Self; 6] =
        [Self::Unspecified, Self::Internal, Self::Server, Self::Client, Self::Producer, Self::Consumer];

    /// Returns the kind with OTLP's `number`, `None` where there is none.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Returns the lower-case word of Jaeger's `span.kind` tag; empty for [`Self::Unspecified`].
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// Returns the kind with the given [`Self::word`], in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().skip(1).find(|kind| kind.word().eq_ignore_ascii_case(word))
    }
}

impl StatusCode {
    /// Returns the code with OTLP's `number`, `None` where there is none.
    pub fn from_number(number: u64) -> Option<Self> {
        [Self::Unset, Self::Ok, Self::Error].get(usize::try_from(number).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_lead_back() {
        for kind in SpanKind::ALL {
            assert_eq!(SpanKind::from_number(kind as u64), Some(kind));
            assert!(kind == SpanKind::Unspecified || SpanKind::from_word(kind.word()) == Some(kind));
        }
        assert_eq!(SpanKind::from_number(6), None);
        assert_eq!(SpanKind::from_word(""), None);
        assert_eq!(StatusCode::from_number(u64::MAX), None);
    }
}
