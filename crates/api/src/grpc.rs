//! Jaeger's query APIs over gRPC: api_v3 and api_v2, with health and reflection.
//!
//! | service | what it answers with |
//! |---|---|
//! | `jaeger.api_v3.QueryService` | OTLP's own messages, one or more for each trace |
//! | `jaeger.api_v2.QueryService` | Jaeger's spans, ten in a message |
//! | `grpc.health.v1.Health` | serving, for both of these |
//! | `grpc.reflection.v1`, `v1alpha` | what `grpcurl` asks before anything else |
//!
//! Streams are answers at the same [`Desk`] as every other: a message is made when the connection has room
//! for it, and a client that leaves stops the search.

mod flow;
mod stamp;
mod summaries;
mod trace_messages;
mod v2;
mod v3;

use axum::Router;
use store::{Stop, TraceReader};
use tonic::Status;
use tonic::service::Routes;

use crate::proto::api_v2::query_service_server::QueryServiceServer as QueryV2;
use crate::proto::api_v3::query_service_server::QueryServiceServer as QueryV3;
use crate::{Answer, ApiError, Desk, Share, Told, proto};

use flow::Flow;

/// Services that health speaks of; the empty name is the whole server.
const HEALTHY: [&str; 4] = [
    "",
    "jaeger.api_v2.QueryService",
    "jaeger.api_v2.metrics.MetricsQueryService",
    "jaeger.api_v3.QueryService",
];

/// Returns the services of the gRPC query port (16685). A request's tenant is its extension of that
/// type, as on the other doors.
pub fn grpc_router(desk: &Desk) -> Router {
    let (health, service) = tonic_health::server::health_reporter();
    let v1 = reflection().build_v1().expect("the descriptors are those that were committed");
    let v1alpha = reflection().build_v1alpha().expect("the descriptors are those that were committed");
    let routes = Routes::new(QueryV3::new(v3::Queries(desk.clone())))
        .add_service(QueryV2::new(v2::Queries(desk.clone())))
        .add_service(service)
        .add_service(v1)
        .add_service(v1alpha);
    // Nothing is ever taken back, so who reports it need not wait.
    tokio::spawn(async move {
        for name in HEALTHY {
            health.set_service_status(name, tonic_health::ServingStatus::Serving).await;
        }
    });
    routes.prepare().into_axum_router()
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// Says in gRPC's words why a question has no answer.
fn refusal(error: &ApiError) -> Status {
    use store::StoreError;
    let text = error.to_string();
    match error {
        ApiError::Malformed(_) | ApiError::NotUnderstood(_) | ApiError::Ambiguous { .. } => {
            Status::invalid_argument(text)
        }
        ApiError::TraceNotFound => Status::not_found(text),
        ApiError::Disabled(_) => Status::unimplemented(text),
        ApiError::Busy { .. } | ApiError::PoolExhausted { .. } => Status::resource_exhausted(text),
        ApiError::TooSlow { .. } => Status::deadline_exceeded(text),
        // These will never fit, so the code must not be one that clients retry.
        ApiError::BodyTooLong { .. } | ApiError::Store(StoreError::TooLarge { .. }) => {
            Status::failed_precondition(text)
        }
        ApiError::Store(StoreError::Stopped) => Status::cancelled(text),
        ApiError::NoArchive | ApiError::Broken | ApiError::Store(_) => Status::internal(text),
    }
}

/// Answers with one value, made on the blocking pool within the limits of every other answer.
async fn once<T: Send + 'static>(
    desk: &Desk,
    look: impl FnOnce(&dyn TraceReader, &Stop) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, Status> {
    let telling = desk.ask(move |reader, stop| Ok(Once(Some(look(reader, stop)?)))).await;
    let part = telling.map_err(|error| refusal(&error))?.part().await;
    let value = part.transpose().map_err(|error| refusal(&error))?.flatten();
    value.ok_or_else(|| Status::internal("the answer was empty"))
}

/// An answer of one part.
struct Once<T>(Option<T>);

impl<T: Send + 'static> Answer for Once<T> {
    type Part = Option<T>;

    fn next(&mut self, _: &mut Share) -> Result<Told<Option<T>>, ApiError> {
        Ok(Told::Last(self.0.take()))
    }
}

/// Returns the tenant that whoever let the request in has put there.
fn tenant<T>(request: &tonic::Request<T>) -> span::Tenant {
    request.extensions().get().cloned().unwrap_or_default()
}
