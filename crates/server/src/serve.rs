//! `tracewell serve`: build, spawn, drain.
//!
//! 1. All ports are taken, or all that are taken by others are told.
//! 2. The engine is opened, the flow begins behind the intake.
//! 3. Each listener gets its room; the lines of what listens where are printed.
//! 4. At SIGTERM or SIGINT: health says "stopping", the doors close, open requests finish, the intake is
//!    drained, the engine comes to rest. A second signal ends the process at once: what was acknowledged
//!    is on disk anyway.

mod rooms;
mod strategies;

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use listen::Listeners;
use pipeline::{Flow, Intake};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock;
use crate::config::{Config, Storage, show_duration};
use crate::doors::Doors;
use crate::engines::{self, Engine};
use crate::health::{Health, Phase};
use crate::process::widen_descriptors;
use crate::report;
use crate::telemetry::Telemetry;

/// Threads that bring groups to the engine: while one waits for the disk, the next interns.
const FLOW_THREADS: NonZeroUsize = NonZeroUsize::new(2).expect("two is not zero");

/// Connections for health and metrics, which nobody else's may take.
const OWN_CONNECTIONS: usize = 64;

/// What the flow may take at the end, beside the time for open requests.
const REST_TIME: Duration = Duration::from_secs(10);

/// Reads the file of sampling strategies, where there is one, as the start would.
pub(crate) fn check_strategies(config: &Config) -> anyhow::Result<()> {
    strategies::load(config).map(drop)
}

/// The process while it serves.
struct Running {
    public: Listeners,
    own: Listeners,
    intake: Arc<Intake>,
    flow: Flow,
    health: Arc<Health>,
    datagrams: TaskTracker,
    stop: CancellationToken,
}

/// Serves until a signal comes, and everything is at rest.
pub(crate) fn run(config: &Config, notices: &[String]) -> anyhow::Result<()> {
    let started = clock::now();
    let descriptors = widen_descriptors();
    let doors = Doors::bind(config)?;
    let strategies = strategies::load(config)?;
    let engine = engines::open(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads")?;
    let lines = doors.lines(config);
    let served = runtime.block_on(async {
        let Engine { writer, reader, lines: kept, measure, storage, ailment, close, .. } = engine;
        let health = Health::new(started, ailment);
        let intake = Arc::new(Intake::new(config.limits.intake_bytes, config.limits.intake_spans));
        let flow = Flow::start(&intake, &writer, FLOW_THREADS);
        let (stop, datagrams) = (CancellationToken::new(), TaskTracker::new());
        let parts = rooms::Parts::new(config, Arc::clone(&intake), reader, writer, strategies);
        strategies::watch(config, Arc::clone(&parts.sampling), stop.clone());
        let own_limits =
            listen::Limits { connections_max: OWN_CONNECTIONS, ..rooms::limits(config, descriptors) };
        let (public, own) = (Listeners::new(rooms::limits(config, descriptors)), Listeners::new(own_limits));
        let telemetry = Telemetry {
            health: Arc::clone(&health),
            door: Arc::clone(&parts.door),
            intake: Arc::clone(&intake),
            sampling: Arc::clone(&parts.sampling),
            desk: parts.desk.clone(),
            listeners: [("public", public.stats()), ("own", own.stats())],
            datagram_ports: doors
                .datagrams
                .iter()
                .map(|(listener, bound)| (*listener, bound.port()))
                .collect(),
            descriptors_max: descriptors,
            limits: config.limits.clone(),
            engine: measure,
        };
        let telemetry = Arc::new(telemetry);
        // The desk is part of what is counted, so it must not hold the counters in turn.
        let (counted, listeners) = (Arc::downgrade(&telemetry), report::listeners(&doors));
        parts.desk.report_with(move || {
            counted.upgrade().map(|telemetry| telemetry.status(&listeners, &storage)).unwrap_or_default()
        });
        // Held here: with the metrics' listeners off, nobody else holds it.
        parts.serve(doors, &public, &own, Arc::clone(&telemetry), (&datagrams, &stop))?;
        // Before anybody may hear that it is ready: a signal that comes at once is heeded, too.
        let signals = Signals::catch()?;
        health.enter(Phase::Serving);
        announce(&lines, &kept, notices);
        let running = Running { public, own, intake, flow, health, datagrams, stop };
        signals.wait().await;
        running.drain(config.drain_time).await;
        anyhow::Ok(close)
    });
    // Handlers that hang on threads of their own keep nothing from coming to rest.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served?()
        .context("the engine did not come to rest; what was acknowledged is replayed at the next start")?;
    say(match config.storage {
        Storage::Columnar => "stopped, everything that was taken in is in the data directory",
        Storage::Memory => "stopped; with --storage memory nothing is kept",
    });
    Ok(())
}

impl Running {
    /// Closes the doors, lets what is inside come to its end, and returns when nothing moves.
    async fn drain(self, time: Duration) {
        self.health.enter(Phase::Stopping);
        let (waiting, _) = self.intake.held();
        tracing::info!(waiting_bytes = waiting, time = show_duration(time), "stopping");
        self.stop.cancel();
        self.datagrams.close();
        let cut = self.public.drain(time).await;
        if 0 < cut {
            tracing::warn!(connections = cut, "connections were cut, they took too long to finish");
        }
        // The sockets are empty within moments, unless the flow is behind.
        let _ = tokio::time::timeout(time, self.datagrams.wait()).await;
        self.intake.close();
        let joined = tokio::task::spawn_blocking(move || self.flow.join());
        if tokio::time::timeout(time + REST_TIME, joined).await.is_err() {
            tracing::error!("the engine did not take what waited; it was not acknowledged");
        }
        self.own.drain(Duration::from_secs(1)).await;
    }
}

/// The signals that end the process well, caught from here on.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> anyhow::Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
        let interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
        // A start anew that failed leaves this one deadly; the handler stays when the stream is dropped.
        drop(signal(SignalKind::pipe()).context("SIGPIPE cannot be caught")?);
        Ok(Self { terminate, interrupt })
    }

    /// Waits for one, and arms the second, which ends the process at once.
    async fn wait(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(130);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Prints what listens where, where data lies, and what of the configuration means nothing.
fn announce(listeners: &[String], kept: &[(&'static str, String)], notices: &[String]) {
    let mut lines = vec![format!("tracewell {}", env!("CARGO_PKG_VERSION"))];
    lines.extend_from_slice(listeners);
    lines.extend(kept.iter().map(|(name, text)| format!("  {name:<15} {text}")));
    lines.extend(notices.iter().map(|notice| format!("note: {notice}")));
    lines.push("ready".to_owned());
    say(&lines.join("\n"));
}

fn say(text: &str) {
    // Whoever closed our standard output does not want to read it.
    let _ = writeln!(std::io::stdout(), "{text}");
}
