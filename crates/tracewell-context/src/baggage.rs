//! Baggage: what the callers want every callee to know, in the limits of W3C.
//!
//! Held with its own header text, so that injecting it allocates nothing. 64 entries and 8,192 bytes of
//! header are the most; what comes in beyond that is left out, what is added beyond that is refused.

mod percent;

use std::fmt;
use std::sync::Arc;

use crate::ContextError;

pub(crate) use percent::{decode, encode_into};

/// Entries at most.
const ENTRIES_MAX: usize = 64;
/// Bytes of the header at most.
pub(crate) const BYTES_MAX: usize = 8192;

/// What the callers want every callee to know. Cheap to clone.
///
/// ```
/// use tracewell_context::Baggage;
///
/// let baggage = Baggage::parse(b"user=Am%C3%A9lie;unit=1,tenant=acme");
/// assert_eq!(baggage.get("user"), Some("Amélie"));
/// assert_eq!(baggage.with("tenant", "a b")?.header(), "user=Am%C3%A9lie;unit=1,tenant=a%20b");
/// # Ok::<(), tracewell_context::ContextError>(())
/// ```
#[derive(Clone, Default)]
pub struct Baggage {
    /// Invariant: not an empty one.
    inner: Option<Arc<Inner>>,
}

/// One entry of a [`Baggage`].
///
/// ```
/// # use tracewell_context::Baggage;
/// let baggage = Baggage::parse(b"user=alice;role=admin");
/// let entry = baggage.iter().next().expect("one was given");
/// assert_eq!((entry.key(), entry.value(), entry.metadata()), ("user", "alice", "role=admin"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaggageEntry {
    /// Invariant: a token of HTTP.
    key: Box<str>,
    value: Box<str>,
    /// Invariant: visible ASCII and inner blanks, without a comma.
    metadata: Box<str>,
}

struct Inner {
    entries: Vec<BaggageEntry>,
    /// Invariant: the header of `entries`, at most `BYTES_MAX` bytes.
    header: String,
}

impl Baggage {
    /// The baggage without entries.
    pub const EMPTY: Self = Self { inner: None };

    /// Reads a header, or several joined by commas. Members that are none, and those beyond the limits,
    /// are left out; of a key that comes twice the last stays.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// assert_eq!(Baggage::parse(b"a = 1 , no member, b=%zz, a=2").header(), "a=2,b=%25zz");
    /// ```
    pub fn parse(header: &[u8]) -> Self {
        let mut draft = Draft::default();
        draft.read(header);
        draft.finish()
    }

    /// Returns the value of a key.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// assert_eq!(Baggage::default().get("user"), None);
    /// ```
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries().iter().find(|entry| *entry.key == *key).map(BaggageEntry::value)
    }

    /// Walks the entries in their order.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// let baggage = Baggage::parse(b"a=1,b=2");
    /// assert_eq!(baggage.iter().map(|entry| entry.key()).collect::<Vec<_>>(), ["a", "b"]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &BaggageEntry> {
        self.entries().iter()
    }

    /// Adds an entry, or replaces the value of that key.
    ///
    /// ```
    /// # use tracewell_context::{Baggage, ContextError};
    /// let full = Baggage::default().with("a", &"x".repeat(9_000));
    /// assert_eq!(full.err(), Some(ContextError::Bytes { bytes_max: 8192 }));
    /// ```
    pub fn with(&self, key: &str, value: &str) -> Result<Self, ContextError> {
        self.with_metadata(key, value, "")
    }

    /// Adds an entry with metadata (`property` or `key=value`, separated by semicolons), or replaces it.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// let baggage = Baggage::default().with_metadata("a", "1", "ttl=3")?;
    /// assert_eq!(baggage.header(), "a=1;ttl=3");
    /// # Ok::<(), tracewell_context::ContextError>(())
    /// ```
    pub fn with_metadata(&self, key: &str, value: &str, metadata: &str) -> Result<Self, ContextError> {
        let mut draft = Draft::of(self);
        draft.put(key, value, metadata)?;
        Ok(draft.finish())
    }

    /// Takes an entry away.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// assert!(Baggage::parse(b"a=1").without("a").is_empty());
    /// ```
    #[must_use]
    pub fn without(&self, key: &str) -> Self {
        let mut draft = Draft::of(self);
        draft.entries.retain(|entry| *entry.key != *key);
        draft.finish()
    }

    /// Returns how many entries there are.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// assert_eq!(Baggage::parse(b"a=1,b=2").len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Tells whether there are no entries.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// assert!(Baggage::default().is_empty());
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.inner.is_none()
    }

    /// Returns the W3C header; empty for a baggage without entries.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// assert_eq!(Baggage::parse(b"a=%C3%A9").header(), "a=%C3%A9");
    /// ```
    pub fn header(&self) -> &str {
        self.inner.as_deref().map_or("", |inner| &inner.header)
    }

    fn entries(&self) -> &[BaggageEntry] {
        self.inner.as_deref().map_or(&[], |inner| &inner.entries)
    }
}

impl BaggageEntry {
    /// Returns the key.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// assert!(Baggage::parse(b"a=1").iter().all(|entry| entry.key() == "a"));
    /// ```
    pub const fn key(&self) -> &str {
        &self.key
    }

    /// Returns the value, decoded.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// assert!(Baggage::parse(b"a=%31").iter().all(|entry| entry.value() == "1"));
    /// ```
    pub const fn value(&self) -> &str {
        &self.value
    }

    /// Returns what stands behind the value, as it came; empty if nothing does.
    ///
    /// ```
    /// # use tracewell_context::Baggage;
    /// assert!(Baggage::parse(b"a=1; x ;y=2").iter().all(|entry| entry.metadata() == "x ;y=2"));
    /// ```
    pub const fn metadata(&self) -> &str {
        &self.metadata
    }

    fn write(&self, header: &mut String) {
        header.extend([&self.key, "="]);
        encode_into(&self.value, header);
        if !self.metadata.is_empty() {
            header.extend([";", &self.metadata]);
        }
    }

    /// Bytes that [`Self::write`] writes.
    fn bytes(&self) -> usize {
        let metadata = if self.metadata.is_empty() { 0 } else { 1 + self.metadata.len() };
        self.key.len() + 1 + percent::encoded_bytes(&self.value) + metadata
    }
}

impl PartialEq for Baggage {
    fn eq(&self, other: &Self) -> bool {
        self.entries() == other.entries()
    }
}

impl Eq for Baggage {}

impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.header(), f)
    }
}

/// A baggage that is being put together.
#[derive(Default)]
pub(crate) struct Draft {
    entries: Vec<BaggageEntry>,
    /// Bytes of the header, one for the comma of each entry included.
    bytes: usize,
}

impl Draft {
    pub(crate) fn of(baggage: &Baggage) -> Self {
        let entries = baggage.entries().to_vec();
        let bytes = entries.iter().map(|entry| entry.bytes() + 1).sum();
        Self { entries, bytes }
    }

    /// Takes what it can of a header: of one that is too long, the members that fit whole.
    pub(crate) fn read(&mut self, header: &[u8]) {
        let mut rest = header;
        let mut bytes = 0;
        while !rest.is_empty() && bytes <= BYTES_MAX {
            let end = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
            let member = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            bytes += member.len() + 1;
            if bytes <= BYTES_MAX + 1 {
                self.read_member(member);
            }
        }
    }

    /// Takes one entry, or says what is wrong with it.
    pub(crate) fn put(&mut self, key: &str, value: &str, metadata: &str) -> Result<(), ContextError> {
        let member = self.entries.len();
        if !is_token(key.as_bytes()) {
            return Err(ContextError::Key { member });
        }
        let metadata = metadata.trim_matches([' ', '\t']);
        if !is_metadata(metadata.as_bytes()) {
            return Err(ContextError::Value { member });
        }
        let entry = BaggageEntry { key: key.into(), value: value.into(), metadata: metadata.into() };
        let place = self.entries.iter().position(|earlier| *earlier.key == *key);
        let freed = place.map_or(0, |place| self.entries[place].bytes() + 1);
        let bytes = self.bytes - freed + entry.bytes() + 1;
        if BYTES_MAX + 1 < bytes {
            return Err(ContextError::Bytes { bytes_max: BYTES_MAX });
        }
        match place {
            Some(place) => self.entries[place] = entry,
            None if member == ENTRIES_MAX => {
                return Err(ContextError::Members { members_max: ENTRIES_MAX });
            }
            None => self.entries.push(entry),
        }
        self.bytes = bytes;
        Ok(())
    }

    pub(crate) fn finish(self) -> Baggage {
        if self.entries.is_empty() {
            return Baggage::default();
        }
        let mut header = String::with_capacity(self.bytes);
        for entry in &self.entries {
            if !header.is_empty() {
                header.push(',');
            }
            entry.write(&mut header);
        }
        debug_assert!(header.len() <= BYTES_MAX);
        Baggage { inner: Some(Arc::new(Inner { entries: self.entries, header })) }
    }

    fn read_member(&mut self, member: &[u8]) {
        let (pair, metadata) = split_once(member, b';').unwrap_or((member, b""));
        let Some((key, value)) = split_once(pair, b'=') else { return };
        let Ok(key) = std::str::from_utf8(key.trim_ascii()) else { return };
        let metadata = std::str::from_utf8(metadata).unwrap_or_default();
        let value = decode(value.trim_ascii());
        // What does not fit is left out: whoever sent it hears nothing of us.
        let _ = match self.put(key, &value, metadata) {
            Err(ContextError::Value { .. }) => self.put(key, &value, ""),
            answer => answer,
        };
    }
}

fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

/// A token of HTTP, as keys and header names are.
pub(crate) fn is_token(text: &[u8]) -> bool {
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(inner)
}

fn is_metadata(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t') && *byte != b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_specification_hold() {
        // https://www.w3.org/TR/baggage/#example
        let baggage = Baggage::parse(
            b"key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue",
        );
        assert_eq!(
            baggage.header(),
            "key1=value1;property1;property2,key2=value2,key3=value3;propertyKey=propertyValue"
        );
        let utf8 = Baggage::parse(b"serverNode=DF%2028,userId=Am%C3%A9lie,isProduction=false");
        assert_eq!((utf8.get("serverNode"), utf8.get("userId")), (Some("DF 28"), Some("Amélie")));
        assert_eq!(utf8.header(), "serverNode=DF%2028,userId=Am%C3%A9lie,isProduction=false");
    }

    #[test]
    fn limits_hold_on_both_sides() {
        let many = (0..100).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
        let baggage = Baggage::parse(many.as_bytes());
        assert_eq!(baggage.len(), 64);
        assert_eq!(baggage.with("k64", "v"), Err(ContextError::Members { members_max: 64 }));
        assert_eq!(baggage.with("k3", "w").unwrap().get("k3"), Some("w"));

        let fits = format!("a={}", "x".repeat(8190));
        assert_eq!(Baggage::parse(fits.as_bytes()).header(), fits);
        assert!(Baggage::parse(format!("{fits}x").as_bytes()).is_empty());
        assert_eq!(Baggage::parse(format!("{fits},b=1").as_bytes()).len(), 1);
        // Seven bytes that are ninety-nine on the wire count as they are sent.
        assert!(Baggage::parse(format!("a={}", "\u{fffd}".repeat(2000)).as_bytes()).is_empty());
        assert!(Baggage::parse(&b",".repeat(1_000_000)).is_empty());
    }

    #[test]
    fn broken_members_cost_only_themselves() {
        let baggage = Baggage::parse(b"=1,a b=2,caf\xc3\xa9=3,ok=\xff%ff,meta=1;\x01,empty=");
        assert_eq!(baggage.header(), "ok=%EF%BF%BD%EF%BF%BD,meta=1,empty=");
    }

    #[test]
    fn metadata_cannot_smuggle_a_member() {
        assert!(Baggage::default().with_metadata("a", "1", "x,b=2").is_err());
        assert!(Baggage::default().with_metadata("a", "1", "x\r\nset-cookie: y").is_err());
        assert_eq!(Baggage::default().with("a", "1,b=2\r\n").unwrap().header(), "a=1%2Cb=2%0D%0A");
    }
}
