//! A predicate made ready for one segment: what can be known before a row is looked at is known.
//!
//! Texts become numbers of the dictionary, resources and scopes become yes or no, keys become columns.
//! Often nothing is left ([`Test::Never`]) and the segment is done. The meaning of every predicate is
//! [`Predicate::accepts`].

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use span::{DurationNanos, ValueRef, naming};
use store::{Predicate, Within};

use super::failure::Failure;
use super::filter::{json_entry, key_entry, pair_entry};
use super::layout::{Owner, PARENT_NONE, SHAPE_FIRST, Table, fixed};
use super::reader::{OriginRecord, Segment};
use crate::column::{TextAt, Texts};
use crate::needle::{Needle, names_of};
use crate::value_kind::ValueKind;

/// A predicate over one segment.
pub(super) enum Test {
    /// No span of the segment can pass.
    Never,
    /// A number per row is this one.
    Number(u32, u64),
    /// A number per row is one that says yes.
    Numbers(u32, Vec<bool>),
    /// A text per row is wanted.
    Text(u32, TextTest),
    Duration(DurationNanos, DurationNanos),
    Failed(bool, Vec<ValueTest>),
    /// An event has a wanted name.
    EventName(TextTest),
    Attribute(Box<AttributeTest>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

/// Which texts are wanted.
pub(super) struct TextTest {
    /// The wanted ones, where they are known.
    wanted: Option<Vec<Vec<u8>>>,
    /// Their numbers in the dictionary.
    numbers: Vec<u32>,
    accepts: Accepts,
    /// Answers about the dictionary's texts, where wanted ones are not known.
    memo: HashMap<u32, bool, RandomState>,
}

/// Tells whether a text is wanted.
type Accepts = Box<dyn Fn(&[u8]) -> bool + Send>;

/// An attribute with a text: on the rows' resources and scopes, or in these columns.
pub(super) struct AttributeTest {
    pub(super) resources: Vec<bool>,
    pub(super) scopes: Vec<bool>,
    pub(super) columns: Vec<ValueTest>,
    pub(super) key: Vec<u8>,
    pub(super) needle: Needle,
    /// Where owners outside every shape may have it.
    pub(super) overflow: Vec<Owner>,
    /// By group: whether one of its rows may have it; `None` where nobody knows.
    groups: Option<Vec<bool>>,
}

/// One attribute column, and what is wanted there.
pub(super) struct ValueTest {
    /// Counted from the first attribute column.
    pub(super) column: u32,
    pub(super) owner: Owner,
    pub(super) kind: ValueKind,
    /// By shape: how many values of the column its owner has.
    pub(super) uses: Vec<u32>,
    pub(super) texts: Option<TextTest>,
}

impl Test {
    /// Returns how much a group costs, in the order of costs.
    pub(super) fn cost(&self) -> u8 {
        match self {
            Self::Never => 0,
            Self::Number(..) | Self::Numbers(..) => 1,
            Self::Duration(..) => 2,
            Self::Text(..) => 3,
            Self::Failed(..) => 4,
            Self::Attribute(_) | Self::EventName(_) => 5,
            Self::Any(tests) => tests.iter().map(Self::cost).max().unwrap_or(0).saturating_add(1),
            Self::Not(test) => test.cost(),
        }
    }

    /// Tells whether a row of the group may pass, as far as filters know.
    pub(super) fn may_hold(&self, group: usize) -> bool {
        match self {
            Self::Attribute(test) => test.groups.as_ref().is_none_or(|groups| groups[group]),
            Self::Any(tests) => tests.iter().any(|test| test.may_hold(group)),
            _ => true,
        }
    }

    pub(super) fn of(segment: &Segment, predicate: &Predicate) -> Result<Self, Failure> {
        let exactly = |text: &String| TextTest::of(segment, Some(vec![text.as_bytes()]), |_| false);
        let scopes = |wanted: &dyn Fn(&OriginRecord<'_>) -> bool| {
            Ok::<_, Failure>(Self::numbers(fixed::SCOPE, origins(segment, Table::Scopes, wanted)?))
        };
        Ok(match predicate {
            Predicate::Service(name) => {
                let services = segment.services()?.iter().map(|service| **service == **name);
                Self::numbers(fixed::RESOURCE, services.collect())
            }
            Predicate::Name(name) => {
                let listed = name.clone();
                let test =
                    TextTest::of(segment, names_of(name), move |text| naming::operation_of(text) == listed)?;
                Self::Text(fixed::NAME, test)
            }
            Predicate::Kind(kind) => Self::Number(fixed::KIND, *kind as u64),
            Predicate::Status(code) => Self::Number(fixed::STATUS, *code as u64),
            Predicate::StatusMessage(text) => Self::Text(fixed::STATUS_MESSAGE, exactly(text)?),
            Predicate::Failed(wanted) => Self::Failed(*wanted, ValueTest::failures(segment)?),
            Predicate::DurationMin(least) => Self::Duration(*least, DurationNanos(u64::MAX)),
            Predicate::DurationMax(most) => Self::Duration(DurationNanos(0), *most),
            Predicate::ScopeName(name) => scopes(&|scope| scope.name == name.as_bytes())?,
            Predicate::ScopeVersion(version) => scopes(&|scope| scope.version == version.as_bytes())?,
            Predicate::TraceState(text) => Self::Text(fixed::TRACE_STATE, exactly(text)?),
            Predicate::EventName(name) => Self::EventName(exactly(name)?),
            Predicate::Attribute { within, key, text } => {
                Self::attribute(segment, *within, key, Needle::new(text))?
            }
            Predicate::Has { within, key } => Self::attribute(segment, *within, key, Needle::Any)?,
            Predicate::Between { within, key, least, most } => {
                Self::attribute(segment, *within, key, Needle::Between(*least, *most))?
            }
            Predicate::Root => Self::Number(fixed::PARENT, PARENT_NONE),
            Predicate::Not(predicate) => Self::Not(Box::new(Self::of(segment, predicate)?)),
            Predicate::Any(any) => {
                let mut tests = Vec::new();
                for predicate in any {
                    match Self::of(segment, predicate)? {
                        Self::Never => {}
                        test => tests.push(test),
                    }
                }
                if tests.is_empty() { Self::Never } else { Self::Any(tests) }
            }
        })
    }

    fn numbers(column: u32, wanted: Vec<bool>) -> Self {
        if wanted.contains(&true) { Self::Numbers(column, wanted) } else { Self::Never }
    }

    fn attribute(segment: &Segment, within: Within, key: &str, needle: Needle) -> Result<Self, Failure> {
        let key = key.as_bytes();
        let has = |origin: &OriginRecord<'_>| {
            origin.attributes.iter().any(|(at, value)| *at == key && needle.equals(*value))
        };
        // Reading all records takes longer than everything else where the value is absent.
        let pairs = if needle.text().is_some() { segment.origin_pairs()? } else { None };
        let may_have = pairs.is_none_or(|pairs| {
            !kinds_where(key, &needle, |entry| pairs.binary_search(&entry).is_ok()).is_empty()
        });
        let of = |looked_at: bool, table| match looked_at && may_have {
            true => origins(segment, table, &has),
            false => Ok(Vec::new()),
        };
        let resources = of(within.resources(), Table::Resources)?;
        if within == Within::Resource {
            return Ok(Self::numbers(fixed::RESOURCE, resources));
        }
        let scopes = of(within.scopes(), Table::Scopes)?;
        let mut owners = Owner::ALL.to_vec();
        owners.retain(|owner| match owner {
            Owner::Span => within.spans(),
            Owner::Event => within.events(),
            Owner::Link => within.links(),
        });
        let kinds = if owners.is_empty() { Vec::new() } else { may_hold(segment, key, &needle)? };
        let mut columns =
            if kinds.is_empty() { Vec::new() } else { ValueTest::of_key(segment, key, &needle, &kinds)? };
        columns.retain(|column| owners.contains(&column.owner));
        if kinds.is_empty() || segment.footer.overflowed == 0 {
            owners.clear();
        }
        let overflow = owners;
        if columns.is_empty() && overflow.is_empty() && !resources.contains(&true) && !scopes.contains(&true)
        {
            return Ok(Self::Never);
        }
        // A resource with the value may be of any row.
        let by_rows = needle.text().is_some() && !resources.contains(&true) && !scopes.contains(&true);
        // They only save work: where they cannot be read, all groups are looked at. `store verify` tells of them.
        let filters = if by_rows { segment.run_filters().ok().flatten() } else { None };
        let groups = filters.map(|filters| {
            filters.groups(segment.footer.groups.len(), |filter| {
                !kinds_where(key, &needle, |entry| filter.may_hold(entry)).is_empty()
            })
        });
        let key = key.to_vec();
        let test = AttributeTest { resources, scopes, columns, key, needle, overflow, groups };
        Ok(Self::Attribute(Box::new(test)))
    }
}

/// Returns which resources or scopes are wanted.
fn origins(
    segment: &Segment,
    table: Table,
    wanted: &dyn Fn(&OriginRecord<'_>) -> bool,
) -> Result<Vec<bool>, Failure> {
    let pages = if matches!(table, Table::Resources) { segment.resources()? } else { segment.scopes()? };
    let mut all = Vec::with_capacity(pages.len() as usize);
    for number in 0..pages.len() {
        let (page, at) = segment.text_of(pages, number)?;
        all.push(wanted(&segment.origin(page.get(at), table)?));
    }
    Ok(all)
}

/// Returns the kinds of values that spans, events and links of the segment may have under a key with
/// this text.
fn may_hold(segment: &Segment, key: &[u8], needle: &Needle) -> Result<Vec<ValueKind>, Failure> {
    let filter = segment.pair_filter()?;
    Ok(kinds_where(key, needle, |entry| filter.may_hold(entry)))
}

/// Returns the kinds of which a value under a key can be what is looked for, given which entries there may
/// be.
fn kinds_where(key: &[u8], needle: &Needle, may_hold: impl Fn(u64) -> bool) -> Vec<ValueKind> {
    let Some(text) = needle.text() else {
        // Entries are of whole values alone.
        return ValueKind::ALL.into_iter().filter(|kind| needle.fits(*kind)).collect();
    };
    let key = key_entry(key);
    let holds = |kind: &ValueKind| {
        needle.fits(*kind)
            && match kind {
                // No entry is made for a value that is none.
                ValueKind::Empty => true,
                ValueKind::Array | ValueKind::Map => may_hold(json_entry(key, *kind, text.as_str())),
                ValueKind::Str | ValueKind::Bytes => {
                    let texts = needle.texts(*kind).unwrap_or_default();
                    texts.iter().any(|text| may_hold(pair_entry(key, kind.of_text(text))))
                }
                _ => text.bits(*kind).is_some_and(|bits| may_hold(pair_entry(key, kind.of_bits(bits)))),
            }
    };
    ValueKind::ALL.into_iter().filter(holds).collect()
}

impl ValueTest {
    fn of_key(
        segment: &Segment,
        key: &[u8],
        needle: &Needle,
        kinds: &[ValueKind],
    ) -> Result<Vec<Self>, Failure> {
        let mut tests = Vec::new();
        for (column, name) in segment.names()?.iter().enumerate() {
            if *name.key != *key || !kinds.contains(&name.kind) {
                continue;
            }
            let texts = match name.kind.is_text() && !matches!(needle, Needle::Any) {
                false => None,
                true => {
                    let (kind, needle) = (name.kind, needle.clone());
                    let known = needle.texts(kind);
                    let known = known.map(|texts| texts.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
                    let known = known.as_ref().map(|texts| texts.iter().map(Vec::as_slice).collect());
                    Some(TextTest::of(segment, known, move |text| needle.equals(kind.of_text(text)))?)
                }
            };
            tests.push(Self::new(segment, column as u32, texts)?);
        }
        Ok(tests)
    }

    /// Returns the columns that say that a span failed.
    fn failures(segment: &Segment) -> Result<Vec<Self>, Failure> {
        let mut tests = Vec::new();
        for (column, name) in segment.names()?.iter().enumerate() {
            if name.owner == Owner::Span && *name.key == *b"error" {
                let texts = match name.kind {
                    ValueKind::Str => {
                        Some(TextTest::of(segment, None, |text| text.eq_ignore_ascii_case(b"true"))?)
                    }
                    _ => None,
                };
                tests.push(Self::new(segment, column as u32, texts)?);
            }
        }
        Ok(tests)
    }

    fn new(segment: &Segment, column: u32, texts: Option<TextTest>) -> Result<Self, Failure> {
        let name = &segment.names()?[column as usize];
        let mut uses = vec![0; SHAPE_FIRST as usize];
        for shape in segment.shapes()? {
            uses.push(shape.iter().filter(|other| **other == column).count() as u32);
        }
        Ok(Self { column, owner: name.owner, kind: name.kind, uses, texts })
    }
}

impl TextTest {
    /// Wants `wanted`, or where those are not known, what is accepted.
    fn of(
        segment: &Segment,
        wanted: Option<Vec<&[u8]>>,
        accepts: impl Fn(&[u8]) -> bool + Send + 'static,
    ) -> Result<Self, Failure> {
        let mut numbers = Vec::new();
        for text in wanted.iter().flatten() {
            numbers.extend(segment.find_text(text)?);
        }
        let wanted = wanted.map(|texts| texts.into_iter().map(<[u8]>::to_vec).collect());
        Ok(Self { wanted, numbers, accepts: Box::new(accepts), memo: HashMap::default() })
    }

    /// Tells of each distinct text of a column whether it is wanted; `None` where none is.
    pub(super) fn codes(&mut self, segment: &Segment, texts: &Texts) -> Result<Option<Vec<bool>>, Failure> {
        let mut wanted = vec![false; texts.distinct()];
        let own = texts.own_codes();
        if self.wanted.is_some() {
            for code in self.numbers.iter().filter_map(|number| texts.code_of(*number)) {
                wanted[code] = true;
            }
        } else {
            for (code, wanted) in wanted[..own.start].iter_mut().enumerate() {
                if let TextAt::Dictionary(number) = texts.get(code) {
                    *wanted = self.accepts_number(segment, number)?;
                }
            }
        }
        for code in own {
            if let TextAt::Own(text) = texts.get(code) {
                wanted[code] = match &self.wanted {
                    Some(known) => known.iter().any(|known| known == text),
                    None => (self.accepts)(text),
                };
            }
        }
        Ok(wanted.contains(&true).then_some(wanted))
    }

    fn accepts_number(&mut self, segment: &Segment, number: u32) -> Result<bool, Failure> {
        if let Some(known) = self.memo.get(&number) {
            return Ok(*known);
        }
        let (page, at) = segment.text_of(segment.dictionary()?, number)?;
        let accepted = (self.accepts)(page.get(at));
        self.memo.insert(number, accepted);
        Ok(accepted)
    }
}

impl AttributeTest {
    /// Tells whether a listing of attributes has what is wanted.
    pub(super) fn accepts(&self, attributes: &[(&[u8], ValueRef<'_>)]) -> bool {
        attributes.iter().any(|(key, value)| *key == self.key && self.needle.equals(*value))
    }
}
