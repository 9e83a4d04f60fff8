//! A sync that fails: nobody knows what is on disk, so nothing more is taken, and reads go on.

use crate::spans;
use crate::victim::{Server, has, skip};

#[test]
fn failed_sync_stops_writes_and_says_so() {
    if !has("strace") {
        return skip("failed_sync_stops_writes_and_says_so", "strace is not installed");
    }
    let home = tempfile::tempdir().expect("a place for the data");
    let trace = home.path().join("trace");
    let wrapper = [
        "strace",
        "-f",
        "-e",
        "trace=fdatasync",
        // Counted in each thread for itself, and the log has one.
        "-e",
        "inject=fdatasync:error=EIO:when=20+",
        "-o",
        trace.to_str().expect("plain text"),
    ];
    let server = Server::start_under(home.path(), &wrapper);
    let mut acked = Vec::new();
    let mut refused = None;
    for place in 0..200 {
        let (id, body) = spans::request(0, place);
        let reply = server.export(&body).expect("a server with a broken disk still answers");
        if reply.status == 200 {
            assert!(refused.is_none(), "a write was acknowledged after a sync had failed");
            acked.push(id);
        } else {
            refused = Some(reply);
        }
    }
    let refused = refused.expect("the sync failed");
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.body.contains("restart"), "the refusal says what to do: {}", refused.body);
    spans::all_are_there(&server, &acked);
    server.kill();
    let server = Server::start(home.path());
    spans::all_are_there(&server, &acked);
    assert!(server.stop());
}
