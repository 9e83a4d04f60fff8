//! Figures by the plainest way: every trace that a cursor finds, every span of it.

use crate::{AttributeName, Measure, Measured, NameTally, Search, StoreError, Tally, TraceCursor};

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
    let mut names = NameTally::default();
    while let Some(trace) = cursor.next()? {
        trace.spans().filter(|span| search.accepts(*span)).for_each(|span| names.add(span));
    }
    Ok(names.finish())
}
