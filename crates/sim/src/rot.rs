//! Bits that flip on the disk: what is lost was said to be, and nothing comes that was not written.
//!
//! They flip under an engine that runs. Then `verify` looks and says what each flaw may cost, and the engine starts on
//! the same disk, twice: whatever any of the three no longer shows must be covered by what was said.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use span::{TraceId, UnixNanos};
use store_columnar::inspect::{Inspection, verify};
use store_columnar::{Dice, FaultyDisk, SteppedStore};

use crate::check::listing_of;
use crate::model::{Model, Spans, tenant_of};
use crate::plan::TENANTS;

/// What an engine shows, by tenant.
pub(crate) struct Shown(Vec<Spans>);

impl Shown {
    /// Remembers everything that an engine shows.
    pub(crate) fn of(engine: &SteppedStore) -> Result<Self, String> {
        shown(engine).map(Self)
    }

    /// Compares what is shown now with this, which was shown before, and with what was said of the flaws.
    pub(crate) fn compare(&self, now: Self, model: &Model, said: &Inspection) -> Result<(), String> {
        for (tenant, now) in (0..TENANTS).zip(now.0) {
            let before = &self.0[usize::from(tenant)];
            if !now.is_subset(before) {
                return Err(format!("tenant {tenant}: flipped bits made spans that nobody wrote"));
            }
            let places = places(model, tenant);
            let mut missing = 0;
            for fingerprint in before.difference(&now) {
                let place = places.get(fingerprint).ok_or("a span was shown that nobody wrote")?;
                missing += 1;
                if !is_covered(said, tenant, *place) {
                    let (trace, start) = place;
                    return Err(format!(
                        "tenant {tenant}: nobody said that a span of {trace} at {} is lost",
                        start.0
                    ));
                }
            }
            let most: u64 = said.damages.iter().filter_map(|damage| damage.spans).sum();
            if most < missing {
                return Err(format!("tenant {tenant}: {missing} spans are lost, at most {most} was said"));
            }
        }
        Ok(())
    }
}

/// Flips a few bits of segments; returns how many.
pub(crate) fn flip(disk: &FaultyDisk, seed: u64) -> usize {
    let mut dice = Dice::new(seed);
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "seg");
    let files: Vec<PathBuf> = disk.files().into_iter().filter(is_segment).collect();
    if files.is_empty() {
        return 0;
    }
    let count = 1 + dice.below(3) as usize;
    for _ in 0..count {
        let path = &files[dice.below(files.len() as u64) as usize];
        let bytes = disk.bytes_of(path).map_or(0, |bytes| bytes.len() as u64);
        disk.flip(path, dice.below(bytes.max(1)), 1 << dice.below(8));
    }
    count
}

/// Lets `verify` look at the disk.
pub(crate) fn look(disk: &FaultyDisk) -> Result<Inspection, String> {
    verify(disk, Path::new("/data"), 9, &mut |_, _| {}).map_err(|error| format!("verify failed: {error}"))
}

fn shown(engine: &SteppedStore) -> Result<Vec<Spans>, String> {
    let spans = |tenant| {
        let listing = listing_of(engine, tenant).map_err(|error| format!("listing {tenant}: {error}"))?;
        Ok(listing.into_iter().flat_map(|(_, spans)| spans).collect())
    };
    (0..TENANTS).map(spans).collect()
}

/// Returns where each span of a tenant belongs.
fn places(model: &Model, tenant: u8) -> BTreeMap<u64, (TraceId, UnixNanos)> {
    let written = model.written.iter().filter(|written| written.tenant == tenant);
    let spans = written.flat_map(|written| written.spans.iter().zip(written.batch.spans()));
    spans.map(|(fingerprint, span)| (*fingerprint, (span.trace_id(), span.start()))).collect()
}

fn is_covered(said: &Inspection, tenant: u8, (trace, start): (TraceId, UnixNanos)) -> bool {
    let tenant = tenant_of(tenant);
    said.damages.iter().any(|damage| {
        damage.tenant.as_ref() == Some(&tenant)
            && damage.starts.is_none_or(|(first, last)| (first..=last).contains(&start))
            && (damage.traces.is_empty() || damage.traces.contains(&trace))
    })
}
