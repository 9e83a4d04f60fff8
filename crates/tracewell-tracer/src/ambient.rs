//! What is current, where more than this engine knows.
//!
//! A library that speaks another API may have made a span inside ours, or around it, and only its own notion
//! of a current context knows. Whoever bridges to such an API says here whom to ask. Nobody is asked where
//! nobody said so; where no bridge is built in, nothing is left of the question.

#[cfg(feature = "otel-api-0_33")]
pub(crate) use asking::{follow, own_context, with_current};

#[cfg(not(feature = "otel-api-0_33"))]
pub(crate) use crate::local::with_current;

#[cfg(feature = "otel-api-0_33")]
mod asking {
    use std::sync::OnceLock;

    use tracewell_context::Context;

    use crate::local;

    /// Told the thread's own context, returns the one that lies inside it, if there is one.
    type Inner = fn(&Context) -> Option<Context>;

    static INNER: OnceLock<Inner> = OnceLock::new();

    /// Makes new spans, and all who ask what is current, follow another API's context where `inner` finds
    /// one inside the thread's own. The first one stays.
    pub(crate) fn follow(inner: Inner) {
        let _ = INNER.set(inner);
    }

    /// Returns the thread's own current context, whatever other APIs know.
    pub(crate) fn own_context() -> Context {
        local::with_current(Context::clone)
    }

    /// Calls `look` with the current context.
    #[inline]
    pub(crate) fn with_current<R>(look: impl FnOnce(&Context) -> R) -> R {
        match INNER.get() {
            None => local::with_current(look),
            Some(inner) => {
                // Asked while nothing is borrowed: the other API may do what it likes.
                let own = own_context();
                look(&inner(&own).unwrap_or(own))
            }
        }
    }
}
