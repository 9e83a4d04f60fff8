//! Search over a segment: groups from the newest, each test over columns.
//!
//! A group is left out where its starts lie outside the window, and left as soon as a test lets no
//! row of it through. Tests look at distinct values first and at rows only if one of those is wanted.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use span::{TraceKey, UnixNanos};
use store::{Predicate, Search, Stop, StoreError};

use super::failure::Failure;
use super::group::Group;
use super::layout::fixed;
use super::predicate::Test;
use super::reader::Segment;
use super::view::{Rows, View};
use crate::ahead::{Ahead, Helpers};
use crate::part::Listing;

/// How many groups are looked at before helpers are asked: most searches need no more.
const ALONE_GROUPS: usize = 2;
/// Of so many groups a search keeps the columns that it read.
const KEPT_GROUPS: usize = 256;
/// How many groups are offered to each helper ahead of the reader, at most.
const AHEAD_PER_HELPER: usize = 3;

/// The fragments of a segment that a search accepts.
pub(super) struct SegmentMatches {
    look: Arc<Look>,
    helpers: Arc<dyn Helpers>,
    stop: Stop,
    /// Groups from here on are done, or ahead.
    groups_left: usize,
    /// Groups that were looked at.
    looked: usize,
    /// The groups that come next, in order.
    ahead: VecDeque<Ahead<Result<Vec<TraceKey>, Failure>>>,
    found: VecDeque<TraceKey>,
    /// What was found last: a large trace is found once in each of its groups.
    last: Option<TraceKey>,
}

/// What looking at a group needs, whoever does it.
struct Look {
    segment: Arc<Segment>,
    predicates: Vec<Predicate>,
    /// The predicates made ready, for each who looks at the same time. Held to take or to leave them.
    tests: Mutex<Vec<Vec<Test>>>,
    window: RangeInclusive<UnixNanos>,
    /// By group: whether it may have anything. Known from the first look on, if it is.
    may_hold: OnceLock<Vec<bool>>,
    /// How many groups were looked at.
    looked: AtomicUsize,
    /// Raised when no group can have anything, and when nobody wants it any more.
    over: AtomicBool,
}

impl SegmentMatches {
    pub(super) fn new(segment: Arc<Segment>, search: &Search, helpers: Arc<dyn Helpers>) -> Self {
        let groups_left = segment.footer.groups.len();
        let look = Look {
            segment,
            predicates: search.filter.all.clone(),
            tests: Mutex::default(),
            window: search.start_min..=search.start_max,
            may_hold: OnceLock::new(),
            looked: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        };
        let (ahead, found) = (VecDeque::new(), VecDeque::new());
        let look = Arc::new(look);
        Self { look, helpers, stop: search.stop.clone(), groups_left, looked: 0, ahead, found, last: None }
    }

    /// Takes the next group that the window does not leave out.
    fn next_group(&mut self) -> Option<usize> {
        while let Some(group) = self.groups_left.checked_sub(1) {
            self.groups_left = group;
            let line = &self.look.segment.footer.groups[group];
            let in_time =
                *self.look.window.start() <= line.start_max && line.start_min <= *self.look.window.end();
            if in_time && self.look.may_hold.get().is_none_or(|groups| groups[group]) {
                return Some(group);
            }
        }
        None
    }

    /// Offers groups to the helpers: more of them, the longer the search is.
    fn offer(&mut self) {
        let ahead_max = self.looked.saturating_sub(ALONE_GROUPS).min(AHEAD_PER_HELPER * self.helpers.count());
        // One is for the reader itself.
        while 0 < ahead_max && self.ahead.len() <= ahead_max {
            let Some(group) = self.next_group() else { return };
            let look = self.look.clone();
            self.ahead.push_back(Ahead::begin(&*self.helpers, move || look.at(group)));
        }
    }
}

impl Drop for SegmentMatches {
    fn drop(&mut self) {
        self.look.over.store(true, Ordering::Relaxed);
    }
}

impl Look {
    /// Looks at one group; returns the keys of what it found, newest first.
    fn at(&self, group: usize) -> Result<Vec<TraceKey>, Failure> {
        if self.over.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let kept = self.tests.lock().expect("no code panics while it holds tests").pop();
        let mut tests = match kept {
            Some(tests) => tests,
            None => self.make_ready()?,
        };
        if tests.iter().any(|test| matches!(test, Test::Never)) {
            self.over.store(true, Ordering::Relaxed);
            return Ok(Vec::new());
        }
        let found = match tests.iter().all(|test| test.may_hold(group)) {
            true => self.with(&mut tests, group),
            false => Ok(Vec::new()),
        };
        self.tests.lock().expect("no code panics while it holds tests").push(tests);
        found
    }

    fn make_ready(&self) -> Result<Vec<Test>, Failure> {
        let tests = self.predicates.iter().map(|predicate| Test::of(&self.segment, predicate));
        let mut tests = tests.collect::<Result<Vec<Test>, _>>()?;
        // Cheap ones first: what they leave is all that the others look at.
        tests.sort_by_key(Test::cost);
        self.may_hold.get_or_init(|| {
            let groups = 0..self.segment.footer.groups.len();
            groups.map(|group| tests.iter().all(|test| test.may_hold(group))).collect()
        });
        Ok(tests)
    }

    /// Opens a group. What the newest groups have is kept: they are asked for most, and a search through everything
    /// would push out what all others need.
    fn group(&self, number: usize) -> Result<Group<'_>, Failure> {
        let group = Group::sparse(&self.segment, number)?;
        let looked = self.looked.fetch_add(1, Ordering::Relaxed);
        Ok(if looked < KEPT_GROUPS { group.kept(number) } else { group })
    }

    fn with(&self, tests: &mut [Test], group: usize) -> Result<Vec<TraceKey>, Failure> {
        let line = &self.segment.footer.groups[group];
        let view = View::of(self.group(group)?);
        let mut rows = Rows::All;
        for test in tests {
            let passed = view.test(test, &rows)?;
            rows = rows.and(passed);
            if matches!(rows, Rows::None) {
                return Ok(Vec::new());
            }
        }
        let traces = view.group.traces()?;
        if !(self.window.contains(&line.start_min) && self.window.contains(&line.start_max)) {
            let parents = view.group.ints(fixed::PARENT, view.group.rows())?.all();
            let times = view.group.times(&traces, 0..traces.ids.len(), &parents)?;
            rows =
                rows.and(Rows::Some(times.starts.iter().map(|start| self.window.contains(start)).collect()));
        }
        let hits = (0..traces.ids.len()).rev().filter(|trace| rows.any(traces.rows(*trace..*trace + 1)));
        Ok(hits.map(|trace| TraceKey { start: traces.starts[trace], id: traces.ids[trace] }).collect())
    }
}

impl Iterator for SegmentMatches {
    type Item = Result<TraceKey, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(key) = self.found.pop_front() {
                if self.last.replace(key) == Some(key) {
                    continue;
                }
                return Some(Ok(key));
            }
            if self.look.over.load(Ordering::Relaxed) {
                return None;
            }
            if let Err(stopped) = self.stop.check() {
                self.look.over.store(true, Ordering::Relaxed);
                return Some(Err(stopped));
            }
            self.offer();
            let found = match self.ahead.pop_front() {
                Some(ahead) => ahead.take(),
                None => {
                    let group = self.next_group()?;
                    self.look.at(group)
                }
            };
            self.looked += 1;
            match found {
                Ok(found) => self.found.extend(found),
                Err(failure) => return Some(Err(self.look.segment.tell(failure))),
            }
        }
    }
}

impl Listing for SegmentMatches {
    fn is_ready(&self) -> bool {
        !self.found.is_empty() || self.ahead.front().is_some_and(Ahead::is_done)
    }
}
