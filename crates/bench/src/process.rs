//! What the system says about a process: CPU, memory, and whether it has come to rest.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use crate::clock::Stopwatch;

/// Jiffies a second in `/proc`; Linux has reported 100 to user space on every architecture for decades.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process under measurement, by its id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Returns the CPU seconds, user and system, that it has used.
    pub(crate) fn cpu_seconds(self) -> anyhow::Result<f64> {
        let path = format!("/proc/{}/stat", self.0);
        let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        // The name in parentheses may hold spaces; fields are counted from behind it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).ok_or_else(|| anyhow!("{path} has too few fields"))?;
        Ok((user + system) / TICKS_PER_SECOND)
    }

    /// Returns its resident memory in MiB: what it holds now, and its peak.
    pub(crate) fn memory_mib(self) -> anyhow::Result<(f64, f64)> {
        let path = format!("/proc/{}/status", self.0);
        let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let kib = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        };
        let (now, peak) =
            kib("VmRSS:").zip(kib("VmHWM:")).ok_or_else(|| anyhow!("{path} names no memory"))?;
        Ok((now / 1024.0, peak / 1024.0))
    }

    /// Waits until it uses less than 2 % of a core for a second, at most `limit`. What runs on behind
    /// an acknowledgement (freezing, compaction) belongs to the cost of what was acknowledged.
    pub(crate) async fn settle(self, limit: Duration) -> anyhow::Result<()> {
        let watch = Stopwatch::start();
        let mut before = self.cpu_seconds()?;
        while watch.read() < limit {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let after = self.cpu_seconds()?;
            if after - before < 0.02 {
                return Ok(());
            }
            before = after;
        }
        Ok(())
    }
}

/// Returns the bytes of all files below `folder`.
pub(crate) fn folder_bytes(folder: &std::path::Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.metadata()?;
        bytes += if kind.is_dir() { folder_bytes(&entry.path())? } else { kind.len() };
    }
    Ok(bytes)
}
