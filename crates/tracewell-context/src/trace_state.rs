//! `tracestate`: what vendors keep beside the ids, newest first.
//!
//! Held as the header's own text, already valid: reading it is one check and one allocation, writing it
//! is none. Limits are the format's: 32 members, keys and values of at most 256 bytes.

use std::fmt;
use std::sync::Arc;

use crate::ContextError;

/// Members of one trace state at most, as W3C demands.
const MEMBERS_MAX: usize = 32;
/// Bytes of one key and of one value at most, as W3C demands.
const TEXT_BYTES_MAX: usize = 256;
/// The longest legal text: a longer one is not even looked at.
pub(crate) const BYTES_MAX: usize = MEMBERS_MAX * (2 * TEXT_BYTES_MAX + 2);
/// The key under which OpenTelemetry keeps its sampling threshold and randomness.
const OT: &str = "ot";

/// What vendors keep beside the ids, newest first. Cheap to clone, always valid.
///
/// ```
/// use tracewell_context::TraceState;
///
/// let state = TraceState::parse("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7")?;
/// assert_eq!(state.get("rojo"), Some("00f067aa0ba902b7"));
/// assert_eq!(state.with("rojo", "1")?.as_str(), "rojo=1,congo=t61rcWkgMzE");
/// # Ok::<(), tracewell_context::ContextError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct TraceState {
    /// Invariant: at least one and at most 32 members `key=value` joined by commas, no blanks between,
    /// no key twice.
    text: Option<Arc<str>>,
}

impl TraceState {
    /// The trace state without members.
    pub const EMPTY: Self = Self { text: None };

    /// Reads a header, or several joined by commas. Blanks around members and empty members are
    /// forgiven; of a key that comes twice the first, which is the newer, stays.
    ///
    /// ```
    /// # use tracewell_context::{ContextError, TraceState};
    /// assert_eq!(TraceState::parse(" a=1 ,, b=2,a=3")?.as_str(), "a=1,b=2");
    /// assert_eq!(TraceState::parse("a=1,B=2"), Err(ContextError::Key { member: 1 }));
    /// # Ok::<(), ContextError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ContextError> {
        if 2 * BYTES_MAX < text.len() {
            return Err(ContextError::Bytes { bytes_max: BYTES_MAX });
        }
        let mut members: [&str; MEMBERS_MAX] = [""; MEMBERS_MAX];
        let mut count = 0;
        let mut bytes = 0;
        for member in text.split(',').map(trim_blanks).filter(|member| !member.is_empty()) {
            let (key, value) = member.split_once('=').ok_or(ContextError::Key { member: count })?;
            if !is_key(key) {
                return Err(ContextError::Key { member: count });
            }
            if !is_value(value) {
                return Err(ContextError::Value { member: count });
            }
            if members[..count].iter().any(|earlier| key_of(earlier) == key) {
                continue;
            }
            let slot = members.get_mut(count).ok_or(ContextError::Members { members_max: MEMBERS_MAX })?;
            *slot = member;
            count += 1;
            bytes += member.len() + 1;
        }
        if bytes == text.len() + 1 {
            return Ok(Self { text: Some(Arc::from(text)) });
        }
        Ok(Self::join(&members[..count]))
    }

    /// Returns the value of a key.
    ///
    /// ```
    /// # use tracewell_context::TraceState;
    /// assert_eq!(TraceState::parse("a=1")?.get("b"), None);
    /// # Ok::<(), tracewell_context::ContextError>(())
    /// ```
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Walks the members, newest first.
    ///
    /// ```
    /// # use tracewell_context::TraceState;
    /// let state = TraceState::parse("a=1,b=2")?;
    /// assert_eq!(state.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
    /// # Ok::<(), tracewell_context::ContextError>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members().filter_map(|member| member.split_once('='))
    }

    /// Puts a member first, replacing the one of that key. When 32 are there, the oldest leaves.
    ///
    /// ```
    /// # use tracewell_context::{ContextError, TraceState};
    /// assert_eq!(TraceState::EMPTY.with("a", "1")?.as_str(), "a=1");
    /// assert_eq!(TraceState::EMPTY.with("a", "1,2"), Err(ContextError::Value { member: 0 }));
    /// # Ok::<(), ContextError>(())
    /// ```
    pub fn with(&self, key: &str, value: &str) -> Result<Self, ContextError> {
        if !is_key(key) {
            return Err(ContextError::Key { member: 0 });
        }
        if !is_value(value) {
            return Err(ContextError::Value { member: 0 });
        }
        let mut text = String::with_capacity(self.as_str().len() + key.len() + value.len() + 2);
        text.extend([key, "=", value]);
        for member in self.members().filter(|member| key_of(member) != key).take(MEMBERS_MAX - 1) {
            text.extend([",", member]);
        }
        Ok(Self { text: Some(Arc::from(text)) })
    }

    /// Takes the member of a key away.
    ///
    /// ```
    /// # use tracewell_context::TraceState;
    /// assert_eq!(TraceState::parse("a=1,b=2")?.without("a").as_str(), "b=2");
    /// # Ok::<(), tracewell_context::ContextError>(())
    /// ```
    #[must_use]
    pub fn without(&self, key: &str) -> Self {
        if self.get(key).is_none() {
            return self.clone();
        }
        let members: Vec<&str> = self.members().filter(|member| key_of(member) != key).collect();
        Self::join(&members)
    }

    /// Returns a field of OpenTelemetry's own member: `th`, the rejection threshold, or `rv`, the
    /// randomness.
    ///
    /// ```
    /// # use tracewell_context::TraceState;
    /// let state = TraceState::parse("ot=th:c;rv:d29d6a7215ced0,a=1")?;
    /// assert_eq!((state.ot("th"), state.ot("rv"), state.ot("p")), (Some("c"), Some("d29d6a7215ced0"), None));
    /// # Ok::<(), tracewell_context::ContextError>(())
    /// ```
    pub fn ot(&self, field: &str) -> Option<&str> {
        ot_fields(self.get(OT)?).find(|(name, _)| *name == field).map(|(_, value)| value)
    }

    /// Sets a field of OpenTelemetry's own member and moves that member to the front.
    ///
    /// ```
    /// # use tracewell_context::TraceState;
    /// let state = TraceState::parse("a=1,ot=rv:d29d6a7215ced0;th:8")?;
    /// assert_eq!(state.with_ot("th", "c")?.as_str(), "ot=rv:d29d6a7215ced0;th:c,a=1");
    /// # Ok::<(), tracewell_context::ContextError>(())
    /// ```
    pub fn with_ot(&self, field: &str, value: &str) -> Result<Self, ContextError> {
        let is_field = |text: &str| !text.is_empty() && !text.contains([';', ':', ' ']);
        if !is_field(field) || !is_field(value) {
            return Err(ContextError::Value { member: 0 });
        }
        let mut text = self.ot_but(field);
        if !text.is_empty() {
            text.push(';');
        }
        text.extend([field, ":", value]);
        self.with(OT, &text)
    }

    /// Takes a field of OpenTelemetry's own member away, and the member with its last field.
    ///
    /// ```
    /// # use tracewell_context::TraceState;
    /// assert_eq!(TraceState::parse("ot=th:8,a=1")?.without_ot("th").as_str(), "a=1");
    /// # Ok::<(), tracewell_context::ContextError>(())
    /// ```
    #[must_use]
    pub fn without_ot(&self, field: &str) -> Self {
        if self.ot(field).is_none() {
            return self.clone();
        }
        match self.ot_but(field) {
            rest if rest.is_empty() => self.without(OT),
            rest => self.with(OT, &rest).expect("a part of a valid value that ends in no blank is valid"),
        }
    }

    /// Returns the header's value; empty for a state without members.
    ///
    /// ```
    /// # use tracewell_context::TraceState;
    /// assert_eq!(TraceState::EMPTY.as_str(), "");
    /// ```
    pub fn as_str(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Tells whether there are no members.
    ///
    /// ```
    /// # use tracewell_context::TraceState;
    /// assert!(TraceState::parse(" , ")?.is_empty());
    /// # Ok::<(), tracewell_context::ContextError>(())
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.text.is_none()
    }

    fn members(&self) -> impl Iterator<Item = &str> {
        self.as_str().split(',').filter(|member| !member.is_empty())
    }

    fn ot_but(&self, field: &str) -> String {
        let fields = ot_fields(self.get(OT).unwrap_or_default()).filter(|(name, _)| *name != field);
        fields.map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join(";")
    }

    fn join(members: &[&str]) -> Self {
        if members.is_empty() { Self::EMPTY } else { Self { text: Some(Arc::from(members.join(","))) } }
    }
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn ot_fields(value: &str) -> impl Iterator<Item = (&str, &str)> {
    value.split(';').filter_map(|field| field.trim_end().split_once(':'))
}

fn key_of(member: &str) -> &str {
    member.split_once('=').map_or(member, |(key, _)| key)
}

fn trim_blanks(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Level 2's grammar, which has level 1's `tenant@system` among its keys.
fn is_key(key: &str) -> bool {
    let inner = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    key.len() <= TEXT_BYTES_MAX
        && key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && key.as_bytes().iter().all(inner)
}

fn is_value(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= TEXT_BYTES_MAX
        && !value.ends_with(' ')
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b',' && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_the_formats() {
        let members = |count: usize| (0..count).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
        assert_eq!(TraceState::parse(&members(32)).unwrap().iter().count(), 32);
        assert_eq!(TraceState::parse(&members(33)), Err(ContextError::Members { members_max: 32 }));
        let long = |bytes: usize| "z".repeat(bytes);
        assert!(TraceState::parse(&format!("{}=1", long(256))).is_ok());
        assert!(TraceState::parse(&format!("{}=1", long(257))).is_err());
        assert!(TraceState::parse(&format!("a={}", long(256))).is_ok());
        assert!(TraceState::parse(&format!("a={}", long(257))).is_err());
        assert!(matches!(TraceState::parse(&",".repeat(50_000)), Err(ContextError::Bytes { .. })));
    }

    #[test]
    fn thirty_third_member_drives_the_oldest_out() {
        let mut state = TraceState::EMPTY;
        for i in 0..40 {
            state = state.with(&format!("k{i}"), "v").unwrap();
        }
        assert_eq!(state.iter().count(), 32);
        assert_eq!((state.get("k39"), state.get("k7")), (Some("v"), None));
    }

    #[test]
    fn grammar_is_level_2() {
        for good in ["foo=1", "0a=1", "foo@bar=1", "a_-*/=1", "foo=  1", "foo=!", "foo=~"] {
            assert!(TraceState::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["foo", "=1", "foo=", "Foo=1", "foo =1", "foo.bar=1", "@foo=1", "foo=a=b", "foo=é", "foo=\t1"]
        {
            assert!(TraceState::parse(bad).is_err(), "{bad}");
        }
    }
}
