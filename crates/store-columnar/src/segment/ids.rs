//! The index of trace ids: in the order of ids, where each trace begins.
//!
//! Ids of 64 bits (their upper half is zero) come first and are told by their lower half; all others
//! by their upper half, and by the lower one, too, where upper ones repeat. Who finds an entry reads the
//! whole id in its group.
//!
//! ```text
//! count of 64-bit ids, count of others, four extents, then their blocks:
//! gaps between the 64-bit ids; gaps between upper halves; lower halves or nothing; group of each
//! ```

use span::TraceId;

use crate::column::block::{Packer, Unpacker};
use crate::column::bytes::put_varint;
use crate::column::ints::{Nature, put_ints};
use crate::column::{Broken, Extent, Ints, Take};

/// Where traces are.
#[derive(Debug)]
pub(super) struct Ids {
    /// Lower halves of the 64-bit ids, then upper halves of the others.
    keys: Vec<u64>,
    short_count: usize,
    /// Lower halves of the others, or nothing.
    lows: Vec<u64>,
    /// The group in which each trace begins.
    groups: Vec<u32>,
}

/// Appends an index over traces and the groups they begin in.
pub(super) fn put_ids(packer: &mut Packer, mut traces: Vec<(TraceId, u32)>, out: &mut Vec<u8>) -> u32 {
    traces.sort_unstable();
    let short_count = traces.partition_point(|(id, _)| id.high() == 0);
    let (short, long) = traces.split_at(short_count);
    let repeats = long.windows(2).any(|pair| pair[0].0.high() == pair[1].0.high());
    let columns = [
        gaps(short.iter().map(|(id, _)| id.low())),
        gaps(long.iter().map(|(id, _)| id.high())),
        long.iter().filter(|_| repeats).map(|(id, _)| id.low()).collect(),
        traces.iter().map(|(_, group)| u64::from(*group)).collect::<Vec<u64>>(),
    ];
    let (mut head, mut blocks) = (Vec::new(), Vec::new());
    put_varint(&mut head, short.len() as u64);
    put_varint(&mut head, long.len() as u64);
    for (at, numbers) in columns.iter().enumerate() {
        let nature = if at < 3 { Nature::Size } else { Nature::Unsigned };
        let extent = put_ints(packer, numbers, nature, &mut blocks);
        put_varint(&mut head, u64::from(extent.count));
        head.push(extent.coding);
        put_varint(&mut head, extent.least);
        put_varint(&mut head, extent.spread);
        extent.lens.iter().for_each(|len| put_varint(&mut head, u64::from(*len)));
    }
    let mut bytes = Vec::new();
    put_varint(&mut bytes, head.len() as u64);
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(&blocks);
    packer.store(&bytes, out)
}

fn gaps(numbers: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut before = 0;
    numbers.map(|number| number - std::mem::replace(&mut before, number)).collect()
}

impl Ids {
    /// Reads what [`put_ids`] wrote.
    pub(super) fn take(block: &[u8], group_count: usize, unpacker: &mut Unpacker) -> Result<Self, Broken> {
        let bytes = unpacker.unpack(block)?;
        let mut take = Take::new(&bytes);
        let mut head = Take::new(take.text()?);
        let (short, long) = (head.varint()?, head.varint()?);
        let mut column = || {
            let extent = Extent {
                count: head.varint32()?,
                coding: head.byte()?,
                least: head.varint()?,
                spread: head.varint()?,
                lens: [head.varint32()?, head.varint32()?],
            };
            let blocks = [take.bytes(extent.lens[0] as usize)?, take.bytes(extent.lens[1] as usize)?];
            Ok(Ints::take(&extent, blocks, unpacker)?.all())
        };
        let (shorts, longs, lows, groups) = (column()?, column()?, column()?, column()?);
        let whole = shorts.len() as u64 == short
            && longs.len() as u64 == long
            && shorts.len() + longs.len() == groups.len()
            && (lows.is_empty() || lows.len() == longs.len());
        if !whole || groups.iter().any(|group| group_count as u64 <= *group) {
            return Err(Broken("the index of ids does not fit itself"));
        }
        let short_count = shorts.len();
        let sum = |numbers: Vec<u64>| {
            numbers.into_iter().scan(0_u64, |sum, gap| {
                *sum = sum.wrapping_add(gap);
                Some(*sum)
            })
        };
        let keys = sum(shorts).chain(sum(longs)).collect();
        Ok(Self { keys, short_count, lows, groups: groups.into_iter().map(|group| group as u32).collect() })
    }

    /// Returns the groups in which a trace of this id may begin: hardly ever more than one.
    pub(super) fn groups_of(&self, id: TraceId) -> impl Iterator<Item = usize> {
        self.between(id, id).map(|at| self.groups[at] as usize)
    }

    /// Returns the groups of all ids from `first` to `last`, in the order of ids, and of a few more.
    pub(super) fn groups_between(&self, first: TraceId, last: TraceId) -> impl Iterator<Item = usize> {
        self.between(first, last).map(|at| self.groups[at] as usize)
    }

    fn between(&self, first: TraceId, last: TraceId) -> std::ops::Range<usize> {
        let start = self.count_where(|at| self.bounds(at).1 < (first.high(), first.low()));
        let end = self.count_where(|at| self.bounds(at).0 <= (last.high(), last.low()));
        start..end.max(start)
    }

    /// Returns the least and the greatest id that an entry can be of.
    fn bounds(&self, at: usize) -> ((u64, u64), (u64, u64)) {
        let key = self.keys[at];
        match at.checked_sub(self.short_count) {
            None => ((0, key), (0, key)),
            Some(long) => match self.lows.get(long) {
                Some(low) => ((key, *low), (key, *low)),
                None => ((key, 0), (key, u64::MAX)),
            },
        }
    }

    /// Returns how many entries, from the first on, fulfil what no later one does.
    fn count_where(&self, holds: impl Fn(usize) -> bool) -> usize {
        let (mut least, mut most) = (0, self.keys.len());
        while least < most {
            let middle = usize::midpoint(least, most);
            if holds(middle) { least = middle + 1 } else { most = middle }
        }
        least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ids: &[TraceId]) {
        let traces = ids.iter().enumerate().map(|(group, id)| (*id, group as u32)).collect();
        let mut out = Vec::new();
        put_ids(&mut Packer::new(), traces, &mut out);
        let index = Ids::take(&out, ids.len(), &mut Unpacker::new()).unwrap();
        for (group, id) in ids.iter().enumerate() {
            assert_eq!(index.groups_of(*id).collect::<Vec<_>>(), [group]);
        }
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        for window in sorted.windows(3) {
            let found = index.groups_between(window[0], window[2]);
            assert!(found.map(|group| ids[group]).eq(window.iter().copied()));
        }
        assert!(Ids::take(&out, ids.len() - 1, &mut Unpacker::new()).is_err());
    }

    #[test]
    fn every_id_leads_to_its_group() {
        let short = (0..100).map(|n| TraceId::from_halves(0, 7 * n)).collect::<Vec<_>>();
        let long = (1..100).map(|n| TraceId::from_halves(mix(n), mix(n + 1_000))).collect::<Vec<_>>();
        let alike = (0..100).map(|n| TraceId::from_halves(5, mix(n))).collect::<Vec<_>>();
        check(&short);
        check(&long);
        check(&alike);
        check(&[short, alike, long].concat());
    }

    fn mix(number: u64) -> u64 {
        crate::column::hash::mix(9, number)
    }
}
