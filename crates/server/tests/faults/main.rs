//! What breaks from outside: the process killed, the disk full, a sync that fails, a reply too early.
//!
//! The built binary runs on a disk of its own. A kill proves that nothing acknowledged waits in the
//! process; it proves no sync, because the page cache outlives a process. For syncs there are the
//! engine's own tests over a disk that forgets, and `replies` here, which watches system calls.

mod disk_full;
mod kills;
#[path = "../clients/patience.rs"]
#[expect(dead_code, reason = "no test here waits for a broker")]
mod patience;
mod replies;

mod spans;
mod sync_fails;
mod unread;
mod victim;
