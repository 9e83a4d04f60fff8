//! `jaeger.api_v2.QueryService`.

use std::collections::BTreeSet;
use std::sync::Arc;

use span::{DurationNanos, TraceId, UnixNanos};
use store::{Detail, Write};
use tonic::{Request, Response, Status};

use super::stamp::{length, point};
use super::trace_messages::{Source, TraceMessages, Version};
use super::{Flow, once, refusal, tenant};
use crate::calls::calls_between;
use crate::encoded::Encoded;
use crate::proto::api_v2::query_service_server::QueryService;
use crate::proto::api_v2::{
    ArchiveTraceRequest, ArchiveTraceResponse, DependencyLink, FindTracesRequest, GetDependenciesRequest,
    GetDependenciesResponse, GetOperationsRequest, GetOperationsResponse, GetServicesRequest,
    GetServicesResponse, GetTraceRequest, Operation, TraceQueryParameters,
};
use crate::question::{LIMIT_DEFAULT, TraceName, find};
use crate::{ApiError, Backend, Desk, Question};

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

    async fn get_trace(
        &self,
        request: Request<GetTraceRequest>,
    ) -> Result<Response<Self::GetTraceStream>, Status> {
        let (tenant, request) = (tenant(&request), request.into_inner());
        let name = named(&request.trace_id)?;
        let adjust = (!request.raw_traces).then_some(self.0.backend().limits.clock_skew_max);
        let telling = self.0.ask(move |reader, _| {
            let trace = find(reader, &tenant, &name)?;
            Ok(TraceMessages { source: Source::Named(Some(Box::new(trace))), version: Version::V2, adjust })
        });
        Ok(Response::new(Flow::of(telling.await.map_err(|error| refusal(&error))?)))
    }

    async fn archive_trace(
        &self,
        request: Request<ArchiveTraceRequest>,
    ) -> Result<Response<ArchiveTraceResponse>, Status> {
        let (tenant, request) = (tenant(&request), request.into_inner());
        let name = named(&request.trace_id)?;
        let writer = self.0.backend().archive.as_ref().map(Arc::clone);
        let writer = writer.ok_or_else(|| refusal(&ApiError::NoArchive))?;
        let received = (self.0.backend().now)();
        once(&self.0, move |reader, _| {
            let archive = Backend::archive_of(&tenant).ok_or(ApiError::NoArchive)?;
            let trace = find(reader, &tenant, &name)?;
            writer.write(&[Write { tenant: archive, received, batch: trace.batch().clone() }])?;
            Ok(())
        })
        .await?;
        Ok(Response::new(ArchiveTraceResponse {}))
    }

    async fn find_traces(
        &self,
        request: Request<FindTracesRequest>,
    ) -> Result<Response<Self::FindTracesStream>, Status> {
        let (tenant, request) = (tenant(&request), request.into_inner());
        let wanted = wanted(request.query, (self.0.backend().now)()).map_err(|error| refusal(&error))?;
        let adjust = (!wanted.raw).then_some(self.0.backend().limits.clock_skew_max);
        let telling = self.0.ask(move |reader, stop| {
            let cursor = reader.search(wanted.question.search(tenant, Detail::Whole, stop))?;
            let source = Source::Search(cursor, wanted.limit);
            Ok(TraceMessages { source, version: Version::V2, adjust })
        });
        Ok(Response::new(Flow::of(telling.await.map_err(|error| refusal(&error))?)))
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
        let service = request.service;
        let mut found = once(&self.0, move |reader, _| Ok(reader.operations(&tenant, &service)?)).await?;
        found.retain(|operation| request.span_kind.is_empty() || operation.kind.word() == request.span_kind);
        let names: BTreeSet<&str> = found.iter().map(|operation| operation.name.as_str()).collect();
        let operation_names = names.into_iter().map(str::to_owned).collect();
        let shown = |operation: store::Operation| Operation {
            span_kind: operation.kind.word().to_owned(),
            name: operation.name,
        };
        let operations = found.into_iter().map(shown).collect();
        Ok(Response::new(GetOperationsResponse { operation_names, operations }))
    }

    async fn get_dependencies(
        &self,
        request: Request<GetDependenciesRequest>,
    ) -> Result<Response<GetDependenciesResponse>, Status> {
        let (tenant, request) = (tenant(&request), request.into_inner());
        let times = point(request.start_time).zip(point(request.end_time));
        let (start, end) =
            times.ok_or_else(|| Status::invalid_argument("StartTime and EndTime must be initialized."))?;
        let calls =
            once(&self.0, move |reader, stop| calls_between(reader, &tenant, start, end, stop)).await?;
        let shown = |edge: insight::Edge<'_>| DependencyLink {
            parent: edge.parent.to_owned(),
            child: edge.child.to_owned(),
            call_count: edge.calls,
            source: String::new(),
        };
        let dependencies = calls.edges().into_iter().map(shown).collect();
        Ok(Response::new(GetDependenciesResponse { dependencies }))
    }
}

/// Reads an id: its bytes, from the right; older clients send 8.
fn named(bytes: &[u8]) -> Result<TraceName, Status> {
    let mut id = [0; 16];
    let place = id.len().checked_sub(bytes.len());
    let place = place.ok_or_else(|| Status::invalid_argument("a trace id has at most 16 bytes"))?;
    id[place..].copy_from_slice(bytes);
    let id = TraceId::from_bytes(id);
    if id.is_none() {
        return Err(Status::invalid_argument("uninitialized TraceID is not allowed"));
    }
    TraceName::parse(&id.to_string()).map_err(|error| refusal(&error))
}

/// Checks a search. Neither a service nor a window need be given.
fn wanted(query: Option<TraceQueryParameters>, now: UnixNanos) -> Result<Wanted, ApiError> {
    let malformed = |text: &str| ApiError::Malformed(text.to_owned());
    let query = query.ok_or_else(|| malformed("missing query"))?;
    let limit = match query.search_depth {
        0 => LIMIT_DEFAULT,
        depth => usize::try_from(depth).map_err(|_| malformed("search depth must be greater than 0"))?,
    };
    let question = Question {
        service: query.service_name,
        operation: query.operation_name,
        tags: query.tags.into_iter().collect(),
        duration_min: length(query.duration_min).unwrap_or_default(),
        duration_max: length(query.duration_max).unwrap_or_default(),
        start_min: point(query.start_time_min).unwrap_or(UnixNanos::MIN),
        start_max: point(query.start_time_max).unwrap_or_else(|| now.plus(FUTURE)),
    };
    Ok(Wanted { question, limit, raw: query.raw_traces })
}

/// Senders' clocks may be ahead of ours by so much and are still found without a window.
const FUTURE: DurationNanos = DurationNanos(24 * 3_600 * 1_000_000_000);
