//! Traces that were not sampled and may be kept all the same.
//!
//! The part of such a trace that runs in this process is a trail: its spans are recorded and wait here
//! until the part's root has ended. An error releases them at once and lets later ones through; a root
//! that took too long releases them at its end; otherwise they are forgotten. What waits is bounded:
//! beyond it, spans of trails are dropped and counted, and the trail goes on without them.
//!
//! Locks: the map, then a trail; nothing else is taken under either.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tracewell_context::TraceId;

use crate::fork;
use crate::sampling::Keep;

/// Maps, so that threads seldom meet.
const SHARDS: usize = 16;
/// Trails of one map at most; a trace that finds it full is not followed.
const TRAILS_MAX: usize = 4096;

/// All trails of a tracer.
#[derive(Debug)]
pub(crate) struct Trails {
    pub(crate) keep: Keep,
    home: u32,
    shards: [Mutex<HashMap<TraceId, Arc<Trail>>>; SHARDS],
    bytes: AtomicUsize,
    /// Spans that found no room.
    pub(crate) dropped: AtomicU64,
}

/// One trace's part in this process.
#[derive(Debug)]
pub(crate) struct Trail {
    trace_id: TraceId,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Its roots in this process that are open: a service may be called twice in one trace.
    roots: u32,
    outcome: Outcome,
    waiting: Waiting,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Outcome {
    #[default]
    Open,
    Kept(&'static str),
    Forgotten,
}

/// Finished spans that wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    bytes: Vec<u8>,
    /// Scope and end of each.
    spans: Vec<(u32, usize)>,
}

impl Waiting {
    /// Calls `visit` with scope and message of each.
    pub(crate) fn each(&self, mut visit: impl FnMut(u32, &[u8])) {
        let mut start = 0;
        for (scope, end) in &self.spans {
            visit(*scope, &self.bytes[start..*end]);
            start = *end;
        }
    }
}

/// What becomes of a span that ended.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It waits, or is forgotten.
    Nothing,
    /// It is sent, after those that waited for it.
    Send(Waiting),
}

impl Trails {
    pub(crate) fn new(keep: Keep) -> Self {
        Self {
            keep,
            home: fork::process(),
            shards: std::array::from_fn(|_| Mutex::default()),
            bytes: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Begins a trace's part in this process, or joins the part that has begun.
    pub(crate) fn begin(&self, trace_id: TraceId) -> Option<Arc<Trail>> {
        let mut shard = self.lock(self.shard(trace_id))?;
        if TRAILS_MAX <= shard.len() && !shard.contains_key(&trace_id) {
            return None;
        }
        let trail =
            shard.entry(trace_id).or_insert_with(|| Arc::new(Trail { trace_id, state: Mutex::default() }));
        self.lock(&trail.state)?.roots += 1;
        Some(Arc::clone(trail))
    }

    /// Finds the trail of a trace.
    pub(crate) fn find(&self, trace_id: TraceId) -> Option<Arc<Trail>> {
        self.lock(self.shard(trace_id))?.get(&trace_id).cloned()
    }

    /// Decides what becomes of a span that ended. `why` is why its trail is to be kept.
    pub(crate) fn end(&self, trail: &Trail, scope: u32, span: &[u8], why: Option<&'static str>) -> Fate {
        let Some(mut state) = self.lock(&trail.state) else { return Fate::Nothing };
        if let (Some(why), Outcome::Open) = (why, state.outcome) {
            state.outcome = Outcome::Kept(why);
        }
        match state.outcome {
            Outcome::Kept(_) => Fate::Send(self.release(&mut state)),
            Outcome::Forgotten => Fate::Nothing,
            Outcome::Open => {
                let before = self.bytes.fetch_add(span.len(), Ordering::Relaxed);
                if self.keep.bytes_max < before + span.len() {
                    self.bytes.fetch_sub(span.len(), Ordering::Relaxed);
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                } else {
                    state.waiting.bytes.extend_from_slice(span);
                    let end = state.waiting.bytes.len();
                    state.waiting.spans.push((scope, end));
                }
                Fate::Nothing
            }
        }
    }

    /// Ends a root of a trail, after [`Self::end`]; with the last one it is over.
    pub(crate) fn end_root(&self, trail: &Trail) {
        let Some(mut shard) = self.lock(self.shard(trail.trace_id)) else { return };
        let Some(mut state) = self.lock(&trail.state) else { return };
        state.roots = state.roots.saturating_sub(1);
        if 0 < state.roots {
            return;
        }
        shard.remove(&trail.trace_id);
        drop(shard);
        if state.outcome == Outcome::Open {
            state.outcome = Outcome::Forgotten;
            drop(self.release(&mut state));
        }
    }

    /// Returns why a trail is kept, if it is already.
    pub(crate) fn kept(&self, trail: &Trail) -> Option<&'static str> {
        if let Outcome::Kept(why) = self.lock(&trail.state)?.outcome { Some(why) } else { None }
    }

    fn lock<'a, T>(&self, mutex: &'a Mutex<T>) -> Option<MutexGuard<'a, T>> {
        fork::lock(mutex, self.home)
    }

    fn release(&self, state: &mut State) -> Waiting {
        let waiting = std::mem::take(&mut state.waiting);
        self.bytes.fetch_sub(waiting.bytes.len(), Ordering::Relaxed);
        waiting
    }

    fn shard(&self, trace_id: TraceId) -> &Mutex<HashMap<TraceId, Arc<Trail>>> {
        &self.shards[trace_id.low() as usize % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(fate: Fate) -> Option<usize> {
        let Fate::Send(waiting) = fate else { return None };
        let mut spans = 0;
        waiting.each(|_, span| spans += usize::from(!span.is_empty()));
        Some(spans)
    }

    #[test]
    fn what_waits_is_bounded_and_given_back() {
        let trails = Trails::new(Keep { bytes_max: 25, ..Keep::errors_and_slow() });
        let trail = trails.begin(TraceId::from_halves(1, 1)).unwrap();
        for _ in 0..4 {
            assert_eq!(sent(trails.end(&trail, 0, &[1; 10], None)), None);
        }
        assert_eq!(trails.dropped.load(Ordering::Relaxed), 2);
        assert_eq!(sent(trails.end(&trail, 0, &[1; 10], Some("error"))), Some(2));
        assert_eq!(trails.bytes.load(Ordering::Relaxed), 0);
        assert_eq!(sent(trails.end(&trail, 0, &[1; 10], None)), Some(0), "later ones go at once");
        trails.end_root(&trail);
        assert!(trails.find(TraceId::from_halves(1, 1)).is_none());
    }

    #[test]
    fn trail_ends_with_its_last_root() {
        let trails = Trails::new(Keep::errors_and_slow());
        let id = TraceId::from_halves(1, 2);
        let (first, second) = (trails.begin(id).unwrap(), trails.begin(id).unwrap());
        trails.end(&first, 0, &[1; 10], None);
        trails.end_root(&first);
        assert!(trails.find(id).is_some());
        trails.end_root(&second);
        assert!(trails.find(id).is_none());
        assert_eq!(trails.bytes.load(Ordering::Relaxed), 0);
        assert!(matches!(trails.end(&second, 0, &[1; 10], Some("error")), Fate::Nothing));
    }
}
