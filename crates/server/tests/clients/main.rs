//! The programs that people already run, against the built binary.
//!
//! Each test starts a `tracewell` of its own, lets a real client send to it, and reads back what was
//! kept: by service, by tag and by id, with parents, kinds, status, events and types. A row of the
//! printed table is one client over one protocol. What a machine has not installed is skipped with the
//! reason, and fails where `TRACEWELL_REQUIRE_ALL` is set.

#![expect(clippy::print_stdout, reason = "the suite's table is its result")]

mod brokers;
mod exported;
mod http;
mod jaeger;
mod known;
mod patience;
mod programs;
mod reported;
mod running;
mod system;
mod table;

use programs::Set;
use reported::Reported;
use running::Tracewell;

#[test]
fn python_old_over_jaeger_udp() {
    known::check(Set::PythonOld, "jaeger-udp", "jaeger-compact");
}

#[test]
fn python_old_over_jaeger_http() {
    known::check(Set::PythonOld, "jaeger-http", "jaeger-http");
}

#[test]
fn python_old_over_jaeger_grpc() {
    known::check(Set::PythonOld, "jaeger-grpc", "jaeger-grpc");
}

#[test]
fn python_old_over_otlp_grpc() {
    known::check(Set::PythonOld, "otlp-grpc", "otlp-grpc");
}

#[test]
fn python_old_over_otlp_http() {
    known::check(Set::PythonOld, "otlp-http", "otlp-http");
}

#[test]
fn python_old_over_zipkin_json() {
    known::check(Set::PythonOld, "zipkin-json", "zipkin");
}

#[test]
fn python_old_over_zipkin_proto() {
    known::check(Set::PythonOld, "zipkin-proto", "zipkin");
}

#[test]
fn python_current_over_otlp_grpc() {
    known::check(Set::PythonCurrent, "otlp-grpc", "otlp-grpc");
}

#[test]
fn python_current_over_otlp_grpc_gzip() {
    known::check(Set::PythonCurrent, "otlp-grpc-gzip", "otlp-grpc");
}

#[test]
fn python_current_over_otlp_http() {
    known::check(Set::PythonCurrent, "otlp-http", "otlp-http");
}

#[test]
fn python_current_over_otlp_http_gzip() {
    known::check(Set::PythonCurrent, "otlp-http-gzip", "otlp-http");
}

#[test]
fn python_current_over_zipkin_json() {
    known::check(Set::PythonCurrent, "zipkin-json", "zipkin");
}

#[test]
fn node_old_over_jaeger_udp() {
    known::check(Set::NodeOld, "jaeger-udp", "jaeger-compact");
}

#[test]
fn node_old_over_jaeger_http() {
    known::check(Set::NodeOld, "jaeger-http", "jaeger-http");
}

#[test]
fn node_old_over_otlp_grpc() {
    known::check(Set::NodeOld, "otlp-grpc", "otlp-grpc");
}

#[test]
fn node_old_over_otlp_http_json() {
    known::check(Set::NodeOld, "otlp-http-json", "otlp-http");
}

#[test]
fn node_old_over_otlp_http_proto() {
    known::check(Set::NodeOld, "otlp-http-proto", "otlp-http");
}

#[test]
fn node_old_over_zipkin_json() {
    known::check(Set::NodeOld, "zipkin-json", "zipkin");
}

#[test]
fn node_current_over_jaeger_udp() {
    known::check(Set::NodeCurrent, "jaeger-udp", "jaeger-binary");
}

#[test]
fn node_current_over_jaeger_http() {
    known::check(Set::NodeCurrent, "jaeger-http", "jaeger-http");
}

#[test]
fn node_current_over_otlp_grpc() {
    known::check(Set::NodeCurrent, "otlp-grpc", "otlp-grpc");
}

#[test]
fn node_current_over_otlp_grpc_gzip() {
    known::check(Set::NodeCurrent, "otlp-grpc-gzip", "otlp-grpc");
}

#[test]
fn node_current_over_otlp_http_json() {
    known::check(Set::NodeCurrent, "otlp-http-json", "otlp-http");
}

#[test]
fn node_current_over_otlp_http_json_gzip() {
    known::check(Set::NodeCurrent, "otlp-http-json-gzip", "otlp-http");
}

#[test]
fn node_current_over_otlp_http_proto() {
    known::check(Set::NodeCurrent, "otlp-http-proto", "otlp-http");
}

#[test]
fn node_current_over_otlp_http_proto_gzip() {
    known::check(Set::NodeCurrent, "otlp-http-proto-gzip", "otlp-http");
}

#[test]
fn node_current_over_zipkin_json() {
    known::check(Set::NodeCurrent, "zipkin-json", "zipkin");
}

#[test]
fn go_over_otlp_grpc() {
    known::check(Set::Go, "otlp-grpc", "otlp-grpc");
}

#[test]
fn go_over_otlp_grpc_gzip() {
    known::check(Set::Go, "otlp-grpc-gzip", "otlp-grpc");
}

#[test]
fn go_over_otlp_http() {
    known::check(Set::Go, "otlp-http", "otlp-http");
}

#[test]
fn go_over_otlp_http_gzip() {
    known::check(Set::Go, "otlp-http-gzip", "otlp-http");
}

#[test]
fn go_over_zipkin_json() {
    known::check(Set::Go, "zipkin-json", "zipkin");
}

#[test]
fn java_over_otlp_grpc() {
    known::check(Set::Java, "otlp-grpc", "otlp-grpc");
}

#[test]
fn java_over_otlp_grpc_gzip() {
    known::check(Set::Java, "otlp-grpc-gzip", "otlp-grpc");
}

#[test]
fn java_over_otlp_http() {
    known::check(Set::Java, "otlp-http", "otlp-http");
}

#[test]
fn java_over_otlp_http_gzip() {
    known::check(Set::Java, "otlp-http-gzip", "otlp-http");
}

#[test]
fn java_over_zipkin_json() {
    known::check(Set::Java, "zipkin-json", "zipkin");
}

#[test]
fn java_over_zipkin_proto() {
    known::check(Set::Java, "zipkin-proto", "zipkin");
}

#[test]
fn flask_requests_and_pika_through_rabbitmq() {
    let Some(mut command) = Set::PythonOld.command("orders.py") else { return };
    let Some(broker) = brokers::rabbitmq(0) else { return };
    let server = Tracewell::start();
    let agent = server.address("jaeger-compact").to_string();
    command.args([&agent, &format!("amqp://guest:guest@{}/", broker.address), "rabbit"]);
    let sent = Reported::of(vec![programs::line_of(command)]);
    let query = server.address("query");
    sent.check(query);
    sent.check_marked_trace(query, "rabbit", &["python-orders"]);
    assert_eq!(sent.chain("rabbit").len(), 4, "five spans in a row: {:#?}", sent.chain("rabbit"));
}

#[test]
fn kafka_python_through_kafka() {
    let Some(mut command) = Set::PythonOld.command("kafka_orders.py") else { return };
    let Some(broker) = brokers::kafka() else { return };
    let server = Tracewell::start();
    let agent = server.address("jaeger-compact").to_string();
    command.args([&agent, &broker.address.to_string(), "kafka"]);
    let sent = Reported::of(vec![programs::line_of(command)]);
    let query = server.address("query");
    sent.check(query);
    sent.check_marked_trace(query, "kafka", &["python-kafka"]);
}

#[test]
fn fastapi_httpx_sqlalchemy_redis_and_asyncio_over_jaeger() {
    shop("jaeger-udp", "jaeger-compact");
}

#[test]
fn fastapi_httpx_sqlalchemy_redis_and_asyncio_over_otlp() {
    shop("otlp-http", "otlp-http");
}

#[test]
fn gateway_services_and_worker_are_one_trace() {
    system::check_in_own_network("gateway_services_and_worker_are_one_trace");
}

fn shop(protocol: &str, door: &str) {
    let Some(mut command) = Set::PythonWeb.command("shop.py") else { return };
    let Some(broker) = brokers::redis() else { return };
    let server = Tracewell::start();
    let address = server.address(door).to_string();
    let endpoint = if protocol.starts_with("otlp") { format!("http://{address}") } else { address };
    command.args([protocol, &endpoint, &format!("redis://{}", broker.address), "shop"]);
    let sent = Reported::of(vec![programs::line_of(command)]);
    let query = server.address("query");
    sent.check(query);
    sent.check_marked_trace(query, "shop", &[&format!("python-web-{protocol}")]);
}

#[test]
fn duckdb_reads_what_is_exported_as_parquet() {
    exported::check();
}
