//! What questions need to know of what was loaded. It lies beside a directory that is kept, in a file of the same
//! name with `.facts` behind it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use span::{TraceId, UnixNanos};

use crate::load::Facts;

/// What is known of a load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    /// How many spans.
    pub(crate) spans: u64,
    /// Some of the ids.
    ids: Vec<String>,
    /// The earliest and the latest start of a span, in nanoseconds.
    window: (u64, u64),
}

impl Known {
    /// Notes what is known of a load.
    pub(crate) fn of(facts: &Facts) -> anyhow::Result<Self> {
        let window = facts.window.context("the load is empty")?;
        let ids = facts.known.iter().map(ToString::to_string).collect();
        Ok(Self { spans: facts.spans, ids, window: (window.0.0, window.1.0) })
    }

    /// Reads what was noted beside `data`.
    pub(crate) fn read(data: &Path) -> anyhow::Result<Self> {
        let path = beside(data);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Writes it beside `data`.
    pub(crate) fn write(&self, data: &Path) -> anyhow::Result<()> {
        Ok(fs::write(beside(data), serde_json::to_vec(self)?)?)
    }

    /// Returns ids that were loaded.
    pub(crate) fn ids(&self) -> anyhow::Result<Vec<TraceId>> {
        self.ids.iter().map(|id| id.parse().context("the facts name no id")).collect()
    }

    /// Returns when the spans lie.
    pub(crate) const fn window(&self) -> (UnixNanos, UnixNanos) {
        (UnixNanos(self.window.0), UnixNanos(self.window.1))
    }
}

fn beside(data: &Path) -> PathBuf {
    let mut path = data.as_os_str().to_owned();
    path.push(".facts");
    PathBuf::from(path)
}
