//! A disk that is really full: a small file system in memory, with a ballast file that takes the rest.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::spans;
use crate::victim::{Server, skip};

/// Room for the log and some segments.
const SIZE: &str = "size=192m";

#[test]
fn full_disk_refuses_keeps_what_it_has_and_recovers() {
    let home = tempfile::tempdir().expect("a place for the data");
    let Some(disk) = SmallDisk::mount(home.path()) else {
        return skip("full_disk_refuses_keeps_what_it_has_and_recovers", "this user may not mount a tmpfs");
    };
    let mut acked = Vec::new();
    let server = Server::start(home.path());
    for place in 0..20 {
        let (id, body) = spans::request(0, place);
        assert_eq!(server.export(&body).expect("the server answers").status, 200);
        acked.push(id);
    }
    fs::write(home.path().join("data/ballast"), vec![1; disk.free_bytes(home.path())]).ok();
    // Large values, so that the log must grow beyond what it has set aside.
    let mut refused = None;
    for place in 20..2_000 {
        let (id, body) = spans::request(0, place);
        let large = padded(body);
        let reply = server.export(&large).expect("a server without room still answers");
        if reply.status == 200 {
            acked.push(id);
        } else {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("a full disk ends in a refusal");
    assert!(refused.status == 503 || refused.status == 429, "{} {}", refused.status, refused.body);
    assert!(refused.body.contains("space"), "the refusal says why: {}", refused.body);
    spans::all_are_there(&server, &acked);
    server.kill();
    fs::remove_file(home.path().join("data/ballast")).expect("the ballast is there");
    let server = Server::start(home.path());
    spans::all_are_there(&server, &acked);
    let (id, body) = spans::request(1, 0);
    assert_eq!(server.export(&body).expect("the server answers").status, 200);
    spans::all_are_there(&server, &[id]);
    assert!(server.stop());
    drop(disk);
}

/// Appends an unknown field of a mebibyte: it is kept, and so it is logged.
fn padded(mut body: Vec<u8>) -> Vec<u8> {
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    let bytes = 1 << 20;
    // Field 900 with a length.
    body.extend_from_slice(&[0xa2, 0x38, 0x80, 0x80, 0x40]);
    body.extend((0..bytes).map(|_| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise as u8
    }));
    body
}

/// A file system of its own at `home/data`; unmounted when dropped.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(home: &Path) -> Option<Self> {
        let data = home.join("data");
        fs::create_dir(&data).expect("the home is ours");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(&data).output();
        mounted.ok().filter(|output| output.status.success()).map(|_| Self(data))
    }

    fn free_bytes(&self, _: &Path) -> usize {
        let output =
            Command::new("df").args(["--output=avail", "-B1"]).arg(&self.0).output().expect("df runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().nth(1).and_then(|line| line.trim().parse().ok()).expect("df tells a number")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A server that hangs on to it is killed before this runs.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
