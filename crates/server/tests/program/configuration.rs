//! What the program says about its configuration.

use std::fs;
use std::net::{TcpListener, UdpSocket};

use crate::running::{run, said, tracewell};

#[test]
fn all_mistakes_of_all_places_come_in_one_answer() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("tracewell.yaml");
    fs::write(&file, "listen:\n  zipkn: off\nretention: forever\nlimits:\n  request_bytes: -1\n").unwrap();
    let path = file.to_str().unwrap();
    let mut command = tracewell();
    command.env("TRACEWELL_STORAGE", "paper").args(["validate", "--config", path, "--otlp-grpc", "nowhere"]);
    let (good, text) = said(command.output().unwrap());
    assert!(!good);
    let expected = format!(
        "tracewell: the configuration has 5 mistakes:
  {path}:2: listen.zipkn: there is no such setting; did you mean listen.zipkin?
  --otlp-grpc: \"nowhere\" is no address: write IP:PORT, localhost:PORT, :PORT, PORT or off
  TRACEWELL_STORAGE: \"paper\" is no engine: write columnar or memory
  {path}:3: retention: \"forever\" is no duration: write 90s, 12h or 7d
  {path}:5: limits.request_bytes: \"-1\" is no size: write 512MiB, 20GiB or a number of bytes
"
    );
    assert_eq!(text, expected);
}

#[test]
fn good_configurations_are_called_good_and_jaegers_names_are_noted() {
    let (good, text) =
        run(&["validate", "--collector.queue-size=5000", "--query.http-server.host-port", ":8080"]);
    assert!(good);
    let expected = "note: --collector.queue-size is Jaeger's and is ignored: what waits is bounded in bytes: \
        limits.intake_bytes\nthe configuration is good\n";
    assert_eq!(text, expected);
}

#[test]
fn missing_and_broken_files_are_said() {
    let (good, text) = run(&["validate", "--config", "/nonexistent/tracewell.yaml"]);
    assert!(!good && text.contains("/nonexistent/tracewell.yaml: No such file"), "{text}");
    let home = tempfile::tempdir().unwrap();
    for broken in
        ["a: [", "- 1\n- 2\n", "storage: {a: b}\n", "limits: 3\n", "storage: memory\nstorage: memory\n"]
    {
        let file = home.path().join("broken.yaml");
        fs::write(&file, broken).unwrap();
        let (good, text) = run(&["validate", "--config", file.to_str().unwrap()]);
        assert!(!good && text.contains("broken.yaml"), "{broken}: {text}");
    }
}

#[test]
fn every_taken_port_is_named_with_its_flag() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let one = other.local_addr().unwrap().to_string();
    let another = TcpListener::bind("127.0.0.1:0").unwrap();
    let three = another.local_addr().unwrap().to_string();
    let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let two = holder.local_addr().unwrap().to_string();
    let (good, text) =
        run(&["--query", &one, "--health", &three, "--jaeger-compact", &two, "--storage", "memory"]);
    assert!(!good);
    for line in [
        format!("  --query           {one} is taken\n"),
        format!("  --health          {three} is taken\n"),
        format!("  --jaeger-compact  {two} is taken\n"),
    ] {
        assert!(text.contains(&line), "{text}");
    }
    assert!(text.contains("Is a Jaeger, a Collector or another tracewell running here?"), "{text}");
}
