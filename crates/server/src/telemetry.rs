//! The process's own metrics: what every room counted, under names that dashboards know.
//!
//! `otelcol_*` are those of the Collector that Jaeger 2 is, `process_*` those of every Prometheus client;
//! everything else is `tracewell_*`. A scrape reads counters and `/proc` and takes no lock for long.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use pipeline::Intake;
use receive::{Cause, Door, Protocol, Sampling};

use crate::clock;
use crate::config::{Limits, Listener};
use crate::exposition::{CONTENT_TYPE, Exposition};
use crate::health::Health;
use crate::process::{Process, datagrams_dropped};

/// Everything that counts.
pub(crate) struct Telemetry {
    pub(crate) health: Arc<Health>,
    pub(crate) door: Arc<Door>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) sampling: Arc<Sampling>,
    pub(crate) desk: api::Desk,
    /// The listeners that everybody uses, and our own.
    pub(crate) listeners: [(&'static str, Arc<listen::Stats>); 2],
    /// The ports that datagrams come to.
    pub(crate) datagram_ports: Vec<(Listener, u16)>,
    pub(crate) descriptors_max: u64,
    pub(crate) limits: Limits,
    pub(crate) engine: Box<dyn Fn(&mut Exposition) + Send + Sync>,
}

/// Returns `/metrics`.
pub(crate) fn metrics_router(telemetry: Arc<Telemetry>) -> Router {
    let render = async |State(telemetry): State<Arc<Telemetry>>| {
        // Reading /proc may wait for the kernel.
        let text = tokio::task::spawn_blocking(move || telemetry.render()).await.unwrap_or_default();
        ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
    };
    Router::new().route("/metrics", get(render)).with_state(telemetry)
}

impl Telemetry {
    fn render(&self) -> String {
        let mut text = Exposition::default();
        self.received(&mut text);
        self.refused(&mut text);
        self.kept(&mut text);
        self.answered(&mut text);
        self.connected(&mut text);
        (self.engine)(&mut text);
        self.budgets(&mut text);
        self.process(&mut text);
        text.finish()
    }

    fn received(&self, text: &mut Exposition) {
        let stats = self.door.stats();
        let labels =
            |protocol: Protocol| [("receiver", protocol.receiver()), ("transport", protocol.transport())];
        for protocol in Protocol::ALL {
            let help = "Spans that are durable and visible; over UDP, that were let in.";
            let count = stats.of(protocol).spans_stored.total();
            text.counter("otelcol_receiver_accepted_spans", help, &labels(protocol), count);
        }
        for protocol in Protocol::ALL {
            let of = stats.of(protocol);
            let refused: u64 = Cause::ALL.iter().map(|cause| of.refused(*cause).spans.total()).sum();
            let help = "Spans that were not taken.";
            let count = refused + of.spans_rejected.total();
            text.counter("otelcol_receiver_refused_spans", help, &labels(protocol), count);
        }
        for protocol in Protocol::ALL {
            let count = stats.of(protocol).messages.total();
            text.counter(
                "tracewell_received_messages_total",
                "Messages that came, good or bad.",
                &labels(protocol),
                count,
            );
        }
        for protocol in Protocol::ALL {
            let help = "Their bytes as they came, compressed or not.";
            let count = stats.of(protocol).bytes.total();
            text.counter("tracewell_received_bytes_total", help, &labels(protocol), count);
        }
        for (listener, port) in &self.datagram_ports {
            let help = "Datagrams that the kernel dropped because the socket's buffer was full.";
            let count = datagrams_dropped(*port);
            text.counter("tracewell_udp_kernel_drops_total", help, &[("listener", listener.name())], count);
        }
        let polls = self.sampling.polls.total();
        text.counter("tracewell_sampling_polls_total", "Sampling strategies asked for.", &[], polls);
    }

    fn refused(&self, text: &mut Exposition) {
        let stats = self.door.stats();
        let each =
            || Protocol::ALL.into_iter().flat_map(|protocol| Cause::ALL.map(|cause| (protocol, cause)));
        for (protocol, cause) in each() {
            let labels = [
                ("receiver", protocol.receiver()),
                ("transport", protocol.transport()),
                ("cause", cause.word()),
            ];
            let count = stats.of(protocol).refused(cause).messages.total();
            text.counter("tracewell_rejected_messages_total", "Messages refused, by cause.", &labels, count);
        }
        for (protocol, cause) in each() {
            let labels = [
                ("receiver", protocol.receiver()),
                ("transport", protocol.transport()),
                ("cause", cause.word()),
            ];
            let help = "Spans of refused messages, as far as they were decoded.";
            let count = stats.of(protocol).refused(cause).spans.total();
            text.counter("tracewell_rejected_spans_total", help, &labels, count);
        }
        for protocol in Protocol::ALL {
            let labels = [("receiver", protocol.receiver()), ("transport", protocol.transport())];
            let help = "Bad spans of messages whose other spans were taken.";
            let count = stats.of(protocol).spans_rejected.total();
            text.counter("tracewell_rejected_bad_spans_total", help, &labels, count);
        }
    }

    fn kept(&self, text: &mut Exposition) {
        let stats = self.intake.stats();
        let exporter = [("exporter", "jaeger_storage_exporter")];
        let count = stats.spans_stored.total();
        text.counter("otelcol_exporter_sent_spans", "Spans that the engine keeps.", &exporter, count);
        let count = stats.spans_failed.total();
        text.counter(
            "otelcol_exporter_send_failed_spans",
            "Spans that the engine did not keep.",
            &exporter,
            count,
        );
        text.counter(
            "tracewell_groups_written_total",
            "Groups of batches, each one sync.",
            &[],
            stats.groups_written.total(),
        );
        text.counter(
            "tracewell_batches_stored_total",
            "Batches that the engine keeps.",
            &[],
            stats.batches_stored.total(),
        );
        text.counter(
            "tracewell_stored_bytes_total",
            "Their bytes as they are logged.",
            &[],
            stats.bytes_stored.total(),
        );
        for (cause, count) in [("full", &stats.spans_refused_full), ("closed", &stats.spans_refused_closed)] {
            let help = "Spans turned away at the intake.";
            text.counter("tracewell_intake_refused_spans_total", help, &[("cause", cause)], count.total());
        }
        let (bytes, spans) = self.intake.held();
        text.gauge("tracewell_intake_bytes", "Bytes that wait for the engine.", &[], bytes as f64);
        text.gauge("tracewell_intake_spans", "Spans that wait for the engine.", &[], spans as f64);
        let in_flight = self.door.in_flight_bytes() as f64;
        text.gauge(
            "tracewell_in_flight_bytes",
            "Bytes of requests that are read or decoded.",
            &[],
            in_flight,
        );
    }

    fn answered(&self, text: &mut Exposition) {
        let stats = &self.desk.backend().stats;
        text.counter("tracewell_queries_total", "Queries that began to work.", &[], stats.queries.get());
        text.counter("tracewell_answers_total", "Answers that were given whole.", &[], stats.answers.get());
        text.counter("tracewell_answer_bytes_total", "Bytes of answers.", &[], stats.answer_bytes.get());
        for (cause, count) in [
            ("busy", &stats.refused_busy),
            ("memory", &stats.refused_memory),
            ("slow", &stats.stopped_slow),
            ("left", &stats.stopped_left),
            ("cut", &stats.cut),
            ("failed", &stats.failed),
            ("rejected", &stats.rejected),
        ] {
            let help = "Queries without a whole answer, by cause.";
            text.counter("tracewell_queries_unanswered_total", help, &[("cause", cause)], count.get());
        }
        let held = self.desk.answer_bytes_held() as f64;
        text.gauge("tracewell_answer_bytes", "Bytes of answers that are made or sent.", &[], held);
    }

    fn connected(&self, text: &mut Exposition) {
        for (group, stats) in &self.listeners {
            let open = stats.connections_open() as f64;
            text.gauge("tracewell_connections_open", "Connections open now.", &[("listeners", group)], open);
        }
        for (group, stats) in &self.listeners {
            let count = stats.connections_accepted.total();
            text.counter(
                "tracewell_connections_total",
                "Connections accepted.",
                &[("listeners", group)],
                count,
            );
        }
        for (group, stats) in &self.listeners {
            let count = stats.requests.total();
            text.counter("tracewell_requests_total", "Requests handed on.", &[("listeners", group)], count);
        }
        for (group, stats) in &self.listeners {
            for (cause, count) in [
                ("capped", &stats.connections_capped),
                ("accept_failed", &stats.accepts_failed),
                ("head_late", &stats.heads_late),
                ("idle", &stats.connections_idle),
                ("body_slow", &stats.bodies_slow),
                ("reply_stalled", &stats.replies_stalled),
                ("host", &stats.hosts_refused),
                ("origin", &stats.origins_refused),
                ("headers", &stats.headers_refused),
                ("url", &stats.urls_refused),
                ("drained", &stats.connections_cut),
            ] {
                let labels = [("listeners", *group), ("cause", cause)];
                let help = "Connections and requests that ended otherwise than their client wanted.";
                text.counter("tracewell_connections_troubled_total", help, &labels, count.total());
            }
        }
    }

    /// What the gauges beside it may reach.
    fn budgets(&self, text: &mut Exposition) {
        let limits = &self.limits;
        for (setting, value) in [
            ("limits.request_bytes", limits.request_bytes as f64),
            ("limits.decompressed_bytes", limits.decompressed_bytes as f64),
            ("limits.message_bytes", limits.message_bytes as f64),
            ("limits.in_flight_bytes", limits.in_flight_bytes as f64),
            ("limits.intake_bytes", limits.intake_bytes as f64),
            ("limits.intake_spans", limits.intake_spans as f64),
            ("limits.answer_bytes", limits.answer_bytes as f64),
            ("limits.query_time", limits.query_time.as_secs_f64()),
        ] {
            let help = "Budgets by their settings, in bytes, spans and seconds.";
            text.gauge("tracewell_limit", help, &[("setting", setting)], value);
        }
    }

    fn process(&self, text: &mut Exposition) {
        let started = self.health.started();
        let uptime = clock::now().since(started).0 as f64 / 1e9;
        let labels = [("version", env!("CARGO_PKG_VERSION"))];
        text.gauge("tracewell_build_info", "The version, as a label.", &labels, 1.0);
        text.gauge("otelcol_process_uptime", "Seconds since the start.", &[], uptime);
        let start = started.0 as f64 / 1e9;
        text.gauge("process_start_time_seconds", "When the process began.", &[], start);
        let max = self.descriptors_max as f64;
        text.gauge("process_max_fds", "Descriptors that may be open.", &[], max);
        let Some(process) = Process::read() else { return };
        text.seconds("process_cpu_seconds_total", "Processor time, of user and system.", process.cpu_seconds);
        text.gauge("process_open_fds", "Descriptors that are open.", &[], process.descriptors as f64);
        let resident = process.resident_bytes as f64;
        text.gauge("process_resident_memory_bytes", "Memory that is in RAM.", &[], resident);
        let all = process.virtual_bytes as f64;
        text.gauge("process_virtual_memory_bytes", "Memory that is mapped.", &[], all);
        text.gauge("process_threads", "Threads.", &[], process.threads as f64);
    }
}
