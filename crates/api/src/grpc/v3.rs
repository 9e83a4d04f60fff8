//! `jaeger.api_v3.QueryService`.

use store::Detail;
use tonic::{Request, Response, Status};

use super::stamp::{length, point};
use super::summaries::Summaries;
use super::trace_messages::{Source, TraceMessages, Version};
use super::{Flow, once, refusal, tenant};
use crate::calls::calls_between;
use crate::encoded::Encoded;
use crate::proto::api_v3::query_service_server::QueryService;
use crate::proto::api_v3::{
    DependenciesResponse, Dependency, FindTraceSummariesRequest, FindTraceSummariesResponse,
    FindTracesRequest, GetDependenciesRequest, GetOperationsRequest, GetOperationsResponse,
    GetServicesRequest, GetServicesResponse, GetTraceRequest, Operation, TraceQueryParameters,
};
use crate::question::{LIMIT_DEFAULT, TraceName, find};
use crate::{ApiError, Desk, Question};

/// The service, at its desk.
pub(super) struct Queries(pub(super) Desk);

/// A search, checked.
struct Wanted {
    question: Question,
    limit: usize,
    raw: bool,
}

#[tonic::async_trait]
impl QueryService for Queries {
    type GetTraceStream = Flow<TraceMessages, Encoded>;
    type FindTracesStream = Flow<TraceMessages, Encoded>;
    type FindTraceSummariesStream = Flow<Summaries, FindTraceSummariesResponse>;

    /// An absent trace is an empty stream, as Jaeger has it.
    async fn get_trace(
        &self,
        request: Request<GetTraceRequest>,
    ) -> Result<Response<Self::GetTraceStream>, Status> {
        let (tenant, request) = (tenant(&request), request.into_inner());
        let name = TraceName::parse(&request.trace_id).map_err(|error| refusal(&error))?;
        let adjust = (!request.raw_traces).then_some(self.0.backend().limits.clock_skew_max);
        let telling = self.0.ask(move |reader, _| {
            let trace = match find(reader, &tenant, &name) {
                Err(ApiError::TraceNotFound) => None,
                found => Some(Box::new(found?)),
            };
            Ok(TraceMessages { source: Source::Named(trace), version: Version::V3, adjust })
        });
        Ok(Response::new(Flow::of(telling.await.map_err(|error| refusal(&error))?)))
    }

    async fn find_traces(
        &self,
        request: Request<FindTracesRequest>,
    ) -> Result<Response<Self::FindTracesStream>, Status> {
        let (tenant, request) = (tenant(&request), request.into_inner());
        let wanted = wanted(request.query).map_err(|error| refusal(&error))?;
        let adjust = (!wanted.raw).then_some(self.0.backend().limits.clock_skew_max);
        let telling = self.0.ask(move |reader, stop| {
            let cursor = reader.search(wanted.question.search(tenant, Detail::Whole, stop))?;
            let source = Source::Search(cursor, wanted.limit);
            Ok(TraceMessages { source, version: Version::V3, adjust })
        });
        Ok(Response::new(Flow::of(telling.await.map_err(|error| refusal(&error))?)))
    }

    async fn find_trace_summaries(
        &self,
        request: Request<FindTraceSummariesRequest>,
    ) -> Result<Response<Self::FindTraceSummariesStream>, Status> {
        let (tenant, request) = (tenant(&request), request.into_inner());
        let wanted = wanted(request.query).map_err(|error| refusal(&error))?;
        let telling = self.0.ask(move |reader, stop| {
            let cursor = reader.search(wanted.question.search(tenant, Detail::Skeleton, stop))?;
            Ok(Summaries { cursor, left: wanted.limit })
        });
        let telling = telling.await.map_err(|error| refusal(&error))?;
        Ok(Response::new(Flow::of(telling)))
    }

    async fn get_services(
        &self,
        request: Request<GetServicesRequest>,
    ) -> Result<Response<GetServicesResponse>, Status> {
        let tenant = tenant(&request);
        let services = once(&self.0, move |reader, _| Ok(reader.services(&tenant)?)).await?;
        Ok(Response::new(GetServicesResponse { services }))
    }

    async fn get_operations(
        &self,
        request: Request<GetOperationsRequest>,
    ) -> Result<Response<GetOperationsResponse>, Status> {
        let (tenant, request) = (tenant(&request), request.into_inner());
        let mut found =
            once(&self.0, move |reader, _| Ok(reader.operations(&tenant, &request.service)?)).await?;
        found.retain(|operation| request.span_kind.is_empty() || operation.kind.word() == request.span_kind);
        let shown = |operation: store::Operation| Operation {
            span_kind: operation.kind.word().to_owned(),
            name: operation.name,
        };
        let operations = found.into_iter().map(shown).collect();
        Ok(Response::new(GetOperationsResponse { operations }))
    }

    async fn get_dependencies(
        &self,
        request: Request<GetDependenciesRequest>,
    ) -> Result<Response<DependenciesResponse>, Status> {
        let (tenant, request) = (tenant(&request), request.into_inner());
        let times = point(request.start_time).zip(point(request.end_time));
        let (start, end) =
            times.ok_or_else(|| Status::invalid_argument("start and end times are required"))?;
        let calls =
            once(&self.0, move |reader, stop| calls_between(reader, &tenant, start, end, stop)).await?;
        let shown = |edge: insight::Edge<'_>| Dependency {
            parent: edge.parent.to_owned(),
            child: edge.child.to_owned(),
            call_count: edge.calls,
        };
        let dependencies = calls.edges().into_iter().map(shown).collect();
        Ok(Response::new(DependenciesResponse { dependencies }))
    }
}

/// Checks a search. Its window must be given, because api_v3 says so.
fn wanted(query: Option<TraceQueryParameters>) -> Result<Wanted, ApiError> {
    let malformed = |text: &str| ApiError::Malformed(text.to_owned());
    let query = query.ok_or_else(|| malformed("missing query"))?;
    if query.filter.is_some() {
        return Err(malformed("structured filters are not supported; use attributes"));
    }
    let times = point(query.start_time_min).zip(point(query.start_time_max));
    let (start_min, start_max) =
        times.ok_or_else(|| malformed("start time min and max are required parameters"))?;
    if start_max < start_min {
        return Err(malformed("start_time_min must be before start_time_max"));
    }
    let limit = match query.search_depth {
        0 => LIMIT_DEFAULT,
        depth => usize::try_from(depth).map_err(|_| malformed("search depth must be greater than 0"))?,
    };
    let question = Question {
        service: query.service_name,
        operation: query.operation_name,
        tags: query.attributes.into_iter().collect(),
        duration_min: length(query.duration_min).unwrap_or_default(),
        duration_max: length(query.duration_max).unwrap_or_default(),
        start_min,
        start_max,
    };
    Ok(Wanted { question, limit, raw: query.raw_traces })
}
