//! Tracing beside other layers, as a service with a stack of its own starts it.

#![cfg(feature = "layer")]

use std::io::Read as _;
use std::net::TcpListener;

use tracewell::SpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

/// One test, because a process has one global tracer.
#[test]
fn a_stack_of_layers_keeps_its_place() {
    let sink = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let endpoint = format!("http://{}", sink.local_addr().expect("it is bound"));
    let (traces, guard) = tracewell::service("layered").endpoint(&endpoint).quiet().layer();
    assert!(guard.warnings().is_empty(), "{:?}", guard.warnings());
    let stack = tracing_subscriber::registry().with(traces).with(tracing_subscriber::fmt::layer());
    tracing::subscriber::set_global_default(stack).expect("it was left to us");
    let context = tracing::info_span!("work").in_scope(|| {
        let span = tracing::Span::current();
        span.set_attribute("dynamic", 1);
        span.context()
    });
    assert!(context.span.is_valid() && context.span.flags.is_sampled());
    let sent = std::thread::spawn(move || {
        let (mut stream, _) = sink.accept().expect("the exporter comes");
        let mut bytes = vec![0; 4096];
        let mut read = 0;
        while !bytes[..read].windows(7).any(|part| part == b"dynamic") {
            let more = stream.read(&mut bytes[read..]).expect("it sends");
            assert!(0 < more, "the request ends before the attribute came");
            read += more;
        }
    });
    guard.flush(std::time::Duration::from_millis(500));
    sent.join().expect("the span was sent, with its attribute");
}
