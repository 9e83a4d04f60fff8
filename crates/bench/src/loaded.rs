//! One store, loaded once: what it weighs on disk and in memory, what it answers, how it starts again.

use std::path::Path;

use anyhow::ensure;
use span::Encoding;

use crate::client::Client;
use crate::clock::Stopwatch;
use crate::known::Known;
use crate::process::folder_bytes;
use crate::questions::Asked;
use crate::row::{Bar, Row};
use crate::send::Transport;
use crate::target::Target;
use crate::{ingest, questions};

/// Loads `spans` spans over HTTP with zstd, as most exporters of size do, and asks all questions.
pub(crate) async fn measure(target: &Target, spans: u64, seed: u64) -> anyhow::Result<(Vec<Row>, Known)> {
    let (mut rows, known) = load(target, spans, seed).await?;
    rows.extend(questions::measure(target, &known.ids()?, known.window(), Asked::Loaded).await?);
    let (_, peak) = target.process.memory_mib()?;
    rows.push(Row::new("memory.peak_query", "MiB", peak));
    Ok((rows, known))
}

/// Loads alone.
pub(crate) async fn load(target: &Target, spans: u64, seed: u64) -> anyhow::Result<(Vec<Row>, Known)> {
    let (mut rows, facts) = ingest::measure(target, Transport::Http, Encoding::Zstd, spans, seed).await?;
    let (now, peak) = target.process.memory_mib()?;
    rows.push(Row::new("memory.peak_ingest", "MiB", peak).bar(Bar::AtMost(512.0)).note(facts.note()));
    rows.push(Row::new("memory.settled", "MiB", now).bar(Bar::AtMost(150.0)).note(facts.note()));
    Ok((rows, Known::of(&facts)?))
}

/// Returns the bytes on disk for each span of a stopped server.
pub(crate) fn disk(data: &Path, spans: u64) -> anyhow::Result<Row> {
    let segments = folder_bytes(&data.join("segments"))?;
    let all = folder_bytes(data)?;
    let note = format!("{segments} B of segments, {all} B in all with the recycled log");
    Ok(Row::new("disk", "B/span", segments as f64 / spans as f64).bar(Bar::AtMost(40.0)).note(note))
}

/// Measures from the start of the process to the first right answer.
pub(crate) async fn restarted(
    target: &Target,
    known: &str,
    since_start: Stopwatch,
) -> anyhow::Result<Vec<Row>> {
    let answer = Client::connect(target.query).await?.found(known).await?;
    let took = since_start.read().as_secs_f64() * 1e3;
    ensure!(!answer.body.is_empty(), "the first answer is empty");
    let (now, _) = target.process.memory_mib()?;
    Ok(vec![
        Row::new("restart.first_answer", "ms", took).bar(Bar::AtMost(1_000.0)),
        Row::new("memory.idle", "MiB", now).bar(Bar::AtMost(150.0)),
    ])
}
