//! `tracewell generate`: the shop opens, and its traces go to a server.
//!
//! With a rate, the shop's clock is the wall's: traces begin when they are sent. Without one, the shop has
//! lived already and its last customer came just now, so that "the last hour" finds all of them.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use shop::call::Endpoint;
use shop::{Load, Protocol, SPANS_PER_TRACE, TRACES_PER_SECOND, Tally, World};
use span::{DurationNanos, UnixNanos};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::cli::Generate;
use crate::{clock, progress};

/// Exporters with a timer send at least this often.
const EXPORT_TIME: DurationNanos = DurationNanos(5_000_000_000);

/// How often the bar moves.
const FRAME_TIME: Duration = Duration::from_millis(100);

/// Sends, shows how it goes, and reports. The exit code says whether everything was acknowledged.
pub(crate) fn run(generate: Generate) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(send(generate))
}

async fn send(generate: Generate) -> anyhow::Result<ExitCode> {
    let protocol = protocol_of(&generate);
    let endpoint = generate.endpoint.clone().unwrap_or_else(|| Endpoint {
        host: "localhost".to_owned(),
        port: None,
        path: String::new(),
    });
    let target = format!("{protocol} {}", endpoint.authority(protocol.port()));
    let load = Load {
        endpoint,
        protocol,
        encoding: generate.compression,
        connections: usize::from(generate.concurrency),
        patience: Duration::from_secs(generate.patience),
    };
    let tally = Arc::new(Tally::default());
    let bar = progress::of_spans(Some((generate.requests as f64 * SPANS_PER_TRACE) as u64));
    let start = Instant::now();
    let world = World::new(generate.seed).traces(generate.requests);
    let mut sending = match generate.rate {
        Some(rate) => {
            let world = world.starting(clock::now()).traces_per_second(rate).exporting_after(EXPORT_TIME);
            tokio::spawn(shop::send(load, world.requests().paced(), Arc::clone(&tally)))
        }
        None => {
            let world = world.starting(long_ago(generate.requests));
            tokio::spawn(shop::send(load, world.requests().unpaced(), Arc::clone(&tally)))
        }
    };
    let mut frames = interval(FRAME_TIME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let sent = loop {
        tokio::select! {
            sent = &mut sending => break sent,
            _ = frames.tick() => show(&bar, &tally),
            _ = tokio::signal::ctrl_c() => {
                sending.abort();
                break Ok(Ok(()));
            }
        }
    };
    bar.finish_and_clear();
    sent??;
    report(&target, &tally, start.elapsed());
    let lost = tally.spans_refused() + tally.spans_given_up();
    Ok(if lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What was said, else what the port says by custom, else OTLP over HTTP.
fn protocol_of(generate: &Generate) -> Protocol {
    let port = generate.endpoint.as_ref().and_then(|endpoint| endpoint.port);
    generate.protocol.or_else(|| Protocol::of_port(port?)).unwrap_or(Protocol::OtlpHttp)
}

/// Returns when a world must begin whose last trace of so many begins now.
fn long_ago(traces: u64) -> UnixNanos {
    let seconds = traces as f64 / TRACES_PER_SECOND;
    clock::now().minus(DurationNanos((seconds * 1e9) as u64)).minus(EXPORT_TIME)
}

fn show(bar: &ProgressBar, tally: &Tally) {
    let sent = tally.spans_sent();
    // How many spans a trace has is only known in the mean.
    if bar.length().is_some_and(|length| length < sent) {
        bar.set_length(sent);
    }
    bar.set_position(sent);
    if 0 < tally.retries() {
        bar.set_message(format!("{} asked to come later", tally.retries()));
    }
}

fn report(target: &str, tally: &Tally, took: Duration) {
    let spans = tally.spans_sent();
    let seconds = took.as_secs_f64().max(1e-9);
    let mut lines = vec![
        format!("sent to        {target}"),
        format!("exports        {} ({} tried again)", tally.requests_sent(), tally.retries()),
        format!("spans          {spans} ({:.0} a second)", spans as f64 / seconds),
        format!(
            "bytes          {} ({:.1} a span)",
            tally.bytes_sent(),
            tally.bytes_sent() as f64 / spans.max(1) as f64
        ),
        format!("took           {seconds:.2} s"),
    ];
    if 0 < spans && tally.requests_acked() == 0 && tally.spans_refused() + tally.spans_given_up() == 0 {
        lines.push("acknowledged   datagrams are not; look the traces up to see what arrived".to_owned());
    } else {
        lines.push(format!("acknowledged   {}", tally.spans_acked()));
        lines.push(format!("refused        {}", tally.spans_refused()));
        lines.push(format!("given up       {}", tally.spans_given_up()));
    }
    if let Some(complaint) = tally.complaint() {
        lines.push(format!("last said      {complaint}"));
    }
    // Nobody reads a closed standard output.
    let _ = writeln!(std::io::stdout(), "{}", lines.join("\n"));
}
