//! Figures over a segment, column by column.
//!
//! A group's rows are chosen by the search's tests, coded by what they have in common ([`super::coded`]), and
//! counted into small arrays, which are added to the tally once per group. A group that lies within one step of
//! time is counted without looking at a single start, and durations without more than their one byte:
//!
//! ```text
//! codes of services  2 0 0 1 2 ..      counts[service][bucket] += 1
//! duration buckets   9 8 8 7 9 ..
//! ```

use std::borrow::Cow;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use span::{DurationNanos, UnixNanos};
use store::{
    BUCKETS, LabelKind, Measure, NameTally, Predicate, Search, Steps, StoreError, Tally, Within, bucket,
};

use super::coded::{Coded, Coder, NO_CODE};
use super::failure::Failure;
use super::group::Group;
use super::layout::{Owner, SHAPE_FIRST, Table, fixed};
use super::predicate::Test;
use super::reader::Segment;
use super::view::{Rows, View};
use crate::column::Ints;

/// How many groups make a slice: some hundred thousand rows, so that what is made ready for each pays.
pub(super) const SLICE_GROUPS: usize = 64;

/// Beyond so many combinations of codes they are counted one by one.
const DENSE_MAX: usize = 4_096;

/// Who is told of damage, and may stop.
pub(super) type Damaged<'a> = &'a mut dyn FnMut(StoreError) -> Result<(), StoreError>;

/// Counts what a measure asks for over one slice.
pub(super) fn measure(
    segment: &Segment,
    measure: &Measure,
    slice: usize,
    tally: &mut Tally,
    damaged: Damaged<'_>,
) -> Result<(), StoreError> {
    let mut scan = match Scan::of(segment, &measure.search) {
        Ok(scan) => scan,
        Err(failure) => return damaged(segment.tell(failure)),
    };
    let mut coders = Vec::new();
    for dimension in measure.panels.iter().flat_map(|panel| &panel.by) {
        match Coder::of(segment, dimension) {
            Ok(coder) => coders.push(coder),
            Err(failure) => return damaged(segment.tell(failure)),
        }
    }
    scan.each_group(slice, damaged, |scan, group| scan.count(measure, &mut coders, group, tally))
}

/// Counts the attributes of the spans that a search accepts over one slice.
pub(super) fn names(
    segment: &Segment,
    search: &Search,
    slice: usize,
    names: &mut NameTally,
    damaged: Damaged<'_>,
) -> Result<(), StoreError> {
    let mut scan = match Scan::of(segment, search) {
        Ok(scan) => scan,
        Err(failure) => return damaged(segment.tell(failure)),
    };
    match segment.names() {
        Ok(columns) => {
            let mut known: HashMap<(Owner, &[u8]), usize, RandomState> = HashMap::default();
            for (number, column) in columns.iter().enumerate() {
                scan.firsts.push(*known.entry((column.owner, &column.key)).or_insert(number));
            }
        }
        Err(failure) => return damaged(segment.tell(failure)),
    }
    let mut counts = NameCounts::default();
    scan.each_group(slice, &mut *damaged, |scan, group| scan.count_names(group, &mut counts, names))?;
    match counts.tell(segment, names) {
        Ok(()) => Ok(()),
        Err(failure) => damaged(segment.tell(failure)),
    }
}

/// A search over a segment, made ready.
struct Scan<'a> {
    segment: &'a Segment,
    tests: Vec<Test>,
    /// Tells which rows failed.
    failed: Test,
    search: &'a Search,
    /// By column: the first one with its owner and key. Only for who counts names.
    firsts: Vec<usize>,
}

/// A group of which some rows are accepted.
struct Chosen<'a> {
    view: View<'a>,
    rows: Rows,
    /// When each row starts, where that had to be known.
    starts: Option<Vec<UnixNanos>>,
}

impl<'a> Scan<'a> {
    fn of(segment: &'a Segment, search: &'a Search) -> Result<Self, Failure> {
        let tests = search.filter.all.iter().map(|predicate| Test::of(segment, predicate));
        let mut tests = tests.collect::<Result<Vec<Test>, _>>()?;
        tests.sort_by_key(Test::cost);
        Ok(Self {
            segment,
            tests,
            failed: Test::of(segment, &Predicate::Failed(true))?,
            search,
            firsts: Vec::new(),
        })
    }

    fn each_group(
        &mut self,
        slice: usize,
        damaged: Damaged<'_>,
        mut look: impl FnMut(&mut Self, usize) -> Result<(), Failure>,
    ) -> Result<(), StoreError> {
        if self.tests.iter().any(|test| matches!(test, Test::Never)) {
            return Ok(());
        }
        let groups = slice * SLICE_GROUPS..self.segment.footer.groups.len().min((slice + 1) * SLICE_GROUPS);
        for group in groups {
            self.search.stop.check()?;
            if !self.tests.iter().all(|test| test.may_hold(group)) {
                continue;
            }
            if let Err(failure) = look(self, group) {
                damaged(self.segment.tell(failure))?;
            }
        }
        Ok(())
    }

    /// Chooses the rows of a group; `None` where none is accepted. `needs_starts` says that steps divide it.
    fn choose(&mut self, group: usize, needs_starts: bool) -> Result<Option<Chosen<'a>>, Failure> {
        let line = &self.segment.footer.groups[group];
        let window = self.search.start_min..=self.search.start_max;
        if line.start_max < *window.start() || *window.end() < line.start_min {
            return Ok(None);
        }
        let view = View::of(Group::sparse(self.segment, group)?);
        let mut rows = Rows::All;
        for test in &mut self.tests {
            let passed = view.test(test, &rows)?;
            rows = rows.and(passed);
            if matches!(rows, Rows::None) {
                return Ok(None);
            }
        }
        let whole = window.contains(&line.start_min) && window.contains(&line.start_max);
        let mut starts = None;
        if !whole || needs_starts {
            let traces = view.group.traces()?;
            let parents = view.group.ints(fixed::PARENT, view.group.rows())?.all();
            let all = view.group.times(&traces, 0..traces.ids.len(), &parents)?.starts;
            if !whole {
                rows = rows.and(Rows::of(Some(all.iter().map(|start| window.contains(start)).collect())));
            }
            starts = Some(all);
        }
        Ok((!matches!(rows, Rows::None)).then_some(Chosen { view, rows, starts }))
    }

    fn count(
        &mut self,
        measure: &Measure,
        coders: &mut [Coder],
        group: usize,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let line = &self.segment.footer.groups[group];
        let (first, last) = (line.start_min, line.start_max);
        let is_divided = |steps: &Steps| {
            let around = first < steps.start && steps.start <= last;
            steps.of(first) != steps.of(last) || around
        };
        let divided = measure.panels.iter().filter_map(|panel| panel.steps.as_ref()).any(is_divided);
        let Some(Chosen { view, rows, starts }) = self.choose(group, divided)? else { return Ok(()) };
        let count = view.group.rows();
        let failed = match view.test(&mut self.failed, &Rows::All)? {
            Rows::None => vec![false; count],
            Rows::All => vec![true; count],
            Rows::Some(rows) => rows,
        };
        let chosen: Option<&[bool]> = match &rows {
            Rows::Some(rows) => Some(rows),
            Rows::All | Rows::None => None,
        };
        let durations = match measure.panels.iter().any(|panel| panel.durations) {
            true => duration_buckets(&view)?,
            false => Vec::new(),
        };
        let mut coded = Vec::with_capacity(coders.len());
        for coder in coders {
            coded.push(coder.code(&view, &failed, tally)?);
        }
        let traces = if measure.traces { Some(view.group.traces()?) } else { None };
        // From here on nothing fails: a group counts whole or not at all.
        if let Some(traces) = traces {
            for (trace, id) in traces.ids.iter().enumerate() {
                if rows.any(traces.rows(trace..trace + 1)) {
                    tally.add_trace(*id);
                }
            }
        }
        let spans = chosen.map_or(count, |chosen| chosen.iter().filter(|row| **row).count());
        let errors =
            (0..count).filter(|row| failed[*row] && chosen.is_none_or(|chosen| chosen[*row])).count();
        tally.count(spans as u64, errors as u64);
        let mut coded = &coded[..];
        for (number, panel) in measure.panels.iter().enumerate() {
            let (own, rest) = coded.split_at(panel.by.len());
            coded = rest;
            let steps = panel.steps.map(|steps| match &starts {
                Some(starts) if is_divided(&steps) => StepsOf::Each(steps, starts),
                _ => StepsOf::One(steps.of(line.start_min)),
            });
            let buckets = panel.durations.then_some(&durations[..]);
            let rows = PanelRows { coded: own, steps: steps.unwrap_or(StepsOf::One(Some(0))), buckets };
            rows.count(chosen, &failed, number, tally);
        }
        Ok(())
    }

    fn count_names(
        &mut self,
        group: usize,
        counts: &mut NameCounts,
        names: &mut NameTally,
    ) -> Result<(), Failure> {
        let Some(Chosen { view, rows, .. }) = self.choose(group, false)? else { return Ok(()) };
        let (count, columns) = (view.group.rows(), self.segment.names()?);
        let is_chosen = |row: usize| match &rows {
            Rows::Some(rows) => rows[row],
            Rows::All => true,
            Rows::None => false,
        };
        let mut fresh = NameCounts::default();
        let chosen: Option<&[bool]> = if let Rows::Some(rows) = &rows { Some(rows) } else { None };
        let shapes = view.shape_numbers(Owner::Span)?;
        count_numbers(shapes, chosen, &mut fresh.shapes);
        for (column, of) in [(fixed::RESOURCE, &mut fresh.resources), (fixed::SCOPE, &mut fresh.scopes)] {
            count_numbers(&*view.group.ints(column, count)?, chosen, of);
        }
        let mut listed = NameTally::default();
        for owner in Owner::ALL {
            // Of several events of a span with one key the first counts.
            let mut seen: HashSet<(usize, Box<[u8]>), RandomState> = HashSet::default();
            let has_listings = self.segment.footer.overflowed != 0;
            // By column: the last row that was counted for its key, and how many were.
            let mut last = vec![(usize::MAX, 0_u64); columns.len()];
            let mut used = vec![false; columns.len()];
            let row_of = view.owner_rows(owner)?;
            let shapes = if row_of.is_empty() { Vec::new() } else { view.shape_numbers(owner)?.all() };
            for (this, shape) in shapes.into_iter().enumerate() {
                let row = row_of[this] as usize;
                for column in self.segment.shape(shape)?.iter().filter(|_| is_chosen(row)) {
                    used[*column as usize] = true;
                    let (last, spans) = &mut last[self.firsts[*column as usize]];
                    *spans += u64::from(*last != row);
                    *last = row;
                    if has_listings {
                        seen.insert((row, columns[*column as usize].key.clone()));
                    }
                }
            }
            for (column, name) in columns.iter().enumerate() {
                if used[column] {
                    listed.note(place_of(owner), &name.key, [name.kind.label()], 0);
                }
                if last[column].1 != 0 {
                    listed.note(place_of(owner), &name.key, [], last[column].1);
                }
            }
            view.each_listing(owner, |_, row, attributes| {
                for (key, value) in attributes.iter().filter(|_| is_chosen(row)) {
                    let spans = u64::from(seen.insert((row, Box::from(*key))));
                    listed.note(place_of(owner), key, [LabelKind::of(*value)], spans);
                }
            })?;
        }
        counts.merge(fresh);
        names.merge(listed);
        Ok(())
    }
}

/// Returns a byte for each row: the bucket of its duration.
fn duration_buckets(view: &View<'_>) -> Result<Vec<u8>, Failure> {
    let count = view.group.rows();
    let column = view.group.column(fixed::DURATION);
    let kept = column.map(|column| view.group.buckets_of(column)).transpose()?.flatten();
    let mut buckets = match kept {
        Some(buckets) if buckets.len() == count => buckets.to_vec(),
        Some(_) => return Err(view.group.misfit(fixed::DURATION)),
        None => view.group.ints(fixed::DURATION, count)?.select(|duration| bucket(DurationNanos(duration))),
    };
    let backwards = view.group.ints(fixed::BACKWARDS, count)?;
    if backwards.one() != Some(0) {
        // A span that ended before it began took no time.
        let all = buckets.iter_mut().zip(backwards.all());
        all.filter(|(_, backwards)| *backwards != 0).for_each(|(bucket, _)| *bucket = 0);
    }
    Ok(buckets)
}

/// In which step of time rows lie.
enum StepsOf<'a> {
    /// All in one, or in none.
    One(Option<u32>),
    Each(Steps, &'a [UnixNanos]),
}

/// What one panel knows of a group's rows.
struct PanelRows<'a> {
    coded: &'a [Coded],
    steps: StepsOf<'a>,
    /// Duration buckets, where durations are wanted.
    buckets: Option<&'a [u8]>,
}

/// What is counted of rows that agree in all codes.
#[derive(Clone, Default)]
struct Count {
    spans: u64,
    errors: u64,
}

impl PanelRows<'_> {
    fn count(&self, chosen: Option<&[bool]>, failed: &[bool], panel: usize, tally: &mut Tally) {
        let step_range = match &self.steps {
            StepsOf::One(None) => return,
            StepsOf::One(Some(step)) => *step..*step + 1,
            StepsOf::Each(steps, starts) => {
                let within = || starts.iter().filter_map(|start| steps.of(*start));
                let Some((first, last)) = within().min().zip(within().max()) else { return };
                first..last + 1
            }
        };
        let combinations = self.coded.iter().map(|coded| coded.labels.len()).product::<usize>();
        let width = combinations.saturating_mul(step_range.len());
        if combinations == 0 || NO_CODE as usize <= width {
            return;
        }
        let places = self.places(chosen, &step_range, failed.len());
        if DENSE_MAX < width {
            for (row, place) in places.iter().enumerate().filter(|(_, place)| **place != NO_CODE) {
                let count = Count { spans: 1, errors: u64::from(failed[row]) };
                let cell = self.add(*place as usize, &step_range, &count, panel, tally);
                if let Some(buckets) = self.buckets {
                    cell.durations.add_many(buckets[row], 1);
                    if failed[row] {
                        cell.error_durations.add_many(buckets[row], 1);
                    }
                }
            }
            return;
        }
        let mut counts = vec![Count::default(); width];
        for (place, failed) in places.iter().zip(failed).filter(|(place, _)| **place != NO_CODE) {
            let count = &mut counts[*place as usize];
            count.spans += 1;
            count.errors += u64::from(*failed);
        }
        let mut durations = vec![[0_u32; 2]; if self.buckets.is_some() { width * BUCKETS } else { 0 }];
        for ((place, bucket), failed) in places.iter().zip(self.buckets.unwrap_or_default()).zip(failed) {
            if *place != NO_CODE {
                durations[*place as usize * BUCKETS + usize::from(*bucket)][usize::from(*failed)] += 1;
            }
        }
        for (place, count) in counts.iter().enumerate().filter(|(_, count)| count.spans != 0) {
            let cell = self.add(place, &step_range, count, panel, tally);
            if self.buckets.is_some() {
                let own = &durations[place * BUCKETS..(place + 1) * BUCKETS];
                for (bucket, [fine, failed]) in
                    own.iter().enumerate().filter(|(_, counts)| **counts != [0, 0])
                {
                    cell.durations.add_many(bucket as u8, u64::from(fine + failed));
                    if *failed != 0 {
                        cell.error_durations.add_many(bucket as u8, u64::from(*failed));
                    }
                }
            }
        }
    }

    /// Returns the place of each chosen row; [`NO_CODE`] for rows that have none.
    fn places(&self, chosen: Option<&[bool]>, step_range: &Range<u32>, rows: usize) -> Cow<'_, [u32]> {
        if let ([coded], StepsOf::One(_), None) = (self.coded, &self.steps, chosen) {
            return Cow::Borrowed(&coded.codes);
        }
        let place = |row: usize| match chosen.is_none_or(|chosen| chosen[row]) {
            true => self.place(row, step_range).map_or(NO_CODE, |place| place as u32),
            false => NO_CODE,
        };
        Cow::Owned((0..rows).map(place).collect())
    }

    /// Returns the place of a row's codes and step among all combinations; `None` where it has no place.
    fn place(&self, row: usize, step_range: &Range<u32>) -> Option<usize> {
        let mut place = 0;
        for coded in self.coded {
            let code = coded.codes[row];
            if code == NO_CODE {
                return None;
            }
            place = place * coded.labels.len() + code as usize;
        }
        let step = match &self.steps {
            StepsOf::One(_) => 0,
            StepsOf::Each(steps, starts) => steps.of(starts[row])? - step_range.start,
        };
        Some(place * step_range.len() + step as usize)
    }

    /// Adds a count to the cell of a place, and returns the cell.
    fn add<'t>(
        &self,
        place: usize,
        step_range: &Range<u32>,
        count: &Count,
        panel: usize,
        tally: &'t mut Tally,
    ) -> &'t mut store::Cell {
        let step = step_range.start + (place % step_range.len()) as u32;
        let mut rest = place / step_range.len();
        let mut labels = vec![0; self.coded.len()];
        for (label, coded) in labels.iter_mut().zip(self.coded).rev() {
            *label = coded.labels[rest % coded.labels.len()];
            rest /= coded.labels.len();
        }
        let cell = tally.cell(panel, &labels, step);
        cell.spans += count.spans;
        cell.errors += count.errors;
        cell
    }
}

/// How many rows have each shape, each resource and each scope.
#[derive(Default)]
struct NameCounts {
    shapes: HashMap<u64, u64, RandomState>,
    resources: HashMap<u64, u64, RandomState>,
    scopes: HashMap<u64, u64, RandomState>,
}

/// Counts how often the chosen rows have each number.
fn count_numbers(numbers: &Ints, chosen: Option<&[bool]>, counts: &mut HashMap<u64, u64, RandomState>) {
    if let (Some(number), None) = (numbers.one(), chosen) {
        *counts.entry(number).or_default() += numbers.len() as u64;
        return;
    }
    // Neighbours often agree: a run is added as one.
    let all = numbers.all();
    let mut row = 0;
    for run in all.chunk_by(|a, b| a == b) {
        let rows = row..row + run.len();
        row = rows.end;
        let count = chosen.map_or(run.len(), |chosen| chosen[rows].iter().filter(|row| **row).count());
        if count != 0 {
            *counts.entry(run[0]).or_default() += count as u64;
        }
    }
}

const fn place_of(owner: Owner) -> Within {
    match owner {
        Owner::Span => Within::Span,
        Owner::Event => Within::Event,
        Owner::Link => Within::Link,
    }
}

impl NameCounts {
    fn merge(&mut self, other: Self) {
        let add = |to: &mut HashMap<u64, u64, RandomState>, from: HashMap<u64, u64, RandomState>| {
            from.into_iter().for_each(|(number, count)| *to.entry(number).or_default() += count);
        };
        add(&mut self.shapes, other.shapes);
        add(&mut self.resources, other.resources);
        add(&mut self.scopes, other.scopes);
    }

    /// Turns numbers into names.
    fn tell(self, segment: &Segment, names: &mut NameTally) -> Result<(), Failure> {
        let columns = segment.names()?;
        for (shape, count) in self.shapes {
            if shape < u64::from(SHAPE_FIRST) {
                continue;
            }
            let mut own: Vec<_> =
                segment.shape(shape)?.iter().map(|column| &columns[*column as usize]).collect();
            own.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            for of_key in own.chunk_by(|a, b| a.key == b.key) {
                names.note(
                    Within::Span,
                    &of_key[0].key,
                    of_key.iter().map(|column| column.kind.label()),
                    count,
                );
            }
        }
        for (counts, table, within) in [
            (self.resources, Table::Resources, Within::Resource),
            (self.scopes, Table::Scopes, Within::Scope),
        ] {
            let pages = if within == Within::Resource { segment.resources()? } else { segment.scopes()? };
            for (number, count) in counts {
                let (page, at) = segment.text_of(pages, u32::try_from(number).unwrap_or(u32::MAX))?;
                let record = segment.origin(page.get(at), table)?;
                let mut attributes: Vec<_> = record.attributes.iter().collect();
                attributes.sort_by_key(|(key, _)| *key);
                for of_key in attributes.chunk_by(|a, b| a.0 == b.0) {
                    let kinds = of_key.iter().map(|(_, value)| LabelKind::of(*value));
                    names.note(within, of_key[0].0, kinds, count);
                }
            }
        }
        Ok(())
    }
}
