//! OpenTelemetry's own Collector, between the SDK and the server.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running Collector, killed when it is dropped.
pub(crate) struct Collector {
    process: Child,
    pub(crate) http: String,
    pub(crate) grpc: String,
}

impl Collector {
    /// Starts one that hands everything on to `server` by OTLP over HTTP; none where it is not installed.
    pub(crate) fn start(folder: &Path, server: &str) -> Option<Self> {
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/collector");
        if !installed.join(".stamp").is_file() {
            skipped("collector: not installed (cargo xtask test --install sdk)");
            return None;
        }
        let program = installed.join("bin/otelcol");
        let [http, grpc] = [free(), free()];
        let configuration = folder.join("collector.yaml");
        let text = format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: '{http}'}}, grpc: {{endpoint: '{grpc}'}}}}}}}}\n\
             exporters: {{otlphttp: {{endpoint: '{server}'}}}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}}}\n\
             \x20 pipelines: {{traces: {{receivers: [otlp], exporters: [otlphttp]}}}}\n"
        );
        std::fs::write(&configuration, text).expect("a folder of tests can be written");
        let process = Command::new(program)
            .arg("--config")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it was installed for this machine");
        let ready = (0..300).any(|_| {
            let listens = |address: &str| TcpStream::connect(address).is_ok();
            listens(&http) && listens(&grpc) || {
                std::thread::sleep(Duration::from_millis(100));
                false
            }
        });
        assert!(ready, "the Collector listens within half a minute");
        Some(Self { process, http: format!("http://{http}"), grpc: format!("http://{grpc}") })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").to_string()
}

/// Says why a test does not run; fails it where every test must.
#[expect(clippy::print_stdout, reason = "the runner counts lines that begin so")]
fn skipped(why: &str) {
    assert!(std::env::var_os("TRACEWELL_REQUIRE_ALL").is_none(), "everything must run here, but {why}");
    println!("skipped: {why}");
}
