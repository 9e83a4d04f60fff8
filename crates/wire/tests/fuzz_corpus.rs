//! Every input in `fuzz/corpus` is replayed: seeds, and whatever a fuzz target once found.

#[expect(unreachable_pub, reason = "to the fuzz targets it is a library")]
#[path = "../../../fuzz/src/inflate.rs"]
mod inflate;
#[expect(unreachable_pub, reason = "to the fuzz targets it is a library")]
#[path = "../../../fuzz/src/jaeger.rs"]
mod jaeger;
#[expect(unreachable_pub, reason = "to the fuzz targets it is a library")]
#[path = "../../../fuzz/src/otlp.rs"]
mod otlp;
#[expect(unreachable_pub, reason = "to the fuzz targets it is a library")]
#[path = "../../../fuzz/src/zipkin.rs"]
mod zipkin;

fn replay(target: &str, demand: fn(&[u8])) {
    let folder = format!("{}/../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut inputs = 0;
    for entry in std::fs::read_dir(&folder).expect(&folder) {
        let path = entry.expect("the folder is readable").path();
        eprintln!("{}", path.display());
        demand(&std::fs::read(path).expect("the input is readable"));
        inputs += 1;
    }
    assert_ne!(inputs, 0, "{target} has no corpus");
}

#[test]
fn otlp_proto_holds() {
    replay("otlp_proto", otlp::proto);
}

#[test]
fn otlp_json_holds() {
    replay("otlp_json", otlp::json);
}

#[test]
fn inflate_holds() {
    replay("inflate", inflate::body);
}

#[test]
fn jaeger_datagram_holds() {
    replay("jaeger_datagram", jaeger::datagram);
}

#[test]
fn jaeger_binary_holds() {
    replay("jaeger_binary", jaeger::bare);
}

#[test]
fn jaeger_json_holds() {
    replay("jaeger_json", jaeger::json);
}

#[test]
fn jaeger_proto_holds() {
    replay("jaeger_proto", jaeger::proto);
}

#[test]
fn zipkin_json_holds() {
    replay("zipkin_json", zipkin::json);
}

#[test]
fn zipkin_proto_holds() {
    replay("zipkin_proto", zipkin::proto);
}

#[test]
fn zipkin_thrift_holds() {
    replay("zipkin_thrift", zipkin::thrift);
}
