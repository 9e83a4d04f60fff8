//! What stands left of an operator.

use std::fmt;

use store::{Dimension, Within};

use crate::QueryError;
use crate::lex::{At, Word, words};

/// Something of a span that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The operation.
    Name,
    /// How long it took.
    Duration,
    /// How it ended.
    Status,
    /// What its status says.
    StatusMessage,
    /// Its role in a call.
    Kind,
    /// Its parent's place in the trace: below zero where it has none.
    Parent,
    /// The name of one of its events.
    EventName,
    /// The name of its scope.
    ScopeName,
    /// The version of its scope.
    ScopeVersion,
    /// An attribute.
    Attribute {
        /// Where to look.
        within: Within,
        /// The key.
        key: String,
    },
}

/// What a field is called, and what it is; the first name of several is the one that is written.
const NAMED: [(&str, Field); 14] = [
    ("name", Field::Name),
    ("span:name", Field::Name),
    ("duration", Field::Duration),
    ("span:duration", Field::Duration),
    ("status", Field::Status),
    ("span:status", Field::Status),
    ("statusMessage", Field::StatusMessage),
    ("span:statusMessage", Field::StatusMessage),
    ("kind", Field::Kind),
    ("span:kind", Field::Kind),
    ("nestedSetParent", Field::Parent),
    ("event:name", Field::EventName),
    ("instrumentation:name", Field::ScopeName),
    ("instrumentation:version", Field::ScopeVersion),
];

const SCOPES: [(&str, Within); 6] = [
    ("span.", Within::Span),
    ("resource.", Within::Resource),
    ("instrumentation.", Within::Scope),
    ("event.", Within::Event),
    ("link.", Within::Link),
    (".", Within::SpanOrResource),
];

const HINT: &str = "fields are name, duration, status, statusMessage, kind, event:name, instrumentation:name, or an \
                    attribute: resource.KEY, span.KEY, event.KEY, link.KEY, instrumentation.KEY, .KEY";

impl Field {
    /// Reads a field that stands alone, as lists of facets have them.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        match &words(text)?[..] {
            [word] => Self::of(word),
            _ => Err(QueryError::new(1, format!("'{text}' is no field"), HINT)),
        }
    }

    pub(crate) fn of(at: &At) -> Result<Self, QueryError> {
        let unknown = |text: &str| QueryError::new(at.column, format!("'{text}' is no field"), HINT);
        let Word::Bare { text, quoted_from } = &at.word else {
            return Err(QueryError::new(at.column, "a field is expected", HINT));
        };
        if quoted_from.is_none()
            && let Some((_, field)) = NAMED.iter().find(|(name, _)| name == text)
        {
            return Ok(field.clone());
        }
        let scoped =
            SCOPES.iter().find_map(|(scope, within)| Some((text.strip_prefix(scope)?, *within, scope)));
        match scoped {
            Some((key, within, scope))
                if !key.is_empty() && quoted_from.is_none_or(|from| from == scope.len()) =>
            {
                Ok(Self::Attribute { within, key: key.to_owned() })
            }
            _ => Err(unknown(text)),
        }
    }

    /// Returns the field of an attribute that stands in one place.
    pub fn attribute(within: Within, key: &str) -> Self {
        Self::Attribute { within, key: key.to_owned() }
    }

    /// Returns what spans with one value of this field have in common; `None` where that cannot be counted.
    pub fn dimension(&self) -> Option<Dimension> {
        match self {
            Self::Name => Some(Dimension::Name),
            Self::Status => Some(Dimension::Status),
            Self::Kind => Some(Dimension::Kind),
            field if field.is_service() => Some(Dimension::Service),
            Self::Attribute { within, key } => {
                Some(Dimension::Attribute { within: *within, key: key.clone() })
            }
            _ => None,
        }
    }

    /// Tells whether this is the service.
    pub(crate) fn is_service(&self) -> bool {
        matches!(self, Self::Attribute { within: Within::Resource, key } if key == "service.name")
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Attribute { within, key } = self else {
            let (name, _) =
                NAMED.iter().find(|(_, field)| field == self).expect("all but attributes are named");
            return f.write_str(name);
        };
        let scope = SCOPES.iter().find(|(_, known)| known == within).map_or(".", |(scope, _)| scope);
        f.write_str(scope)?;
        let plain = |letter: char| letter.is_alphanumeric() || "_-./:@#".contains(letter);
        if key.chars().all(plain) { f.write_str(key) } else { write_text(f, key) }
    }
}

/// Writes a text in quotes.
pub(crate) fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write as _;
    f.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' | '\\' => write!(f, "\\{letter}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            letter => f.write_char(letter)?,
        }
    }
    f.write_char('"')
}
