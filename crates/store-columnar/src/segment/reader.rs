//! A segment being read: its footer, and its tables as they are asked for.
//!
//! Opening reads the tail and the footer and nothing else. Each table is read, checked and kept when it is
//! first needed. A reader never writes and never locks for longer than it takes to keep a table.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use span::{SpanKind, TraceId, ValueRef, naming};
use store::{Panel, StoreError, Tally};

use super::failure::Failure;
use super::filter::{Filter, id_entry, key_entry, pair_entry};
use super::group_cache::{Decoded, GroupSlot, Sort};
use super::ids::Ids;
use super::layout::{
    ColumnLine, Footer, HEAD_LEN, MAGIC, Owner, Place, SHAPE_FIRST, TAIL_LEN, Table, VERSION, take_directory,
};
use super::listing::take_listing;
use super::page_cache::PageCache;
use super::page_texts::PageTexts;
use super::pages::Pages;
use super::run_filters::RunFilters;
use crate::column::block::Unpacker;
use crate::column::{Broken, Take};
use crate::disk::ReadAt;
use crate::value_kind::ValueKind;

/// An open segment file.
pub(crate) struct Segment {
    file: Arc<dyn ReadAt>,
    /// Where pages of texts are kept.
    cache: Arc<PageCache>,
    pub(super) footer: Footer,
    directories: Vec<OnceLock<Arc<[ColumnLine]>>>,
    /// Where decoded columns of each group are kept, once somebody asked.
    slots: Box<[OnceLock<Arc<GroupSlot>>]>,
    names: OnceLock<Vec<ColumnName>>,
    shapes: OnceLock<Vec<Box<[u32]>>>,
    dictionary: OnceLock<Pages>,
    resources: OnceLock<Pages>,
    scopes: OnceLock<Pages>,
    services: OnceLock<Vec<Box<str>>>,
    origin_pairs: OnceLock<Option<Box<[u64]>>>,
    ids: OnceLock<Ids>,
    id_filter: OnceLock<Filter>,
    pair_filter: OnceLock<Filter>,
    run_filters: OnceLock<Option<RunFilters>>,
}

/// Of so many resources and scopes a segment keeps in memory what they say.
const ORIGINS_MAX: u32 = 4_096;

/// What an attribute column holds.
#[derive(Debug)]
pub(super) struct ColumnName {
    pub(super) owner: Owner,
    pub(super) kind: ValueKind,
    pub(super) key: Box<[u8]>,
}

/// A resource or a scope, as its record says.
#[derive(Debug)]
pub(super) struct OriginRecord<'a> {
    pub(super) dropped_attributes_count: u32,
    pub(super) name: &'a [u8],
    pub(super) version: &'a [u8],
    pub(super) schema_url: &'a [u8],
    pub(super) residual: &'a [u8],
    pub(super) attributes: Vec<(&'a [u8], ValueRef<'a>)>,
}

/// An operation of a service, and how many spans it has.
#[derive(Debug)]
pub(super) struct OperationRecord {
    pub(super) service: String,
    pub(super) operation: String,
    pub(super) kind: SpanKind,
}

impl Segment {
    /// Opens a file that [`Segment::build`] wrote to its end.
    pub(crate) fn open(file: Arc<dyn ReadAt>, cache: &Arc<PageCache>) -> Result<Arc<Self>, StoreError> {
        match read_footer(&*file) {
            Ok(footer) => Ok(Arc::new(Self::over(file, footer, cache.clone()))),
            Err(failure) => Err(failure.tell(&*file)),
        }
    }

    fn over(file: Arc<dyn ReadAt>, footer: Footer, cache: Arc<PageCache>) -> Self {
        Self {
            file,
            cache,
            directories: footer.groups.iter().map(|_| OnceLock::new()).collect(),
            slots: footer.groups.iter().map(|_| OnceLock::new()).collect(),
            footer,
            names: OnceLock::new(),
            shapes: OnceLock::new(),
            dictionary: OnceLock::new(),
            resources: OnceLock::new(),
            scopes: OnceLock::new(),
            services: OnceLock::new(),
            origin_pairs: OnceLock::new(),
            ids: OnceLock::new(),
            id_filter: OnceLock::new(),
            pair_filter: OnceLock::new(),
            run_filters: OnceLock::new(),
        }
    }

    /// Returns how many bytes those tables take that a merge has in memory.
    pub(crate) fn tables_bytes(&self) -> u64 {
        let tables = self.footer.tables.iter().enumerate();
        tables
            .filter(|(at, _)| ![Table::Dictionary as usize, Table::RunFilters as usize].contains(at))
            .map(|(_, place)| u64::from(place.len))
            .sum()
    }

    /// Says a failure in the words of the contract.
    pub(super) fn tell(&self, failure: Failure) -> StoreError {
        failure.tell(&*self.file)
    }

    pub(super) fn read(&self, place: Place) -> Result<Vec<u8>, Failure> {
        Ok(read(&*self.file, place)?)
    }

    /// Returns the columns of a group.
    pub(super) fn directory(&self, group: usize) -> Result<Arc<[ColumnLine]>, Failure> {
        let columns = keep(&self.directories[group], || {
            let line = &self.footer.groups[group];
            let place = Place { offset: line.offset + u64::from(line.columns_len), len: line.directory_len };
            self.unpack(place, |bytes| Ok(Arc::from(take_directory(bytes, line.columns_len)?)))
        })?;
        Ok(columns.clone())
    }

    /// Returns where decoded columns of a group are kept.
    pub(super) fn group_slot(&self, group: usize) -> &Arc<GroupSlot> {
        self.slots[group].get_or_init(|| self.cache.groups.slot())
    }

    /// Keeps a decoded column.
    pub(super) fn keep_column(&self, slot: &Arc<GroupSlot>, number: u32, sort: Sort, decoded: Decoded) {
        self.cache.groups.keep(slot, number, sort, decoded);
    }

    /// Keeps what was counted over a slice.
    pub(super) fn keep_figures(&self, slot: &Arc<GroupSlot>, panels: &[Panel], tally: Arc<Tally>) {
        self.cache.groups.keep_figures(slot, panels, tally);
    }

    /// Returns what the attribute columns hold.
    pub(super) fn names(&self) -> Result<&[ColumnName], Failure> {
        let names = keep(&self.names, || self.unpack(self.place(Table::Columns), take_names))?;
        Ok(names)
    }

    /// Returns the columns of a shape on disk; nothing for the two that name none.
    pub(super) fn shape(&self, number: u64) -> Result<&[u32], Failure> {
        match number.checked_sub(u64::from(SHAPE_FIRST)) {
            None => Ok(&[]),
            Some(at) => match self.shapes()?.get(usize::try_from(at).unwrap_or(usize::MAX)) {
                Some(columns) => Ok(columns),
                None => Err(Failure::Broken(Broken("a shape does not exist"), self.place(Table::Shapes))),
            },
        }
    }

    /// Returns the columns of all shapes from [`SHAPE_FIRST`] on.
    pub(super) fn shapes(&self) -> Result<&[Box<[u32]>], Failure> {
        let shapes = keep(&self.shapes, || {
            let place = self.place(Table::Shapes);
            let count = self.names()?.len();
            let mut shapes = Vec::new();
            let pages = self.pages(place)?;
            for number in 0..pages.len() {
                let (page, at) = self.text_of(&pages, number)?;
                shapes.push(take_shape(page.get(at), count).map_err(|broken| (broken, place))?);
            }
            Ok(shapes)
        })?;
        Ok(shapes)
    }

    pub(super) fn dictionary(&self) -> Result<&Pages, Failure> {
        keep(&self.dictionary, || self.pages(self.place(Table::Dictionary)))
    }

    pub(super) fn resources(&self) -> Result<&Pages, Failure> {
        keep(&self.resources, || self.pages(self.place(Table::Resources)))
    }

    pub(super) fn scopes(&self) -> Result<&Pages, Failure> {
        keep(&self.scopes, || self.pages(self.place(Table::Scopes)))
    }

    /// Returns the service of each resource.
    pub(super) fn services(&self) -> Result<&[Box<str>], Failure> {
        let services = keep(&self.services, || {
            let resources = self.resources()?;
            let mut services = Vec::with_capacity(resources.len() as usize);
            for number in 0..resources.len() {
                let (page, at) = self.text_of(resources, number)?;
                let record = self.origin(page.get(at), Table::Resources)?;
                let named = record.attributes.iter().rev().find(|(key, _)| *key == b"service.name");
                services.push(naming::service_of(named.map(|(_, value)| *value)).into());
            }
            Ok(services)
        })?;
        Ok(services)
    }

    /// Returns the entries of all keys and values that resources and scopes have, sorted; `None` where they
    /// are too many to be kept.
    pub(super) fn origin_pairs(&self) -> Result<Option<&[u64]>, Failure> {
        let pairs = keep(&self.origin_pairs, || {
            let mut pairs = Vec::new();
            if ORIGINS_MAX < self.resources()?.len().saturating_add(self.scopes()?.len()) {
                return Ok(None);
            }
            for (table, pages) in [(Table::Resources, self.resources()?), (Table::Scopes, self.scopes()?)] {
                for number in 0..pages.len() {
                    let (page, at) = self.text_of(pages, number)?;
                    let record = self.origin(page.get(at), table)?;
                    let all = record.attributes.iter();
                    pairs.extend(all.map(|(key, value)| pair_entry(key_entry(key), *value)));
                }
            }
            pairs.sort_unstable();
            pairs.dedup();
            Ok(Some(pairs.into()))
        })?;
        Ok(pairs.as_deref())
    }

    /// Reads the record of a resource or a scope.
    pub(super) fn origin<'a>(&self, record: &'a [u8], table: Table) -> Result<OriginRecord<'a>, Failure> {
        take_origin(record).map_err(|broken| Failure::Broken(broken, self.place(table)))
    }

    /// Returns text `number` of a table: its page, and its place there.
    pub(super) fn text_of(&self, pages: &Pages, number: u32) -> Result<(Arc<PageTexts>, usize), Failure> {
        pages.page(number, &|place| self.read(place))
    }

    /// Returns the number of a text in the dictionary.
    pub(super) fn find_text(&self, text: &[u8]) -> Result<Option<u32>, Failure> {
        self.dictionary()?.find(text, &|place| self.read(place))
    }

    /// Tells whether the segment may have the trace.
    pub(super) fn may_hold(&self, id: TraceId) -> Result<bool, Failure> {
        let filter = keep(&self.id_filter, || self.filter(Table::IdFilter))?;
        Ok(filter.may_hold(id_entry(id)))
    }

    /// Returns the filter over keys and values.
    pub(super) fn pair_filter(&self) -> Result<&Filter, Failure> {
        keep(&self.pair_filter, || self.filter(Table::PairFilter))
    }

    /// Returns the filters over keys and values of runs of groups, where there are any.
    pub(super) fn run_filters(&self) -> Result<Option<&RunFilters>, Failure> {
        let filters = keep(&self.run_filters, || {
            let place = self.place(Table::RunFilters);
            let table = self.read(place)?;
            let filters = RunFilters::take(&table, self.footer.groups.len(), &mut Unpacker::new());
            Ok(filters.map_err(|broken| (broken, place))?)
        })?;
        Ok(filters.as_ref())
    }

    pub(super) fn ids(&self) -> Result<&Ids, Failure> {
        keep(&self.ids, || {
            let place = self.place(Table::Ids);
            let block = self.read(place)?;
            let ids = Ids::take(&block, self.footer.groups.len(), &mut Unpacker::new());
            Ok(ids.map_err(|broken| (broken, place))?)
        })
    }

    /// Reads all operations. They are not kept: lists are asked for rarely.
    pub(super) fn operations(&self) -> Result<Vec<OperationRecord>, Failure> {
        self.unpack(self.place(Table::Operations), take_operations)
    }

    /// Returns how many bytes each column takes over all groups, and each table; attribute columns by owner
    /// and key.
    pub(crate) fn costs(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        self.count_bytes().map_err(|failure| self.tell(failure))
    }

    fn count_bytes(&self) -> Result<BTreeMap<String, u64>, Failure> {
        let mut costs = BTreeMap::new();
        let mut add = |name: String, len: u32| *costs.entry(name).or_default() += u64::from(len);
        for group in 0..self.footer.groups.len() {
            add("directories".to_owned(), self.footer.groups[group].directory_len);
            for column in self.directory(group)?.iter() {
                let name = match column.number.checked_sub(super::layout::fixed::ATTRIBUTES) {
                    None => super::layout::fixed::name(column.number).to_owned(),
                    Some(at) => match self.names()?.get(at as usize) {
                        Some(name) => format!("{} {}", name.owner.word(), String::from_utf8_lossy(&name.key)),
                        None => "unknown".to_owned(),
                    },
                };
                column.extent.lens.iter().for_each(|len| add(name.clone(), *len));
            }
        }
        for (table, name) in Table::NAMES.iter().enumerate() {
            add(format!("table {name}"), self.footer.tables[table].len);
        }
        Ok(costs)
    }

    pub(super) fn place(&self, table: Table) -> Place {
        self.footer.tables[table as usize]
    }

    fn filter(&self, table: Table) -> Result<Filter, Failure> {
        let place = self.place(table);
        let block = self.read(place)?;
        Ok(Filter::take(&block, &mut Unpacker::new()).map_err(|broken| (broken, place))?)
    }

    fn pages(&self, place: Place) -> Result<Pages, Failure> {
        let end = Place { offset: place.offset + u64::from(place.len.saturating_sub(4)), len: 4 };
        let last = self.read(end)?.try_into().expect("four bytes were read");
        let directory = Pages::directory(place, last).map_err(|broken| (broken, place))?;
        let block = self.read(directory)?;
        Ok(Pages::take(place, &block, &mut Unpacker::new(), &self.cache)
            .map_err(|broken| (broken, directory))?)
    }

    pub(super) fn unpack<T>(
        &self,
        place: Place,
        take: impl FnOnce(&[u8]) -> Result<T, Broken>,
    ) -> Result<T, Failure> {
        let block = self.read(place)?;
        let bytes = Unpacker::new().unpack(&block).map_err(|broken| (broken, place))?;
        Ok(take(&bytes).map_err(|broken| (broken, place))?)
    }
}

/// Returns what is kept, reading it the first time.
fn keep<T>(kept: &OnceLock<T>, read: impl FnOnce() -> Result<T, Failure>) -> Result<&T, Failure> {
    match kept.get() {
        Some(value) => Ok(value),
        None => {
            let value = read()?;
            Ok(kept.get_or_init(|| value))
        }
    }
}

fn read(file: &dyn ReadAt, place: Place) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![0; place.len as usize];
    file.read_at(place.offset, &mut bytes)?;
    Ok(bytes)
}

fn read_footer(file: &dyn ReadAt) -> Result<Footer, Failure> {
    let len = file.bytes()?;
    let Some(tail_at) = len.checked_sub(TAIL_LEN as u64).filter(|at| HEAD_LEN as u64 <= *at) else {
        return Err(Failure::Broken(Broken("the file is too short for a segment"), Place::default()));
    };
    read_head(file)?;
    let tail_place = Place { offset: tail_at, len: TAIL_LEN as u32 };
    let place = take_tail(&read(file, tail_place)?, tail_at).map_err(|broken| (broken, tail_place))?;
    let block = read(file, place)?;
    let footer = Unpacker::new().unpack(&block).and_then(|bytes| Footer::take(&bytes, place.offset));
    Ok(footer.map_err(|broken| (broken, place))?)
}

fn read_head(file: &dyn ReadAt) -> Result<(), Failure> {
    let place = Place { offset: 0, len: HEAD_LEN as u32 };
    let head = read(file, place)?;
    let check = |head: &[u8]| {
        let mut take = Take::new(head);
        if take.bytes(8)? != MAGIC {
            return Err(Broken("the file does not begin as a segment does"));
        }
        let (version, crc) = (take.u32()?, take.u32()?);
        if crc32c::crc32c(&version.to_le_bytes()) != crc {
            return Err(Broken("the head's checksum is wrong"));
        }
        Ok(version)
    };
    match check(&head).map_err(|broken| (broken, place))? {
        VERSION => Ok(()),
        version => Err(Failure::Store(StoreError::Unusable {
            path: file.path().to_owned(),
            why: format!(
                "a segment of version {version}, and this program reads version {VERSION}; use a newer one"
            ),
        })),
    }
}

/// Returns where the footer is.
fn take_tail(tail: &[u8], tail_at: u64) -> Result<Place, Broken> {
    let mut take = Take::new(tail);
    let place = Place { offset: take.u64()?, len: take.u32()? };
    if crc32c::crc32c(&tail[..12]) != take.u32()? || take.rest() != MAGIC {
        return Err(Broken("the file does not end as a segment does"));
    }
    match place.offset.checked_add(u64::from(place.len)) {
        Some(end) if end == tail_at => Ok(place),
        _ => Err(Broken("the footer is not where the tail says")),
    }
}

fn take_names(bytes: &[u8]) -> Result<Vec<ColumnName>, Broken> {
    let mut take = Take::new(bytes);
    let count = take.count(3)?;
    let name = |_| {
        let owner = Owner::from_number(take.byte()?).ok_or(Broken("an owner does not exist"))?;
        let kind = ValueKind::from_number(u64::from(take.byte()?)).ok_or(Broken("a kind does not exist"))?;
        Ok(ColumnName { owner, kind, key: take.text()?.into() })
    };
    (0..count).map(name).collect()
}

fn take_shape(record: &[u8], columns: usize) -> Result<Box<[u32]>, Broken> {
    let mut take = Take::new(record);
    let mut shape = Vec::new();
    while !take.rest().is_empty() {
        let column = take.varint32()?;
        if columns <= column as usize {
            return Err(Broken("a column does not exist"));
        }
        shape.push(column);
    }
    Ok(shape.into())
}

fn take_origin(record: &[u8]) -> Result<OriginRecord<'_>, Broken> {
    let mut take = Take::new(record);
    Ok(OriginRecord {
        dropped_attributes_count: take.varint32()?,
        name: take.text()?,
        version: take.text()?,
        schema_url: take.text()?,
        residual: take.text()?,
        attributes: take_listing(&mut take)?,
    })
}

fn take_operations(bytes: &[u8]) -> Result<Vec<OperationRecord>, Broken> {
    let mut take = Take::new(bytes);
    let count = take.count(4)?;
    let mut operations = Vec::with_capacity(count);
    for _ in 0..count {
        let (service, operation) = (text(&mut take)?, text(&mut take)?);
        let kind = SpanKind::from_number(u64::from(take.byte()?)).ok_or(Broken("a kind does not exist"))?;
        let _spans = take.varint()?;
        operations.push(OperationRecord { service, operation, kind });
    }
    Ok(operations)
}

fn text(take: &mut Take<'_>) -> Result<String, Broken> {
    String::from_utf8(take.text()?.to_vec()).map_err(|_| Broken("a name is no text"))
}
