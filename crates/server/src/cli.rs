//! The command line: what can be asked of the program, and the help that teaches it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgMatches, Args, Command as ClapCommand, FromArgMatches, Parser, Subcommand, value_parser};
use shop::Protocol;
use shop::call::Endpoint;
use span::Tenant;

use crate::clock::Moment;
use crate::config::SETTINGS;

/// Receives every trace your services send, keeps it, and finds it again.
///
/// Without a command it serves: on the ports of Jaeger, OTLP and Zipkin, keeping spans in ./tracewell-data.
/// Point any client at it, open http://localhost:16686, done.
#[derive(Debug, Parser)]
#[command(
    name = "tracewell",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        tracewell                                       serve, reachable from this machine\n  \
        tracewell --listen 0.0.0.0                      serve, reachable from the network\n  \
        tracewell generate --requests 1000              send it the traces of a shop\n  \
        tracewell search --service checkout --errors    show what failed there\n  \
        tracewell doctor                                try every way in and out\n\n\
        Every setting is also an environment variable (--otlp-grpc is TRACEWELL_OTLP_GRPC) and a line of the file\n\
        given with --config. Jaeger's flags and variables are understood, too."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: SettingFlags,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve: receive spans, keep them, answer questions (the default)
    Serve(SettingFlags),
    /// Send realistic traces of a shop with thirteen services
    Generate(Generate),
    /// Print one trace as a tree, with the bottleneck marked
    Get(Get),
    /// Find traces and print them
    Search(Search),
    /// Send one marked trace through every listener, read it back, and say what to do about what failed
    Doctor(Doctor),
    /// Look into a stopped data directory, take traces out of it, put traces into it
    Store {
        #[command(subcommand)]
        command: Store,
    },
    /// Ask a running server whether it is well; the exit code is the answer
    Health(Health),
    /// Check the configuration and print all mistakes at once
    Validate(SettingFlags),
    /// Print the version
    Version,
}

/// The settings that were given as flags.
#[derive(Clone, Debug, Default)]
pub(crate) struct SettingFlags {
    /// The file.
    pub(crate) config: Option<PathBuf>,
    /// Keys and values.
    pub(crate) given: Vec<(&'static str, String)>,
}

/// `tracewell generate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tracewell generate                                            1,000 customers, as fast as the server takes them\n  \
    tracewell generate --rate 50 --requests 30000                 50 customers a second for ten minutes\n  \
    tracewell generate --protocol jaeger-compact                  the same as datagrams to 6831\n  \
    tracewell generate --endpoint http://other:4317               gRPC, as the port says")]
pub(crate) struct Generate {
    /// Requests of customers; each becomes one trace of about 24 spans
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) requests: u64,
    /// Calls at a time, each on its own connection
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = value_parser!(u16).range(1..=1_000))]
    pub(crate) concurrency: u16,
    /// Customers' requests a second, spread over time [default: as fast as they are taken]
    #[arg(long, value_name = "R", value_parser = positive)]
    pub(crate) rate: Option<f64>,
    /// The same seed gives the same traces
    #[arg(long, value_name = "S", default_value_t = 42)]
    pub(crate) seed: u64,
    /// Where to send [default: this machine, the protocol's own port]
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<Endpoint>,
    /// otlp-http, otlp-grpc, jaeger-compact, jaeger-binary, jaeger-http, jaeger-grpc or zipkin
    /// [default: what the endpoint's port says, else otlp-http]
    #[arg(long, value_name = "NAME")]
    pub(crate) protocol: Option<Protocol>,
    /// How bodies are compressed: none, gzip or zstd
    #[arg(long, value_name = "HOW", default_value = "none", value_parser = compression)]
    pub(crate) compression: span::Encoding,
    /// How long a refused request is tried again
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) patience: u64,
}

/// Which server a command asks.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The server to ask
    #[arg(long, value_name = "URL", env = "TRACEWELL_SERVER", default_value = "http://localhost:16686")]
    pub(crate) server: Endpoint,
}

/// `tracewell get`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The trace's id; its first 6 digits are enough
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// `tracewell search`.
#[derive(Debug, Args)]
#[command(after_help = "All conditions hold on one span.\n\nExamples:\n  \
    tracewell search --service payment --min-duration 200ms\n  \
    tracewell search --tag http.response.status_code=503 --since 1h --trees")]
pub(crate) struct Search {
    /// Only spans of this service
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Only spans of this operation
    #[arg(long, value_name = "NAME")]
    pub(crate) operation: Option<String>,
    /// Only spans with this attribute; may be given several times
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub(crate) tags: Vec<(String, String)>,
    /// Only spans that failed
    #[arg(long)]
    pub(crate) errors: bool,
    /// Only spans that took at least as long
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) min_duration: Option<Duration>,
    /// Only spans that took at most as long
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) max_duration: Option<Duration>,
    /// Only spans that began in the last such time
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    pub(crate) since: Duration,
    /// At most so many traces, newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u16).range(1..=1_500))]
    pub(crate) limit: u16,
    /// Print whole trees instead of one line for each trace
    #[arg(long)]
    pub(crate) trees: bool,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// `tracewell doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The server's query listener; the others are tried on the same host, at the ports of the settings
    /// given here [default: this machine]
    #[arg(long, value_name = "URL", env = "TRACEWELL_SERVER")]
    pub(crate) url: Option<Endpoint>,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

/// `tracewell store`.
#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Read every block of every segment, the list and the log; the exit code is 1 where something is damaged
    #[command(
        after_help = "Each damaged part comes with the spans that it may cost: how many, of which tenant, when they\n\
        began, and of which traces, where that can still be read. Nothing is changed; the server reads around\n\
        what is damaged.\n\n\
        Example:\n  tracewell store verify --data-dir /var/lib/tracewell"
    )]
    Verify(SettingFlags),
    /// Say what costs how many bytes: columns, attributes and tables of each tenant, the largest first
    #[command(after_help = "Examples:\n  \
        tracewell store stats --data-dir /var/lib/tracewell\n  \
        tracewell store stats --json | jq '.costs[0]'")]
    Stats(StoreStats),
    /// Write traces to a file, as OTLP, as Jaeger's JSON or as a table in Parquet
    #[command(
        after_help = "Traces come whole and newest first, one at a time in memory. Nothing is forgotten meanwhile, whatever the\n\
        retention is. What was done is said on standard error.\n\n\
        Formats:\n  \
        otlp        a TracesData in OTLP's JSON on each line, as the OpenTelemetry collector's file exporter writes it\n  \
        otlp-proto  the same as protobuf, each behind its length in 4 bytes, as that exporter writes it, too;\n              \
                    keeps even what JSON cannot say: text that is no UTF-8, fields that this version does not know\n  \
        jaeger      one document that Jaeger's page opens, with microseconds and Jaeger's five types of values\n  \
        parquet     a table with a row for each span, for DuckDB, pandas, Spark and the like; docs/parquet.md names\n              \
                    its columns, which say everything\n\n\
        Examples:\n  \
        tracewell store export --output traces.json                         everything\n  \
        tracewell store export --service checkout --since 24h | zstd > checkout.json.zst\n  \
        tracewell store export --since 2026-01-31 --until 2026-02-01T12:00:00Z\n  \
        tracewell store export --format jaeger --id 3f9a2c --output for-the-ticket.json\n  \
        tracewell store export --format parquet --since 7d --output week.parquet"
    )]
    Export(StoreExport),
    /// Read traces from files into the directory; the exit code is 1 where spans were rejected
    #[command(after_help = "What a file holds is told by its content:\n  \
        - OTLP in JSON: objects with resourceSpans, one on each line or in any other layout\n  \
        - OTLP in protobuf: one TracesData, or several, each behind its length in 4 bytes\n  \
        - Jaeger's JSON: what its page saves and /api/traces answers\n\n\
        Spans count as received now, so the retention of the server keeps them as long as new ones. A span that is\n\
        there already is not stored twice: what broke off can be imported again.\n\n\
        Examples:\n  \
        tracewell store import traces.json more.json\n  \
        zstdcat checkout.json.zst | tracewell store import -\n  \
        tracewell store import --tenant staging --data-dir /var/lib/tracewell traces-1234.json")]
    Import(StoreImport),
}

/// `tracewell store stats`.
#[derive(Debug, Args)]
pub(crate) struct StoreStats {
    /// Print JSON: an object with `bytes`, and `costs` of tenant, what, bytes and share
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

/// `tracewell store export`.
#[derive(Debug, Args)]
pub(crate) struct StoreExport {
    /// The file; - is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// What is written
    #[arg(long, value_name = "FORMAT", default_value = "otlp", hide_possible_values = true)]
    pub(crate) format: Format,
    /// Only traces with a span that began at this time or later: 24h (ago), 2026-01-31, 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Only traces with a span that began at this time or earlier, written likewise
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// Only traces with a span of this service; that span began in the time of --since and --until
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Only this trace; its first 6 digits are enough. May be given several times
    #[arg(long = "id", value_name = "ID", conflicts_with_all = ["since", "until", "service"])]
    pub(crate) ids: Vec<String>,
    /// Whose traces
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    pub(crate) tenant: Tenant,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

/// What an export writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// OTLP in JSON, a line for each trace.
    Otlp,
    /// OTLP in protobuf, each message behind its length.
    OtlpProto,
    /// One document in Jaeger's v1 JSON.
    Jaeger,
    /// A table with a row for each span.
    Parquet,
}

/// `tracewell store import`.
#[derive(Debug, Args)]
pub(crate) struct StoreImport {
    /// Files with traces; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Whose traces they become
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = tenant)]
    pub(crate) tenant: Tenant,
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

/// `tracewell health`.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// The address of the server's health listener [default: where this configuration has it]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Endpoint>,
}

impl Args for SettingFlags {
    fn augment_args(command: ClapCommand) -> ClapCommand {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .env("TRACEWELL_CONFIG")
            .value_parser(value_parser!(PathBuf))
            .help("Settings in YAML");
        let flags = SETTINGS.iter().map(|setting| {
            let flag: &'static str = setting.flag().leak();
            Arg::new(setting.key)
                .long(flag)
                .value_name(setting.value)
                .help(setting.help)
                .help_heading(setting.heading)
                .allow_hyphen_values(true)
        });
        command.arg(config).args(flags)
    }

    fn augment_args_for_update(command: ClapCommand) -> ClapCommand {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = SETTINGS.iter().filter_map(|setting| {
            let value: &String = matches.try_get_one(setting.key).ok().flatten()?;
            Some((setting.key, value.clone()))
        });
        Ok(Self { config: matches.get_one("config").cloned(), given: given.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "write a number".to_owned())?;
    if number.is_finite() && 0.0 < number { Ok(number) } else { Err("write a number above 0".to_owned()) }
}

fn time(text: &str) -> Result<Duration, String> {
    crate::config::duration(text)
}

fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| "write KEY=VALUE".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

fn tenant(text: &str) -> Result<Tenant, String> {
    Tenant::new(text).map_err(|error| error.to_string())
}

fn compression(text: &str) -> Result<span::Encoding, String> {
    match text {
        "none" | "identity" => Ok(span::Encoding::Identity),
        "gzip" => Ok(span::Encoding::Gzip),
        "zstd" => Ok(span::Encoding::Zstd),
        _ => Err("write none, gzip or zstd".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_of_settings_are_taken_with_and_without_serve() {
        for line in [&["tracewell", "--otlp-grpc", "off"][..], &["tracewell", "serve", "--otlp-grpc=off"]] {
            let cli = Cli::try_parse_from(line).unwrap();
            let flags = match cli.command {
                Some(Command::Serve(flags)) => flags,
                _ => cli.serve,
            };
            assert_eq!(flags.given, [("listen.otlp_grpc", "off".to_owned())]);
        }
    }
}
