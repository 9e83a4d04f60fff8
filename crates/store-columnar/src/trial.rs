//! Where and when tests keep their spans.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use span::UnixNanos;

use crate::config::{Config, Limits, Now, Retention};

/// A clock that stands until it is set.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn set(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Now {
        let time = self.0.clone();
        Arc::new(move || UnixNanos(time.load(Ordering::Relaxed)))
    }
}

/// Where tests on a simulated disk keep their data.
pub(crate) fn root() -> PathBuf {
    PathBuf::from("/data")
}

/// A config for tests: small log files, everything kept.
pub(crate) fn config(directory: &Path, clock: &Clock) -> Config {
    Config {
        directory: directory.to_owned(),
        process_id: 7,
        now: clock.now(),
        retention: Retention { age: None, bytes: None },
        spared: |_| false,
        limits: Limits { wal_file_bytes: 12 << 10, ..Limits::default() },
    }
}
