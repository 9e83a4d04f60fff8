//! The binary tracewell: one process that receives, keeps and finds traces, and the commands beside it.
//!
//! Parse the command line, put the configuration together, build the parts, spawn them, drain them at the
//! end. Logic lives in the rooms below; here is what joins them: [`engines`] is the only file that names
//! an engine, [`serve`] says which room stands behind which listener.

#![forbid(unsafe_code)]

mod allocator;
mod ask;
mod cli;
mod clock;
mod config;
mod doctor;
mod doors;
mod engines;
mod export;
mod exposition;
mod find;
mod generate;
mod health;
mod health_probe;
mod import;
mod log;
mod process;
mod progress;
mod report;
mod serve;
mod show;
mod stopped;
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
            let _ = writeln!(std::io::stderr(), "tracewell: {}", said_once(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, jaeger_flags: Vec<(String, String)>) -> anyhow::Result<ExitCode> {
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(flags) => {
            allocator::give_back();
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
        Command::Store { command } => {
            return stopped::run(command, |flags| configure(flags, jaeger_flags));
        }
        Command::Health(health) => {
            return health_probe::run(health, || configure(SettingFlags::default(), Vec::new()));
        }
        Command::Version => say(concat!("tracewell ", env!("CARGO_PKG_VERSION"))),
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes an error and its causes in one line. Many errors say their cause themselves.
fn said_once(error: &anyhow::Error) -> String {
    let mut whole = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if whole.is_empty() {
            whole = cause;
        } else if !whole.ends_with(&cause) {
            whole.push_str(": ");
            whole.push_str(&cause);
        }
    }
    whole
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_said_once() {
        let refused = || std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "refused");
        let error = anyhow::Error::new(refused()).context("cannot connect: refused").context("asking");
        assert_eq!(said_once(&error), "asking: cannot connect: refused");
        assert_eq!(said_once(&anyhow::Error::new(refused()).context("asking")), "asking: refused");
    }
}
