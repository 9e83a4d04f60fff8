//! Waiting for another process, without a clock: so many looks, with a pause between them.

use std::thread;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(50);
/// Two minutes of pauses: machines that run these tests may be busy, and a broker starts slowly on them.
const LOOKS: usize = 2_400;

/// Looks until `look` sees something; panics with `what` when it never does.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS {
        if let Some(seen) = look() {
            return seen;
        }
        thread::sleep(PAUSE);
    }
    panic!("waited in vain until {what}");
}
