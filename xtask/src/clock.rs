//! The only clock of the runner: how long something took.

use std::time::{Duration, Instant};

/// Does `work` and says how long it took.
#[expect(clippy::disallowed_methods, reason = "a runner reports the seconds of what it runs")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
