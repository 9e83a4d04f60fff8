//! What a segment being built decides before its first byte: columns, shapes, and the dictionary.
//!
//! The shapes that most owners have keep their place; past [`Sizes::shapes_max`] of them, or
//! [`Sizes::columns_max`] columns, an owner's attributes are written out one by one in the overflow column. A text that
//! two groups use goes to the dictionary, and so does every large one.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::layout::{Owner, SHAPE_FIRST, SHAPE_NONE, SHAPE_OVERFLOW, Sizes};
use super::order::Order;
use crate::rows::interner::TextId;
use crate::rows::shapes::{Field, ShapeId};
use crate::rows::table::{Attributes, SpanLine, Table};
use crate::value_kind::ValueKind;

/// A column of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct AttributeColumn {
    pub(super) owner: Owner,
    pub(super) key: TextId,
    pub(super) kind: ValueKind,
}

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) columns: Vec<AttributeColumn>,
    /// The columns of each shape on disk, from [`SHAPE_FIRST`] on.
    pub(super) shapes: Vec<Vec<u32>>,
    /// By owner and by shape of the head: what becomes of it.
    lists: [Vec<List>; 3],
    /// The dictionary's texts, sorted by their bytes.
    pub(super) dictionary: Vec<TextId>,
    /// By text of the head: its number in the dictionary, or [`NO_NUMBER`].
    pub(super) numbers: Vec<u32>,
}

/// A text that stands in its group.
pub(super) const NO_NUMBER: u32 = u32::MAX;

/// What becomes of a shape.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    /// The shape's number on disk.
    pub(super) shape: u32,
    /// Its fields, each with its column. Empty in the overflow.
    pub(super) fields: Vec<(u32, Field)>,
}

impl Plan {
    pub(super) fn of(table: &Table, order: &Order, sizes: &Sizes) -> Self {
        let mut plan = Self {
            columns: Vec::new(),
            shapes: Vec::new(),
            lists: Owner::ALL.map(|_| vec![List::default(); table.shapes.len()]),
            dictionary: Vec::new(),
            numbers: Vec::new(),
        };
        plan.choose_shapes(table, &count_shapes(table, order), sizes);
        plan.choose_texts(table, order, sizes);
        plan
    }

    /// Returns what becomes of an owner's shape.
    pub(super) fn list(&self, owner: Owner, shape: ShapeId) -> &List {
        &self.lists[owner as usize][shape as usize]
    }

    /// Plans a chunk of a merge: columns and shapes go on from those of the chunks before, first come,
    /// first served. `numbers` are those of the chunk's texts in the dictionary.
    pub(super) fn within(
        table: &mut Table,
        order: &Order,
        sizes: &Sizes,
        catalog: &mut Catalog,
        mut numbers: Vec<u32>,
    ) -> Self {
        let mut lists = Owner::ALL.map(|_| vec![List::default(); table.shapes.len()]);
        let uses = count_shapes(table, order);
        for owner in Owner::ALL {
            for (shape, uses) in uses[owner as usize].iter().enumerate().skip(1) {
                if *uses != 0 {
                    let fields = table.shapes.fields(shape as ShapeId);
                    let columns = fields.iter().map(|field| (owner, field.kind, table.texts.get(field.key)));
                    lists[owner as usize][shape] = match catalog.take(columns, sizes) {
                        None => List { shape: SHAPE_OVERFLOW, fields: Vec::new() },
                        Some((shape, columns)) => {
                            let fields = columns.iter().copied().zip(fields.iter().copied()).collect();
                            List { shape, fields }
                        }
                    };
                }
            }
            lists[owner as usize][0] = List { shape: SHAPE_NONE, fields: Vec::new() };
        }
        let columns = catalog.columns.iter().map(|(owner, kind, key)| AttributeColumn {
            owner: *owner,
            kind: *kind,
            key: table.texts.intern(key),
        });
        let columns = columns.collect();
        numbers.resize(table.texts.len(), NO_NUMBER);
        Self { columns, shapes: Vec::new(), lists, dictionary: Vec::new(), numbers }
    }

    fn choose_shapes(&mut self, table: &Table, uses: &[Vec<u32>; 3], sizes: &Sizes) {
        let mut ranked: Vec<(u32, Owner, ShapeId)> = Vec::new();
        for owner in Owner::ALL {
            let used = uses[owner as usize].iter().enumerate().skip(1).filter(|(_, uses)| **uses != 0);
            ranked.extend(used.map(|(shape, uses)| (*uses, owner, shape as ShapeId)));
        }
        ranked.sort_unstable_by_key(|(uses, owner, shape)| (std::cmp::Reverse(*uses), *owner, *shape));
        let mut columns: HashMap<AttributeColumn, u32, RandomState> = HashMap::default();
        for (_, owner, shape) in ranked {
            let list = self.list_of(table, owner, shape, &mut columns, sizes);
            self.lists[owner as usize][shape as usize] = list;
        }
        for owner in Owner::ALL {
            self.lists[owner as usize][0] = List { shape: SHAPE_NONE, fields: Vec::new() };
        }
    }

    fn list_of(
        &mut self,
        table: &Table,
        owner: Owner,
        shape: ShapeId,
        columns: &mut HashMap<AttributeColumn, u32, RandomState>,
        sizes: &Sizes,
    ) -> List {
        let fields = table.shapes.fields(shape);
        let column = |field: &Field| AttributeColumn { owner, key: field.key, kind: field.kind };
        let new = fields.iter().filter(|field| !columns.contains_key(&column(field))).count();
        // Repeats of a new key count double here: the worst is an overflow a little early.
        if self.shapes.len() == sizes.shapes_max || sizes.columns_max < columns.len() + new {
            return List { shape: SHAPE_OVERFLOW, fields: Vec::new() };
        }
        let fields: Vec<(u32, Field)> = fields
            .iter()
            .map(|field| {
                let number = *columns.entry(column(field)).or_insert_with(|| {
                    self.columns.push(column(field));
                    self.columns.len() as u32 - 1
                });
                (number, *field)
            })
            .collect();
        self.shapes.push(fields.iter().map(|(column, _)| *column).collect());
        List { shape: SHAPE_FIRST + self.shapes.len() as u32 - 1, fields }
    }

    fn choose_texts(&mut self, table: &Table, order: &Order, sizes: &Sizes) {
        const NOWHERE: u32 = u32::MAX;
        const EVERYWHERE: u32 = u32::MAX - 1;
        let mut homes = vec![NOWHERE; table.texts.len()];
        for (group, run) in order.groups.iter().enumerate() {
            let mut settle = |text: TextId| {
                let home = &mut homes[text as usize];
                if *home != group as u32 {
                    *home = if *home == NOWHERE { group as u32 } else { EVERYWHERE };
                }
            };
            for row in &order.rows[run.first..run.first + run.count] {
                self.each_text(table, &table.spans[*row as usize], &mut settle);
            }
        }
        self.dictionary = (0..homes.len() as TextId)
            .filter(|text| match homes[*text as usize] {
                NOWHERE => false,
                EVERYWHERE => true,
                _ => sizes.text_inline_max < table.texts.get(*text).len(),
            })
            .collect();
        self.dictionary.sort_unstable_by(|a, b| table.texts.get(*a).cmp(table.texts.get(*b)));
        self.numbers = vec![NO_NUMBER; homes.len()];
        for (number, text) in self.dictionary.iter().enumerate() {
            self.numbers[*text as usize] = number as u32;
        }
    }

    fn each_text(&self, table: &Table, line: &SpanLine, settle: &mut impl FnMut(TextId)) {
        let extra = table.extras.get(line.extra);
        [line.name, extra.status_message, extra.trace_state, extra.residual]
            .into_iter()
            .for_each(&mut *settle);
        self.each_value(table, Owner::Span, line.attributes, settle);
        if line.nested == 0 {
            return;
        }
        for event in table.events_of(line) {
            [event.name, event.residual].into_iter().for_each(&mut *settle);
            self.each_value(table, Owner::Event, event.attributes, settle);
        }
        for link in table.links_of(line) {
            [link.trace_state, link.residual].into_iter().for_each(&mut *settle);
            self.each_value(table, Owner::Link, link.attributes, settle);
        }
    }

    fn each_value(
        &self,
        table: &Table,
        owner: Owner,
        attributes: Attributes,
        settle: &mut impl FnMut(TextId),
    ) {
        let words = &table.words[attributes.words as usize..];
        for (_, field) in &self.list(owner, attributes.shape).fields {
            if field.kind.is_text() {
                settle(field.text(words));
            }
        }
    }
}

/// The columns and shapes of a segment that is written a chunk at a time.
#[derive(Default)]
pub(super) struct Catalog {
    pub(super) columns: Vec<ColumnKey>,
    column_numbers: HashMap<ColumnKey, u32, RandomState>,
    /// The columns of each shape, from [`SHAPE_FIRST`] on.
    pub(super) shapes: Vec<Box<[u32]>>,
    shape_numbers: HashMap<Box<[u32]>, u32, RandomState>,
}

/// Owner, kind and key of a column.
type ColumnKey = (Owner, ValueKind, Box<[u8]>);

impl Catalog {
    /// Returns the number of the shape with these columns, and theirs; `None` where there is no more room.
    fn take<'a>(
        &mut self,
        columns: impl Iterator<Item = (Owner, ValueKind, &'a [u8])>,
        sizes: &Sizes,
    ) -> Option<(u32, Box<[u32]>)> {
        let known = self.columns.len();
        let mut shape = Vec::new();
        for (owner, kind, key) in columns {
            let key: ColumnKey = (owner, kind, key.into());
            let fresh = self.columns.len() as u32;
            let number = *self.column_numbers.entry(key.clone()).or_insert(fresh);
            if number == fresh {
                self.columns.push(key);
            }
            shape.push(number);
        }
        let shape: Box<[u32]> = shape.into();
        if let Some(number) = self.shape_numbers.get(&shape) {
            return Some((*number, shape));
        }
        if self.shapes.len() == sizes.shapes_max || sizes.columns_max < self.columns.len() {
            for key in self.columns.drain(known..) {
                self.column_numbers.remove(&key);
            }
            return None;
        }
        let number = SHAPE_FIRST + self.shapes.len() as u32;
        self.shapes.push(shape.clone());
        self.shape_numbers.insert(shape.clone(), number);
        Some((number, shape))
    }
}

/// Counts how many owners of each sort have each shape.
fn count_shapes(table: &Table, order: &Order) -> [Vec<u32>; 3] {
    let mut uses = Owner::ALL.map(|_| vec![0_u32; table.shapes.len()]);
    for row in &order.rows {
        let line = &table.spans[*row as usize];
        uses[Owner::Span as usize][line.attributes.shape as usize] += 1;
        if line.nested == 0 {
            continue;
        }
        for event in table.events_of(line) {
            uses[Owner::Event as usize][event.attributes.shape as usize] += 1;
        }
        for link in table.links_of(line) {
            uses[Owner::Link as usize][link.attributes.shape as usize] += 1;
        }
    }
    uses
}
