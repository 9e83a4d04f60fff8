//! A forked child neither waits for threads that it does not have nor sends what its parent sends.

#![cfg(unix)]
#![expect(unsafe_code, reason = "nothing in safe Rust forks")]

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracewell_tracer::export::{Accepted, Export, ExportError, Request};
use tracewell_tracer::{Keep, Queue, Sampler, Sampling, SpanFilter, TraceSubscriber, TracerBuilder};

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

const WNOHANG: i32 = 1;
const CHILDREN: usize = 100;

/// Appends requests to a file that parent and children share.
struct ToFile(File);

impl Export for ToFile {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        let mut framed = u32::try_from(request.body.len()).expect("it is small").to_le_bytes().to_vec();
        framed.extend_from_slice(request.body);
        self.0.write_all(&framed).expect("a file can be written");
        Ok(Accepted::default())
    }

    fn describe(&self) -> String {
        "file".to_owned()
    }
}

/// Waits for a child, for twenty seconds at most; returns how it ended.
fn ended(child: i32) -> Option<i32> {
    for _ in 0..2_000 {
        let mut status = 0;
        // SAFETY: the status is ours to write to, and the child is ours to wait for.
        if unsafe { waitpid(child, &raw mut status, WNOHANG) } == child {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

#[test]
fn forked_child_neither_deadlocks_nor_sends_twice() {
    let folder = tempfile::tempdir().expect("a place");
    let path = folder.path().join("requests");
    let file = OpenOptions::new().create(true).append(true).open(&path).expect("a file");
    // Everything that takes locks is on.
    let sampling =
        Sampling { root: Sampler::Ratio(0.5), keep: Keep::errors_and_slow(), ..Sampling::default() };
    let guard = TracerBuilder::default()
        .sampling(sampling)
        .span_filter(SpanFilter::faster_than(Duration::from_nanos(1)))
        .queue(Queue { delay: Duration::from_millis(10), batch_bytes: 10_000, ..Queue::default() })
        .start(ToFile(file))
        .expect("a thread starts");
    let subscriber = tracing::Dispatch::new(TraceSubscriber::new(guard.tracer().clone()));
    let stop = AtomicBool::new(false);
    let work = |name: &str| {
        for _ in 0..100 {
            let root = guard.tracer().span(name).start();
            let _inside = root.enter();
            tracing::dispatcher::with_default(&subscriber, || {
                tracing::info_span!("inner", name).in_scope(|| tracing::info!("said"));
            });
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    work("parent");
                }
            });
        }
        let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..CHILDREN {
                // SAFETY: the child calls our own code, which takes only locks that it may, and leaves
                // without running anything of its parent's.
                let child = unsafe { fork() };
                assert!(0 <= child, "it can be forked");
                if child == 0 {
                    work("child");
                    let flushed = guard.flush(Duration::from_secs(60));
                    let _ =
                        (guard.status(), guard.tracer().traces_sampled(), guard.tracer().scoped("x", "1"));
                    // SAFETY: nothing of the parent's is dropped in the child.
                    unsafe { _exit(i32::from(flushed)) };
                }
                work("between");
                assert_eq!(ended(child), Some(0), "a child hangs or flushed what is not its own");
            }
        }));
        stop.store(true, Ordering::Relaxed);
        stopped.expect("every child ended");
    });
    assert!(guard.shutdown(Duration::from_secs(20)));
    let mut bytes = Vec::new();
    File::open(&path).expect("it is there").read_to_end(&mut bytes).expect("it can be read");
    let mut rest = bytes.as_slice();
    let mut seen = HashSet::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (body, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        let decoded = wire::otlp::decode_proto(body.to_vec().into()).expect("it is OTLP");
        for span in decoded.batch.spans() {
            assert_ne!(span.name(), b"child", "a child has nobody to send its spans");
            assert!(seen.insert(span.span_id()), "a span came twice");
        }
        rest = after;
    }
    assert!(1_000 < seen.len());
}
