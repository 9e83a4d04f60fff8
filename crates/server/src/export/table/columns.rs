//! Rows as columns, with the levels that say where lists begin and what is absent.
//!
//! A column of a file holds values one after another. Where it lies inside a list, each value has a *repetition*
//! level (0: a new row; n: the next of the list at depth n), and where something above it may be absent, a
//! *definition* level (how much of the way to it is there). Whoever fills [`Columns`] calls them in the order of the
//! schema; a list rewinds to its first column for each of its elements.

use std::borrow::Cow;
use std::io::Write;
use std::ops::Range;

use bytes::Bytes;
use parquet::basic::Type as Physical;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;
use span::ValueRef;

/// Columns of a file that a map of attributes takes: the key, and a value of each type.
pub(super) const ATTRIBUTES_LEAVES: usize = 7;

/// Where an element stands: how deep in lists, how much of the way is there, and whether it is the first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    depth: i16,
    definition: i16,
    repetition: i16,
}

impl Place {
    /// Returns where the element `number` of a list stands that stands here.
    const fn element(self, number: usize) -> Self {
        let depth = self.depth + 1;
        let repetition = if number == 0 { self.repetition } else { depth };
        Self { depth, definition: self.definition + 1, repetition }
    }
}

/// The rows of a group.
pub(super) struct Columns {
    all: Vec<Column>,
    /// The column that is filled next.
    at: usize,
    rows: usize,
    /// About how much memory they take.
    bytes: usize,
    /// Whether all of this row could be said.
    is_exact: bool,
}

struct Column {
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    values: Values,
}

enum Values {
    Texts { bytes: Vec<u8>, ranges: Vec<Range<usize>> },
    Longs(Vec<i64>),
    Ints(Vec<i32>),
    Doubles(Vec<f64>),
    Bools(Vec<bool>),
}

impl Columns {
    /// Makes empty columns.
    pub(super) fn of(schema: &SchemaDescriptor) -> Self {
        let column = |physical| Column {
            definitions: Vec::new(),
            repetitions: Vec::new(),
            values: match physical {
                Physical::BOOLEAN => Values::Bools(Vec::new()),
                Physical::INT32 => Values::Ints(Vec::new()),
                Physical::INT64 => Values::Longs(Vec::new()),
                Physical::DOUBLE => Values::Doubles(Vec::new()),
                _ => Values::Texts { bytes: Vec::new(), ranges: Vec::new() },
            },
        };
        let all = schema.columns().iter().map(|leaf| column(leaf.physical_type())).collect();
        Self { all, at: 0, rows: 0, bytes: 0, is_exact: true }
    }

    /// How many rows there are.
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// About how much memory they take.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Begins a row.
    pub(super) const fn begin_row(&mut self) {
        self.at = 0;
        self.is_exact = true;
    }

    /// Ends a row.
    pub(super) fn end_row(&mut self) {
        assert_eq!(self.at, self.all.len(), "a row fills every column");
        self.rows += 1;
    }

    /// Tells whether all of the row so far could be said.
    pub(super) const fn are_exact(&self) -> bool {
        self.is_exact
    }

    /// Notes whether something could be said.
    pub(super) const fn also_exact(&mut self, is_exact: bool) {
        self.is_exact &= is_exact;
    }

    /// Fills the next column with our own words.
    pub(super) fn word(&mut self, place: Place, word: &str) {
        self.push_text(place, 0, word.as_bytes());
    }

    /// Fills the next column with a sender's text.
    pub(super) fn text(&mut self, place: Place, text: &[u8]) {
        self.push_sent(place, 0, text);
    }

    /// Fills the next column with a sender's text, or with none where it is empty.
    pub(super) fn optional(&mut self, place: Place, text: &[u8]) {
        match text {
            [] => self.absent(place),
            text => self.push_sent(place, 1, text),
        }
    }

    /// Fills the next column with bytes, or with none where there are none.
    pub(super) fn bytes_or_none(&mut self, place: Place, bytes: &[u8]) {
        match bytes {
            [] => self.absent(place),
            bytes => self.push_text(place, 1, bytes),
        }
    }

    /// Fills the next column with a number.
    pub(super) fn number(&mut self, place: Place, number: i64) {
        let Values::Longs(longs) = self.next(place, 0) else { unreachable!("the schema says so") };
        longs.push(number);
    }

    /// Fills the next column with a number without a sign.
    pub(super) fn count(&mut self, place: Place, count: u32) {
        let Values::Ints(ints) = self.next(place, 0) else { unreachable!("the schema says so") };
        ints.push(count.cast_signed());
    }

    /// Fills the next `leaves` columns with a list, in which `each` fills them once for an element.
    pub(super) fn list<T>(
        &mut self,
        place: Place,
        leaves: usize,
        items: impl Iterator<Item = T>,
        mut each: impl FnMut(&mut Self, Place, T),
    ) {
        let first = self.at;
        for (number, item) in items.enumerate() {
            self.at = first;
            each(self, place.element(number), item);
            debug_assert_eq!(self.at, first + leaves);
        }
        while self.at < first + leaves {
            self.absent(place);
        }
    }

    /// Fills the next columns with a map of attributes. Of a repeated key it has the last.
    pub(super) fn attributes<'a>(
        &mut self,
        place: Place,
        attributes: impl Iterator<Item = (&'a [u8], ValueRef<'a>)>,
    ) {
        let mut entries: Vec<(Cow<'a, str>, ValueRef<'a>)> = Vec::with_capacity(32);
        for (key, value) in attributes {
            self.also_exact(std::str::from_utf8(key).is_ok());
            let key = String::from_utf8_lossy(key);
            // Maps are short, and most keys differ in length.
            if let Some(known) = entries.iter().position(|(known, _)| *known == key) {
                self.also_exact(false);
                entries.remove(known);
            }
            entries.push((key, value));
        }
        self.list(place, ATTRIBUTES_LEAVES, entries.into_iter(), |columns, place, (key, value)| {
            columns.push_text(place, 0, key.as_bytes());
            columns.value(place, value);
        });
    }

    /// Fills the six columns of a value, of which one has it.
    fn value(&mut self, place: Place, value: ValueRef<'_>) {
        let of_value = self.at;
        (0..6).for_each(|_| self.absent(place));
        let after = self.at;
        let mut put = |at: usize| {
            self.at = of_value + at;
            let column = &mut self.all[self.at];
            column.definitions.pop();
            column.repetitions.pop();
        };
        match value {
            ValueRef::Empty => {}
            ValueRef::Str(text) => {
                put(0);
                self.push_sent(place, 1, text);
            }
            ValueRef::Bool(on) => {
                put(1);
                let Values::Bools(bools) = self.next(place, 1) else { unreachable!("the schema says so") };
                bools.push(on);
            }
            ValueRef::Int(number) => {
                put(2);
                let Values::Longs(longs) = self.next(place, 1) else { unreachable!("the schema says so") };
                longs.push(number);
            }
            ValueRef::Double(number) => {
                put(3);
                let Values::Doubles(doubles) = self.next(place, 1) else {
                    unreachable!("the schema says so")
                };
                doubles.push(number);
            }
            ValueRef::Bytes(bytes) => {
                put(4);
                self.push_text(place, 1, bytes);
            }
            ValueRef::Array(_) | ValueRef::Map(_) => {
                put(5);
                self.also_exact(json_says_all(value));
                self.push_text(place, 1, value.json_form().as_bytes());
            }
        }
        self.at = after;
    }

    fn absent(&mut self, place: Place) {
        self.next(place, 0);
    }

    fn push_sent(&mut self, place: Place, present: i16, text: &[u8]) {
        match std::str::from_utf8(text) {
            Ok(_) => self.push_text(place, present, text),
            Err(_) => {
                self.is_exact = false;
                self.push_text(place, present, String::from_utf8_lossy(text).as_bytes());
            }
        }
    }

    fn push_text(&mut self, place: Place, present: i16, text: &[u8]) {
        self.bytes += text.len() + size_of::<Range<usize>>();
        let Values::Texts { bytes, ranges } = self.next(place, present) else {
            unreachable!("the schema says so")
        };
        let first = bytes.len();
        bytes.extend_from_slice(text);
        ranges.push(first..bytes.len());
    }

    /// Goes to the next column, and notes the levels of what is put there.
    fn next(&mut self, place: Place, present: i16) -> &mut Values {
        let column = &mut self.all[self.at];
        column.definitions.push(place.definition + present);
        column.repetitions.push(place.repetition);
        self.at += 1;
        self.bytes += 4;
        &mut column.values
    }

    /// Writes all rows as a group, and forgets them.
    pub(super) fn write<W: Write + Send>(
        &mut self,
        file: &mut SerializedFileWriter<W>,
    ) -> Result<(), ParquetError> {
        let mut group = file.next_row_group()?;
        for column in &mut self.all {
            let mut writer = group.next_column()?.expect("the schema is the same");
            column.write(writer.untyped())?;
            writer.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl Column {
    fn write(&mut self, writer: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = (Some(&self.definitions[..]), Some(&self.repetitions[..]));
        match (&mut self.values, writer) {
            (Values::Texts { bytes, ranges }, ColumnWriter::ByteArrayColumnWriter(writer)) => {
                let all = Bytes::from(std::mem::take(bytes));
                let texts: Vec<ByteArray> =
                    ranges.drain(..).map(|range| ByteArray::from(all.slice(range))).collect();
                writer.write_batch(&texts, levels.0, levels.1)?;
            }
            (Values::Longs(longs), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(longs, levels.0, levels.1)?;
                longs.clear();
            }
            (Values::Ints(ints), ColumnWriter::Int32ColumnWriter(writer)) => {
                writer.write_batch(ints, levels.0, levels.1)?;
                ints.clear();
            }
            (Values::Doubles(doubles), ColumnWriter::DoubleColumnWriter(writer)) => {
                writer.write_batch(doubles, levels.0, levels.1)?;
                doubles.clear();
            }
            (Values::Bools(bools), ColumnWriter::BoolColumnWriter(writer)) => {
                writer.write_batch(bools, levels.0, levels.1)?;
                bools.clear();
            }
            _ => unreachable!("values were made by the schema"),
        }
        self.definitions.clear();
        self.repetitions.clear();
        Ok(())
    }
}

/// Tells whether a value's JSON says all of it: types, order and keys.
fn json_says_all(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Empty | ValueRef::Bool(_) | ValueRef::Int(_) => true,
        ValueRef::Str(text) => std::str::from_utf8(text).is_ok(),
        // A whole number would read as an integer.
        ValueRef::Double(number) => number.is_finite() && number.fract() != 0.0,
        ValueRef::Bytes(_) => false,
        ValueRef::Array(list) => list.iter().all(json_says_all),
        ValueRef::Map(map) => {
            let mut last: &[u8] = b"";
            map.iter().all(|(key, value)| {
                let follows = last < key && std::str::from_utf8(key).is_ok();
                last = key;
                follows && json_says_all(value)
            })
        }
    }
}
