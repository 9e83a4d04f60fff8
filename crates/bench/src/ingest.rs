//! Ingest: spans per second of server CPU, durable and visible, and what they weigh.

use std::time::Duration;

use anyhow::ensure;
use span::Encoding;

use crate::clock;
use crate::load::{self, Facts};
use crate::row::{Bar, Row};
use crate::send::{self, Transport};
use crate::target::Target;

/// Requests in flight. Enough that one sync covers several, few enough that none waits for long.
const CONNECTIONS: usize = 8;

/// What a core of the server should take, durable and visible.
const SPANS_PER_CORE_MIN: f64 = 250_000.0;
/// The same where it has to inflate gzip.
const SPANS_PER_CORE_GZIP_MIN: f64 = 200_000.0;

/// How long after the last acknowledgement work may go on and still count.
const SETTLE_MAX: Duration = Duration::from_secs(120);

/// Sends `spans` spans, waits until the server rests, and returns rows and the load's facts.
pub(crate) async fn measure(
    target: &Target,
    transport: Transport,
    encoding: Encoding,
    spans: u64,
    seed: u64,
) -> anyhow::Result<(Vec<Row>, Facts)> {
    let address = match transport {
        Transport::Http => target.otlp_http,
        Transport::Grpc => target.otlp_grpc,
    };
    let cpu_before = target.process.cpu_seconds()?;
    let watch = clock::Stopwatch::start();
    let (requests, facts) = load::begin(seed, spans, encoding, clock::now());
    let mut sent = send::all(address, transport, encoding, requests, CONNECTIONS).await?;
    let wall = watch.read().as_secs_f64();
    target.process.settle(SETTLE_MAX).await?;
    let cpu = target.process.cpu_seconds()? - cpu_before;
    let facts = facts.lock().expect("nobody panics while counting").clone();
    ensure!(facts.spans == sent.spans, "{} of {} spans were acknowledged", sent.spans, facts.spans);
    sent.acks.sort_unstable();
    let ack = |share: f64| sent.acks[((sent.acks.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let per_core = sent.spans as f64 / cpu;
    let note = format!(
        "{:.2} us CPU a span, {:.0} spans/s wall, ack p50 {:.1} p99 {:.1} ms, pushed back {}; {}",
        cpu * 1e6 / sent.spans as f64,
        sent.spans as f64 / wall,
        ack(0.5),
        ack(0.99),
        sent.pushed_back,
        facts.note(),
    );
    let least = if encoding == Encoding::Gzip { SPANS_PER_CORE_GZIP_MIN } else { SPANS_PER_CORE_MIN };
    let row = Row::new(name(transport, encoding), "spans/s/core", per_core);
    Ok((vec![row.bar(Bar::AtLeast(least)).note(note)], facts))
}

/// Returns the row's name; the ledger of proofs refers to it.
fn name(transport: Transport, encoding: Encoding) -> &'static str {
    match (transport, encoding) {
        (Transport::Http, Encoding::Identity) => "ingest.http.identity",
        (Transport::Http, Encoding::Zstd) => "ingest.http.zstd",
        (Transport::Http, Encoding::Gzip) => "ingest.http.gzip",
        (Transport::Grpc, Encoding::Identity) => "ingest.grpc.identity",
        (Transport::Grpc, Encoding::Zstd) => "ingest.grpc.zstd",
        (Transport::Grpc, Encoding::Gzip) => "ingest.grpc.gzip",
        (_, _) => "ingest.other",
    }
}
