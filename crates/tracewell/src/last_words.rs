//! What is said before the end: panics, and signals that end the process.
//!
//! The panic hook is on by default, because it changes nothing for the service: it notes what was said,
//! for the spans that the panic ends, writes a line of the log, and calls the hook that was there before.
//!
//! SIGTERM is another matter. Whoever handles it takes the default, which is to end, away from every
//! other part of the program; a service that drains its requests must not be ended below its feet. So
//! heeding it is a feature, and a word in code besides. A service that leaves `main` on SIGTERM needs
//! neither: the guard is dropped there and sends what is left.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::sync::Once;
use std::time::Duration;

use tracewell_tracer::{Tracer, note_panic};

use crate::exceptions;

static HOOKED: Once = Once::new();

/// How long the last flush may take where the process ends without dropping its guard.
const LAST_FLUSH: Duration = Duration::from_secs(5);

/// Heeds panics from now on, once for the process.
pub(crate) fn heed_panics(tracer: Tracer, log: bool) {
    HOOKED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let message = said(panic.payload());
            let mut details = panic.location().map(|at| format!("\nat {at}")).unwrap_or_default();
            let backtrace = Backtrace::capture();
            if backtrace.status() == BacktraceStatus::Captured {
                details.push_str(&format!("\n{backtrace}"));
            }
            note_panic(message, &details);
            if log {
                exceptions::fatal(message, &details);
            }
            before(panic);
            if cfg!(panic = "abort") {
                tracer.flush(LAST_FLUSH);
            }
        }));
    });
}

fn said(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref().copied()).unwrap_or("a value that is no text")
}

/// Sends what is left when SIGTERM or SIGINT comes, then lets the signal end the process.
#[cfg(feature = "signal")]
pub(crate) fn heed_signals(tracer: Tracer) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
    std::thread::Builder::new().name("tracewell-signal".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            tracer.flush(LAST_FLUSH);
            // It fails only for signals that do not end a process.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SpanStatus, span};

    #[test]
    fn panics_are_exceptions_of_the_spans_that_they_end() {
        let guard = tracewell_tracer::TracerBuilder::default()
            .start(tracewell_tracer::Capture::new().exporter())
            .unwrap();
        heed_panics(guard.tracer().clone(), false);
        let (_, recorded) = crate::testing::record(|| {
            let caught = std::panic::catch_unwind(|| {
                let outer = span("outer").start();
                let _inside = outer.enter();
                let inner = tracing::info_span!("inner");
                inner.in_scope(|| panic!("out of {}", "paper"));
            });
            assert!(caught.is_err());
            span("later").start().end();
        });
        let (inner, outer) = (recorded.span("inner"), recorded.span("outer"));
        for span in [&inner, &outer] {
            assert_eq!((span.status, span.status_message.as_str()), (SpanStatus::Error, "out of paper"));
        }
        let exception = inner.event("exception").unwrap();
        let said = |key: &str| {
            let found = exception.attributes.iter().find(|(known, _)| known == key);
            found.map(|(_, value)| format!("{value:?}")).unwrap()
        };
        assert!(said("exception.type").contains("panic"));
        assert!(said("exception.stacktrace").contains("last_words.rs"));
        assert!(outer.event("exception").is_none(), "it is told once");
        assert_eq!(recorded.span("later").status, SpanStatus::Unset);
    }
}
