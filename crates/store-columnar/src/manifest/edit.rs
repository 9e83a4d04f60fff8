//! One change of the list, and its bytes.
//!
//! ```text
//! edit     kind u8 = 1, length of the tenant u8, tenant, frozen to u64,
//!          count of adds u32, adds, count of removes u32, removes
//! add      id, bytes u64, spans u64, traces u64, starts least and greatest u64, arrivals likewise
//! remove   id
//! id       first u64, last u64, level u16
//! ```
//!
//! All numbers are little-endian.

use span::{Tenant, UnixNanos};

use crate::part::Bounds;

const KIND_EDIT: u8 = 1;

/// One change, made as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) tenant: Tenant,
    /// Raises what [`super::ListedTenant::frozen_to`] says; adding a segment does so, too.
    pub(crate) frozen_to: u64,
    pub(crate) adds: Vec<SegmentLine>,
    pub(crate) removes: Vec<SegmentId>,
}

/// A segment's name: the numbers of the log's entries that are in it. The same entries give the same
/// name, so that freezing them again after a crash replaces what was left behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SegmentId {
    /// The first entry.
    pub(crate) first: u64,
    /// The last entry. Between them are entries of other tenants, too, which are not in it.
    pub(crate) last: u64,
    /// How often its spans were merged; 0 is a frozen head.
    pub(crate) level: u16,
}

/// What the list says of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentLine {
    pub(crate) id: SegmentId,
    /// The length of its file.
    pub(crate) bytes: u64,
    /// What the segment says of itself.
    pub(crate) bounds: Bounds,
}

impl Default for SegmentLine {
    fn default() -> Self {
        Self { id: SegmentId::default(), bytes: 0, bounds: Bounds::EMPTY }
    }
}

impl SegmentId {
    /// Returns the name of its file.
    pub(crate) fn file_name(self) -> String {
        format!("{:016x}-{:016x}-{}.seg", self.first, self.last, self.level)
    }

    /// Reads the name of a file; `None` where it is no segment's.
    pub(crate) fn from_file_name(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(".seg")?.split('-');
        let first = u64::from_str_radix(parts.next()?, 16).ok()?;
        let last = u64::from_str_radix(parts.next()?, 16).ok()?;
        let level = parts.next()?.parse().ok()?;
        let id = Self { first, last, level };
        (id.file_name() == name).then_some(id)
    }

    /// Tells whether a merge of `other` and more made this.
    pub(crate) const fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last && other.level < self.level
    }
}

impl Edit {
    /// Returns an edit that changes nothing.
    pub(crate) const fn of(tenant: Tenant) -> Self {
        Self { tenant, frozen_to: 0, adds: Vec::new(), removes: Vec::new() }
    }

    /// Appends its bytes.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let tenant = self.tenant.as_str();
        out.extend_from_slice(&[KIND_EDIT, tenant.len() as u8]);
        out.extend_from_slice(tenant.as_bytes());
        out.extend_from_slice(&self.frozen_to.to_le_bytes());
        out.extend_from_slice(&(self.adds.len() as u32).to_le_bytes());
        for line in &self.adds {
            put_id(line.id, out);
            let Bounds { spans, traces, start_min, start_max, received_min, received_max } = line.bounds;
            let times = [start_min, start_max, received_min, received_max].map(|time| time.0);
            for number in [line.bytes, spans, traces].into_iter().chain(times) {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        out.extend_from_slice(&(self.removes.len() as u32).to_le_bytes());
        self.removes.iter().for_each(|id| put_id(*id, out));
    }

    /// Reads its bytes; `None` where they are none of this version.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.take(1)? != [KIND_EDIT] {
            return None;
        }
        let tenant_len = usize::from(*reader.take(1)?.first()?);
        let tenant = Tenant::new(std::str::from_utf8(reader.take(tenant_len)?).ok()?).ok()?;
        let mut edit = Self { frozen_to: reader.u64()?, ..Self::of(tenant) };
        for _ in 0..reader.u32()? {
            edit.adds.push(reader.line()?);
        }
        for _ in 0..reader.u32()? {
            edit.removes.push(reader.id()?);
        }
        Some(edit)
    }
}

fn put_id(id: SegmentId, out: &mut Vec<u8>) {
    out.extend_from_slice(&id.first.to_le_bytes());
    out.extend_from_slice(&id.last.to_le_bytes());
    out.extend_from_slice(&id.level.to_le_bytes());
}

/// Reads numbers off the front; `None` once there are too few bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn id(&mut self) -> Option<SegmentId> {
        let (first, last) = (self.u64()?, self.u64()?);
        Some(SegmentId { first, last, level: u16::from_le_bytes(self.take(2)?.try_into().ok()?) })
    }

    fn line(&mut self) -> Option<SegmentLine> {
        let id = self.id()?;
        let bytes = self.u64()?;
        let (spans, traces) = (self.u64()?, self.u64()?);
        let mut time = || self.u64().map(UnixNanos);
        let (start_min, start_max) = (time()?, time()?);
        let (received_min, received_max) = (time()?, time()?);
        let bounds = Bounds { spans, traces, start_min, start_max, received_min, received_max };
        Some(SegmentLine { id, bytes, bounds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_comes_back_and_no_part_of_it_passes_for_one() {
        let id = SegmentId { first: 3, last: 9, level: 2 };
        let edit = Edit {
            frozen_to: 12,
            adds: vec![SegmentLine { id, bytes: 77, bounds: Bounds::EMPTY }],
            removes: vec![id],
            ..Edit::of(Tenant::default())
        };
        let mut bytes = Vec::new();
        edit.put(&mut bytes);
        assert_eq!(Edit::read(&bytes), Some(edit));
        assert!((0..bytes.len()).all(|end| Edit::read(&bytes[..end]).is_none()));
    }

    #[test]
    fn a_file_name_is_an_id() {
        let id = SegmentId { first: 3, last: u64::MAX, level: 2 };
        assert_eq!(SegmentId::from_file_name(&id.file_name()), Some(id));
        for bad in ["1-2-0.seg", "x", ".seg", "0000000000000001-0000000000000002-0.tmp"] {
            assert_eq!(SegmentId::from_file_name(bad), None, "{bad}");
        }
    }
}
