//! `tracewell health`: one question to a running server, answered by the exit code.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use listen::Address;
use shop::call::{Connection, Endpoint, Version};

use crate::cli::Health;
use crate::config::{Config, ConfigErrors, Listener};

/// Container runtimes wait about as long.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// Asks, says what was answered, and returns 0 when the server is well.
pub(crate) fn run(
    health: Health,
    configure: impl FnOnce() -> Result<(Config, Vec<String>), ConfigErrors>,
) -> anyhow::Result<ExitCode> {
    let authority = match health.url {
        Some(endpoint) => endpoint.authority(Listener::Health.port()),
        None => {
            let (config, _) = configure()?;
            let address =
                config.address(Listener::Health).context("the health listener is off here; give --url")?;
            reachable(address)
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(Connection::new(authority, Version::One).get("/status", ANSWER_TIME))?;
    // Nobody reads a closed standard output.
    let _ = writeln!(std::io::stdout(), "{}", String::from_utf8_lossy(&answer.body).trim());
    Ok(if answer.status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns where a client on this machine finds a listener.
pub(crate) fn reachable(address: Address) -> String {
    match address {
        Address::One(address) => address.to_string(),
        Address::Loopback(port) | Address::Every(port) => {
            Endpoint { host: "localhost".to_owned(), port: Some(port), path: String::new() }.authority(port)
        }
    }
}
