//! Measurements: ingest, disk, memory, queries, with a peer beside them where one is given.
//!
//! The machine is noisy, so what counts is the server's CPU time and medians; wall time is told where a
//! person would wait. Every row carries the load's own measures, because a number without its load
//! says nothing.
//!
//! ```text
//! cargo build --release
//! cargo run -p bench --release -- ingest --spans 1000000
//! cargo run -p bench --release -- store --spans 5000000 --json rows.json
//! cargo run -p bench --release -- kept load --spans 10000000 --data target/kept
//! cargo run -p bench --release -- kept busy --data target/kept
//! cargo run -p bench --release -- floor
//! cargo run -p bench --release -- ui
//! cargo run -p bench --release --features sdk -- sdk
//! cargo run -p bench --release -- peer --otlp-http 127.0.0.1:4318 --otlp-grpc 127.0.0.1:4317 \
//!     --query 127.0.0.1:16686 --pid 4711 --spans 500000
//! ```

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

mod browser;
mod client;
mod clock;
mod compacted;
mod figures;
mod floor;
mod ingest;
mod kept;
mod known;
mod load;
mod loaded;
mod process;
mod questions;
mod row;
#[cfg(feature = "sdk")]
mod sdk;
mod send;
mod target;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};
use span::Encoding;

use crate::process::Process;
use crate::row::Row;
use crate::send::Transport;
use crate::target::{Ours, Target};

/// Measures a server: what it takes, keeps and finds, and at what cost.
#[derive(Debug, Parser)]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Ingest over HTTP and gRPC, plain and compressed, each on a fresh server.
    Ingest(Options),
    /// Load once, then disk, memory, restart, queries and figures.
    Store(Options),
    /// One measurement over a directory that is kept between them; `load` makes it.
    Kept {
        /// Which measurement.
        step: Step,
        #[command(flatten)]
        options: Options,
    },
    /// Figures and completion alone, over the directory of a stopped server.
    Figures {
        /// The directory.
        data: PathBuf,
        /// Also write the rows as JSON lines.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// The same load and questions against our server and another one, as ratios.
    Peer(PeerOptions),
    /// What a span costs a service, ours and its peers'.
    #[cfg(feature = "sdk")]
    Sdk {
        /// Only rows whose name has this in it.
        #[arg(long)]
        only: Option<String>,
        /// Also write the rows as JSON lines.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// One kit, in this process; `sdk` calls it.
    #[cfg(feature = "sdk")]
    #[command(hide = true)]
    SdkKit {
        /// Which kit.
        kit: String,
        /// How it is set up.
        mode: String,
        /// What is recorded.
        shape: String,
    },
    /// What large traces cost a browser; needs node and Chromium. Fails at twice a bar.
    Ui {
        /// The server's release binary.
        #[arg(long, default_value = "target/release/tracewell")]
        binary: PathBuf,
        /// Also write the rows as JSON lines.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// What redaction and propagation cost, without a server.
    Floor {
        /// Also write the rows as JSON lines.
        #[arg(long)]
        json: Option<PathBuf>,
    },
}

/// What is measured over a directory that is kept.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Step {
    /// Load it, and what it weighs then.
    Load,
    /// Join its hours.
    Compact,
    /// All questions, at rest.
    Questions,
    /// All questions, while spans arrive; the directory stays as it is.
    Busy,
    /// Traces by id that no cache has.
    Cold,
    /// Figures and completion.
    Figures,
}

#[derive(Debug, Args)]
struct Options {
    /// How many spans to send, in each measurement.
    #[arg(long, default_value_t = 1_000_000)]
    spans: u64,
    /// The seed of the load.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// The server's release binary.
    #[arg(long, default_value = "target/release/tracewell")]
    binary: PathBuf,
    /// Where the server keeps its data; a temporary folder unless told. It must not exist.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Also write the rows as JSON lines.
    #[arg(long)]
    json: Option<PathBuf>,
    /// More arguments for the server.
    #[arg(last = true)]
    more: Vec<String>,
}

#[derive(Debug, Args)]
struct PeerOptions {
    #[command(flatten)]
    ours: Options,
    /// The peer's OTLP over HTTP.
    #[arg(long)]
    otlp_http: SocketAddr,
    /// The peer's OTLP over gRPC.
    #[arg(long)]
    otlp_grpc: SocketAddr,
    /// The peer's Jaeger query API.
    #[arg(long)]
    query: SocketAddr,
    /// The peer's process.
    #[arg(long)]
    pid: u32,
}

/// All ways to bring the same spans.
const WAYS: [(Transport, Encoding); 6] = [
    (Transport::Http, Encoding::Identity),
    (Transport::Http, Encoding::Zstd),
    (Transport::Http, Encoding::Gzip),
    (Transport::Grpc, Encoding::Identity),
    (Transport::Grpc, Encoding::Zstd),
    (Transport::Grpc, Encoding::Gzip),
];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    match Command::parse().what {
        What::Ingest(options) => row::report(&ingest_rows(&options).await?, options.json.as_deref()),
        What::Store(options) => row::report(&store_rows(&options).await?, options.json.as_deref()),
        #[cfg(feature = "sdk")]
        What::Sdk { only, json } => row::report(&sdk::measure(only.as_deref())?, json.as_deref()),
        #[cfg(feature = "sdk")]
        What::SdkKit { kit, mode, shape } => sdk::run_kit(&kit, &mode, &shape),
        What::Peer(options) => {
            let target = Target {
                otlp_http: options.otlp_http,
                otlp_grpc: options.otlp_grpc,
                query: options.query,
                process: Process(options.pid),
                is_peer: true,
            };
            let (theirs, _) = loaded::measure(&target, options.ours.spans, options.ours.seed).await?;
            let ours = store_rows(&options.ours).await?;
            row::report(&row::beside(ours, &theirs), options.ours.json.as_deref())
        }
        What::Kept { step, options } => {
            row::report(&kept_rows(step, &options).await?, options.json.as_deref())
        }
        What::Figures { data, json } => row::report(&figures::measure(&data)?, json.as_deref()),
        What::Ui { binary, json } => {
            let (rows, ended_well) = browser::measure(&binary)?;
            row::report(&rows, json.as_deref())?;
            ensure!(ended_well, "a row is beyond twice its bar, or the page did not do what it must");
            Ok(())
        }
        What::Floor { json } => row::report(&floor::measure(), json.as_deref()),
    }
}

async fn ingest_rows(options: &Options) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (transport, encoding) in WAYS {
        let folder = Folder::of(options)?;
        let ours = Ours::start(&options.binary, folder.path(), &more(options))?;
        rows.extend(ingest::measure(&ours.target, transport, encoding, options.spans, options.seed).await?.0);
        ours.stop()?;
    }
    Ok(rows)
}

async fn store_rows(options: &Options) -> anyhow::Result<Vec<Row>> {
    let folder = Folder::of(options)?;
    let start = |data: &Path| Ours::start(&options.binary, data, &more(options));
    let ours = start(folder.path())?;
    let (mut rows, known) = loaded::measure(&ours.target, options.spans, options.seed).await?;
    ours.stop()?;
    rows.push(loaded::disk(folder.path(), known.spans)?);
    rows.extend(figures::measure(folder.path())?);
    rows.extend(compacted::measure(folder.path(), known.spans).await?);
    rows.extend(kept::at_rest(start, folder.path(), &known).await?);
    rows.extend(kept::busy(start, folder.path(), &known).await?);
    rows.extend(kept::cold(start, folder.path(), &known).await?);
    Ok(rows)
}

async fn kept_rows(step: Step, options: &Options) -> anyhow::Result<Vec<Row>> {
    let data = options.data.as_deref().context("--data says what is kept")?;
    let start = |data: &Path| Ours::start(&options.binary, data, &more(options));
    if matches!(step, Step::Load) {
        ensure!(!data.exists(), "{} exists; a load begins with an empty folder", data.display());
        let ours = start(data)?;
        let (mut rows, known) = loaded::load(&ours.target, options.spans, options.seed).await?;
        ours.stop()?;
        known.write(data)?;
        rows.push(loaded::disk(data, known.spans)?);
        return Ok(rows);
    }
    let known = known::Known::read(data)?;
    match step {
        Step::Load => unreachable!("it is done above"),
        Step::Compact => compacted::measure(data, known.spans).await,
        Step::Questions => kept::at_rest(start, data, &known).await,
        Step::Busy => kept::busy(start, data, &known).await,
        Step::Cold => kept::cold(start, data, &known).await,
        Step::Figures => figures::measure(data),
    }
}

fn more(options: &Options) -> Vec<&str> {
    options.more.iter().map(String::as_str).collect()
}

/// Where a server keeps its data: removed afterwards unless the user named it.
enum Folder {
    Ours(tempfile::TempDir),
    Theirs(PathBuf),
}

impl Folder {
    fn of(options: &Options) -> anyhow::Result<Self> {
        let Some(path) = &options.data else {
            // Beside the binary, because a temporary folder is often memory, which syncs for free.
            let beside = options.binary.parent().unwrap_or_else(|| Path::new("."));
            return Ok(Self::Ours(tempfile::tempdir_in(beside).context("cannot make a data folder")?));
        };
        ensure!(!path.exists(), "{} exists; measurements begin with an empty folder", path.display());
        Ok(Self::Theirs(path.clone()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Ours(folder) => folder.path(),
            Self::Theirs(path) => path,
        }
    }
}
