//! What is measured: our own server, started for the purpose, or any other that runs already.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::process::Process;

/// Where a backend listens, and which process it is.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// OTLP over HTTP.
    pub(crate) otlp_http: SocketAddr,
    /// OTLP over gRPC.
    pub(crate) otlp_grpc: SocketAddr,
    /// Jaeger's query API.
    pub(crate) query: SocketAddr,
    /// The process whose CPU and memory count.
    pub(crate) process: Process,
    /// Somebody else's server: it may not know every question.
    pub(crate) is_peer: bool,
}

/// Our own server, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Ours {
    child: Child,
    /// Where it listens.
    pub(crate) target: Target,
}

impl Ours {
    /// Starts the release binary on free ports over `data`, and waits until it answers.
    pub(crate) fn start(binary: &Path, data: &Path, more: &[&str]) -> anyhow::Result<Self> {
        let [otlp_http, otlp_grpc, query] = free_addresses()?;
        let mut command = Command::new(binary);
        command
            .args(["--otlp-http", &otlp_http.to_string(), "--otlp-grpc", &otlp_grpc.to_string()])
            .args(["--query", &query.to_string()])
            .arg("--data-dir")
            .arg(data)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        for off in OTHERS {
            command.args([off, "off"]);
        }
        let mut child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
        let stdout = child.stdout.take().expect("stdout is piped");
        let process = Process(child.id());
        let target = Target { otlp_http, otlp_grpc, query, process, is_peer: false };
        let ours = Self { child, target };
        wait_until_open(query)?;
        // Whatever the server says later must not fill the pipe and stop it.
        std::thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).for_each(drop));
        Ok(ours)
    }

    /// Asks it to stop, and waits: what it holds in memory is then on disk.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().context("cannot signal the server")?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the server stopped with {status}");
        }
        Ok(())
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Listeners that no measurement uses.
const OTHERS: [&str; 12] = [
    "--jaeger-compact",
    "--jaeger-binary",
    "--zipkin-compact",
    "--jaeger-http",
    "--jaeger-grpc",
    "--zipkin",
    "--sampling-http",
    "--sampling-grpc",
    "--query-grpc",
    "--health",
    "--admin",
    "--metrics",
];

fn free_addresses<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    let mut held = Vec::new();
    for _ in 0..N {
        held.push(TcpListener::bind("127.0.0.1:0").context("no free port")?);
    }
    let mut addresses = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    for (address, listener) in addresses.iter_mut().zip(&held) {
        *address = listener.local_addr()?;
    }
    Ok(addresses)
}

fn wait_until_open(address: SocketAddr) -> anyhow::Result<()> {
    for _ in 0..600 {
        if std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("nothing answers on {address} after 30 s")
}
