//! Traces in one `result`, one after the other, in parts.

use std::time::Duration;

use span::Trace;
use store::{StoreError, TraceCursor};
use wire::otlp;

use crate::adjust::adjusted_for_otlp;
use crate::{Answer, ApiError, Share, Told};

/// What stands around all resources of an answer.
const BEGIN: &[u8] = br#"{"result":{"resourceSpans":["#;
const END: &[u8] = b"]}}";

/// What [`otlp::encode_json`] puts around the resources of one batch.
const BATCH_BEGIN: &[u8] = br#"{"resourceSpans":["#;
const BATCH_END: &[u8] = b"]}";

/// Where traces come from after the first.
pub(super) enum Source {
    /// A search, and how many of its traces are still wanted.
    Search(Box<dyn TraceCursor>, usize),
    /// There is only this one.
    Named,
}

/// Traces as OTLP JSON, one for each part.
pub(super) struct TracesJson {
    source: Source,
    first: Option<Trace>,
    begun: bool,
    /// By how much clocks may be corrected; `None` shows traces as they are stored.
    adjust: Option<Duration>,
}

impl TracesJson {
    /// Begins with `first`: that there is one decides the status.
    pub(super) const fn new(source: Source, first: Trace, adjust: Option<Duration>) -> Self {
        Self { source, first: Some(first), begun: false, adjust }
    }
}

impl Answer for TracesJson {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        let trace = match (self.first.take(), &mut self.source) {
            (Some(first), _) => Some(first),
            (None, Source::Named | Source::Search(_, 0)) => None,
            (None, Source::Search(cursor, left)) => {
                *left -= 1;
                cursor.next()?
            }
        };
        let Some(trace) = trace else { return Ok(Told::Last(END.to_vec())) };
        // The text is some three times as long as the rows' own, and both are there at once.
        share.hold(4 * trace.batch().bytes())?;
        let trace = match self.adjust {
            Some(skew_max) => adjusted_for_otlp(&trace, skew_max).map_err(StoreError::from)?,
            None => trace,
        };
        let mut text = if self.begun { b",".to_vec() } else { BEGIN.to_vec() };
        self.begun = true;
        let whole = otlp::encode_json(trace.batch());
        let resources = whole.strip_prefix(BATCH_BEGIN).and_then(|rest| rest.strip_suffix(BATCH_END));
        text.extend_from_slice(resources.expect("the encoder writes one object of resources"));
        share.hold(trace.batch().bytes() + whole.capacity() + text.capacity())?;
        if matches!(self.source, Source::Named) {
            text.extend_from_slice(END);
            return Ok(Told::Last(text));
        }
        Ok(Told::Part(text))
    }
}
