//! Filters over keys and values of a few groups each: where in a large segment a rare value may be.
//!
//! A segment's own filter says whether it may hold a value; these say in which run of groups, so that looking for a
//! value that one trace has reads a few groups and not thousands. Only merged segments have them: others are small.
//!
//! ```text
//! length u32    of the next block
//! directory     a block: groups of a run, count of runs, then the length of each filter (varints)
//! filters       blocks, one for each run of groups, in their order
//! ```

use super::filter::{Filter, put_filter};
use crate::column::block::{Packer, Unpacker};
use crate::column::bytes::put_varint;
use crate::column::{Broken, Take};

/// How many groups make a run: some 64,000 rows.
const RUN_GROUPS: usize = 16;

/// Filters being made, group by group.
#[derive(Debug, Default)]
pub(super) struct RunFiltersBuilder {
    /// Entries of the run at hand.
    entries: Vec<u64>,
    groups: usize,
    lens: Vec<u32>,
    filters: Vec<u8>,
}

/// Tells in which groups an entry certainly is not.
#[derive(Debug)]
pub(super) struct RunFilters {
    run_groups: usize,
    runs: Vec<Filter>,
}

impl RunFiltersBuilder {
    /// Adds the entries of the next group.
    pub(super) fn group(&mut self, entries: &[u64]) {
        self.entries.extend_from_slice(entries);
        self.groups += 1;
        if self.groups.is_multiple_of(RUN_GROUPS) {
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        self.lens.push(put_filter(&Packer::new(), entries, &mut self.filters));
    }

    /// Writes them; nothing where one run is all there is.
    pub(super) fn put(mut self, packer: &mut Packer, out: &mut Vec<u8>) {
        if self.groups <= RUN_GROUPS {
            return;
        }
        if !self.groups.is_multiple_of(RUN_GROUPS) {
            self.end_run();
        }
        let (mut directory, mut block) = (Vec::new(), Vec::new());
        put_varint(&mut directory, RUN_GROUPS as u64);
        put_varint(&mut directory, self.lens.len() as u64);
        self.lens.iter().for_each(|len| put_varint(&mut directory, u64::from(*len)));
        let len = packer.pack(&directory, &mut block);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&block);
        out.extend_from_slice(&self.filters);
    }
}

impl RunFilters {
    /// Reads what [`RunFiltersBuilder::put`] wrote for so many groups; `None` where there is nothing.
    pub(super) fn take(table: &[u8], groups: usize, unpacker: &mut Unpacker) -> Result<Option<Self>, Broken> {
        if table.is_empty() {
            return Ok(None);
        }
        let mut take = Take::new(table);
        let len = take.u32()? as usize;
        let directory = unpacker.unpack(take.bytes(len)?)?;
        let mut lens = Take::new(&directory);
        let run_groups = lens.varint32()? as usize;
        let count = lens.count(1)?;
        if run_groups == 0 || groups.div_ceil(run_groups) != count {
            return Err(Broken("filters do not fit the groups"));
        }
        let mut runs = Vec::with_capacity(count);
        for _ in 0..count {
            let len = lens.varint32()? as usize;
            runs.push(Filter::take(take.bytes(len)?, unpacker)?);
        }
        Ok(Some(Self { run_groups, runs }))
    }

    /// Returns for each group whether it may hold what `wanted` looks for in a run's filter.
    pub(super) fn groups(&self, groups: usize, wanted: impl Fn(&Filter) -> bool) -> Vec<bool> {
        let runs: Vec<bool> = self.runs.iter().map(wanted).collect();
        (0..groups).map(|group| runs[group / self.run_groups]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::hash::mix;

    #[test]
    fn entries_are_found_in_their_runs_and_hardly_elsewhere() {
        for groups in [1_usize, 16, 17, 40, 64] {
            let entry = |group: usize, number: usize| mix(mix(7, group as u64), number as u64);
            let mut builder = RunFiltersBuilder::default();
            for group in 0..groups {
                builder.group(&(0..300).map(|number| entry(group, number)).collect::<Vec<_>>());
            }
            let mut out = Vec::new();
            builder.put(&mut Packer::new(), &mut out);
            let filters = RunFilters::take(&out, groups, &mut Unpacker::new()).unwrap();
            assert_eq!(filters.is_some(), 16 < groups);
            let Some(filters) = filters else { continue };
            let mut others = 0;
            for number in 0..300 {
                let found = filters.groups(groups, |filter| filter.may_hold(entry(3, number)));
                assert!(found.len() == groups && found[..16].iter().all(|may| *may));
                others += found[16..].iter().filter(|may| **may).count();
            }
            assert!(others < 300 * (groups - 16) / 20, "{others}");
            for cut in [3, 4, 9, out.len() / 2, out.len() - 1] {
                assert!(RunFilters::take(&out[..cut], groups, &mut Unpacker::new()).is_err());
            }
            assert!(RunFilters::take(&out, groups + 16, &mut Unpacker::new()).is_err());
        }
    }
}
