//! Waiting for another process, without a clock: so many looks, with a pause between them.

use std::thread;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(50);
/// Half a minute of pauses for what should be there at once: machines that run these tests may be busy.
const LOOKS: usize = 600;
/// A broker is hundreds of files and a just-in-time compiler before it takes its first connection.
const LOOKS_AT_BROKER: usize = 3_000;

/// Looks until `look` sees something; panics with `what` when it never does.
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait(LOOKS, what, look)
}

/// Looks until a broker is there; panics with `what` when it never is.
pub(crate) fn until_broker<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait(LOOKS_AT_BROKER, what, look)
}

fn wait<T>(looks: usize, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..looks {
        if let Some(seen) = look() {
            return seen;
        }
        thread::sleep(PAUSE);
    }
    panic!("waited in vain until {what}");
}
