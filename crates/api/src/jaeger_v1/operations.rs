//! `GET /api/services` and the two listings of operations.

use axum::body::Body;
use axum::extract::State;
use http::Response;
use store::Operation;

use super::envelope::around;
use super::{Call, JSON, settle};
use crate::answer::{Whole, reply};
use crate::question::{PathWord, form_decoded};
use crate::{ApiError, Desk};

/// Returns all services, by name.
pub(super) async fn services(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_services(&desk, call).await;
    settle(&desk, answered)
}

/// Returns the names of a service's operations.
pub(super) async fn of_service(
    State(desk): State<Desk>,
    PathWord(service): PathWord,
    call: Call,
) -> Response<Body> {
    let answered = try_of_service(&desk, service, call).await;
    settle(&desk, answered)
}

/// Returns a service's operations with their kinds.
pub(super) async fn with_kinds(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_with_kinds(&desk, call).await;
    settle(&desk, answered)
}

async fn try_services(desk: &Desk, call: Call) -> Result<Response<Body>, ApiError> {
    reply(desk, JSON, move |reader, _| {
        let services = reader.services(&call.tenant)?;
        Ok(Whole(around(call.layout, |json| {
            json.begin_array();
            for service in &services {
                json.text(service);
            }
            json.end_array();
            services.len()
        })))
    })
    .await
}

async fn try_of_service(desk: &Desk, service: String, call: Call) -> Result<Response<Body>, ApiError> {
    reply(desk, JSON, move |reader, _| {
        let mut operations = reader.operations(&call.tenant, &service)?;
        // Jaeger decodes the path twice, so clients encode it twice, or write a space as a plus.
        let decoded_again = form_decoded(&service);
        if operations.is_empty() && decoded_again != service {
            operations = reader.operations(&call.tenant, &decoded_again)?;
        }
        operations.dedup_by(|a, b| a.name == b.name);
        Ok(Whole(around(call.layout, |json| {
            if operations.is_empty() {
                json.null();
                return 0;
            }
            json.begin_array();
            for Operation { name, .. } in &operations {
                json.text(name);
            }
            json.end_array();
            operations.len()
        })))
    })
    .await
}

async fn try_with_kinds(desk: &Desk, call: Call) -> Result<Response<Body>, ApiError> {
    let parameters = call.parameters()?;
    let service = parameters.text("service").to_owned();
    if service.is_empty() {
        return Err(ApiError::Malformed("parameter 'service' is required".to_owned()));
    }
    let kind = parameters.text("spanKind").to_owned();
    reply(desk, JSON, move |reader, _| {
        let mut operations = reader.operations(&call.tenant, &service)?;
        operations.retain(|operation| kind.is_empty() || operation.kind.word() == kind);
        Ok(Whole(around(call.layout, |json| {
            json.begin_array();
            for Operation { name, kind } in &operations {
                json.begin_object();
                json.key("name");
                json.text(name);
                json.key("spanKind");
                json.text(kind.word());
                json.end_object();
            }
            json.end_array();
            operations.len()
        })))
    })
    .await
}
