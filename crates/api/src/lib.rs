//! APIs out: every way of asking for traces, and the page that asks.
//!
//! All doors stand at one [`Desk`], which bounds what their answers cost. [`router`] has those of the
//! query port (16686):
//!
//! | door | what it is |
//! |---|---|
//! | `GET /api/services` | Jaeger v1: services |
//! | `GET /api/services/{service}/operations`, `GET /api/operations` | Jaeger v1: operations |
//! | `GET /api/traces`, `GET /api/traces/{id}` | Jaeger v1: search, one trace |
//! | `GET /api/dependencies` | Jaeger v1: who calls whom |
//! | `POST /api/archive/{id}` | Jaeger v1: keep this trace |
//! | `POST /api/transform` | Jaeger v1: OTLP JSON to Jaeger's |
//! | `GET /api/metrics/..` | Jaeger v1: not there yet, says so |
//! | `GET /api/tw/..` | ours: skeletons, figures, completion, status (`docs/api.yaml`) |
//! | any other `/api/..` | 404 in text |
//! | `GET /assets/..` | the UI's files |
//! | the UI's own paths | the page |
//! | Jaeger's and Zipkin's pages | led to ours |
//!
//! [`grpc_router`] has those of the gRPC query port (16685).
//!
//! Deliberately absent: sockets (the server serves the router), engines, the pipeline.

#![forbid(unsafe_code)]

mod adjust;
mod answer;
mod backend;
mod base_path;
mod calls;
mod encoded;
mod error;
mod grpc;
mod jaeger_v1;
mod jaeger_v3;
mod json;
mod limits;
mod native;
mod no_door;
mod page;
mod proto;
mod question;
mod report;
mod stats;

use axum::Router;

pub use answer::{Answer, Desk, Share, Telling, Told};
pub use backend::{ARCHIVE_SUFFIX, Backend};
pub use base_path::{BasePath, NoBasePath};
pub use error::ApiError;
pub use grpc::grpc_router;
pub use jaeger_v1::TraceFile;
pub use limits::Limits;
pub use page::from_zipkin_port;
pub use question::{LIMIT_DEFAULT, LOOKBACK_DEFAULT, Question, tags_of_json};
pub use report::{Drops, ListenerStatus, ServerStatus, StorageStatus};
pub use stats::{Counter, Stats};

/// Returns the doors of the query port. A request's tenant is its extension of that type
/// ([`span::Tenant`]), put there by whoever knows; without one it is the default tenant.
pub fn router(desk: Desk) -> Router {
    jaeger_v1::router(desk.clone())
        .merge(jaeger_v3::router(desk.clone()))
        .merge(native::router(desk))
        .merge(page::router())
        .fallback(page::anywhere_else)
        .method_not_allowed_fallback(no_door::page_not_found)
}
