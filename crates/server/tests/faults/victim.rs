//! A `tracewell` that is meant to be hurt: it keeps its data directory when it dies, and may run under
//! another program.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::patience;

/// Listeners that these tests use; all others are off.
const USED: [&str; 3] = ["otlp-http", "query", "admin"];

const OTHERS: [&str; 12] = [
    "otlp-grpc",
    "jaeger-compact",
    "jaeger-binary",
    "zipkin-compact",
    "jaeger-http",
    "jaeger-grpc",
    "zipkin",
    "sampling-http",
    "sampling-grpc",
    "query-grpc",
    "health",
    "metrics",
];

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    process: Child,
    /// The server's own process; not the child where another program started it.
    pub(crate) pid: u32,
    otlp: SocketAddr,
    query: SocketAddr,
    admin: SocketAddr,
}

/// What a server said, if it said anything before it died.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Server {
    /// Starts the binary over `home/data`.
    pub(crate) fn start(home: &Path) -> Self {
        Self::start_under(home, &[])
    }

    /// Starts it by another program: `wrapper` and its arguments come first.
    pub(crate) fn start_under(home: &Path, wrapper: &[&str]) -> Self {
        let log_path = home.join("log");
        let log = fs::File::create(&log_path).expect("a file for the log");
        let binary = std::env::var("TRACEWELL_BINARY");
        let binary = binary.unwrap_or_else(|_| env!("CARGO_BIN_EXE_tracewell").to_owned());
        let mut words = wrapper.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        words.push(binary);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("--data-dir").arg(home.join("data"));
        for name in USED {
            command.args([format!("--{name}"), "127.0.0.1:0".to_owned()]);
        }
        for name in OTHERS {
            command.args([format!("--{name}"), "off".to_owned()]);
        }
        // The server refuses settings that it does not know, and those of the tests are such.
        for (key, _) in std::env::vars_os() {
            if key.to_string_lossy().starts_with("TRACEWELL_") {
                command.env_remove(&key);
            }
        }
        let mut process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("one file, two streams"))
            .stderr(log)
            .spawn()
            .expect("the binary was built for this test");
        let addresses = patience::until("the server says where it listens", || {
            let said = fs::read_to_string(&log_path).expect("the log lies beside the data");
            if let Some(status) = process.try_wait().expect("it is our child") {
                panic!("tracewell ended with {status}:\n{said}");
            }
            announced(&said)
        });
        let pid = if wrapper.is_empty() { process.id() } else { child_of(process.id()) };
        let [otlp, query, admin] = addresses;
        Self { process, pid, otlp, query, admin }
    }

    /// Posts an export request; `None` where the server died before it answered.
    pub(crate) fn export(&self, body: &[u8]) -> Option<Reply> {
        post(self.otlp, body)
    }

    /// Returns a function that posts export requests from other threads.
    pub(crate) fn exporter(&self) -> impl Fn(&[u8]) -> Option<Reply> + Send + Clone + use<> {
        let address = self.otlp;
        move |body| post(address, body)
    }

    /// Asks the query API.
    pub(crate) fn get(&self, path: &str) -> Reply {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.query);
        ask(self.query, &[request.as_bytes()]).expect("the server answers")
    }

    /// Asks the query API, and leaves the answer unread.
    pub(crate) fn ask_and_ignore(&self, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.query).expect("the server listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.query);
        stream.write_all(request.as_bytes()).expect("the server reads");
        stream
    }

    /// Returns the value of one of its own metrics, summed over labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.admin);
        let text = ask(self.admin, &[request.as_bytes()]).expect("the server answers").body;
        let of_name = |line: &str| {
            let (key, value) = line.rsplit_once(' ')?;
            (key.split('{').next() == Some(name)).then(|| value.parse::<f64>().ok())?
        };
        let values: Vec<f64> = text.lines().filter_map(of_name).collect();
        assert!(!values.is_empty(), "there is no metric {name}");
        values.iter().sum()
    }

    /// Ends the process as a power cut would, without a word.
    pub(crate) fn kill(mut self) {
        signal(self.pid, "-KILL");
        self.process.wait().expect("it is our child");
    }

    /// Asks the process to end, and waits; tells whether it called that a success.
    pub(crate) fn stop(mut self) -> bool {
        signal(self.pid, "-TERM");
        self.process.wait().expect("it is our child").success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has already ended is as dead as it should be.
        if matches!(self.process.try_wait(), Ok(None)) {
            signal(self.pid, "-KILL");
            let _ = self.process.wait();
        }
    }
}

/// Tells why a test cannot run here. Where everything must run, that is a failure.
pub(crate) fn skip(test: &str, reason: &str) {
    assert!(std::env::var_os("TRACEWELL_REQUIRE_ALL").is_none(), "{test}: {reason}");
    eprintln!("skipped: {test}: {reason}");
}

/// Tells whether a program is there.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok()
}

fn signal(pid: u32, signal: &str) {
    // It may have ended by itself meanwhile.
    let _ = Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
}

fn child_of(pid: u32) -> u32 {
    patience::until("the wrapper has started the server", || {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    })
}

fn announced(said: &str) -> Option<[SocketAddr; 3]> {
    let address = |name: &&str| {
        said.lines().find_map(|line| {
            let mut words = line.split([' ', '\t', ',', '=', '/', '"']);
            words.find(|word| word.trim_end_matches(':') == *name)?;
            line.split([' ', '\t', ',', '=', '/', '"']).find_map(|word| word.parse::<SocketAddr>().ok())
        })
    };
    let found: Vec<SocketAddr> = USED.iter().filter_map(address).collect();
    found.try_into().ok()
}

fn post(address: SocketAddr, body: &[u8]) -> Option<Reply> {
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-protobuf\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    ask(address, &[head.as_bytes(), body])
}

fn ask(address: SocketAddr, parts: &[&[u8]]) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket takes a timeout");
    for part in parts {
        stream.write_all(part).ok()?;
    }
    let mut bytes = Vec::new();
    // A reset after a whole answer is an answer; before it, none.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, body: body.to_owned() })
}
