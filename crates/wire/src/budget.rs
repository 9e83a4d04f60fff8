//! How many items one message may hold.
//!
//! A limit on bytes does not bound memory: an empty protobuf message takes two bytes on the wire and
//! dozens as a row. So each kind of row has a count of its own, far above what any sender reaches
//! within a request of 64 MiB, and low enough that the rows of the worst request take 400 MiB.

use crate::DecodeError;

/// Spans in one message. The smallest useful span has 60 bytes, so 64 MiB hold about as many.
const SPANS_MAX: usize = 1 << 20;
/// Attributes in one message, on whatever they sit: 16 bytes each in a full request.
const ATTRIBUTES_MAX: usize = 1 << 22;
/// Events in one message.
const EVENTS_MAX: usize = 1 << 20;
/// Links in one message.
const LINKS_MAX: usize = 1 << 20;
/// Resources and scopes in one message: senders without batching have two per span.
const GROUPS_MAX: usize = 1 << 21;

/// What is left of each count. One per message.
#[derive(Debug)]
pub(crate) struct Budget {
    spans: usize,
    attributes: usize,
    events: usize,
    links: usize,
    groups: usize,
}

impl Budget {
    /// Starts a message.
    pub(crate) const fn new() -> Self {
        Self {
            spans: SPANS_MAX,
            attributes: ATTRIBUTES_MAX,
            events: EVENTS_MAX,
            links: LINKS_MAX,
            groups: GROUPS_MAX,
        }
    }

    /// Counts a span, good or bad.
    #[inline]
    pub(crate) fn span(&mut self) -> Result<(), DecodeError> {
        spend(&mut self.spans, "spans", SPANS_MAX)
    }

    /// Counts an attribute of anything.
    #[inline]
    pub(crate) fn attribute(&mut self) -> Result<(), DecodeError> {
        spend(&mut self.attributes, "attributes", ATTRIBUTES_MAX)
    }

    /// Counts an event.
    #[inline]
    pub(crate) fn event(&mut self) -> Result<(), DecodeError> {
        spend(&mut self.events, "events", EVENTS_MAX)
    }

    /// Counts a link.
    #[inline]
    pub(crate) fn link(&mut self) -> Result<(), DecodeError> {
        spend(&mut self.links, "links", LINKS_MAX)
    }

    /// Counts a resource or a scope.
    #[inline]
    pub(crate) fn group(&mut self) -> Result<(), DecodeError> {
        spend(&mut self.groups, "resources and scopes", GROUPS_MAX)
    }
}

#[inline]
fn spend(left: &mut usize, what: &'static str, count_max: usize) -> Result<(), DecodeError> {
    *left = left.checked_sub(1).ok_or(DecodeError::TooMany { what, count_max })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_worst_message_are_bounded() {
        let rows = SPANS_MAX * size_of::<span::SpanRow>()
            + ATTRIBUTES_MAX * size_of::<span::AttributeRow>()
            + EVENTS_MAX * size_of::<span::EventRow>()
            + LINKS_MAX * size_of::<span::LinkRow>()
            + GROUPS_MAX / 2 * (size_of::<span::ResourceRow>() + size_of::<span::ScopeRow>());
        assert!(rows <= 401 << 20, "{rows}");
    }

    #[test]
    fn one_too_many_says_what_and_how_many() {
        let mut budget = Budget::new();
        for _ in 0..EVENTS_MAX {
            budget.event().unwrap();
        }
        assert_eq!(budget.event().unwrap_err().to_string(), "events: more than 1048576 in one message");
        budget.span().unwrap();
    }
}
