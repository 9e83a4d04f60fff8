//! A running `tracewell`: the built binary on free ports, with a data directory of its own.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::patience;

/// Every listener; each is also the flag that moves it.
const LISTENERS: [&str; 15] = [
    "otlp-grpc",
    "otlp-http",
    "jaeger-compact",
    "jaeger-binary",
    "zipkin-compact",
    "jaeger-http",
    "jaeger-grpc",
    "zipkin",
    "sampling-http",
    "sampling-grpc",
    "query",
    "query-grpc",
    "health",
    "admin",
    "metrics",
];

/// Returns the program with nothing of the environment that steers this suite: to it that would be
/// settings, and unknown ones are errors.
pub(crate) fn tracewell() -> Command {
    // Another build, such as a release, can be put to the same test.
    let binary =
        std::env::var_os("TRACEWELL_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_tracewell").into());
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TRACEWELL_") {
            command.env_remove(name);
        }
    }
    command
}

/// The server of one test. Dropping it kills the process.
pub(crate) struct Tracewell {
    process: Child,
    addresses: BTreeMap<String, SocketAddr>,
    /// Data directory and log; removed when the test is over.
    _home: tempfile::TempDir,
}

impl Tracewell {
    /// Starts the binary with every listener on a free port of the loopback.
    pub(crate) fn start() -> Self {
        let free = LISTENERS.iter().flat_map(|name| [format!("--{name}"), "127.0.0.1:0".to_owned()]);
        Self::start_with(free.collect())
    }

    /// Starts the binary on the ports that everybody knows.
    pub(crate) fn start_on_known_ports() -> Self {
        Self::start_with(vec![])
    }

    fn start_with(flags: Vec<String>) -> Self {
        let home = tempfile::tempdir().expect("a place for the data");
        let log_path = home.path().join("log");
        let log = fs::File::create(&log_path).expect("a file for the log");
        let mut command = tracewell();
        let process = command
            .args(flags)
            .arg("--data-dir")
            .arg(home.path().join("data"))
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("one file, two streams"))
            .stderr(log)
            .spawn()
            .expect("the binary was built for this test");
        let mut server = Self { process, addresses: BTreeMap::new(), _home: home };
        server.addresses =
            patience::until("the server says where it listens", || server.announced(&log_path));
        server
    }

    /// Returns the address of the listener `name`.
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.addresses[name]
    }

    /// Reads one address per listener from the startup lines, once all have come.
    fn announced(&mut self, log_path: &PathBuf) -> Option<BTreeMap<String, SocketAddr>> {
        let log = fs::read_to_string(log_path).expect("the log lies beside the data");
        if let Some(status) = self.process.try_wait().expect("it is our child") {
            panic!("tracewell ended with {status}:\n{log}");
        }
        let mut addresses = BTreeMap::new();
        for line in log.lines() {
            let words: Vec<&str> = line.split([' ', '\t', ',', '=', '/', '"']).collect();
            let name =
                words.iter().map(|word| word.trim_end_matches(':')).find(|word| LISTENERS.contains(word));
            let address = words.iter().find_map(|word| word.parse::<SocketAddr>().ok());
            if let (Some(name), Some(address)) = (name, address) {
                addresses.entry(name.to_owned()).or_insert(address);
            }
        }
        LISTENERS.iter().all(|name| addresses.contains_key(*name)).then_some(addresses)
    }
}

impl Drop for Tracewell {
    fn drop(&mut self) {
        // A server that has already ended is as dead as it should be.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
