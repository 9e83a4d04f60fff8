//! A process that has no descriptor left. Alone in its binary: the limit is the whole process's.

use std::convert::Infallible;
use std::fs::File;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use listen::{Address, Bound, Guard, Limits, Listeners};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn listener_without_descriptors_waits_and_does_not_spin() {
    let bound = Bound::tcp(Address::One("127.0.0.1:0".parse().unwrap())).unwrap();
    let port = bound.port();
    let listeners = Listeners::new(Limits::of(1024));
    let service = tower::service_fn(async |_| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"here"))))
    });
    listeners.serve(bound, Guard::default(), service).unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let stats = listeners.stats();
    while stats.connections_accepted.total() == 0 {
        sleep(Duration::from_millis(1)).await;
    }

    // One descriptor is left for the next client, and none for its other end.
    setrlimit(Resource::Nofile, Rlimit { current: Some(200), ..getrlimit(Resource::Nofile) }).unwrap();
    let mut filled: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    filled.pop();
    let mut waiting = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    let refusals = stats.accepts_failed.total();
    assert!((1..=10).contains(&refusals), "{refusals} tries in half a second");

    // Who is inside is served all the while, who waits as soon as there is room.
    for stream in [&mut client, &mut waiting] {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut reply = String::new();
        timeout(Duration::from_secs(20), stream.read_to_string(&mut reply)).await.unwrap().unwrap();
        assert!(reply.ends_with("here"), "{reply}");
        filled.clear();
    }
}
