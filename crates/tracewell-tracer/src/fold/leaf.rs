//! The state of a span that may be folded: "somebody knows it" and "it was folded" exclude each other.

use crate::fork;
use crate::sync::{Arc, Mutex};

/// A span that may be folded into its parent.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// The parent, if it is open here.
    parent: Option<Arc<Self>>,
    /// The process that it lives in.
    home: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    /// Somebody knows its ids: a child, a caller of `context`, a header, a log line.
    known: bool,
    count: u64,
    duration_ns: u64,
}

/// A span became a part of its parent.
#[derive(Debug)]
pub(crate) struct Folded;

impl Leaf {
    pub(crate) fn new(parent: Option<Arc<Self>>, home: u32) -> Self {
        Self { parent, home, state: Mutex::new(State::default()) }
    }

    /// Notes that somebody knows it; returns whether it is still open.
    pub(crate) fn know(&self) -> bool {
        fork::lock(&self.state, self.home).is_some_and(|mut state| {
            state.known = true;
            !state.ended
        })
    }

    /// Ends it. Returns that it was folded, or else what was folded into it: how often, how long. `may`
    /// says whether it is fast and plain enough.
    pub(crate) fn end(&self, may: bool, took_ns: u64) -> Result<(u64, u64), Folded> {
        let Some(mut state) = fork::lock(&self.state, self.home) else { return Ok((0, 0)) };
        state.ended = true;
        let own = (state.count, state.duration_ns);
        if !may || state.known {
            return Ok(own);
        }
        drop(state);
        let Some(parent) = &self.parent else { return Ok(own) };
        let Some(mut parent) = fork::lock(&parent.state, self.home) else { return Ok(own) };
        if parent.ended {
            return Ok(own);
        }
        parent.count += 1;
        parent.duration_ns = parent.duration_ns.saturating_add(took_ns);
        Err(Folded)
    }
}
