//! One row group being read: columns by number, each read and checked when it is asked for.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use span::{TraceId, UnixNanos};

use super::failure::Failure;
use super::group_cache::{Decoded, GroupSlot, Sort};
use super::layout::{ColumnLine, GroupLine, PARENT_NEAR, Place, fixed};
use super::reader::Segment;
use crate::column::block::Unpacker;
use crate::column::bytes::unzigzag;
use crate::column::{Broken, Ints, Texts};

pub(super) struct Group<'a> {
    pub(super) segment: &'a Segment,
    pub(super) line: &'a GroupLine,
    directory: Arc<[ColumnLine]>,
    /// Whether all columns are read in one go, as soon as one must be.
    is_whole: bool,
    bytes: OnceCell<Vec<u8>>,
    /// Where decoded columns are kept.
    slot: Option<&'a Arc<GroupSlot>>,
    unpacker: RefCell<Unpacker>,
}

/// The two blocks of a column.
pub(super) struct Blocks<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where the second begins.
    middle: usize,
}

impl Blocks<'_> {
    pub(super) fn both(&self) -> [&[u8]; 2] {
        let (first, second) = self.bytes.split_at(self.middle);
        [first, second]
    }
}

/// The traces of a group.
#[derive(Debug)]
pub(super) struct GroupTraces {
    pub(super) ids: Vec<TraceId>,
    /// Where each trace's rows end.
    pub(super) ends: Vec<usize>,
    /// The start of each fragment.
    pub(super) starts: Vec<UnixNanos>,
}

/// When spans began and ended.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) starts: Vec<UnixNanos>,
    pub(super) ends: Vec<UnixNanos>,
}

impl<'a> Group<'a> {
    /// Reads the group's columns one by one, for who needs few.
    pub(super) fn sparse(segment: &'a Segment, number: usize) -> Result<Self, Failure> {
        Ok(Self {
            segment,
            line: &segment.footer.groups[number],
            directory: segment.directory(number)?,
            is_whole: false,
            bytes: OnceCell::new(),
            slot: None,
            unpacker: RefCell::new(Unpacker::new()),
        })
    }

    /// Reads the bytes of all columns at once, for who needs most.
    pub(super) fn whole(segment: &'a Segment, number: usize) -> Result<Self, Failure> {
        let mut group = Self::sparse(segment, number)?;
        group.is_whole = true;
        Ok(group)
    }

    /// Keeps in memory what is decoded, for who will ask again.
    pub(super) fn kept(mut self, number: usize) -> Self {
        self.slot = Some(self.segment.group_slot(number));
        self
    }

    /// Returns how many rows there are.
    pub(super) const fn rows(&self) -> usize {
        self.line.rows as usize
    }

    /// Returns what the directory says of all columns.
    pub(super) fn columns(&self) -> &[ColumnLine] {
        &self.directory
    }

    /// Returns what the directory says of a column, if it is there.
    pub(super) fn column(&self, number: u32) -> Option<&ColumnLine> {
        let at = self.directory.binary_search_by_key(&number, |column| column.number).ok()?;
        Some(&self.directory[at])
    }

    /// Returns the numbers of a fixed column, which must be `count`; zeros where it is not there.
    pub(super) fn ints(&self, number: u32, count: usize) -> Result<Arc<Ints>, Failure> {
        match self.column(number) {
            None => Ok(Arc::new(Ints::constant(count, 0))),
            Some(column) => self.checked(column, self.ints_of(column)?, count, Ints::len),
        }
    }

    /// Returns the texts of a fixed column, which must be `count`; empty ones where it is not there.
    pub(super) fn texts(&self, number: u32, count: usize) -> Result<Arc<Texts>, Failure> {
        match self.column(number) {
            None => Ok(Arc::new(Texts::empty(count))),
            Some(column) => self.checked(column, self.texts_of(column)?, count, Texts::len),
        }
    }

    /// Returns the bytes of a fixed column of `count` values.
    pub(super) fn raw(&self, number: u32, width: usize, count: usize) -> Result<Arc<Vec<u8>>, Failure> {
        let Some(column) = self.column(number) else {
            return match count {
                0 => Ok(Arc::default()),
                _ => Err(Failure::Broken(Broken("a column is missing"), self.place())),
            };
        };
        let bytes = match self.known(number, Sort::Raw) {
            Some(Decoded::Bytes(bytes)) => bytes,
            _ => {
                let blocks = self.blocks(column)?;
                let bytes = self.unpacker.borrow_mut().unpack(blocks.both()[0]);
                let bytes = Arc::new(bytes.map_err(|broken| (broken, self.place_of(column)))?);
                self.keep(number, Sort::Raw, Decoded::Bytes(bytes.clone()));
                bytes
            }
        };
        self.checked(column, bytes, width.saturating_mul(count), Vec::len)
    }

    /// Returns the numbers of a column.
    pub(super) fn ints_of(&self, column: &ColumnLine) -> Result<Arc<Ints>, Failure> {
        if let Some(Decoded::Ints(ints)) = self.known(column.number, Sort::Ints) {
            return Ok(ints);
        }
        let blocks = self.blocks(column)?;
        let ints = Ints::take(&column.extent, blocks.both(), &mut self.unpacker.borrow_mut());
        let ints = Arc::new(ints.map_err(|broken| (broken, self.place_of(column)))?);
        self.keep(column.number, Sort::Ints, Decoded::Ints(ints.clone()));
        Ok(ints)
    }

    /// Returns the buckets of a column, where it has any.
    pub(super) fn buckets_of(&self, column: &ColumnLine) -> Result<Option<Arc<Vec<u8>>>, Failure> {
        if let Some(Decoded::Bytes(buckets)) = self.known(column.number, Sort::Buckets) {
            return Ok(Some(buckets));
        }
        let blocks = self.blocks(column)?;
        let buckets = Ints::buckets(&column.extent, blocks.both()[0], &mut self.unpacker.borrow_mut());
        let buckets = buckets.map_err(|broken| (broken, self.place_of(column)))?.map(Arc::new);
        if let Some(buckets) = &buckets {
            self.keep(column.number, Sort::Buckets, Decoded::Bytes(buckets.clone()));
        }
        Ok(buckets)
    }

    /// Returns the texts of a column.
    pub(super) fn texts_of(&self, column: &ColumnLine) -> Result<Arc<Texts>, Failure> {
        if let Some(Decoded::Texts(texts)) = self.known(column.number, Sort::Texts) {
            return Ok(texts);
        }
        let blocks = self.blocks(column)?;
        let bound = self.segment.dictionary()?.len();
        let texts = Texts::take(&column.extent, blocks.both(), bound, &mut self.unpacker.borrow_mut());
        let texts = Arc::new(texts.map_err(|broken| (broken, self.place_of(column)))?);
        self.keep(column.number, Sort::Texts, Decoded::Texts(texts.clone()));
        Ok(texts)
    }

    fn known(&self, number: u32, sort: Sort) -> Option<Decoded> {
        self.slot?.get(number, sort)
    }

    fn keep(&self, number: u32, sort: Sort, decoded: Decoded) {
        if let Some(slot) = self.slot {
            self.segment.keep_column(slot, number, sort, decoded);
        }
    }

    /// Says that a column does not fit the others.
    pub(super) fn misfit(&self, number: u32) -> Failure {
        let place = self.column(number).map_or_else(|| self.place(), |column| self.place_of(column));
        Failure::Broken(Broken("a column does not fit its group"), place)
    }

    /// Returns the traces and where their rows are.
    pub(super) fn traces(&self) -> Result<GroupTraces, Failure> {
        let count = self.line.traces as usize;
        let ids = self.raw(fixed::TRACE_ID, 16, count)?;
        let ids = ids.as_chunks::<16>().0.iter().map(|id| TraceId::from_bytes(*id)).collect();
        let mut ends = Vec::with_capacity(count);
        let mut end = 0_usize;
        for rows in self.ints(fixed::TRACE_ROWS, count)?.all() {
            end = end.saturating_add(usize::try_from(rows).unwrap_or(usize::MAX));
            ends.push(end);
        }
        if end != self.rows() {
            return Err(self.misfit(fixed::TRACE_ROWS));
        }
        let starts = self.ints(fixed::TRACE_START, count)?.all().into_iter().map(UnixNanos).collect();
        Ok(GroupTraces { ids, ends, starts })
    }

    /// Returns the times of the rows of some traces. `parents` are those rows' codes.
    pub(super) fn times(
        &self,
        traces: &GroupTraces,
        which: Range<usize>,
        parents: &[u64],
    ) -> Result<Times, Failure> {
        let rows = traces.rows(which.clone());
        let starts = self.ints(fixed::START, self.rows())?.range(rows.clone());
        let durations = self.ints(fixed::DURATION, self.rows())?.range(rows.clone());
        let backwards = self.ints(fixed::BACKWARDS, self.rows())?.range(rows.clone());
        let mut times =
            Times { starts: Vec::with_capacity(rows.len()), ends: Vec::with_capacity(rows.len()) };
        let mut expected: Vec<u64> = Vec::with_capacity(rows.len());
        for trace in which {
            for at in traces.rows(trace..trace + 1) {
                let at = at - rows.start;
                let parent = match parents[at].checked_sub(PARENT_NEAR) {
                    None | Some(0) => None,
                    Some(distance) => {
                        usize::try_from(distance).ok().and_then(|distance| at.checked_sub(distance))
                    }
                };
                if parent.is_none() && PARENT_NEAR < parents[at] {
                    return Err(self.misfit(fixed::PARENT));
                }
                let base = parent.map_or(traces.starts[trace].0, |parent| expected[parent]);
                let start = base.wrapping_add(unzigzag(starts[at]) as u64);
                let end = match backwards[at] {
                    0 => start.checked_add(durations[at]),
                    _ => start.checked_sub(durations[at]),
                };
                let end = end.ok_or_else(|| self.misfit(fixed::DURATION))?;
                if let Some(parent) = parent {
                    expected[parent] = end.max(start);
                }
                expected.push(start);
                times.starts.push(UnixNanos(start));
                times.ends.push(UnixNanos(end));
            }
        }
        Ok(times)
    }

    fn checked<T>(
        &self,
        column: &ColumnLine,
        values: Arc<T>,
        count: usize,
        len: fn(&T) -> usize,
    ) -> Result<Arc<T>, Failure> {
        if len(&values) == count {
            return Ok(values);
        }
        Err(Failure::Broken(Broken("a column's count is wrong"), self.place_of(column)))
    }

    pub(super) fn blocks(&self, column: &ColumnLine) -> Result<Blocks<'_>, Failure> {
        let [first, second] = column.extent.lens;
        let (start, middle) = (column.offset as usize, first as usize);
        let end = middle + second as usize;
        if !self.is_whole {
            let bytes = self.segment.read(Place { len: end as u32, ..self.place_of(column) })?;
            return Ok(Blocks { bytes: Cow::Owned(bytes), middle });
        }
        let bytes = match self.bytes.get() {
            Some(bytes) => bytes,
            None => {
                let bytes = self.segment.read(self.place())?;
                self.bytes.get_or_init(|| bytes)
            }
        };
        // The directory's extents lie within the group's columns.
        Ok(Blocks { bytes: Cow::Borrowed(&bytes[start..start + end]), middle })
    }

    pub(super) fn place_of(&self, column: &ColumnLine) -> Place {
        let len = column.extent.lens[0].saturating_add(column.extent.lens[1]);
        Place { offset: self.line.offset + u64::from(column.offset), len }
    }

    const fn place(&self) -> Place {
        Place { offset: self.line.offset, len: self.line.columns_len }
    }
}

impl GroupTraces {
    /// Returns the rows of some traces.
    pub(super) fn rows(&self, which: Range<usize>) -> Range<usize> {
        let end = |count: usize| count.checked_sub(1).map_or(0, |before| self.ends[before]);
        end(which.start)..end(which.end)
    }
}
