//! Figures over a view: its parts are divided into slices, and every core takes slices until none is left.
//!
//! Each core counts for itself; what they counted is merged at the end. The cores are scoped threads of the question
//! and end with it: nothing of the engine runs in them but reading.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use store::{AttributeName, Measure, Measured, NameTally, Search, StoreError, Tally};

use crate::cursor::Parts;
use crate::part::Part;

/// A core beyond this many is not worth its thread: memory is the limit before.
const THREADS_MAX: usize = 16;

/// Counts what a measure asks for.
pub(crate) fn measure(parts: &Parts, measure: &Measure) -> Result<Measured, StoreError> {
    let tallies = over_slices(
        parts,
        &measure.search,
        || Tally::new(measure),
        |part, slice, tally: &mut Tally| {
            part.measure(measure, slice, tally, &mut |damage| parts.spare(Err::<(), _>(damage)).map(drop))
        },
    )?;
    let merged = tallies.into_iter().reduce(|mut one, other| {
        one.merge(other);
        one
    });
    Ok(merged.unwrap_or_else(|| Tally::new(measure)).finish())
}

/// Lists the attributes of the spans that a search accepts.
pub(crate) fn attribute_names(parts: &Parts, search: &Search) -> Result<Vec<AttributeName>, StoreError> {
    let tallies = over_slices(parts, search, NameTally::default, |part, slice, names: &mut NameTally| {
        part.names(search, slice, names, &mut |damage| parts.spare(Err::<(), _>(damage)).map(drop))
    })?;
    let mut all = NameTally::default();
    tallies.into_iter().for_each(|names| all.merge(names));
    Ok(all.finish())
}

/// Runs over all slices that may hold something, on all cores; returns what each core has.
fn over_slices<T: Send>(
    parts: &Parts,
    search: &Search,
    begin: impl Fn() -> T + Sync,
    look: impl Fn(&dyn Part, usize, &mut T) -> Result<(), StoreError> + Sync,
) -> Result<Vec<T>, StoreError> {
    search.stop.check()?;
    let mut slices: Vec<(&dyn Part, usize)> = Vec::new();
    for part in &parts.all {
        let bounds = part.bounds();
        let new = search.arrived_after.is_none_or(|after| after < bounds.received_max);
        if new && bounds.start_min <= search.start_max && search.start_min <= bounds.start_max {
            slices.extend((0..part.slices()).map(|slice| (&**part, slice)));
        }
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    let next = AtomicUsize::new(0);
    let work = || -> Result<T, StoreError> {
        let mut counted = begin();
        while let Some((part, slice)) = slices.get(next.fetch_add(1, Ordering::Relaxed)) {
            look(*part, *slice, &mut counted)?;
        }
        Ok(counted)
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..cores.min(slices.len())).map(|_| scope.spawn(work)).collect();
        let mut all = vec![work()?];
        for other in others {
            // A panic goes on here: it is ours, and whoever asked must know.
            all.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(all)
    })
}
