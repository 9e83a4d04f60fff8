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
    let name = format!("ingest.{}.{}", transport.word(), encoding.name());
    let per_core = sent.spans as f64 / cpu;
    let bar = match (transport, encoding) {
        (Transport::Http, Encoding::Identity) | (Transport::Grpc, _) => Some(Bar::AtLeast(150_000.0)),
        _ => None,
    };
    let note = format!(
        "{:.2} us CPU a span, {:.0} spans/s wall, ack p50 {:.1} p99 {:.1} ms, pushed back {}; {}",
        cpu * 1e6 / sent.spans as f64,
        sent.spans as f64 / wall,
        ack(0.5),
        ack(0.99),
        sent.pushed_back,
        facts.note(),
    );
    let row = Row { bar, ..Row::new(name, "spans/s/core", per_core) }.note(note);
    Ok((vec![row], facts))
}
