//! What a process says before it ends: by a signal, by leaving `main`, by a panic.

#![cfg(all(unix, feature = "signal"))]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

const WAY: &str = "TRACEWELL_TEST_WAY";

/// Runs this program again, as a service that ends in that way, and returns how it ended and what it
/// sent and printed.
fn service(way: &str) -> (std::process::ExitStatus, String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has one");
    let sent = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("the service connects");
        connection.set_read_timeout(Some(Duration::from_millis(500))).expect("it can be set");
        let mut request = Vec::new();
        let mut buffer = [0; 65_536];
        while let Ok(count @ 1..) = connection.read(&mut buffer) {
            request.extend_from_slice(&buffer[..count]);
            if String::from_utf8_lossy(&request).contains("last span") {
                break;
            }
        }
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        String::from_utf8_lossy(&request).into_owned()
    });
    let output = Command::new(std::env::current_exe().expect("it runs"))
        .args(["--exact", "a_service_that_ends", "--nocapture"])
        .env(WAY, format!("{way} http://{address}"))
        .stdin(Stdio::null())
        .output()
        .expect("it runs again");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status, sent.join().expect("it read"), printed)
}

/// The service; a test that does nothing when nobody asks for it.
#[test]
fn a_service_that_ends() {
    let Ok(said) = std::env::var(WAY) else { return };
    let (way, url) = said.split_once(' ').expect("two words");
    let setup = tracewell::service("ending").endpoint(url).quiet();
    let setup = if way == "signal" { setup.flush_on_signal() } else { setup };
    let tracing = setup.init();
    let span = tracewell::span("last span").start();
    match way {
        "signal" => {
            span.end();
            signal_hook::low_level::raise(signal_hook::consts::SIGTERM).expect("it can be raised");
            std::thread::sleep(Duration::from_secs(60));
            panic!("the signal did not end it");
        }
        "panic" => {
            let _inside = span.enter();
            panic!("out of paper");
        }
        _ => {
            span.end();
            drop(tracing);
        }
    }
}

#[test]
fn sigterm_sends_what_is_left_and_then_ends_the_process() {
    let (status, sent, _) = service("signal");
    assert_eq!(status.signal(), Some(15), "{status:?}");
    assert!(sent.contains("last span"), "{sent:?}");
}

#[test]
fn leaving_main_sends_what_is_left() {
    let (status, sent, _) = service("leave");
    assert!(status.success() && sent.contains("last span"), "{status:?} {sent:?}");
}

#[test]
fn panic_is_sent_with_its_span_and_is_a_line_of_the_log() {
    let (status, sent, printed) = service("panic");
    assert!(!status.success());
    assert!(sent.contains("out of paper") && sent.contains("last_words.rs"), "{sent:?}");
    let line = printed.lines().find(|line| line.contains("FATAL")).expect("it is a line");
    for word in ["out of paper", "trace_id", "span_id", "exception.stacktrace"] {
        assert!(line.contains(word), "{line}");
    }
}
