//! How the process is, for the page that shows it: what the rooms counted, in one value.

use api::{Drops, ListenerStatus, ServerStatus, StorageStatus};
use receive::{Cause, Protocol};

use crate::config::Listener;
use crate::doors::Doors;
use crate::health::Phase;
use crate::process::datagrams_dropped;
use crate::telemetry::Telemetry;

/// Asks the engine what it keeps.
pub(crate) type AskStorage = Box<dyn Fn() -> StorageStatus + Send + Sync>;

/// Returns every listener with its addresses.
pub(crate) fn listeners(doors: &Doors) -> Vec<ListenerStatus> {
    let status = |listener: Listener| {
        let stream = doors.streams.iter().find(|(of, _)| *of == listener);
        let datagrams = doors.datagrams.iter().find(|(of, _)| *of == listener);
        let addresses = match (stream, datagrams) {
            (Some((_, bound)), _) => bound.addresses(),
            (_, Some((_, bound))) => &bound.addresses,
            _ => &[],
        };
        let addresses = addresses.iter().map(ToString::to_string).collect();
        ListenerStatus { name: listener.name(), what: listener.what(), addresses }
    };
    Listener::ALL.into_iter().map(status).collect()
}

impl Telemetry {
    /// Reports the process.
    pub(crate) fn status(&self, listeners: &[ListenerStatus], storage: &AskStorage) -> ServerStatus {
        let ailment = self.health.ailment();
        let stats = self.door.stats();
        let sum = |count: &dyn Fn(Protocol) -> u64| Protocol::ALL.into_iter().map(count).sum();
        ServerStatus {
            version: env!("CARGO_PKG_VERSION"),
            started: self.health.started(),
            state: match (self.health.phase(), &ailment) {
                (Phase::Starting, _) => "starting",
                (Phase::Stopping, _) => "stopping",
                (Phase::Serving, Some(_)) => "failing",
                (Phase::Serving, None) => "serving",
            },
            ailment,
            listeners: listeners.to_vec(),
            spans: sum(&|protocol| stats.of(protocol).spans_stored.total()),
            requests: sum(&|protocol| stats.of(protocol).messages.total()),
            waiting_bytes: self.intake.held().0 as u64,
            drops: self.drops(),
            storage: storage(),
        }
    }

    fn drops(&self) -> Vec<Drops> {
        let stats = self.door.stats();
        let mut drops = Vec::new();
        for protocol in Protocol::ALL {
            let named = |cause: &str| format!("{} {}: {cause}", protocol.receiver(), protocol.transport());
            for cause in Cause::ALL {
                let count = stats.of(protocol).refused(cause).messages.total();
                drops.push(Drops { cause: named(cause.word()), count, unit: "requests" });
            }
            let count = stats.of(protocol).spans_rejected.total();
            drops.push(Drops { cause: named("bad spans among good ones"), count, unit: "spans" });
        }
        for (listener, port) in &self.datagram_ports {
            let cause = format!("{}: the socket's buffer was full", listener.name());
            drops.push(Drops { cause, count: datagrams_dropped(*port), unit: "datagrams" });
        }
        let count = self.intake.stats().spans_failed.total();
        drops.push(Drops { cause: "the engine did not keep them".to_owned(), count, unit: "spans" });
        drops
    }
}
