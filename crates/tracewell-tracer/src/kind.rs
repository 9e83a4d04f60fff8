//! What a span stands for, and how it ended.

/// The side of a call that a span is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Work inside the service.
    #[default]
    Internal = 1,
    /// A request that came in.
    Server = 2,
    /// A request that goes out.
    Client = 3,
    /// A message that is sent.
    Producer = 4,
    /// A message that is handled.
    Consumer = 5,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Internal, Self::Server, Self::Client, Self::Producer, Self::Consumer];

    /// Reads the word that `otel.kind` fields carry, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        const WORDS: [(&str, Kind); 5] = [
            ("internal", Kind::Internal),
            ("server", Kind::Server),
            ("client", Kind::Client),
            ("producer", Kind::Producer),
            ("consumer", Kind::Consumer),
        ];
        WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, kind)| *kind)
    }
}

/// How a span ended. `Ok` is final; an error yields to `Ok` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Status {
    /// Nobody said.
    #[default]
    Unset = 0,
    /// It failed.
    Error = 1,
    /// Somebody who knows said that it went well.
    Ok = 2,
}

impl Status {
    /// Returns the number that OTLP gives it.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Unset => 0,
            Self::Ok => 1,
            Self::Error => 2,
        }
    }
}
