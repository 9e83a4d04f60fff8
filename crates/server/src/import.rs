//! `tracewell store import`: files of traces into a stopped data directory.
//!
//! The content of a file says what it is. It is read in pieces (one trace, one resource's spans, one message),
//! and written through the engine's own door in groups of a few megabytes, each durable before the next. Spans
//! that are there already collapse as a sender's retry does, so what broke off can be imported again.

mod frames;
mod pieces;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use bytes::Bytes;
use indicatif::ProgressBar;
use pipeline::GROUP_BYTES_MAX;
use span::Tenant;
use store::{TraceWriter, Write};
use tokio::time::Instant;
use wire::Decoded;

use self::frames::Frames;
use self::pieces::{Kind, Pieces};
use crate::cli::StoreImport;
use crate::config::Config;
use crate::{clock, engines, progress, say};

/// Reads all files. The exit code says whether every span was taken.
pub(crate) fn run(import: &StoreImport, config: &Config) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    // What cannot be opened is said before anything is written.
    let files = import.files.iter().map(|path| open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let engine = engines::open_to_import(config)?;
    let mut into = Into {
        writer: &*engine.writer,
        tenant: &import.tenant,
        group: Vec::new(),
        group_bytes: 0,
        spans: 0,
        written: 0,
        rejected: 0,
        reason: None,
    };
    let mut outcome = Ok(());
    for (path, (input, length)) in import.files.iter().zip(files) {
        let bar = progress::of_bytes(length);
        outcome = read(bar.wrap_read(input), &mut into, &bar)
            .with_context(|| path.display().to_string())
            .and_then(|()| into.flush());
        bar.finish_and_clear();
        if outcome.is_err() {
            break;
        }
    }
    // What came before a mistake is good.
    let flushed = into.flush();
    let (spans, rejected, reason) = (into.written, into.rejected, into.reason);
    (engine.close)()?;
    let seconds = began.elapsed().as_secs_f64();
    let mut lines = vec![
        format!("imported       {spans} spans ({:.0} a second)", spans as f64 / seconds.max(1e-9)),
        format!("rejected       {rejected}"),
    ];
    lines.extend(reason.map(|reason| format!("first of them  {reason}")));
    lines.push(format!("took           {seconds:.2} s"));
    say(&lines.join("\n"));
    outcome.context("broke off; what is imported stays, and importing it again is safe")?;
    flushed?;
    Ok(if rejected == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Opens a file and returns its length, where it has one.
fn open(path: &Path) -> anyhow::Result<(Box<dyn Read>, Option<u64>)> {
    if path.to_str() == Some("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let found = file.metadata().with_context(|| format!("cannot read {}", path.display()))?;
    if found.is_dir() {
        bail!("{} is a folder; name the files in it", path.display());
    }
    let length = found.is_file().then_some(found.len());
    Ok((Box::new(file), length))
}

/// Reads one file, whatever it is.
fn read(input: impl Read, into: &mut Into<'_>, bar: &ProgressBar) -> anyhow::Result<()> {
    let mut input = BufReader::with_capacity(1 << 20, input);
    let start = input.fill_buf()?;
    let start = &start[..start.len().min(8)];
    match start {
        [] => Ok(()),
        // A byte order mark, as some editors write it.
        [0xef, 0xbb, 0xbf, ..] => {
            input.consume(3);
            json(input, into, bar)
        }
        [b'{' | b' ' | b'\t' | b'\r', ..] | [b'\n', b'{' | b'\n' | b' ', b'"', ..] => json(input, into, bar),
        // The first field of a TracesData, or a length in four bytes; the longest begins with 8.
        [frames::FIRST_FIELD | 0..=8, ..] => {
            let mut frames = Frames::new(input);
            while let Some(message) = frames.next()? {
                into.take(wire::otlp::decode_proto(message).context("OTLP in protobuf")?)?;
                into.tell(bar);
            }
            Ok(())
        }
        [0x1f, 0x8b, ..] => bail!("is compressed: `zcat FILE | tracewell store import -`"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => bail!("is compressed: `zstdcat FILE | tracewell store import -`"),
        _ => bail!(
            "holds no traces that this command knows: neither OTLP (JSON or protobuf) nor Jaeger's JSON begins \
             with \"{}\"",
            start.escape_ascii()
        ),
    }
}

fn json(input: impl BufRead, into: &mut Into<'_>, bar: &ProgressBar) -> anyhow::Result<()> {
    let mut pieces = Pieces::new(input);
    while let Some(piece) = pieces.next()? {
        let decoded = match piece.kind {
            Kind::ResourceSpans => {
                let document = [b"{\"resourceSpans\":[", &piece.text[..], b"]}"].concat();
                wire::otlp::decode_json(Bytes::from(document))
            }
            Kind::JaegerTrace => wire::jaeger::decode_json(Bytes::from(piece.text)),
        };
        into.take(decoded.with_context(|| format!("line {}", piece.line))?)?;
        into.tell(bar);
    }
    Ok(())
}

/// Where spans go, and what became of them.
struct Into<'a> {
    writer: &'a dyn TraceWriter,
    tenant: &'a Tenant,
    /// What waits to be written.
    group: Vec<Write>,
    group_bytes: usize,
    /// Spans that were read.
    spans: u64,
    /// Spans that are durable.
    written: u64,
    rejected: u64,
    /// Why the first was rejected.
    reason: Option<String>,
}

impl Into<'_> {
    fn take(&mut self, decoded: Decoded) -> anyhow::Result<()> {
        let Decoded { batch, rejected, reason } = decoded;
        if 0 < rejected {
            self.rejected += rejected;
            self.reason = self.reason.take().or(reason);
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.spans += batch.len() as u64;
        self.group_bytes += batch.bytes();
        self.group.push(Write { tenant: self.tenant.clone(), received: clock::now(), batch });
        if GROUP_BYTES_MAX <= self.group_bytes { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if !self.group.is_empty() {
            self.writer.write(&self.group)?;
            self.written = self.spans;
            self.group.clear();
            self.group_bytes = 0;
        }
        Ok(())
    }

    fn tell(&self, bar: &ProgressBar) {
        bar.set_message(format!("{} spans", self.spans));
    }
}
