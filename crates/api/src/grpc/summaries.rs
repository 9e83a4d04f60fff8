//! Traces in one line each, as api_v3 streams them.

use store::TraceCursor;

use crate::proto::api_v3::{FindTraceSummariesResponse, ServiceSummary, TraceSummary};
use crate::{Answer, ApiError, Share, Told};

/// Summaries of one message: enough to be worth one, few enough to come soon.
const SUMMARIES_A_MESSAGE: usize = 20;

/// Summaries of what a search finds.
pub(super) struct Summaries {
    pub(super) cursor: Box<dyn TraceCursor>,
    /// How many are still wanted.
    pub(super) left: usize,
}

impl Answer for Summaries {
    type Part = Vec<FindTraceSummariesResponse>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Self::Part>, ApiError> {
        let mut summaries = Vec::new();
        while self.left != 0 && summaries.len() < SUMMARIES_A_MESSAGE {
            let Some(trace) = self.cursor.next()? else {
                self.left = 0;
                break;
            };
            self.left -= 1;
            share.hold(trace.batch().bytes())?;
            let tree = insight::Tree::of(&trace);
            summaries.push(summary(&insight::TraceSummary::of(&trace, &tree, store::failed)));
        }
        let messages =
            if summaries.is_empty() { Vec::new() } else { vec![FindTraceSummariesResponse { summaries }] };
        Ok(if self.left == 0 { Told::Last(messages) } else { Told::Part(messages) })
    }
}

/// Shows a summary as api_v3's message.
fn summary(found: &insight::TraceSummary<'_>) -> TraceSummary {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let service = |service: &insight::ServiceSummary<'_>| ServiceSummary {
        name: service.name.to_owned(),
        span_count: count(service.span_count),
        error_span_count: count(service.error_count),
    };
    TraceSummary {
        trace_id: found.id.to_string(),
        root_service_name: found.root.map(|root| root.resource().service().to_owned()).unwrap_or_default(),
        root_operation_name: found.root.map(|root| root.operation().to_owned()).unwrap_or_default(),
        min_start_time_unix_nano: found.start.0,
        max_end_time_unix_nano: found.end.0,
        span_count: count(found.span_count),
        error_span_count: count(found.error_count),
        orphan_span_count: count(found.orphan_count),
        services: found.services.iter().map(service).collect(),
    }
}
