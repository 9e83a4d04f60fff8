//! Traces in an envelope, one after the other, in parts.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use span::{Tenant, Trace, TraceId};
use store::{Stop, StoreError, TraceCursor, TraceReader};
use wire::jaeger::model::TagOrder;

use super::envelope::{self, Errors, Missing};
use super::trace_json::{Spans, TraceJson};
use crate::adjust::adjusted;
use crate::json::{JsonWriter, Layout};
use crate::limits::{CHUNK_BYTES, CHUNK_BYTES_ENOUGH};
use crate::question::{TraceName, find};
use crate::{Answer, ApiError, Share, Told};

/// Where traces come from.
pub(super) enum Source {
    /// A search, and how many of its traces are still wanted.
    Search(Box<dyn TraceCursor>, usize),
    /// Names that are looked up one by one; each trace is shown once, and what is not found is said at
    /// the end.
    Names(Names),
    /// Traces that are here already.
    Here(VecDeque<Spans>),
}

/// Names to be looked up.
pub(super) struct Names {
    pub(super) reader: Arc<dyn TraceReader>,
    pub(super) tenant: Tenant,
    pub(super) names: VecDeque<TraceName>,
    pub(super) stop: Stop,
    pub(super) shown: HashSet<TraceId>,
}

/// How traces are shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    /// As they are stored.
    Raw,
    /// Adjusted for people; clocks corrected by so much at most.
    Adjusted(Duration),
}

/// The answer to a search.
pub(super) struct TraceList {
    source: Source,
    reading: Reading,
    json: JsonWriter,
    begun: bool,
    current: Option<TraceJson>,
    missing: Vec<Missing>,
    /// What the source holds.
    held: Option<Share>,
}

impl TraceList {
    pub(super) fn new(source: Source, reading: Reading, layout: Layout) -> Self {
        let json = JsonWriter::new(layout);
        Self { source, reading, json, begun: false, current: None, missing: Vec::new(), held: None }
    }

    /// Says at the end that something is missing.
    pub(super) fn mention(mut self, missing: Option<Missing>) -> Self {
        self.missing.extend(missing);
        self
    }

    /// Keeps what the source holds until the answer is told.
    pub(super) fn holding(mut self, share: Share) -> Self {
        self.held = Some(share);
        self
    }

    /// Returns the next trace to show.
    fn pull(&mut self) -> Result<Option<Spans>, ApiError> {
        Ok(match &mut self.source {
            Source::Search(_, 0) => None,
            Source::Search(cursor, left) => {
                *left -= 1;
                cursor.next()?.map(Spans::Stored)
            }
            Source::Here(traces) => traces.pop_front(),
            Source::Names(names) => names.pull(&mut self.missing)?.map(Spans::Stored),
        })
    }

    /// Returns the trace as it is shown, and the order of what is in it.
    fn read(&self, trace: Spans) -> Result<(Spans, TagOrder), ApiError> {
        match (self.reading, trace) {
            (Reading::Adjusted(skew_max), Spans::Stored(trace)) => {
                let trace = adjusted(trace, skew_max).map_err(StoreError::from)?;
                Ok((Spans::Stored(trace), TagOrder::ByKey))
            }
            (_, trace) => Ok((trace, TagOrder::AsSent)),
        }
    }
}

impl Answer for TraceList {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        if !self.begun {
            self.begun = true;
            envelope::begin(&mut self.json);
            self.json.begin_array();
        }
        loop {
            if self.current.is_none() {
                let Some(trace) = self.pull()? else { break };
                share.hold(trace.batch().bytes() + CHUNK_BYTES.max(self.json.bytes_held()))?;
                let (trace, order) = self.read(trace)?;
                self.current = Some(TraceJson::new(trace, order));
            }
            let current = self.current.as_mut().expect("it was put there above");
            let whole = current.write(&mut self.json, CHUNK_BYTES_ENOUGH);
            share.hold(current.bytes() + CHUNK_BYTES.max(self.json.bytes_held()))?;
            if whole {
                self.current = None;
            }
            if CHUNK_BYTES_ENOUGH <= self.json.len() {
                return Ok(Told::Part(self.json.take()));
            }
        }
        self.json.end_array();
        envelope::end(&mut self.json, 0, Errors::Missing(&self.missing));
        let last = self.json.take();
        share.hold(last.capacity())?;
        Ok(Told::Last(last))
    }
}

impl Names {
    fn pull(&mut self, missing: &mut Vec<Missing>) -> Result<Option<Trace>, ApiError> {
        while let Some(name) = self.names.pop_front() {
            self.stop.check()?;
            match find(&*self.reader, &self.tenant, &name) {
                Ok(trace) if self.shown.insert(trace.id()) => return Ok(Some(trace)),
                Ok(_) => {}
                Err(error @ (ApiError::TraceNotFound | ApiError::Ambiguous { .. })) => {
                    let id = Some(name.id());
                    if missing.iter().all(|known| known.id != id) {
                        missing.push(Missing { message: error.to_string(), id });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}
