//! What a redactor says about a value.

use std::borrow::Cow;

use crate::RuleSet;

/// What a redactor says about a value, which the caller still holds.
///
/// ```
/// use tracewell_redact::{Redactor, Verdict};
///
/// match Redactor::secrets().apply("note", "key AKIAIOSFODNN7EXAMPLE") {
///     Verdict::Keep => unreachable!("there is a key of AWS in it"),
///     Verdict::Replace { with, .. } => assert_eq!(with, "key [aws]"),
///     Verdict::Drop(_) => unreachable!("nothing is dropped by default"),
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<T = String> {
    /// The value stays as it is.
    Keep,
    /// Another value goes in its place.
    Replace {
        /// The other value.
        with: T,
        /// What was found.
        found: RuleSet,
    },
    /// The attribute goes. What cannot go, as a span's name, is masked: `****`.
    Drop(RuleSet),
}

impl<T> Verdict<T> {
    /// Tells whether the value stays as it is.
    ///
    /// ```
    /// # use tracewell_redact::Verdict;
    /// assert!(Verdict::<String>::Keep.is_keep());
    /// ```
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Returns what was found.
    ///
    /// ```
    /// # use tracewell_redact::{Rule, RuleSet, Verdict};
    /// assert_eq!(Verdict::<String>::Drop(Rule::Key.into()).found(), RuleSet::from(Rule::Key));
    /// ```
    pub fn found(&self) -> RuleSet {
        match self {
            Self::Keep => RuleSet::default(),
            Self::Replace { found, .. } | Self::Drop(found) => *found,
        }
    }
}

impl Verdict {
    /// Returns the text that stays, or nothing if it is dropped.
    ///
    /// ```
    /// # use tracewell_redact::Redactor;
    /// let verdict = Redactor::secrets().apply("note", "hello");
    /// assert_eq!(verdict.into_text("hello").as_deref(), Some("hello"));
    /// ```
    pub fn into_text(self, value: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Keep => Some(Cow::Borrowed(value)),
            Self::Replace { with, .. } => Some(Cow::Owned(with)),
            Self::Drop(_) => None,
        }
    }
}
