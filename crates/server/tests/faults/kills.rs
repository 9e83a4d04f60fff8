//! The process is killed at random while it takes spans.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use span::TraceId;

use crate::spans::{self, SPANS};
use crate::victim::Server;

/// How often the process dies; `TRACEWELL_KILL_ROUNDS` says otherwise.
const ROUNDS: u64 = 50;

/// Exporters at a time, so that groups of several requests are cut.
const EXPORTERS: u64 = 4;

#[test]
fn every_acknowledged_span_survives_kills_and_none_comes_twice() {
    let rounds = std::env::var("TRACEWELL_KILL_ROUNDS").ok().and_then(|text| text.parse().ok());
    let home = tempfile::tempdir().expect("a place for the data");
    let (mut sent, mut acked) = (0, 0);
    let mut last: Vec<TraceId> = Vec::new();
    for round in 0..rounds.unwrap_or(ROUNDS) {
        let server = Server::start(home.path());
        let stored = server.metric("tracewell_recovered_spans");
        assert!(acked as f64 <= stored, "{stored} spans are stored of {acked} that were acknowledged");
        assert!(stored <= sent as f64, "{stored} spans are stored of {sent} that were sent");
        spans::all_are_there(&server, &last);
        let load = load(&server, round);
        // Half a second of load, and up to a quarter more, so that kills fall on every step.
        thread::sleep(Duration::from_millis(500 + round * 97 % 250));
        server.kill();
        let (more_sent, ids) = load.end();
        assert!(!ids.is_empty(), "nothing was acknowledged in round {round}");
        sent += more_sent * SPANS;
        acked += ids.len() as u64 * SPANS;
        // All of the last few, where the kill fell, and some of the others.
        let tail = ids.len().saturating_sub(40);
        last =
            ids.iter().enumerate().filter(|(at, _)| tail <= *at || at % 20 == 0).map(|(_, id)| *id).collect();
    }
    let server = Server::start(home.path());
    spans::all_are_there(&server, &last);
    assert!(server.stop(), "a server that is asked to stop calls that a success");
    println!("{acked} spans acknowledged, {sent} sent");
}

/// Exporters under way.
struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    acked: Arc<Mutex<Vec<TraceId>>>,
    threads: Vec<thread::JoinHandle<()>>,
}

fn load(server: &Server, round: u64) -> Load {
    let (stop, sent, acked) =
        (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Arc::<Mutex<Vec<_>>>::default());
    let threads = (0..EXPORTERS).map(|number| {
        let (stop, sent, acked) = (Arc::clone(&stop), Arc::clone(&sent), Arc::clone(&acked));
        let export = server.exporter();
        thread::spawn(move || {
            for place in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (id, body) = spans::request(round, number << 24 | place);
                sent.fetch_add(1, Ordering::Relaxed);
                match export(&body) {
                    Some(reply) if reply.status == 200 => acked.lock().expect("no test panics here").push(id),
                    Some(reply) => assert_eq!(reply.status, 429, "{}", reply.body),
                    // The server is dead.
                    None => break,
                }
                // What is not frozen yet is replayed at each start; more load would only make that longer.
                thread::sleep(Duration::from_millis(4));
            }
        })
    });
    let threads = threads.collect();
    Load { stop, sent, acked, threads }
}

impl Load {
    /// Returns how many requests were sent, and the traces of those that were acknowledged.
    fn end(self) -> (u64, Vec<TraceId>) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("no exporter panics");
        }
        let acked = self.acked.lock().expect("no test panics here").clone();
        (self.sent.load(Ordering::Relaxed), acked)
    }
}
