//! Polls by gRPC: on 5779, and on 14250 where Jaeger's own clients ask.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use prost::Message as _;

use super::{Sampling, Strategy, StrategyKind};
use crate::door::Door;
use crate::grpc;
use crate::message::Message;
use crate::refusal::Refusal;
use crate::status::Status;

#[derive(Clone, PartialEq, prost::Message)]
struct SamplingStrategyParameters {
    #[prost(string, tag = "1")]
    service_name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SamplingStrategyResponse {
    /// 0 is PROBABILISTIC, 1 is RATE_LIMITING.
    #[prost(int32, tag = "1")]
    strategy_type: i32,
    #[prost(message, optional, tag = "2")]
    probabilistic_sampling: Option<ProbabilisticSampling>,
    #[prost(message, optional, tag = "3")]
    rate_limiting_sampling: Option<RateLimitingSampling>,
    #[prost(message, optional, tag = "4")]
    operation_sampling: Option<OperationSampling>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ProbabilisticSampling {
    #[prost(double, tag = "1")]
    sampling_rate: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RateLimitingSampling {
    #[prost(int32, tag = "1")]
    max_traces_per_second: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OperationSampling {
    #[prost(double, tag = "1")]
    default_sampling_probability: f64,
    #[prost(double, tag = "2")]
    default_lower_bound_traces_per_second: f64,
    #[prost(message, repeated, tag = "3")]
    per_operation_strategies: Vec<OperationStrategy>,
    #[prost(double, tag = "4")]
    default_upper_bound_traces_per_second: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OperationStrategy {
    #[prost(string, tag = "1")]
    operation: String,
    #[prost(message, optional, tag = "2")]
    probabilistic_sampling: Option<ProbabilisticSampling>,
}

/// Returns the service for 5779. Its fallback is for whatever else is called there.
pub fn sampling_grpc(door: Arc<Door>, sampling: Arc<Sampling>) -> Router {
    Router::new()
        .route("/jaeger.api_v2.SamplingManager/GetSamplingStrategy", post(poll))
        .with_state((door, sampling))
        .fallback(async |request: Request| {
            grpc::unimplemented(&request, format!("unknown method {}", request.uri().path()))
        })
}

async fn poll(State((door, sampling)): State<(Arc<Door>, Arc<Sampling>)>, request: Request) -> Response {
    let answer = async |message: Result<Message, Refusal>| {
        let read = message.and_then(|message| parameters(&door, message));
        let asked = read.map_err(|refusal| Status::from(&refusal))?;
        Ok(response(sampling.poll().of(&asked.service_name)).encode_to_vec())
    };
    grpc::unary(&door, request, answer).await
}

fn parameters(door: &Door, message: Message) -> Result<SamplingStrategyParameters, Refusal> {
    let (bytes, _share) = door.inflate(&message)?;
    SamplingStrategyParameters::decode(bytes).map_err(|_| {
        let why = "no valid parameters";
        Refusal::Malformed(wire::DecodeError::Invalid { field: "sampling", why, at: 0 })
    })
}

fn response(strategy: &Strategy) -> SamplingStrategyResponse {
    let probability = |sampling_rate| Some(ProbabilisticSampling { sampling_rate });
    let mut response = match strategy.kind {
        StrategyKind::Probabilistic(rate) => {
            SamplingStrategyResponse { probabilistic_sampling: probability(rate), ..Default::default() }
        }
        StrategyKind::RateLimiting(rate) => SamplingStrategyResponse {
            strategy_type: 1,
            rate_limiting_sampling: Some(RateLimitingSampling { max_traces_per_second: rate }),
            ..Default::default()
        },
    };
    response.operation_sampling =
        strategy.operations.as_ref().map(|(others, operations)| OperationSampling {
            default_sampling_probability: *others,
            per_operation_strategies: operations
                .iter()
                .map(|(operation, rate)| OperationStrategy {
                    operation: operation.clone(),
                    probabilistic_sampling: probability(*rate),
                })
                .collect(),
            ..Default::default()
        });
    response
}
