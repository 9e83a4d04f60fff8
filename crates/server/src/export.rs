//! `tracewell store export`: traces of a stopped data directory, as a file that others can read.
//!
//! Traces are pulled from the engine one by one, whole and newest first, and written at once: memory holds one
//! trace. A long trace is several lines or messages of OTLP, so that whoever reads it needs little, too.

#[cfg(feature = "parquet")]
mod table;

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use api::TraceFile;
use span::{BatchBuilder, SpanBatch, Tenant, Trace, TraceId};
use store::{Predicate, Search, SpanFilter, TraceCursor, TracePrefix, TraceReader};
use tokio::time::Instant;

use crate::cli::{Format, StoreExport};
use crate::config::{Config, show_bytes};
use crate::engines;
use crate::{clock, progress};

/// Spans of one line or message: some megabytes at most.
const SPANS_MAX: usize = 4_096;

/// How many traces an ambiguous id lists.
const IDS_LISTED_MAX: usize = 10;

/// Writes the traces that are wanted. The exit code says whether all of them could be read.
pub(crate) fn run(export: &StoreExport, config: &Config) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let engine = engines::open_to_export(config)?;
    let is_all = export.ids.is_empty() && export.service.is_none();
    let is_all = is_all && export.since.is_none() && export.until.is_none();
    let held = (engine.storage)().spans;
    let bar = progress::of_spans((is_all && held != 0).then_some(held));
    let mut traces = Traces::of(export, &*engine.reader)?;
    let mut file = Output::open(&export.output, export.format)?;
    let (mut trace_count, mut span_count) = (0_u64, 0_u64);
    let mut wanted = true;
    while wanted && let Some(trace) = traces.next()? {
        trace_count += 1;
        span_count += trace.batch().len() as u64;
        wanted = file.trace(trace).or_else(is_reader_gone)?;
        bar.set_position(span_count);
    }
    if wanted {
        file.end().or_else(is_reader_gone)?;
    }
    bar.finish_and_clear();
    let (bytes, seconds) = (file.file.bytes, began.elapsed().as_secs_f64());
    let mut lines = vec![
        format!("traces         {trace_count}"),
        format!("spans          {span_count} ({:.0} a second)", span_count as f64 / seconds.max(1e-9)),
        format!("written        {}", show_bytes(bytes)),
        format!("took           {seconds:.2} s"),
    ];
    let damaged = (engine.reads_damaged)();
    if 0 < damaged {
        lines.push("damaged        rows were left out; `tracewell store verify` says which".to_owned());
    }
    // Nobody reads a closed standard error.
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
    Ok(if damaged == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The traces that are wanted.
enum Traces<'a> {
    Found(Box<dyn TraceCursor>, Search),
    Named(&'a dyn TraceReader, &'a Tenant, std::vec::IntoIter<TraceId>),
}

impl<'a> Traces<'a> {
    fn of(export: &'a StoreExport, reader: &'a dyn TraceReader) -> anyhow::Result<Self> {
        if !export.ids.is_empty() {
            let named = export.ids.iter().map(|text| named(reader, &export.tenant, text));
            let ids: Vec<TraceId> = named.collect::<Result<_, _>>()?;
            return Ok(Self::Named(reader, &export.tenant, ids.into_iter()));
        }
        let now = clock::now();
        let mut search = Search::all(export.tenant.clone());
        search.filter = SpanFilter { all: export.service.iter().cloned().map(Predicate::Service).collect() };
        search.start_min = export.since.map_or(search.start_min, |since| since.at(now));
        search.start_max = export.until.map_or(search.start_max, |until| until.at(now));
        if search.start_max < search.start_min {
            bail!("--until is before --since");
        }
        Ok(Self::Found(reader.search(search.clone())?, search))
    }

    fn next(&mut self) -> anyhow::Result<Option<Trace>> {
        match self {
            Self::Named(reader, tenant, ids) => match ids.next() {
                Some(id) => Ok(reader.trace(tenant, id)?),
                None => Ok(None),
            },
            // An engine may return more than was asked for.
            Self::Found(cursor, search) => loop {
                match cursor.next()? {
                    Some(trace) if !trace.spans().any(|span| search.accepts(span)) => {}
                    found => return Ok(found),
                }
            },
        }
    }
}

/// Returns the trace that is meant, by its id or by the first digits of it.
fn named(reader: &dyn TraceReader, tenant: &Tenant, text: &str) -> anyhow::Result<TraceId> {
    if let Ok(id) = text.parse::<TraceId>()
        && reader.trace(tenant, id)?.is_some()
    {
        return Ok(id);
    }
    let ids = match TracePrefix::new(text) {
        Some(prefix) => reader.ids_with_prefix(tenant, prefix, IDS_LISTED_MAX)?,
        None => Vec::new(),
    };
    match ids[..] {
        [id] => Ok(id),
        [] => bail!("there is no trace {text} of tenant {}", tenant.as_str()),
        _ => {
            let ids = ids.iter().map(ToString::to_string).collect::<Vec<_>>();
            bail!("{text} may be any of {}", ids.join(", "))
        }
    }
}

/// Where bytes go, and how they are made.
struct Output {
    file: Sink,
    form: Form,
}

enum Form {
    Otlp,
    OtlpProto,
    /// The document, until it has ended.
    Jaeger(Option<TraceFile>),
    #[cfg(feature = "parquet")]
    Parquet(Box<table::Table>),
}

/// A file or standard output, and how much went there.
struct Sink {
    out: Out,
    bytes: u64,
}

enum Out {
    Stdout(BufWriter<io::Stdout>),
    File(BufWriter<File>),
}

impl Output {
    fn open(path: &Path, format: Format) -> anyhow::Result<Self> {
        let form = match format {
            Format::Otlp => Form::Otlp,
            Format::OtlpProto => Form::OtlpProto,
            Format::Jaeger => Form::Jaeger(Some(TraceFile::begin())),
            #[cfg(feature = "parquet")]
            Format::Parquet => Form::Parquet(Box::new(table::Table::begin()?)),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => bail!("this tracewell was built without its feature `parquet`"),
        };
        let out = match path.to_str() {
            Some("-") => Out::Stdout(BufWriter::with_capacity(1 << 20, io::stdout())),
            _ => {
                let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
                Out::File(BufWriter::with_capacity(1 << 20, file))
            }
        };
        Ok(Self { file: Sink { out, bytes: 0 }, form })
    }

    /// Writes a trace. Returns that more is wanted.
    fn trace(&mut self, trace: Trace) -> io::Result<bool> {
        let Self { file, form } = self;
        match form {
            Form::Jaeger(document) => {
                let document = document.as_mut().expect("it ends after the last trace");
                document.trace(trace, |part| file.write_all(&part))?;
            }
            Form::Otlp => in_parts(trace.batch(), |part| {
                let mut line = wire::otlp::encode_json(part);
                line.push(b'\n');
                file.write_all(&line)
            })?,
            Form::OtlpProto => in_parts(trace.batch(), |part| {
                let message = wire::otlp::encode_proto(part);
                let length = u32::try_from(message.len()).map_err(io::Error::other)?;
                file.write_all(&length.to_be_bytes())?;
                file.write_all(&message)
            })?,
            #[cfg(feature = "parquet")]
            Form::Parquet(table) => table.trace(&trace, file)?,
        }
        Ok(true)
    }

    /// Writes what is left and waits until the disk has it. Returns that all of it was wanted.
    fn end(&mut self) -> io::Result<bool> {
        let Self { file, form } = self;
        match form {
            Form::Otlp | Form::OtlpProto => {}
            Form::Jaeger(document) => {
                if let Some(document) = document.take() {
                    file.write_all(&document.end())?;
                }
            }
            #[cfg(feature = "parquet")]
            Form::Parquet(table) => table.end(file)?,
        }
        file.flush()?;
        if let Out::File(out) = &file.out {
            let file = out.get_ref();
            // A pipe or a device has nothing to sync.
            if file.metadata()?.is_file() {
                file.sync_all()?;
            }
        }
        Ok(true)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.out {
            Out::Stdout(out) => out.write(bytes)?,
            Out::File(out) => out.write(bytes)?,
        };
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::Stdout(out) => out.flush(),
            Out::File(out) => out.flush(),
        }
    }
}

/// Gives a batch in parts of a bounded number of spans.
fn in_parts(batch: &SpanBatch, mut write: impl FnMut(&SpanBatch) -> io::Result<()>) -> io::Result<()> {
    if batch.len() <= SPANS_MAX {
        return write(batch);
    }
    for first in (0..batch.len()).step_by(SPANS_MAX) {
        let last = batch.len().min(first + SPANS_MAX);
        let mut builder = BatchBuilder::new();
        builder.append((first..last).map(|row| batch.span(row))).map_err(io::Error::other)?;
        write(&builder.finish())?;
    }
    Ok(())
}

/// A reader that went away, as `head` does, has what it wanted.
fn is_reader_gone(error: io::Error) -> anyhow::Result<bool> {
    match error.kind() {
        ErrorKind::BrokenPipe => Ok(false),
        _ => Err(error).context("writing the export"),
    }
}
