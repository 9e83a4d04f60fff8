//! One whole system as users build it: a gateway in Node, two services and a worker in Python, RabbitMQ
//! between them, all of them sending to the agent's port; first on the ports of the guides, in a network
//! of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::brokers;
use crate::http;
use crate::programs::{Background, Set, skipped};
use crate::reported::Reported;
use crate::running::Tracewell;

/// Says to this test binary that it already runs in a network of its own.
const INSIDE: &str = "TRACEWELL_OWN_NETWORK";
/// How long a service may take to say its next line.
const PATIENCE: Duration = Duration::from_secs(90);
const MARKER: &str = "whole-system";

/// Runs the test `name` again where every port is free, and this once it is there.
pub(crate) fn check_in_own_network(name: &str) {
    if std::env::var_os(INSIDE).is_some() {
        check();
        return;
    }
    let possible =
        Command::new("unshare").args(["-n", "ip", "link", "set", "lo", "up"]).stderr(Stdio::null()).status();
    if !possible.is_ok_and(|status| status.success()) {
        let _: Option<()> = skipped("a network of its own: needs root, unshare and ip");
        return;
    }
    let again = std::env::current_exe().expect("a test has a path");
    let status = Command::new("unshare")
        .args(["-n", "sh", "-c", "ip link set lo up && exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(again)
        .arg(name)
        .env(INSIDE, "1")
        // The results of the inner run are this test's own, so the runner must not count them again.
        .stdout(Stdio::piped())
        .output()
        .expect("unshare was there before");
    let said = String::from_utf8_lossy(&status.stdout);
    for line in said.lines().filter(|line| line.starts_with("| ") || line.contains("skipped: ")) {
        println!("{line}");
    }
    assert!(status.status.success(), "{said}\n{}", String::from_utf8_lossy(&status.stderr));
}

fn check() {
    let Some(broker) = brokers::rabbitmq(5672) else { return };
    let server = Tracewell::start_on_known_ports();
    let agent = "127.0.0.1:6831";
    assert_eq!(server.address("jaeger-compact").port(), 6831);
    let amqp = format!("amqp://guest:guest@{}/", broker.address);
    let python = |program: &str, arguments: &[&str]| service(Set::PythonOld, program, arguments);
    let Some(worker) = python("worker.py", &[agent, &amqp]) else { return };
    let Some(product) = python("product.py", &[agent, "127.0.0.1:8001"]) else { return };
    let Some(backend) = python("backend.py", &[agent, "127.0.0.1:8000", "http://127.0.0.1:8001", &amqp])
    else {
        return;
    };
    let gateway = service(Set::NodeOld, "gateway.js", &[agent, "3000", "http://127.0.0.1:8000", MARKER]);
    let Some(gateway) = gateway else { return };
    let services = [&gateway, &backend, &product, &worker];
    for service in services {
        service.expect("ready");
    }
    let front = SocketAddr::from(([127, 0, 0, 1], 3000));
    assert_eq!(http::post(front, "/order/7", "", b"").status, 200);
    worker.expect("worked");
    let lines = services.map(Service::end);
    let sent = Reported::of(lines.to_vec());
    let query = server.address("query");
    sent.check(query);
    sent.check_marked_trace(query, MARKER, &["gateway", "backend", "product-service", "worker"]);
    let chain = sent.chain(MARKER);
    for (parent, child) in [
        ("gateway POST /order/:item", "gateway POST"),
        ("gateway POST", "backend /orders/<int:item>"),
        ("backend /orders/<int:item>", "backend GET"),
        ("backend GET", "product-service /products/<int:item>"),
        ("product-service /products/<int:item>", "product-service load price"),
        ("backend /orders/<int:item>", "backend work send"),
        ("backend work send", "worker work receive"),
        ("worker work receive", "worker pack order"),
    ] {
        assert!(chain.contains(&(parent.to_owned(), child.to_owned())), "{parent} -> {child} in {chain:#?}");
    }
}

/// A process of the system, and the lines that it prints.
struct Service {
    process: Background,
    lines: Receiver<String>,
}

fn service(set: Set, program: &str, arguments: &[&str]) -> Option<Service> {
    let mut command = set.command(program)?;
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Background::start(command);
    let stdout = process.child().stdout.take().expect("it was asked for");
    let (say, lines) = sync_channel(64);
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if say.send(line).is_err() {
                return;
            }
        }
    });
    Some(Service { process, lines })
}

impl Service {
    /// Waits until the service prints `word`.
    fn expect(&self, word: &str) {
        while self.next_line(word) != word {}
    }

    /// Ends the service as its supervisor would, and returns what it says that it sent.
    fn end(&self) -> Value {
        self.process.terminate();
        loop {
            let line = self.next_line("its report");
            if line.starts_with('{') {
                return serde_json::from_str(&line).expect("a line of JSON");
            }
        }
    }

    fn next_line(&self, what: &str) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("no line with {what}: {error}"))
    }
}
