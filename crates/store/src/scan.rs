//! Figures by the plainest way: every trace that a cursor finds, every span of it.

use std::collections::{BTreeMap, BTreeSet};

use span::{SpanRef, ValueRef, naming};

use crate::{AttributeName, LabelKind, Measure, Measured, Search, StoreError, Tally, TraceCursor, Within};

/// Counts over all that a cursor of the measure's search finds.
pub(crate) fn measure(cursor: &mut dyn TraceCursor, measure: &Measure) -> Result<Measured, StoreError> {
    let mut tally = Tally::new(measure);
    while let Some(trace) = cursor.next()? {
        trace.spans().filter(|span| measure.search.accepts(*span)).for_each(|span| tally.add(span));
    }
    Ok(tally.finish())
}

/// Lists the attributes of all that a cursor of the search finds.
pub(crate) fn attribute_names(
    cursor: &mut dyn TraceCursor,
    search: &Search,
) -> Result<Vec<AttributeName>, StoreError> {
    let mut names = Names::default();
    while let Some(trace) = cursor.next()? {
        trace.spans().filter(|span| search.accepts(*span)).for_each(|span| names.add(span));
    }
    Ok(names.finish())
}

/// Attributes by place and key.
#[derive(Debug, Default)]
struct Names(BTreeMap<(usize, String), (BTreeSet<LabelKind>, u64)>);

/// The places, in the order of listings.
const PLACES: [Within; 5] = [Within::Span, Within::Resource, Within::Scope, Within::Event, Within::Link];

impl Names {
    fn add(&mut self, span: SpanRef<'_>) {
        let mut seen: BTreeMap<(usize, String), BTreeSet<LabelKind>> = BTreeMap::new();
        let mut note = |place: usize, (key, value): (&[u8], ValueRef<'_>)| {
            let key = naming::key_of(key).into_owned();
            seen.entry((place, key)).or_default().insert(LabelKind::of(value));
        };
        span.attributes().for_each(|attribute| note(0, attribute));
        span.resource().attributes().for_each(|attribute| note(1, attribute));
        span.scope().attributes().for_each(|attribute| note(2, attribute));
        span.events().flat_map(|event| event.attributes()).for_each(|attribute| note(3, attribute));
        span.links().flat_map(|link| link.attributes()).for_each(|attribute| note(4, attribute));
        for (name, kinds) in seen {
            let (known, spans) = self.0.entry(name).or_default();
            known.extend(kinds);
            *spans += 1;
        }
    }

    fn finish(self) -> Vec<AttributeName> {
        let name = |((place, key), (kinds, spans)): ((usize, String), (BTreeSet<LabelKind>, u64))| {
            AttributeName { within: PLACES[place], key, kinds: kinds.into_iter().collect(), spans }
        };
        self.0.into_iter().map(name).collect()
    }
}
