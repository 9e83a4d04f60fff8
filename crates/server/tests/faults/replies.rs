//! System calls, watched: no reply leaves between a write to the log and the sync that makes it last.

use std::fs;
use std::path::Path;

use crate::spans;
use crate::victim::{Server, has, skip};

/// Requests, one after the other, so that each has a sync of its own.
const REQUESTS: u64 = 40;

#[test]
fn no_reply_leaves_between_a_write_and_its_sync() {
    if !has("strace") {
        return skip("no_reply_leaves_between_a_write_and_its_sync", "strace is not installed");
    }
    let home = tempfile::tempdir().expect("a place for the data");
    let trace = home.path().join("trace");
    let watched = "trace=pwrite64,pwritev,write,writev,fdatasync,fsync,sendto,sendmsg";
    let wrapper =
        ["strace", "-f", "-y", "-s", "12", "-e", watched, "-o", trace.to_str().expect("plain text")];
    let server = Server::start_under(home.path(), &wrapper);
    for place in 0..REQUESTS {
        let (_, body) = spans::request(0, place);
        assert_eq!(server.export(&body).expect("the server answers").status, 200);
    }
    assert!(server.stop());
    let (replies, syncs) = replies_after_syncs(&trace);
    assert_eq!(replies, REQUESTS, "every reply was seen");
    assert!(REQUESTS <= syncs, "{syncs} syncs for {REQUESTS} requests that came one after the other");
}

/// Reads the calls in order, and fails at a reply that finds the log written and not synced. Returns how
/// many replies and how many syncs of the log there were.
fn replies_after_syncs(trace: &Path) -> (u64, u64) {
    let text = fs::read_to_string(trace).expect("strace has written it");
    let (mut replies, mut syncs, mut unsynced) = (0, 0, 0_u64);
    for line in text.lines() {
        let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
        let of_log = call.contains("/data/wal/");
        // A call that others overtook is told twice; a sync counts when it has come back.
        let resumed = call.starts_with("<... fdatasync resumed") || call.starts_with("<... fsync resumed");
        if resumed || (call.starts_with("fdatasync(") || call.starts_with("fsync(")) && call.ends_with("= 0")
        {
            if resumed || of_log {
                syncs += 1;
                unsynced = 0;
            }
        } else if of_log && (call.starts_with("pwrite") || call.starts_with("write")) {
            unsynced += 1;
        } else if call.contains("\"HTTP/1.1 20") {
            replies += 1;
            assert_eq!(unsynced, 0, "a reply left before the log was synced:\n{line}");
        }
    }
    (replies, syncs)
}
