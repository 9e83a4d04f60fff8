//! `sampling.priority`: what a span says about itself.

use crate::value::Value;

/// The attribute's key.
pub(crate) const KEY: &str = "sampling.priority";

/// How much a trace matters, as its root says with the attribute `sampling.priority`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// `0`: never recorded.
    Never,
    /// `low`: recorded with a tenth of the usual share.
    Low,
    /// `high`, or a number above zero: always recorded, except in an emergency.
    High,
    /// `emergency`: always recorded.
    Emergency,
}

impl Priority {
    /// Reads the attribute's value; other words are no priority.
    pub(crate) fn read(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Str("low") => Some(Self::Low),
            Value::Str("high") => Some(Self::High),
            Value::Str("emergency") => Some(Self::Emergency),
            Value::Str(text) => text.parse().ok().and_then(|number| Self::read(Value::Int(number))),
            Value::Int(0) => Some(Self::Never),
            Value::Int(1..) | Value::Bool(true) => Some(Self::High),
            Value::Display(shown) => Self::read(Value::Str(&shown.to_string())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_priorities() {
        let read = |value: Value<'_>| Priority::read(value);
        assert_eq!(read("low".into()), Some(Priority::Low));
        assert_eq!(read("high".into()), Some(Priority::High));
        assert_eq!(read("emergency".into()), Some(Priority::Emergency));
        assert_eq!(read(0.into()), Some(Priority::Never));
        assert_eq!(read("1".into()), Some(Priority::High));
        assert_eq!(read("loud".into()), None);
    }
}
