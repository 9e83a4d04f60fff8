//! Panics, remembered until somebody records them.
//!
//! Whoever catches a panic has its payload, but no longer the place and the way there. The hook keeps
//! both for the thread, then calls the hook that was there before.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static LAST: RefCell<Option<Panicked>> = const { RefCell::new(None) };
}

/// A panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked {
    /// What it said.
    pub message: String,
    /// Where it began: file, line, column.
    pub location: String,
    /// The way there.
    pub backtrace: String,
}

/// Remembers panics from here on. The hook that was there is called as before.
pub fn watch_panics() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            remember(info);
            before(info);
        }));
    });
}

/// Returns the last panic of this thread, once.
pub fn last_panic() -> Option<Panicked> {
    LAST.try_with(|last| last.try_borrow_mut().ok()?.take()).ok().flatten()
}

fn remember(info: &PanicHookInfo<'_>) {
    let panicked = Panicked {
        message: info.payload_as_str().unwrap_or("a value that is no text").to_owned(),
        location: info.location().map(ToString::to_string).unwrap_or_default(),
        backtrace: Backtrace::force_capture().to_string(),
    };
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some(panicked)));
}
