//! What stands where in a segment file, and the numbers that name it.
//!
//! ```text
//! head      "TWSEG\0\r\n", version u32, crc32c of both u32
//! groups    each: the blocks of its columns, then its directory (a block)
//! tables    dictionary pages, resources, scopes, shapes, columns, operations, ids, filters (blocks)
//! footer    a block
//! tail      offset of the footer u64, its length u32, crc32c of both u32, "TWSEG\0\r\n"
//! ```

use span::UnixNanos;

use crate::column::bytes::{put_varint, unzigzag, zigzag};
use crate::column::{Broken, Extent, Take};
use crate::part::Bounds;

/// First and last bytes of the file. The line end notices transfers that "mend" line ends.
pub(crate) const MAGIC: &[u8; 8] = b"TWSEG\0\r\n";
/// The version that is written. Every version ever written is read.
pub(crate) const VERSION: u32 = 1;
pub(crate) const HEAD_LEN: usize = 16;
pub(crate) const TAIL_LEN: usize = 24;

/// How a segment is divided. None of it is needed for reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// A group is closed when it has this many rows. A trace of half as many more has groups of its own.
    pub(super) group_rows: usize,
    /// Attribute columns of a segment; the attributes of rarer ones go to the overflow column.
    pub(super) columns_max: usize,
    /// Shapes of a segment; the attributes of rarer ones go to the overflow column.
    pub(super) shapes_max: usize,
    /// Texts of more bytes stand in the dictionary, each on a page of its own.
    pub(super) text_inline_max: usize,
    /// A merge orders at most so many rows at once; a trace of more comes in pieces.
    pub(super) chunk_rows: usize,
    /// What a chunk of a merge takes in memory.
    pub(super) chunk_bytes: usize,
}

impl Sizes {
    /// Groups of 1,024 rows halve the time of a lookup and cost a quarter more space, groups of 16,384 save
    /// a tenth of it and triple the time.
    pub(super) const USUAL: Self = Self {
        group_rows: 4_096,
        columns_max: 2_000,
        shapes_max: 16_384,
        text_inline_max: 2_048,
        chunk_rows: 128 << 10,
        chunk_bytes: 64 << 20,
    };

    /// A trace of more rows than this has groups of its own.
    pub(super) const fn trace_rows_max(&self) -> usize {
        self.group_rows + self.group_rows / 2
    }
}

/// Shape numbers on disk that name no list of columns.
pub(crate) const SHAPE_NONE: u32 = 0;
pub(crate) const SHAPE_OVERFLOW: u32 = 1;
pub(crate) const SHAPE_FIRST: u32 = 2;

/// What a row says of its parent; from [`PARENT_NEAR`] on, how many rows before it the parent stands.
pub(crate) const PARENT_NONE: u64 = 0;
/// The parent is not in the segment, or the row stands before it in a circle: its id is in `PARENT_ID`.
pub(crate) const PARENT_ABSENT: u64 = 1;
/// The parent is in an earlier group: its id is in `PARENT_ID`.
pub(crate) const PARENT_EARLIER: u64 = 2;
pub(crate) const PARENT_NEAR: u64 = 2;

/// Numbers of the columns that every segment may have. A column that is not there is all zeros, or all
/// empty texts.
pub(crate) mod fixed {
    /// Per trace of the group: id, rows in the group, start of the fragment.
    pub(crate) const TRACE_ID: u32 = 0;
    pub(crate) const TRACE_ROWS: u32 = 1;
    pub(crate) const TRACE_START: u32 = 2;
    /// Per row.
    pub(crate) const SPAN_ID: u32 = 3;
    pub(crate) const PARENT: u32 = 4;
    /// Per row whose parent is told by its id.
    pub(crate) const PARENT_ID: u32 = 5;
    pub(crate) const DESCENDANTS: u32 = 6;
    pub(crate) const START: u32 = 7;
    pub(crate) const DURATION: u32 = 8;
    /// 1 where the span ended before it began; the duration is then how long before.
    pub(crate) const BACKWARDS: u32 = 9;
    pub(crate) const RESOURCE: u32 = 10;
    pub(crate) const SCOPE: u32 = 11;
    pub(crate) const NAME: u32 = 12;
    pub(crate) const KIND: u32 = 13;
    pub(crate) const STATUS: u32 = 14;
    pub(crate) const STATUS_MESSAGE: u32 = 15;
    pub(crate) const FLAGS: u32 = 16;
    pub(crate) const TRACE_STATE: u32 = 17;
    pub(crate) const DROPPED_ATTRIBUTES: u32 = 18;
    pub(crate) const DROPPED_EVENTS: u32 = 19;
    pub(crate) const DROPPED_LINKS: u32 = 20;
    pub(crate) const RESIDUAL: u32 = 21;
    pub(crate) const SHAPE: u32 = 22;
    pub(crate) const EVENT_COUNT: u32 = 23;
    pub(crate) const LINK_COUNT: u32 = 24;
    /// Per event.
    pub(crate) const EVENT_TIME: u32 = 25;
    pub(crate) const EVENT_NAME: u32 = 26;
    pub(crate) const EVENT_SHAPE: u32 = 27;
    pub(crate) const EVENT_DROPPED: u32 = 28;
    pub(crate) const EVENT_RESIDUAL: u32 = 29;
    /// Per link.
    pub(crate) const LINK_TRACE: u32 = 30;
    pub(crate) const LINK_SPAN: u32 = 31;
    pub(crate) const LINK_FLAGS: u32 = 32;
    pub(crate) const LINK_STATE: u32 = 33;
    pub(crate) const LINK_SHAPE: u32 = 34;
    pub(crate) const LINK_DROPPED: u32 = 35;
    pub(crate) const LINK_RESIDUAL: u32 = 36;
    /// Per row, event or link whose shape is the overflow: its attributes, as a listing.
    pub(crate) const SPAN_OVERFLOW: u32 = 37;
    pub(crate) const EVENT_OVERFLOW: u32 = 38;
    pub(crate) const LINK_OVERFLOW: u32 = 39;
    /// The first attribute column. Those below are kept for columns to come.
    pub(crate) const ATTRIBUTES: u32 = 64;

    /// Returns what a fixed column is called where people read it.
    pub(crate) fn name(column: u32) -> &'static str {
        const NAMES: [&str; 40] = [
            "trace id",
            "trace rows",
            "trace start",
            "span id",
            "parent",
            "parent id",
            "descendants",
            "start",
            "duration",
            "backwards",
            "resource",
            "scope",
            "name",
            "kind",
            "status",
            "status message",
            "flags",
            "trace state",
            "dropped attributes",
            "dropped events",
            "dropped links",
            "residual",
            "shape",
            "event count",
            "link count",
            "event time",
            "event name",
            "event shape",
            "event dropped attributes",
            "event residual",
            "link trace id",
            "link span id",
            "link flags",
            "link trace state",
            "link shape",
            "link dropped attributes",
            "link residual",
            "overflow",
            "event overflow",
            "link overflow",
        ];
        NAMES.get(column as usize).copied().unwrap_or("unknown")
    }
}

/// Whose attributes a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Owner {
    Span = 0,
    Event = 1,
    Link = 2,
}

impl Owner {
    pub(crate) const ALL: [Self; 3] = [Self::Span, Self::Event, Self::Link];

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Returns what it is called where people read it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Event => "event",
            Self::Link => "link",
        }
    }
}

/// A block, or a run of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) len: u32,
}

/// What the footer says of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupLine {
    /// Where its columns begin; the directory follows them.
    pub(crate) offset: u64,
    pub(crate) columns_len: u32,
    pub(crate) directory_len: u32,
    pub(crate) rows: u32,
    pub(crate) traces: u32,
    /// Whether its only trace goes on from the group before.
    pub(crate) continues: bool,
    /// Starts of its spans.
    pub(crate) start_min: UnixNanos,
    pub(crate) start_max: UnixNanos,
}

/// The tables of a segment, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Dictionary = 0,
    Resources = 1,
    Scopes = 2,
    Shapes = 3,
    Columns = 4,
    Operations = 5,
    Ids = 6,
    IdFilter = 7,
    PairFilter = 8,
    /// Not in files of the first writers, and not in small segments.
    RunFilters = 9,
}

impl Table {
    /// What the tables are called where people read it, by number.
    pub(crate) const NAMES: [&str; TABLES] = [
        "dictionary",
        "resources",
        "scopes",
        "shapes",
        "columns",
        "operations",
        "ids",
        "id filter",
        "pair filter",
        "run filters",
    ];
}

/// How many tables there are. New ones are appended; who does not know them reads a file without.
pub(crate) const TABLES: usize = 10;

/// What opening a segment reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) bounds: Bounds,
    pub(crate) tables: [Place; TABLES],
    pub(crate) groups: Vec<GroupLine>,
    /// Rows, events and links whose attributes went to the overflow columns.
    pub(crate) overflowed: u64,
}

impl Footer {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let Bounds { spans, traces, start_min, start_max, received_min, received_max } = self.bounds;
        for number in
            [spans, traces, start_min.0, start_max.0, received_min.0, received_max.0, self.overflowed]
        {
            put_varint(out, number);
        }
        put_varint(out, TABLES as u64);
        for table in &self.tables {
            put_varint(out, table.offset);
            put_varint(out, u64::from(table.len));
        }
        put_varint(out, self.groups.len() as u64);
        let mut start = start_min.0;
        for group in &self.groups {
            put_varint(out, u64::from(group.columns_len));
            put_varint(out, u64::from(group.directory_len));
            put_varint(out, u64::from(group.rows));
            put_varint(out, u64::from(group.traces) << 1 | u64::from(group.continues));
            put_varint(out, zigzag(group.start_min.0.wrapping_sub(start) as i64));
            put_varint(out, group.start_max.0.wrapping_sub(group.start_min.0));
            start = group.start_min.0;
        }
    }

    /// Reads a footer of a file whose tables and groups end at `end`.
    pub(crate) fn take(bytes: &[u8], end: u64) -> Result<Self, Broken> {
        let mut take = Take::new(bytes);
        let bounds = Bounds {
            spans: take.varint()?,
            traces: take.varint()?,
            start_min: UnixNanos(take.varint()?),
            start_max: UnixNanos(take.varint()?),
            received_min: UnixNanos(take.varint()?),
            received_max: UnixNanos(take.varint()?),
        };
        let overflowed = take.varint()?;
        let mut tables = [Place::default(); TABLES];
        for number in 0..take.count(2)? {
            let place = Place { offset: take.varint()?, len: take.varint32()? };
            if end < place.offset.saturating_add(u64::from(place.len)) {
                return Err(Broken("a table lies outside the file"));
            }
            // Tables of later versions are none of ours.
            if let Some(table) = tables.get_mut(number) {
                *table = place;
            }
        }
        let mut groups = Vec::with_capacity(take.clone().count(6)?);
        let (mut offset, mut start) = (HEAD_LEN as u64, bounds.start_min.0);
        for _ in 0..take.count(6)? {
            let (columns_len, directory_len) = (take.varint32()?, take.varint32()?);
            let rows = take.varint32()?;
            let traces = take.varint()?;
            start = start.wrapping_add(unzigzag(take.varint()?) as u64);
            let group = GroupLine {
                offset,
                columns_len,
                directory_len,
                rows,
                traces: u32::try_from(traces >> 1).map_err(|_| Broken("a number is too large"))?,
                continues: traces & 1 == 1,
                start_min: UnixNanos(start),
                start_max: UnixNanos(start.wrapping_add(take.varint()?)),
            };
            offset += u64::from(columns_len) + u64::from(directory_len);
            if end < offset || ROWS_MAX < rows || rows < group.traces {
                return Err(Broken("a group lies outside the file"));
            }
            groups.push(group);
        }
        Ok(Self { bounds, tables, groups, overflowed })
    }
}

/// No writer makes a larger group.
const ROWS_MAX: u32 = 1 << 16;
/// No group has more values in one column: they came in batches of bounded size.
const VALUES_MAX: u32 = 1 << 26;

/// Appends a directory: the columns of a group, in the order of their blocks.
pub(crate) fn put_directory(columns: &[(u32, Extent)], out: &mut Vec<u8>) {
    put_varint(out, columns.len() as u64);
    let mut before = 0;
    for (number, extent) in columns {
        put_varint(out, zigzag(i64::from(*number) - before));
        before = i64::from(*number);
        put_varint(out, u64::from(extent.count));
        out.push(extent.coding);
        put_varint(out, extent.least);
        put_varint(out, extent.spread);
        extent.lens.iter().for_each(|len| put_varint(out, u64::from(*len)));
    }
}

/// A column of a group: its number, what it is, and where its blocks begin among the group's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColumnLine {
    pub(crate) number: u32,
    pub(crate) extent: Extent,
    pub(crate) offset: u32,
}

/// Reads a directory of a group whose columns take `columns_len` bytes; returns it by number.
pub(crate) fn take_directory(bytes: &[u8], columns_len: u32) -> Result<Vec<ColumnLine>, Broken> {
    let mut take = Take::new(bytes);
    let mut columns = Vec::with_capacity(take.clone().count(7)?);
    let (mut number, mut offset) = (0_i64, 0_u32);
    for _ in 0..take.count(7)? {
        number = number.wrapping_add(unzigzag(take.varint()?));
        let count = take.varint32()?;
        let coding = take.byte()?;
        let (least, spread) = (take.varint()?, take.varint()?);
        let lens = [take.varint32()?, take.varint32()?];
        let column = u32::try_from(number).map_err(|_| Broken("a column's number is too large"))?;
        columns.push(ColumnLine {
            number: column,
            extent: Extent { count, coding, least, spread, lens },
            offset,
        });
        let after = lens.iter().try_fold(offset, |offset, len| offset.checked_add(*len));
        offset =
            after.filter(|after| *after <= columns_len).ok_or(Broken("a column lies outside its group"))?;
        if VALUES_MAX < count {
            return Err(Broken("a column's count is too large"));
        }
    }
    columns.sort_unstable_by_key(|column| column.number);
    Ok(columns)
}
