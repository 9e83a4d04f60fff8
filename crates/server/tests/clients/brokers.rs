//! Real brokers beside the clients: RabbitMQ, Kafka, Redis; each on free ports, in a folder of its own,
//! without the service manager.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::patience;
use crate::programs::{self, Background};

/// A broker that takes connections. Dropping it kills its processes.
pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    _processes: Vec<Background>,
    _home: tempfile::TempDir,
}

/// Starts RabbitMQ on `port`, or on a free one for 0.
pub(crate) fn rabbitmq(port: u16) -> Option<Broker> {
    const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    if !Path::new(SERVER).is_file() {
        return programs::skipped("rabbitmq-server: not installed");
    }
    let home = tempfile::tempdir().expect("a place for the broker");
    let address = address(port);
    let at = |name: &str| home.path().join(name);
    fs::write(at("rabbitmq.conf"), format!("listeners.tcp.1 = {address}\n")).expect("its configuration");
    fs::write(at("enabled_plugins"), "[].\n").expect("its plugins");
    // Erlang's port mapper would outlive the broker, so it is ours, too, and on a port of its own.
    let mapper_port = self::address(0).port().to_string();
    let mut mapper = Command::new("epmd");
    mapper.args(["-address", "127.0.0.1", "-port", &mapper_port]).stdout(Stdio::null()).stderr(Stdio::null());
    let mapper = Background::start(mapper);
    // The inner script runs as whoever calls it, where the outer one insists on a user and on /var.
    let mut server = Command::new(SERVER);
    server
        .env("HOME", home.path())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", mapper_port)
        .env("RABBITMQ_NODENAME", format!("t{}@localhost", address.port()))
        .env("RABBITMQ_MNESIA_BASE", at("db"))
        .env("RABBITMQ_LOG_BASE", at("log"))
        .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins"))
        .env("RABBITMQ_DIST_PORT", self::address(0).port().to_string())
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}");
    Some(started(server, vec![mapper], address, home))
}

/// Starts a Kafka of one node.
pub(crate) fn kafka() -> Option<Broker> {
    let jars = programs::cached("kafka")?.join("lib/*");
    let home = tempfile::tempdir().expect("a place for the broker");
    let (address, controller) = (address(0), address(0));
    let settings = home.path().join("server.properties");
    let logs = home.path().join("logs");
    let text = format!(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@{controller}\n\
         controller.listener.names=CONTROLLER\nlisteners=PLAINTEXT://{address},CONTROLLER://{controller}\n\
         advertised.listeners=PLAINTEXT://{address}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\nlog.dirs={}\n\
         group.initial.rebalance.delay.ms=0\noffsets.topic.num.partitions=1\n\
         offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\nshare.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\n",
        logs.display()
    );
    fs::write(&settings, text).expect("its configuration");
    let java = || {
        let mut java = Command::new("java");
        java.args(["-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp"]).arg(&jars).current_dir(home.path());
        java
    };
    let formatted = java()
        .args(["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c"])
        .arg(&settings)
        .output()
        .expect("java is installed");
    assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
    let mut server = java();
    server.arg("kafka.Kafka").arg(&settings);
    Some(started(server, vec![], address, home))
}

/// Starts a Redis that keeps nothing.
pub(crate) fn redis() -> Option<Broker> {
    let home = tempfile::tempdir().expect("a place for the broker");
    let address = address(0);
    let known = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    if known.is_err() {
        return programs::skipped("redis-server: not installed");
    }
    let mut server = Command::new("redis-server");
    server.args([
        "--bind",
        "127.0.0.1",
        "--port",
        &address.port().to_string(),
        "--save",
        "",
        "--appendonly",
        "no",
    ]);
    server.arg("--dir").arg(home.path());
    Some(started(server, vec![], address, home))
}

fn started(
    mut server: Command,
    mut others: Vec<Background>,
    address: SocketAddr,
    home: tempfile::TempDir,
) -> Broker {
    let log_path = home.path().join("log.txt");
    let log = fs::File::create(&log_path).expect("a file for the log");
    server.stdin(Stdio::null()).stdout(log.try_clone().expect("one file, two streams")).stderr(log);
    let mut process = Background::start(server);
    patience::until_broker("the broker takes connections", || {
        if let Some(status) = process.child().try_wait().expect("it is our child") {
            panic!("the broker ended with {status}:\n{}", fs::read_to_string(&log_path).unwrap_or_default());
        }
        TcpStream::connect(address).ok()
    });
    // The broker goes first, then what it leans on.
    others.insert(0, process);
    Broker { address, _processes: others, _home: home }
}

/// Returns a loopback address that is free now. Somebody may take it before its server does; then the
/// server says so and the test fails honestly.
pub(crate) fn address(port: u16) -> SocketAddr {
    let wanted = SocketAddr::from(([127, 0, 0, 1], port));
    TcpListener::bind(wanted)
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| panic!("{wanted}: {error}"))
}
