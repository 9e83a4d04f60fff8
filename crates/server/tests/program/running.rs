//! A running `tracewell`, and its commands as children of the test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Every listener.
pub(crate) const LISTENERS: [&str; 15] = [
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

/// A server, killed when it is dropped.
pub(crate) struct Running {
    process: Child,
    addresses: BTreeMap<String, SocketAddr>,
    /// Everything that it printed so far, both streams.
    printed: Arc<Mutex<String>>,
}

impl Running {
    /// Starts a server, on free ports where `flags` do not place a listener, and waits until it is ready.
    pub(crate) fn start(data: &Path, flags: &[&str]) -> Self {
        let placed = |name: &&&str| !flags.iter().any(|flag| flag.strip_prefix("--") == Some(**name));
        let free = LISTENERS.iter().filter(placed);
        let free = free.flat_map(|name| [format!("--{name}"), "127.0.0.1:0".to_owned()]);
        let mut process = tracewell()
            .args(free)
            .arg("--data-dir")
            .arg(data)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let printed = Arc::new(Mutex::new(String::new()));
        let stderr = process.stderr.take().expect("it is piped");
        let log = Arc::clone(&printed);
        thread::spawn(move || copy(BufReader::new(stderr), &log));
        let mut stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut addresses = BTreeMap::new();
        loop {
            let mut line = String::new();
            let length = stdout.read_line(&mut line).expect("it prints text");
            assert!(0 < length, "the server ended: {}", printed.lock().expect("nobody panics"));
            printed.lock().expect("nobody panics").push_str(&line);
            let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
            if let (Some(name), Some(Ok(address))) = (words.next(), words.next().map(str::parse)) {
                addresses.insert(name.to_owned(), address);
            }
            if line == "ready\n" {
                break;
            }
        }
        let log = Arc::clone(&printed);
        thread::spawn(move || copy(stdout, &log));
        Self { process, addresses, printed }
    }

    /// Returns the address of a listener.
    pub(crate) fn address(&self, listener: &str) -> SocketAddr {
        self.addresses[listener]
    }

    /// Tells whether a listener is on.
    pub(crate) fn is_on(&self, listener: &str) -> bool {
        self.addresses.contains_key(listener)
    }

    /// Returns a listener as a URL.
    pub(crate) fn url(&self, listener: &str) -> String {
        format!("http://{}", self.address(listener))
    }

    /// Returns everything that was printed so far.
    pub(crate) fn printed(&self) -> String {
        self.printed.lock().expect("nobody panics").clone()
    }

    /// Returns the id of its process.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill is everywhere");
        assert!(sent.success());
    }

    /// Waits for the end and returns whether it was a good one.
    pub(crate) fn wait(&mut self) -> bool {
        self.process.wait().expect("it is our child").success()
    }

    /// Returns the flags that lead a command to this server's listeners.
    pub(crate) fn flags(&self) -> Vec<String> {
        let each = self.addresses.iter().filter(|(name, _)| LISTENERS.contains(&name.as_str()));
        each.flat_map(|(name, address)| [format!("--{name}"), address.to_string()]).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A server that has already ended is as dead as it should be.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the program with an environment that says nothing.
pub(crate) fn tracewell() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracewell"));
    command.env_clear();
    command
}

/// Runs a command to its end.
pub(crate) fn run(arguments: &[&str]) -> (bool, String) {
    said(tracewell().args(arguments).output().expect("the binary was built for this test"))
}

/// Returns whether a command went well, and what it printed on both streams.
pub(crate) fn said(output: Output) -> (bool, String) {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text.into_owned())
}

/// Runs a server until it has written the traces of a shop into `home`, and stops it cleanly. Meanwhile
/// `tracewell store COMMAND` is refused, with what to do instead.
pub(crate) fn fill(home: &Path, command: &str) {
    let mut server = Running::start(home, &[]);
    let url = server.url("otlp-http");
    let (good, text) = run(&["generate", "--requests", "30", "--protocol", "otlp-http", "--endpoint", &url]);
    assert!(good, "{text}");
    let (good, text) = run(&["store", command, "--data-dir", name(home)]);
    assert!(!good && text.contains("is in use by process") && text.contains("--server URL"), "{text}");
    server.terminate();
    assert!(server.wait());
}

/// Returns a path as an argument.
pub(crate) fn name(path: &Path) -> &str {
    path.to_str().expect("folders of tests have plain names")
}

/// Sends a request over HTTP and returns status and body.
pub(crate) fn http(address: SocketAddr, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket can wait");
    let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
    let headers: String = headers.lines().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (status, body)
}

fn copy(from: impl BufRead, to: &Mutex<String>) {
    for line in from.lines().map_while(Result::ok) {
        let mut text = to.lock().expect("nobody panics");
        text.push_str(&line);
        text.push('\n');
    }
}
