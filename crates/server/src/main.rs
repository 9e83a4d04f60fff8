//! The binary tracewell: one process that receives, keeps and finds traces, and the commands beside it.
//!
//! Parse the command line, put the configuration together, build the parts, spawn them, drain them at the
//! end. Logic lives in the rooms below; here is what joins them: [`engines`] is the only file that names
//! an engine, [`serve`] says which room stands behind which listener.

#![forbid(unsafe_code)]

mod ask;
mod cli;
mod clock;
mod config;
mod doctor;
mod doors;
mod engines;
mod exposition;
mod find;
mod generate;
mod health;
mod health_probe;
mod log;
mod process;
mod report;
mod serve;
mod show;
mod telemetry;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, SettingFlags};
use crate::config::{Config, ConfigError, ConfigErrors, Sources, take_jaeger_flags};

fn main() -> ExitCode {
    let (arguments, jaeger_flags) =
        take_jaeger_flags(std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect());
    let cli = Cli::parse_from(arguments);
    match run(cli, jaeger_flags) {
        Ok(code) => code,
        Err(error) => {
            // Nobody reads a closed standard error.
            let _ = writeln!(std::io::stderr(), "tracewell: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, jaeger_flags: Vec<(String, String)>) -> anyhow::Result<ExitCode> {
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(flags) => {
            let (config, notices) = configure(flags, jaeger_flags)?;
            log::begin(&config.log);
            serve::run(&config, &notices)?;
        }
        Command::Validate(flags) => {
            let (config, notices) = configure(flags, jaeger_flags)?;
            serve::check_strategies(&config)?;
            let notices = notices.into_iter().map(|notice| format!("note: {notice}\n")).collect::<String>();
            say(&format!("{notices}the configuration is good"));
        }
        Command::Generate(generate) => return generate::run(generate),
        Command::Get(get) => return find::get(&get),
        Command::Search(search) => return find::search(&search),
        Command::Doctor(doctor) => {
            let (config, _) = configure(doctor.settings, jaeger_flags)?;
            return doctor::run(&config, doctor.url);
        }
        Command::Health(health) => {
            return health_probe::run(health, || configure(SettingFlags::default(), Vec::new()));
        }
        Command::Version => say(concat!("tracewell ", env!("CARGO_PKG_VERSION"))),
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts the configuration together from everything that there is.
fn configure(
    flags: SettingFlags,
    jaeger_flags: Vec<(String, String)>,
) -> Result<(Config, Vec<String>), ConfigErrors> {
    let text = |word: std::ffi::OsString| word.to_string_lossy().into_owned();
    let mut sources = Sources {
        flags: flags.given,
        jaeger_flags,
        environment: std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect(),
        file: None,
    };
    let mut unread = None;
    if let Some(path) = flags.config {
        let name = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => sources.file = Some((name, text)),
            Err(error) => unread = Some(ConfigError::File { name, why: error.to_string() }),
        }
    }
    match (Config::of(&sources), unread) {
        (configured, None) => configured,
        (Ok(_), Some(unread)) => Err(ConfigErrors(vec![unread])),
        (Err(ConfigErrors(mut errors)), Some(unread)) => {
            errors.insert(0, unread);
            Err(ConfigErrors(errors))
        }
    }
}

fn say(text: &str) {
    // Nobody reads a closed standard output.
    let _ = writeln!(std::io::stdout(), "{text}");
}
