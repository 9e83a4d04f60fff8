//! Which room stands behind which listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::available_parallelism;

use api::{Backend, BasePath, Desk};
use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect};
use listen::{Bound, Guard, Listeners, Origins};
use pipeline::Intake;
use receive::{Door, Sampling, Strategies};
use store::{TraceReader, TraceWriter};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock;
use crate::config::{Config, Listener};
use crate::doors::Doors;
use crate::health::{admin_router, status_router};
use crate::telemetry::{Telemetry, metrics_router};

/// What the rooms behind the listeners share.
pub(super) struct Parts {
    pub(super) door: Arc<Door>,
    pub(super) sampling: Arc<Sampling>,
    pub(super) desk: Desk,
    hosts: Vec<String>,
    origins: Vec<String>,
    base_path: BasePath,
}

impl Parts {
    pub(super) fn new(
        config: &Config,
        intake: Arc<Intake>,
        reader: Arc<dyn TraceReader>,
        writer: Arc<dyn TraceWriter>,
        strategies: Strategies,
    ) -> Self {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        let limits = &config.limits;
        let budgets = receive::Config {
            request_bytes_max: limits.request_bytes,
            decompressed_bytes_max: limits.decompressed_bytes,
            message_bytes_max: limits.message_bytes,
            in_flight_bytes_max: limits.in_flight_bytes,
            ..receive::Config::of(cores)
        };
        let backend = Backend {
            reader,
            archive: Some(writer),
            now: Arc::new(clock::now),
            limits: api::Limits {
                answer_bytes_max: limits.answer_bytes,
                query_time_max: limits.query_time,
                clock_skew_max: config.clock_skew_max,
                ..api::Limits::of(cores)
            },
            stats: Arc::default(),
        };
        Self {
            door: Door::new(intake, budgets, clock::now),
            sampling: Sampling::new(strategies),
            desk: Desk::new(backend),
            hosts: config.hosts.clone(),
            origins: config.origins.clone(),
            base_path: config.base_path.clone(),
        }
    }

    /// Begins to serve every door.
    pub(super) fn serve(
        &self,
        doors: Doors,
        public: &Listeners,
        own: &Listeners,
        telemetry: Arc<Telemetry>,
        (tasks, stop): (&TaskTracker, &CancellationToken),
    ) -> anyhow::Result<()> {
        let query = doors.streams.iter().find(|(listener, _)| *listener == Listener::Query);
        let query_port = query.and_then(|(_, bound)| bound.addresses().first()).map(SocketAddr::port);
        for (listener, bound) in doors.streams {
            let (router, listeners) = match listener {
                Listener::Health => (status_router(Arc::clone(&telemetry.health)), own),
                Listener::Admin => {
                    let health = Arc::clone(&telemetry.health);
                    (admin_router(health).merge(metrics_router(Arc::clone(&telemetry))), own)
                }
                Listener::Metrics => (metrics_router(Arc::clone(&telemetry)), own),
                Listener::Zipkin => (zipkin(Arc::clone(&self.door), query_port), public),
                other => (self.room(other), public),
            };
            let base_path = match listener {
                Listener::Query => self.base_path.clone(),
                _ => BasePath::default(),
            };
            self.open(listeners, bound, base_path, router)?;
        }
        for (listener, bound) in doors.datagrams {
            let taking = receive::datagrams(Arc::clone(&self.door), bound, stop.clone());
            tasks.spawn(async move {
                if let Err(error) = taking.await {
                    tracing::error!(listener = listener.name(), %error, "no more datagrams are taken");
                }
            });
        }
        Ok(())
    }

    fn room(&self, listener: Listener) -> Router {
        let (door, sampling) = (Arc::clone(&self.door), Arc::clone(&self.sampling));
        match listener {
            Listener::OtlpGrpc | Listener::OtlpHttp => receive::otlp(door, self.origins()),
            Listener::JaegerHttp => receive::jaeger_http(door, sampling),
            Listener::JaegerGrpc => receive::jaeger_grpc(door, sampling),
            Listener::SamplingHttp => receive::sampling_http(sampling),
            Listener::SamplingGrpc => receive::sampling_grpc(door, sampling),
            Listener::Query => api::router(self.desk.clone()).merge(receive::otlp_beside_queries(door)),
            Listener::QueryGrpc => api::grpc_router(&self.desk),
            Listener::JaegerCompact
            | Listener::JaegerBinary
            | Listener::ZipkinCompact
            | Listener::Zipkin
            | Listener::Health
            | Listener::Admin
            | Listener::Metrics => unreachable!("served by the caller"),
        }
    }

    fn open(
        &self,
        listeners: &Listeners,
        bound: Bound,
        base_path: BasePath,
        router: Router,
    ) -> std::io::Result<()> {
        let guard = Guard { hosts: self.hosts.clone(), origins: self.origins() };
        // The connection's body is the room's own kind of body.
        let service =
            tower::ServiceExt::map_request(router, move |request: http::Request<listen::RequestBody>| {
                base_path.strip(request.map(axum::body::Body::new))
            });
        listeners.serve(bound, guard, service)
    }

    fn origins(&self) -> Origins {
        Origins::new(self.origins.iter().cloned())
    }
}

/// Returns the room of Zipkin's port: spans come in, and browsers are sent to the page.
fn zipkin(door: Arc<Door>, query_port: Option<u16>) -> Router {
    let receiver = receive::zipkin(door);
    let Some(query_port) = query_port else { return receiver };
    receiver.layer(middleware::from_fn(move |request: Request, next: Next| async move {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let page = api::from_zipkin_port(request.uri().path(), request.headers(), query_port);
        match page.filter(|_| reads) {
            Some(page) => Redirect::temporary(&page).into_response(),
            None => next.run(request).await,
        }
    }))
}

/// Returns the limits of connections.
pub(super) fn limits(config: &Config, descriptors: u64) -> listen::Limits {
    let usual = listen::Limits::of(descriptors);
    let connections_max = config.limits.connections.unwrap_or(usual.connections_max);
    listen::Limits { connections_max, ..usual }
}
