//! Attributes as tags.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use span::ValueRef;

use super::{JaegerTag, JaegerValue, TagOrder};

/// Up to so many attributes are compared one by one; more are hashed.
const COMPARED_MAX: usize = 24;

/// Returns attributes as tags, each key once.
pub(super) fn tags_of<'a>(
    attributes: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
    order: TagOrder,
) -> Vec<JaegerTag<'a>> {
    let kept = last_of_each_key(attributes);
    let mut tags = Vec::with_capacity(kept.len() + 4);
    let mut names = None;
    for (key, value) in &kept {
        tags.push(match std::str::from_utf8(key) {
            Ok(key) => JaegerTag { key: Cow::Borrowed(key), value: value_of(*value) },
            Err(_) => {
                let name = names.get_or_insert_with(|| BrokenNames::beside(&kept)).next();
                JaegerTag { key: Cow::Owned(name), value: key_and_value(key, *value) }
            }
        });
    }
    if order == TagOrder::ByKey {
        tags.sort_by(|a, b| a.key.cmp(&b.key));
    }
    tags
}

/// Returns a value in one of Jaeger's types.
pub(super) fn value_of(value: ValueRef<'_>) -> JaegerValue<'_> {
    match value {
        ValueRef::Str(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => JaegerValue::String(Cow::Borrowed(text)),
            Err(_) => JaegerValue::Binary(Cow::Borrowed(bytes)),
        },
        ValueRef::Bool(on) => JaegerValue::Bool(on),
        ValueRef::Int(number) => JaegerValue::Int64(number),
        ValueRef::Double(number) => JaegerValue::Float64(number),
        ValueRef::Bytes(bytes) => JaegerValue::Binary(Cow::Borrowed(bytes)),
        ValueRef::Empty => JaegerValue::String(Cow::Borrowed("")),
        ValueRef::Array(_) | ValueRef::Map(_) => JaegerValue::String(Cow::Owned(value.json_form())),
    }
}

/// Returns a tag with a key of our own.
pub(super) fn tag<'a>(key: &'static str, value: JaegerValue<'a>) -> JaegerTag<'a> {
    JaegerTag { key: Cow::Borrowed(key), value }
}

/// Names for keys that are no text.
struct BrokenNames<'a> {
    last: usize,
    /// Names that a sender gave itself.
    taken: HashSet<&'a [u8]>,
}

impl<'a> BrokenNames<'a> {
    const PREFIX: &'static str = "invalid-tag-key-";

    fn beside(attributes: &[(&'a [u8], ValueRef<'_>)]) -> Self {
        let keys = attributes.iter().map(|(key, _)| *key);
        Self { last: 0, taken: keys.filter(|key| key.starts_with(Self::PREFIX.as_bytes())).collect() }
    }

    fn next(&mut self) -> String {
        loop {
            self.last += 1;
            let name = format!("{}{}", Self::PREFIX, self.last);
            if !self.taken.contains(name.as_bytes()) {
                return name;
            }
        }
    }
}

/// What a tag under a broken key keeps: the bytes of `key:value`.
fn key_and_value<'a>(key: &[u8], value: ValueRef<'_>) -> JaegerValue<'a> {
    let mut bytes = key.to_vec();
    bytes.push(b':');
    match value {
        ValueRef::Str(text) => bytes.extend_from_slice(text),
        value => bytes.extend_from_slice(value.text_form().as_bytes()),
    }
    JaegerValue::Binary(Cow::Owned(bytes))
}

/// Keeps the last value of each key, where the key stood first.
fn last_of_each_key<'a>(
    attributes: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
) -> Vec<(&'a [u8], ValueRef<'a>)> {
    let mut kept: Vec<(&[u8], ValueRef<'_>)> = Vec::with_capacity(attributes.size_hint().0);
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    for (key, value) in attributes {
        let place = if kept.len() <= COMPARED_MAX {
            kept.iter().position(|(known, _)| *known == key)
        } else {
            if places.is_empty() {
                places.extend(kept.iter().enumerate().map(|(place, (key, _))| (*key, place)));
            }
            places.get(key).copied()
        };
        match place.and_then(|place| kept.get_mut(place)) {
            Some(known) => known.1 = value,
            None => {
                if COMPARED_MAX < kept.len() {
                    places.insert(key, kept.len());
                }
                kept.push((key, value));
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(attributes: &[(&[u8], ValueRef<'_>)], order: TagOrder) -> String {
        let tags = tags_of(attributes.iter().copied(), order);
        tags.iter().map(|tag| format!("{}={:?}", tag.key, tag.value)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn last_value_stands_at_the_first_place() {
        let attributes: [(&[u8], ValueRef<'_>); 3] =
            [(b"b", ValueRef::Int(1)), (b"a", ValueRef::Empty), (b"b", ValueRef::Bool(true))];
        assert_eq!(shown(&attributes, TagOrder::AsSent), "b=Bool(true) a=String(\"\")");
        assert_eq!(shown(&attributes, TagOrder::ByKey), "a=String(\"\") b=Bool(true)");
    }

    #[test]
    fn many_keys_are_told_apart_too() {
        let keys: Vec<String> = (0..1000).map(|n| format!("k{}", n % 500)).collect();
        let attributes: Vec<(&[u8], ValueRef<'_>)> =
            keys.iter().enumerate().map(|(n, key)| (key.as_bytes(), ValueRef::Int(n as i64))).collect();
        let tags = tags_of(attributes.iter().copied(), TagOrder::AsSent);
        assert_eq!(tags.len(), 500);
        for (n, tag) in tags.iter().enumerate() {
            assert_eq!(tag.key, format!("k{n}"));
            assert_eq!(tag.value, JaegerValue::Int64(n as i64 + 500));
        }
    }

    #[test]
    fn broken_text_is_kept_as_bytes() {
        let attributes: [(&[u8], ValueRef<'_>); 3] =
            [(b"\xff", ValueRef::Str(b"v")), (b"k", ValueRef::Str(b"\xfe")), (b"\xfd", ValueRef::Int(7))];
        assert_eq!(
            shown(&attributes, TagOrder::AsSent),
            "invalid-tag-key-1=Binary([255, 58, 118]) k=Binary([254]) invalid-tag-key-2=Binary([253, 58, 55])"
        );
        let attributes: [(&[u8], ValueRef<'_>); 2] =
            [(b"\xff", ValueRef::Str(b"v")), (b"invalid-tag-key-1", ValueRef::Empty)];
        assert!(shown(&attributes, TagOrder::AsSent).starts_with("invalid-tag-key-2="));
    }
}
