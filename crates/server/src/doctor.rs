//! `tracewell doctor`: tries every way in and every way out, and says what to do about what fails.
//!
//! Each receiving listener gets a trace of its own: two spans with an id, a service and a tag that nobody
//! else has. It must then be found by its id, by its service and by its tag. Every other listener is asked
//! what its clients ask first.

mod mark;
mod questions;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use shop::call::{Endpoint, loopback_of};
use shop::{Load, Protocol, Tally};
use span::{Encoding, TraceId};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep};

use self::mark::{Mark, SERVICE, TAG};
use crate::ask::Asker;
use crate::clock;
use crate::config::{Config, Listener};
use crate::health_probe::reachable;

/// How long a trace may take from its sending to its finding.
const FINDING_TIME: Duration = Duration::from_secs(5);
/// How often it is looked for meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What one listener did.
pub(crate) enum Finding {
    /// It works; the text says how that was seen.
    Well(String),
    /// It does not; what happened, and what to do.
    Ill(String, &'static str),
    /// It is switched off here.
    Off,
}

/// Examines a server and prints one line for each listener. The exit code says whether all is well.
pub(crate) fn run(config: &Config, url: Option<Endpoint>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok(runtime.block_on(examine(&Patient { config, url })))
}

/// The server that is examined.
pub(crate) struct Patient<'a> {
    config: &'a Config,
    url: Option<Endpoint>,
}

impl Patient<'_> {
    /// Returns where a listener is reached, `None` where it is off.
    pub(crate) fn authority(&self, listener: Listener) -> Option<String> {
        let address = self.config.address(listener)?;
        match &self.url {
            None => Some(reachable(address)),
            Some(url) if listener == Listener::Query => Some(url.authority(address.port())),
            Some(url) => {
                let there = Endpoint { port: Some(address.port()), path: String::new(), ..url.clone() };
                Some(there.authority(address.port()))
            }
        }
    }

    /// Returns a connection to the query listener.
    fn asker(&self) -> Option<Asker> {
        let endpoint: Endpoint = self.authority(Listener::Query)?.parse().ok()?;
        let path = self.url.as_ref().map(|url| url.path.clone()).unwrap_or_default();
        Some(Asker::new(&Endpoint { path, ..endpoint }))
    }
}

async fn examine(patient: &Patient<'_>) -> ExitCode {
    let mut ill = 0;
    for listener in Listener::ALL {
        let finding = match Receiving::of(listener) {
            Some(receiving) => receiving.examine(patient, listener).await,
            None => questions::ask(patient, listener).await,
        };
        let (word, text, advice) = match finding {
            Finding::Well(text) => ("ok", text, None),
            Finding::Off => ("off", "switched off in these settings".to_owned(), None),
            Finding::Ill(text, advice) => {
                ill += 1;
                ("FAILED", text, Some(advice))
            }
        };
        say(&format!("  {:<15} {word:<7} {text}", listener.name()));
        if let Some(advice) = advice {
            say(&format!("  {:<15}         -> {advice}", ""));
        }
    }
    if ill == 0 {
        say("all is well");
        return ExitCode::SUCCESS;
    }
    say(&format!("{ill} listeners failed"));
    ExitCode::FAILURE
}

/// How a trace gets into a receiving listener.
enum Receiving {
    /// As the shop's senders do it.
    Shop(Protocol),
    /// A datagram of Zipkin's thrift.
    ZipkinDatagram,
}

impl Receiving {
    fn of(listener: Listener) -> Option<Self> {
        match listener {
            Listener::OtlpGrpc => Some(Self::Shop(Protocol::OtlpGrpc)),
            Listener::OtlpHttp => Some(Self::Shop(Protocol::OtlpHttp)),
            Listener::JaegerCompact => Some(Self::Shop(Protocol::JaegerCompact)),
            Listener::JaegerBinary => Some(Self::Shop(Protocol::JaegerBinary)),
            Listener::ZipkinCompact => Some(Self::ZipkinDatagram),
            Listener::JaegerHttp => Some(Self::Shop(Protocol::JaegerHttp)),
            Listener::JaegerGrpc => Some(Self::Shop(Protocol::JaegerGrpc)),
            Listener::Zipkin => Some(Self::Shop(Protocol::Zipkin)),
            _ => None,
        }
    }

    async fn examine(&self, patient: &Patient<'_>, listener: Listener) -> Finding {
        let Some(authority) = patient.authority(listener) else { return Finding::Off };
        let mark = Mark::new(listener, clock::now());
        let start = Instant::now();
        if let Err(why) = self.send(&authority, &mark).await {
            return Finding::Ill(why, questions::unreachable_advice(listener));
        }
        let Some(mut asker) = patient.asker() else {
            return Finding::Well(
                "sent; nothing was read back, because the query listener is off".to_owned(),
            );
        };
        match read_back(&mut asker, &mark).await {
            Ok(()) => {
                let took = start.elapsed().as_millis();
                Finding::Well(format!("sent to {authority}, found by id, service and tag after {took} ms"))
            }
            Err(why) if listener.is_datagrams() => Finding::Ill(
                why,
                "datagrams get lost in silence: is the port published as /udp, does a firewall drop it? \
                 tracewell_udp_kernel_drops_total in /metrics counts what the kernel dropped; nc -z proves nothing",
            ),
            Err(why) => Finding::Ill(
                why,
                "it was acknowledged and is not shown: is --url the same server? its log and /metrics say more",
            ),
        }
    }

    async fn send(&self, authority: &str, mark: &Mark) -> Result<(), String> {
        match self {
            Self::Shop(protocol) => {
                let endpoint =
                    authority.parse().map_err(|error: shop::call::NoEndpoint| error.to_string())?;
                let load = Load {
                    endpoint,
                    protocol: *protocol,
                    encoding: Encoding::Identity,
                    connections: 1,
                    patience: Duration::from_secs(2),
                };
                let tally = Arc::new(Tally::default());
                let batches = [(Duration::ZERO, mark.batch())].into_iter();
                shop::send(load, batches, Arc::clone(&tally)).await.map_err(|error| error.to_string())?;
                let lost = tally.spans_refused() + tally.spans_given_up();
                if lost == 0 { Ok(()) } else { Err(tally.complaint().unwrap_or_default()) }
            }
            Self::ZipkinDatagram => {
                let body = wire::zipkin::encode_datagram_compact(&mark.batch());
                let sent = async {
                    let to = match loopback_of(authority) {
                        Some([v4, _]) => v4,
                        None => {
                            let mut found = tokio::net::lookup_host(authority).await?;
                            found.next().ok_or(std::io::ErrorKind::NotFound)?
                        }
                    };
                    let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                    UdpSocket::bind(from).await?.send_to(&body, to).await
                };
                sent.await
                    .map(|_| ())
                    .map_err(|error| format!("cannot send a datagram to {authority}: {error}"))
            }
        }
    }
}

/// Finds the marked trace in all three ways, or says which one failed.
async fn read_back(asker: &mut Asker, mark: &Mark) -> Result<(), String> {
    let deadline = Instant::now() + FINDING_TIME;
    let id = mark.id.to_string();
    loop {
        match asker.trace(&id).await {
            Ok(Some(_)) => break,
            Ok(None) if Instant::now() < deadline => sleep(LOOK_INTERVAL).await,
            Ok(None) => {
                return Err(format!(
                    "sent, but not found by its id {id} within {} s",
                    FINDING_TIME.as_secs()
                ));
            }
            Err(error) => return Err(format!("sent, but it could not be read: {error:#}")),
        }
    }
    let tags = serde_json::json!({ TAG: mark.tag }).to_string();
    let window = |mut parameters: Vec<(&'static str, String)>| {
        parameters.extend([
            ("start", mark.start.minus(mark::SLACK).to_micros().to_string()),
            ("end", mark.start.plus(mark::SLACK).to_micros().to_string()),
            ("limit", "50".to_owned()),
        ]);
        parameters
    };
    for (way, parameters) in [
        ("service", window(vec![("service", SERVICE.to_owned())])),
        ("tag", window(vec![("service", SERVICE.to_owned()), ("tags", tags)])),
    ] {
        let found =
            asker.search(&parameters).await.map_err(|error| format!("searching by {way}: {error:#}"))?;
        if !found.iter().any(|trace| trace.id() == mark.id) {
            return Err(format!("found by its id {id}, but not by its {way}"));
        }
    }
    Ok(())
}

/// Returns random bits, as the system's hasher draws them.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(clock::now().0) | 1
}

/// Returns a trace id that nobody else has.
fn random_trace_id() -> TraceId {
    TraceId::from_halves(random(), random())
}

fn say(text: &str) {
    // Nobody reads a closed standard output.
    let _ = writeln!(std::io::stdout(), "{text}");
}
