//! How much one span may hold. What does not fit is counted in the span itself.

/// Bytes of one span's attributes, events and links. Above it nothing is added: a loop that records
/// for ever costs its span, never the memory of the service.
pub(crate) const SPAN_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a span's or event's name and of a key: names are dynamic text and may be anybody's.
pub(crate) const NAME_BYTES_MAX: usize = 1024;

/// Levels of a value inside a value.
pub(crate) const VALUE_DEPTH_MAX: usize = 64;

/// The limits of OpenTelemetry's specification, with its defaults, except that values have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attributes of one span.
    pub attributes: u32,
    /// Events of one span.
    pub events: u32,
    /// Links of one span.
    pub links: u32,
    /// Attributes of one event or link.
    pub attributes_per_event: u32,
    /// Characters of one text value; longer ones are cut.
    pub value_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attributes: 128, events: 128, links: 128, attributes_per_event: 128, value_chars: 16 * 1024 }
    }
}

/// Cuts a text after `chars` characters.
#[inline]
pub(crate) fn cut(text: &str, chars: usize) -> &str {
    if text.len() <= chars {
        return text;
    }
    text.char_indices().nth(chars).map_or(text, |(at, _)| &text[..at])
}

/// Cuts a text to at most `bytes`, between characters.
#[inline]
pub(crate) fn cut_bytes(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("äöü", 2), "äö");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut_bytes("äöü", 3), "ä");
    }
}
