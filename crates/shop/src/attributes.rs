//! What instrumentation writes on a span, by class.

use crate::dice::Dice;
use crate::draft::Attributes;
use crate::failure::Failure;
use crate::operation::{Class, Operation, Sql};
use crate::visit::Visit;

/// Where a request came from: chosen by the caller's kernel.
const PORT_FIRST: u64 = 32_768;
const PORTS: u64 = 28_232;
const THREADS: u64 = 64;
const LITERAL_IDS: u64 = 3_000_000;
const PARTITIONS: usize = 12;

/// Offsets of Kafka's partitions; they only grow.
#[derive(Debug, Default)]
pub(crate) struct Partitions {
    offsets: [i64; PARTITIONS],
}

/// A message on its way through Kafka.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    id: String,
    partition: usize,
    offset: i64,
    bytes: i64,
}

/// What is known of a span besides its operation.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) visit: &'a Visit,
    /// The address of the other pod, or of its own for what serves.
    pub(crate) address: &'a str,
    pub(crate) failure: Option<Failure>,
    /// The HTTP status that both ends of a call see.
    pub(crate) http_status: i64,
    /// How often the call was tried before.
    pub(crate) tries: i64,
}

impl Partitions {
    pub(crate) fn publish(&mut self, dice: &mut Dice) -> Message {
        let partition = dice.below(PARTITIONS as u64) as usize;
        self.offsets[partition] += 1;
        Message {
            id: dice.uuid(),
            partition,
            offset: 88_000_000 + self.offsets[partition],
            bytes: dice.between(400, 1_900) as i64,
        }
    }
}

/// Writes the attributes of the span that does the work (or serves it).
pub(crate) fn of_operation(
    operation: &Operation,
    scene: Scene<'_>,
    message: Option<&Message>,
    dice: &mut Dice,
) -> Attributes {
    let mut all = Attributes::default();
    match &operation.class {
        Class::HttpServer { method, route } => http_server(&mut all, operation, (method, route), scene, dice),
        Class::GrpcServer { rpc, method } => grpc_server(&mut all, operation, (rpc, method), scene, dice),
        Class::Sql { system, database, verb, table, text } => {
            sql(&mut all, *system, [database, verb, table, text], scene, dice);
        }
        Class::Redis { command, key } => redis(&mut all, (command, key), scene, dice),
        Class::Producer { topic, .. } => kafka(&mut all, topic, None, message, scene),
        Class::Consumer { topic, group } => kafka(&mut all, topic, Some(group), message, scene),
        Class::Internal { file, line } => internal(&mut all, operation.name, (file, *line), scene, dice),
        Class::ExternalHttp { method, host, path } => external(&mut all, [method, host, path], scene, dice),
    }
    all
}

/// Writes the attributes of the span that calls another service.
pub(crate) fn of_call(operation: &Operation, scene: Scene<'_>, dice: &mut Dice) -> Attributes {
    let mut all = Attributes::default();
    let callee = operation.service.deployment();
    match &operation.class {
        Class::GrpcServer { rpc, method } => {
            all.fixed("rpc.system", "grpc").fixed("rpc.service", rpc).fixed("rpc.method", method);
            all.number("rpc.grpc.status_code", scene.failure.map_or(0, |failure| failure.grpc));
            all.fixed("server.address", callee.host).number("server.port", callee.port());
            all.fixed("network.transport", "tcp").text("network.peer.address", scene.address);
            all.number("network.peer.port", callee.port());
        }
        Class::HttpServer { method, route } => {
            let path = scene.visit.fill(route, dice);
            all.fixed("http.request.method", method);
            all.text("url.full", format!("http://{}:{}{path}", callee.name, callee.port()));
            all.fixed("server.address", callee.host).number("server.port", callee.port());
            all.number("http.response.status_code", scene.http_status);
            all.fixed("network.protocol.version", "1.1").text("network.peer.address", scene.address);
            all.number("network.peer.port", callee.port());
        }
        _ => {}
    }
    if 0 < scene.tries {
        all.number("http.request.resend_count", scene.tries);
    }
    all
}

fn http_server(
    all: &mut Attributes,
    operation: &Operation,
    (method, route): (&'static str, &'static str),
    scene: Scene<'_>,
    dice: &mut Dice,
) {
    let Scene { visit, .. } = scene;
    let service = operation.service.deployment();
    all.fixed("http.request.method", method).fixed("url.scheme", "http");
    all.text("url.path", visit.fill(route, dice)).fixed("http.route", route);
    if route == "/search" {
        all.text("url.query", format!("q={}", visit.term.replace(' ', "+")));
    }
    all.number("http.response.status_code", scene.http_status);
    all.fixed("server.address", service.host).number("server.port", service.port());
    all.fixed("network.protocol.version", "1.1").text("user_agent.original", visit.user_agent.as_str());
    all.text("client.address", visit.client.as_str());
    all.number("network.peer.port", (PORT_FIRST + dice.below(PORTS)) as i64);
    all.text("user.id", visit.user.as_str()).text("session.id", visit.session.as_str());
    all.fixed("app.tenant", visit.tenant);
}

fn grpc_server(
    all: &mut Attributes,
    operation: &Operation,
    (rpc, method): (&'static str, &'static str),
    scene: Scene<'_>,
    dice: &mut Dice,
) {
    let service = operation.service.deployment();
    all.fixed("rpc.system", "grpc").fixed("rpc.service", rpc).fixed("rpc.method", method);
    all.number("rpc.grpc.status_code", scene.failure.map_or(0, |failure| failure.grpc));
    all.fixed("server.address", service.host).number("server.port", service.port());
    all.text("network.peer.address", scene.address);
    all.number("network.peer.port", (PORT_FIRST + dice.below(PORTS)) as i64);
    all.text("user.id", scene.visit.user.as_str());
    all.text("session.id", scene.visit.session.as_str()).number("thread.id", thread(dice));
    if method.contains("Product") || method.contains("Stock") || method == "AddItem" {
        all.text("app.product.id", scene.visit.product(dice));
    }
    if method == "PlaceOrder" || method == "Charge" || method == "ShipOrder" {
        all.text("app.order.id", scene.visit.order.as_str());
    }
}

fn sql(
    all: &mut Attributes,
    system: Sql,
    [database, verb, table, text]: [&'static str; 4],
    scene: Scene<'_>,
    dice: &mut Dice,
) {
    let literal = matches!(verb, "SELECT" | "UPDATE") && dice.chance(0.15);
    let query = match text.strip_suffix('?') {
        Some(before) if literal => format!("{before}{}", dice.below(LITERAL_IDS)),
        _ => text.to_owned(),
    };
    all.fixed("db.system.name", system.name()).fixed("db.namespace", database);
    all.fixed("db.operation.name", verb).fixed("db.collection.name", table);
    all.text("db.query.text", query)
        .text("server.address", format!("{database}-db-rw.shop.svc.cluster.local"));
    all.number("server.port", system.port()).fixed("network.transport", "tcp");
    all.fixed("network.peer.address", system.address());
    all.number("db.response.returned_rows", if verb == "SELECT" { dice.skewed(40, 3.0) as i64 } else { 0 });
    all.number("thread.id", thread(dice));
    if let Some(failure) = scene.failure {
        all.fixed("error.type", failure.said);
    }
}

fn redis(
    all: &mut Attributes,
    (command, key): (&'static str, &'static str),
    scene: Scene<'_>,
    dice: &mut Dice,
) {
    all.fixed("db.system.name", "redis").fixed("db.operation.name", command);
    all.text("db.query.text", format!("{command} {}", scene.visit.fill(key, dice)));
    all.fixed("db.namespace", "0")
        .fixed("server.address", "redis-master.shop.svc.cluster.local")
        .number("server.port", 6379);
    all.fixed("network.transport", "tcp").fixed("network.peer.address", "10.42.3.201");
    all.number("thread.id", thread(dice));
    all.truth("app.cache.hit", dice.chance(0.8));
}

fn kafka(
    all: &mut Attributes,
    topic: &'static str,
    group: Option<&'static str>,
    message: Option<&Message>,
    scene: Scene<'_>,
) {
    all.fixed("messaging.system", "kafka").fixed("messaging.destination.name", topic);
    all.fixed("messaging.operation.type", if group.is_some() { "process" } else { "send" });
    if let Some(message) = message {
        all.text("messaging.destination.partition.id", message.partition.to_string());
        all.number("messaging.kafka.offset", message.offset)
            .text("messaging.message.id", message.id.as_str());
        all.number("messaging.message.body.size", message.bytes);
    }
    if let Some(group) = group {
        all.fixed("messaging.consumer.group.name", group);
    }
    all.fixed("server.address", "kafka-bootstrap.shop.svc.cluster.local").number("server.port", 9092);
    all.text("app.order.id", scene.visit.order.as_str()).fixed("app.tenant", scene.visit.tenant);
}

fn internal(
    all: &mut Attributes,
    name: &'static str,
    (file, line): (&'static str, i64),
    scene: Scene<'_>,
    dice: &mut Dice,
) {
    let thread = thread(dice);
    all.fixed("code.function.name", name)
        .text("code.file.path", format!("/home/build/workspace/{file}"))
        .number("code.line.number", line);
    all.number("thread.id", thread).text("thread.name", format!("shop-request-worker-{thread}"));
    all.fixed("app.tenant", scene.visit.tenant).number("app.items.count", dice.skewed(200, 3.0) as i64);
    all.truth("app.degraded", dice.chance(0.02));
}

fn external(
    all: &mut Attributes,
    [method, host, path]: [&'static str; 3],
    scene: Scene<'_>,
    dice: &mut Dice,
) {
    all.fixed("http.request.method", method);
    all.text("url.full", format!("https://{host}{}", scene.visit.fill(path, dice)));
    all.fixed("server.address", host).number("server.port", 443);
    all.number("http.response.status_code", scene.http_status);
    all.fixed("network.protocol.version", "1.1").fixed("network.transport", "tcp");
    all.number("http.response.body.size", dice.between(180, 9_000) as i64);
    all.fixed("app.tenant", scene.visit.tenant);
}

fn thread(dice: &mut Dice) -> i64 {
    1 + dice.below(THREADS) as i64
}
