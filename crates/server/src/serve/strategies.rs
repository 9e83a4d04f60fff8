//! The file of sampling strategies: read at start, and again when it changes.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use receive::{Sampling, Strategies};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// No file of strategies is longer.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

/// Reads the strategies as the operator configured them.
pub(super) fn load(config: &Config) -> anyhow::Result<Strategies> {
    let Some(path) = &config.sampling_file else {
        return Ok(Strategies::always(config.sampling_probability));
    };
    let strategies = read(path, config.sampling_probability)?;
    for warning in &strategies.warnings {
        tracing::warn!(file = %path.display(), warning, "sampling strategies");
    }
    Ok(strategies)
}

/// Looks at the file now and then until `stop`. A broken file leaves the strategies as they are.
pub(super) fn watch(config: &Config, sampling: Arc<Sampling>, stop: CancellationToken) {
    let (Some(path), false) = (config.sampling_file.clone(), config.sampling_reload.is_zero()) else {
        return;
    };
    let (probability, interval) = (config.sampling_probability, config.sampling_reload);
    let mut last = stamp(&path);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = stop.cancelled() => return,
            }
            let now = stamp(&path);
            if now == last {
                continue;
            }
            last = now;
            if now.is_none() {
                let file = path.display();
                tracing::warn!(%file, "the file of sampling strategies is gone; they stay as they were");
                continue;
            }
            match read(&path, probability) {
                Ok(strategies) => {
                    tracing::info!(file = %path.display(), "sampling strategies were read again");
                    sampling.replace(strategies);
                }
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "sampling strategies stay as they were");
                }
            }
        }
    });
}

fn read(path: &Path, probability: f64) -> anyhow::Result<Strategies> {
    let file = || format!("sampling strategies in {}", path.display());
    let bytes = fs::metadata(path).with_context(file)?.len();
    anyhow::ensure!(bytes <= FILE_BYTES_MAX, "{}: more than {FILE_BYTES_MAX} bytes", file());
    let text = fs::read_to_string(path).with_context(file)?;
    Strategies::parse(&text, probability).with_context(file)
}

fn stamp(path: &Path) -> Option<Stamp> {
    let file = fs::metadata(path).ok()?;
    Some(Stamp { modified: file.modified().ok(), bytes: file.len() })
}
