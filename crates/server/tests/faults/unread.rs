//! Clients that ask for the widest answer there is and do not read it.

use crate::patience;
use crate::spans;
use crate::victim::Server;

/// Three spans of this make a trace of nine megabytes.
const PADDING: usize = 3 << 20;
const TRACES: u64 = 6;
const GREEDY: usize = 60;
const WIDEST: &str = "/api/traces?limit=6&start=1600000000000000&end=1800000000000000";

/// What the answers may take together, and as much again for the buffers of sockets and of the allocator.
const GROWTH_MAX: f64 = (512 << 20) as f64;

#[test]
fn unread_answers_leave_others_theirs() {
    let home = tempfile::tempdir().expect("a place for the data");
    let server = Server::start(home.path());
    let (small, body) = spans::request(0, 0);
    assert_eq!(server.export(&body).map(|reply| reply.status), Some(200));
    for place in 1..=TRACES {
        let (_, body) = spans::padded(0, place, PADDING);
        assert_eq!(server.export(&body).map(|reply| reply.status), Some(200));
    }
    let before = server.metric("process_resident_memory_bytes");
    let greedy: Vec<_> = (0..GREEDY).map(|_| server.ask_and_ignore(WIDEST)).collect();
    patience::until("the answers hold what large ones may", || {
        let held = server.metric("tracewell_answer_bytes");
        (held > f64::from(150 << 20)).then_some(())
    });
    for place in 0..50 {
        spans::all_are_there(&server, &[small]);
        assert_eq!(server.get("/api/services").status, 200);
        let (new, body) = spans::request(1, place);
        assert_eq!(server.export(&body).map(|reply| reply.status), Some(200));
        spans::all_are_there(&server, &[new]);
    }
    let growth = server.metric("process_resident_memory_bytes") - before;
    assert!(growth < GROWTH_MAX, "{growth} bytes for answers that nobody reads");
    drop(greedy);
    patience::until("everything is given back", || {
        (server.metric("tracewell_answer_bytes") == 0.0).then_some(())
    });
    assert!(server.stop());
}
