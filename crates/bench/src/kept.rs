//! A store that is kept between measurements: loaded once, compacted once, and asked at rest, under load and cold.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::fs::{Advice, fadvise};
use span::{DurationNanos, Encoding};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::clock::{self, Stopwatch};
use crate::known::Known;
use crate::load::{self, Request};
use crate::questions::{self, Asked};
use crate::row::{Bar, Row};
use crate::send::{self, Sent, Transport};
use crate::target::{Ours, Target};

/// What arrives while questions are asked.
const BUSY_SPANS_PER_SECOND: u64 = 50_000;
/// For how long it could go on; it is stopped when the questions are answered.
const BUSY_SECONDS: u64 = 80;
/// How long it goes on before the first question.
const BUSY_LEAD: Duration = Duration::from_secs(5);

/// How often the server is started over a cold disk, and how many traces each is asked for.
const COLD_STARTS: usize = 8;
const COLD_IDS: usize = 5;

/// Asks all questions over a directory at rest, after the server has started on it.
pub(crate) async fn at_rest(
    start: impl Fn(&Path) -> anyhow::Result<Ours>,
    data: &Path,
    known: &Known,
) -> anyhow::Result<Vec<Row>> {
    let watch = Stopwatch::start();
    let ours = start(data)?;
    let ids = known.ids()?;
    let first = format!("/api/traces/{}", ids.first().context("nothing is known")?);
    let mut rows = crate::loaded::restarted(&ours.target, &first, watch).await?;
    rows.extend(questions::measure(&ours.target, &ids, known.window(), Asked::Compacted).await?);
    let (now, peak) = ours.target.process.memory_mib()?;
    rows.push(Row::new("memory.after_questions", "MiB", now).bar(Bar::AtMost(150.0)));
    rows.push(Row::new("memory.peak_query", "MiB", peak).bar(Bar::AtMost(512.0)));
    ours.stop()?;
    Ok(rows)
}

/// Asks all questions while spans arrive, over a copy of the directory.
pub(crate) async fn busy(
    start: impl Fn(&Path) -> anyhow::Result<Ours>,
    data: &Path,
    known: &Known,
) -> anyhow::Result<Vec<Row>> {
    let copy = tempfile::tempdir_in(data.parent().unwrap_or_else(|| Path::new(".")))?;
    copy_linked(data, copy.path())?;
    let wanted = BUSY_SPANS_PER_SECOND * BUSY_SECONDS;
    let requests = made_before(wanted).await;
    let ours = start(copy.path())?;
    let load = Load::begin(&ours.target, requests);
    tokio::time::sleep(BUSY_LEAD).await;
    let watch = Stopwatch::start();
    let before = load.sent.load(Ordering::Relaxed);
    // What arrives is newer than what was loaded, and is asked for, too.
    let window = (known.window().0, clock::now().plus(DurationNanos(3_600_000_000_000)));
    let mut rows = questions::measure(&ours.target, &known.ids()?, window, Asked::Busy).await?;
    let arrived = load.sent.load(Ordering::Relaxed) - before;
    let rate = arrived as f64 / watch.read().as_secs_f64();
    let sent = load.end().await?;
    ensure!(!sent.acks.is_empty(), "nothing arrived meanwhile");
    let mut acks = sent.acks;
    acks.sort_unstable();
    let ack = |share: f64| acks[((acks.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let note = format!("ack p50 {:.1} p99 {:.1} ms, pushed back {}", ack(0.5), ack(0.99), sent.pushed_back);
    // The pace is kept by hand, so a little less is as good.
    let least = BUSY_SPANS_PER_SECOND as f64 * 0.95;
    rows.push(Row::new("busy.arrived", "spans/s", rate).bar(Bar::AtLeast(least)).note(note));
    let (_, peak) = ours.target.process.memory_mib()?;
    rows.push(Row::new("busy.memory.peak", "MiB", peak).bar(Bar::AtMost(512.0)));
    ours.stop()?;
    Ok(rows)
}

/// Asks for traces of which nothing is in memory: after a restart, and with the files forgotten by the page cache
/// before each question.
pub(crate) async fn cold(
    start: impl Fn(&Path) -> anyhow::Result<Ours>,
    data: &Path,
    known: &Known,
) -> anyhow::Result<Vec<Row>> {
    let ids = known.ids()?;
    let step = (ids.len() / (COLD_STARTS * COLD_IDS)).max(1);
    let mut wanted = ids.iter().step_by(step);
    let mut took = Vec::new();
    for _ in 0..COLD_STARTS {
        forget(data)?;
        let ours = start(data)?;
        for id in wanted.by_ref().take(COLD_IDS) {
            forget(data)?;
            let mut client = Client::connect(ours.target.query).await?;
            took.push(client.found(&format!("/api/traces/{id}")).await?.took);
        }
        ours.stop()?;
    }
    ensure!(!took.is_empty(), "nothing is known");
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    let note = format!("{} questions, {COLD_STARTS} starts, best {:.2} ms", took.len(), at(0.0));
    Ok(vec![
        Row::new("cold.query.by_id.p50", "ms", at(0.5)).bar(Bar::AtMost(30.0)).note(note.clone()),
        Row::new("cold.query.by_id.p99", "ms", at(0.99)).bar(Bar::AtMost(30.0)).note(note),
    ])
}

/// Makes the page cache forget every file of a directory.
fn forget(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            forget(&entry.path())?;
        } else {
            let file = File::open(entry.path())?;
            // What was not written yet cannot be forgotten.
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}

/// Copies a directory; files of segments never change, so they are shared.
fn copy_linked(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&to)?;
            copy_linked(&entry.path(), &to)?;
        } else if entry.path().components().any(|part| part.as_os_str() == "segments") {
            fs::hard_link(entry.path(), to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// Makes all requests before any is sent, so that making them takes nothing from the server.
async fn made_before(spans: u64) -> Vec<Request> {
    let (mut made, _facts) = load::begin(7, spans, Encoding::Zstd, clock::now());
    let mut requests = Vec::new();
    while let Some(request) = made.recv().await {
        requests.push(request);
    }
    requests
}

/// Spans that arrive at a steady pace.
struct Load {
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    sender: JoinHandle<anyhow::Result<Sent>>,
}

impl Load {
    fn begin(target: &Target, requests: Vec<Request>) -> Self {
        let (paced, receiver) = mpsc::channel(4);
        let (sent, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, stopped) = (Arc::clone(&sent), Arc::clone(&stop));
        tokio::spawn(async move {
            let watch = Stopwatch::start();
            for request in requests {
                let so_far = counted.load(Ordering::Relaxed);
                let due = Duration::from_secs_f64(so_far as f64 / BUSY_SPANS_PER_SECOND as f64);
                tokio::time::sleep(due.saturating_sub(watch.read())).await;
                counted.fetch_add(request.spans as u64, Ordering::Relaxed);
                if stopped.load(Ordering::Relaxed) || paced.send(request).await.is_err() {
                    break;
                }
            }
        });
        let address = target.otlp_http;
        let sender = tokio::spawn(send::all(address, Transport::Http, Encoding::Zstd, receiver, 4));
        Self { sent, stop, sender }
    }

    async fn end(self) -> anyhow::Result<Sent> {
        self.stop.store(true, Ordering::Relaxed);
        self.sender.await?
    }
}
