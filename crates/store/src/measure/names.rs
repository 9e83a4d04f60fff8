//! Counts which attributes spans have.

use std::collections::{BTreeMap, BTreeSet};

use span::{SpanRef, ValueRef, naming};

use super::{AttributeName, LabelKind};
use crate::Within;

/// Attribute names under count.
#[derive(Clone, Debug, Default)]
pub struct NameTally(BTreeMap<(usize, String), (BTreeSet<LabelKind>, u64)>);

/// The places, in the order of listings.
const PLACES: [Within; 5] = [Within::Span, Within::Resource, Within::Scope, Within::Event, Within::Link];

impl NameTally {
    /// Counts the attributes of a span.
    pub fn add(&mut self, span: SpanRef<'_>) {
        let mut seen: BTreeMap<(usize, &[u8]), BTreeSet<LabelKind>> = BTreeMap::new();
        let mut note = |place: usize, (key, value): (_, ValueRef<'_>)| {
            seen.entry((place, key)).or_default().insert(LabelKind::of(value));
        };
        span.attributes().for_each(|attribute| note(0, attribute));
        span.resource().attributes().for_each(|attribute| note(1, attribute));
        span.scope().attributes().for_each(|attribute| note(2, attribute));
        span.events().flat_map(|event| event.attributes()).for_each(|attribute| note(3, attribute));
        span.links().flat_map(|link| link.attributes()).for_each(|attribute| note(4, attribute));
        for ((place, key), kinds) in seen {
            self.note(PLACES[place], key, kinds, 1);
        }
    }

    /// Notes that some spans have a key in a place, with values of these sorts.
    pub fn note(
        &mut self,
        within: Within,
        key: &[u8],
        kinds: impl IntoIterator<Item = LabelKind>,
        spans: u64,
    ) {
        let Some(place) = PLACES.iter().position(|place| *place == within) else { return };
        let (known, count) = self.0.entry((place, naming::key_of(key).into_owned())).or_default();
        known.extend(kinds);
        *count += spans;
    }

    /// Returns about how much memory it takes.
    pub fn bytes(&self) -> usize {
        const ENTRY: usize = 128;
        self.0.keys().map(|(_, key)| key.len() + ENTRY).sum()
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: Self) {
        for (name, (kinds, spans)) in other.0 {
            let (known, count) = self.0.entry(name).or_default();
            known.extend(kinds);
            *count += spans;
        }
    }

    /// Returns what was counted, by place and key.
    pub fn finish(self) -> Vec<AttributeName> {
        let name = |((place, key), (kinds, spans)): ((usize, String), (BTreeSet<LabelKind>, u64))| {
            AttributeName { within: PLACES[place], key, kinds: kinds.into_iter().collect(), spans }
        };
        self.0.into_iter().map(name).collect()
    }
}
