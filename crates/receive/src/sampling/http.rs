//! Polls by HTTP: on 5778 under any path, and on 14268 under `/api/sampling`.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::{Sampling, Strategy, StrategyKind};
use crate::reply;

/// Returns the service for 5778: every path and every method is a poll, but for baggage restrictions.
pub fn sampling_http(sampling: Arc<Sampling>) -> Router {
    Router::new().route("/baggageRestrictions", get(baggage)).fallback(poll).with_state(sampling)
}

/// Returns the two paths that Jaeger's collector had beside `/api/traces`.
pub(crate) fn beside_jaeger(sampling: Arc<Sampling>) -> Router {
    Router::new()
        .route("/api/sampling", get(poll))
        .route("/api/baggageRestrictions", get(baggage))
        .with_state(sampling)
}

async fn poll(State(sampling): State<Arc<Sampling>>, request: Request) -> Response {
    match service(&request) {
        Ok(service) => json(to_json(sampling.poll().of(&service))),
        Err(refused) => *refused,
    }
}

/// No restrictions have ever been configurable here; clients that ask take an empty list as none.
async fn baggage(request: Request) -> Response {
    match service(&request) {
        Ok(_) => json("[]".to_owned()),
        Err(refused) => *refused,
    }
}

fn service(request: &Request) -> Result<String, Box<Response>> {
    let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let pairs = query.map(|Query(pairs)| pairs).unwrap_or_default();
    let mut services = pairs.into_iter().filter(|(key, _)| key == "service").map(|(_, service)| service);
    match (services.next(), services.next()) {
        (Some(service), None) => Ok(service),
        _ => {
            let text = "'service' parameter must be provided once";
            Err(Box::new(reply::text(StatusCode::BAD_REQUEST, text)))
        }
    }
}

fn json(body: String) -> Response {
    reply::with_type(StatusCode::OK, "application/json", body)
}

/// Writes a strategy as Jaeger does: in its order, zeros included, absent parts left out.
fn to_json(strategy: &Strategy) -> String {
    let mut out = match strategy.kind {
        StrategyKind::Probabilistic(rate) => {
            let rate = number(rate);
            format!(r#"{{"strategyType":"PROBABILISTIC","probabilisticSampling":{{"samplingRate":{rate}}}"#)
        }
        StrategyKind::RateLimiting(rate) => format!(
            r#"{{"strategyType":"RATE_LIMITING","rateLimitingSampling":{{"maxTracesPerSecond":{rate}}}"#
        ),
    };
    if let Some((others, operations)) = &strategy.operations {
        let others = number(*others);
        let list: Vec<String> = operations.iter().map(|(name, rate)| operation(name, *rate)).collect();
        let list = list.join(",");
        let _ = write!(
            out,
            r#","operationSampling":{{"defaultSamplingProbability":{others},"defaultLowerBoundTracesPerSecond":0,"perOperationStrategies":[{list}],"defaultUpperBoundTracesPerSecond":0}}"#
        );
    }
    out + "}"
}

fn operation(name: &str, rate: f64) -> String {
    let (name, rate) = (serde_json::Value::from(name), number(rate));
    format!(r#"{{"operation":{name},"probabilisticSampling":{{"samplingRate":{rate}}}}}"#)
}

/// Go writes whole numbers without a point, and so does Rust's `{}`; what JSON cannot say is 0.
fn number(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::Strategies;
    use super::*;

    #[test]
    fn json_is_jaegers() {
        let file = r#"{"default_strategy":{"type":"probabilistic","param":0.5},"service_strategies":[
            {"service":"cart","type":"ratelimiting","param":42},
            {"service":"pay","type":"probabilistic","param":0.1,"operation_strategies":[{"operation":"o\"p","type":"probabilistic","param":1}]}]}"#;
        let strategies = Strategies::parse(file, 1.0).unwrap();
        for (service, expected) in [
            ("any", r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.5}}"#),
            ("cart", r#"{"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":42}}"#),
            (
                "pay",
                r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.1},"operationSampling":{"defaultSamplingProbability":0.1,"defaultLowerBoundTracesPerSecond":0,"perOperationStrategies":[{"operation":"o\"p","probabilisticSampling":{"samplingRate":1}}],"defaultUpperBoundTracesPerSecond":0}}"#,
            ),
        ] {
            assert_eq!(to_json(strategies.of(service)), expected);
        }
        assert!(to_json(Strategies::always(1.0).of("x")).ends_with(r#"{"samplingRate":1}}"#));
    }
}
