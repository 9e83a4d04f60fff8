//! A normal client beside strangers who mean harm.

use std::time::Duration;

use listen::{Address, Bound, Guard, Limits, Listeners, Origins};
use receive::Config;
use span::Encoding;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::house::{House, config, export};

const PATIENCE: Duration = Duration::from_secs(30);

async fn connect(port: u16, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    // Whoever is cut off while it attacks has been dealt with.
    let _ = timeout(Duration::from_millis(200), stream.write_all(bytes)).await;
    stream
}

fn post(length: usize, encoding: &str) -> Vec<u8> {
    format!(
        "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: {encoding}\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}

/// Posts an export as any client does, and returns the first line of the answer.
async fn normal(port: u16) -> String {
    let body = export(10);
    let mut stream = connect(port, &[post(body.len(), "identity"), body].concat()).await;
    let mut reply = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut reply)).await.expect("an answer comes").unwrap();
    reply.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn normal_client_is_served_beside_stalled_bodies_half_headers_and_bombs() {
    let house =
        House::with(Config { in_flight_bytes_max: 16 << 20, request_bytes_max: 20 << 20, ..config() });
    let bound = Bound::tcp(Address::Loopback(0)).unwrap();
    let port = bound.port();
    let listeners = Listeners::new(Limits { connections_max: 500, ..Limits::of(2048) });
    listeners.serve(bound, Guard::default(), receive::otlp(house.door.clone(), Origins::default())).unwrap();

    // Twenty bodies of 2 MB each stop before their end: more than the pool lets them have.
    let stalled = [post(19 << 20, "identity"), vec![b'x'; 2 << 20]].concat();
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(connect(port, &stalled).await);
    }
    for _ in 0..100 {
        held.push(connect(port, b"POST /v1/traces HTTP/1.1\r\nHost: loc").await);
    }
    let bomb = wire::compress(Encoding::Gzip, &vec![0; 32 << 20]);
    let bomb = [post(bomb.len(), "gzip"), bomb].concat();
    for _ in 0..20 {
        held.push(connect(port, &bomb).await);
    }

    assert!(0 < house.door.in_flight_bytes());
    for round in 0..20 {
        assert_eq!(normal(port).await, "HTTP/1.1 200 OK", "round {round}");
    }
    assert!(house.door.in_flight_bytes() <= 16 << 20);
    drop(held);
    let idle = async {
        while 0 < house.door.in_flight_bytes() || 0 < listeners.stats().connections_open() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, idle).await.expect("everything is given back after the attack");
}
