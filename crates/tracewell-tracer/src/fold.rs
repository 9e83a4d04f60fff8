//! Folding: fast leaf spans become two numbers of their parent, `folded.count` and `folded.duration`.
//!
//! A span is folded when it ends, and only where nobody can miss it: it was fast, went well, has no
//! event and no link, began no child, its ids were handed to nobody (no `context`, `current`, `inject`
//! or log line saw them), and its parent is still open here. All of that is known by the span's cell,
//! which children find by the parent's id; a lock on each cell makes "no child began" and "it is
//! folded" exclude each other, so no child is ever left without its parent.
//!
//! Nothing of this is paid while no tracer folds.

mod leaf;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::thread::ThreadId;
use std::time::Duration;

use tracewell_context::{SpanContext, SpanId};

use crate::fork;
use crate::sampling::Pattern;
use leaf::Leaf;

pub(crate) use leaf::Folded;

const SHARDS: usize = 16;

/// Which spans are folded into their parents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanFilter {
    faster_than: Duration,
    names: Vec<Pattern>,
}

impl SpanFilter {
    /// Folds leaf spans that took less than that.
    pub fn faster_than(limit: Duration) -> Self {
        Self { faster_than: limit, names: Vec::new() }
    }

    /// Folds only spans whose name fits, or fits another pattern given here; `*` stands for anything.
    #[must_use]
    pub fn named(mut self, pattern: &str) -> Self {
        self.names.push(Pattern::new(pattern));
        self
    }

    pub(crate) fn takes(&self, name: &str, took_ns: u64) -> bool {
        u128::from(took_ns) < self.faster_than.as_nanos()
            && (self.names.is_empty() || self.names.iter().any(|pattern| pattern.fits(name)))
    }
}

/// What is known of an open span where somebody folds.
#[derive(Debug)]
pub(crate) struct Cell {
    span_id: SpanId,
    /// Where it began.
    thread: ThreadId,
    leaf: Arc<Leaf>,
}

impl Cell {
    pub(crate) fn span_id(&self) -> SpanId {
        self.span_id
    }
}

/// The process in which the first of them began.
static HOME: AtomicU32 = AtomicU32::new(0);

/// Tracers that fold.
static FOLDING: AtomicUsize = AtomicUsize::new(0);

/// The cells of open spans. A context does not say whose tracer's it is, so all tracers share them.
static CELLS: LazyLock<[Shard; SHARDS]> = LazyLock::new(|| std::array::from_fn(|_| Mutex::default()));

/// The cells of some of them.
type Shard = Mutex<HashMap<SpanId, Arc<Cell>>>;

/// Says that a tracer folds, until it is dropped.
#[derive(Debug)]
pub(crate) struct Folding(pub(crate) SpanFilter);

impl Folding {
    pub(crate) fn new(filter: SpanFilter) -> Self {
        if FOLDING.fetch_add(1, Ordering::Relaxed) == 0 {
            HOME.store(fork::process(), Ordering::Relaxed);
        }
        Self(filter)
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        FOLDING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Notes that somebody learned a span's ids.
#[inline]
pub(crate) fn known(span: &SpanContext) {
    if FOLDING.load(Ordering::Relaxed) != 0 {
        note(span.span_id);
    }
}

#[cold]
fn note(span_id: SpanId) {
    if let Some(cell) = find(span_id) {
        cell.leaf.know();
    }
}

/// Notes that a span was entered by reference. On another thread than its own that scope may outlive it,
/// and what begins in it then is its child.
#[inline]
pub(crate) fn entered(span: &SpanContext) {
    if FOLDING.load(Ordering::Relaxed) != 0
        && find(span.span_id).is_some_and(|cell| cell.thread != std::thread::current().id())
    {
        note(span.span_id);
    }
}

fn find(span_id: SpanId) -> Option<Arc<Cell>> {
    lock(shard(span_id))?.get(&span_id).cloned()
}

/// Begins a span's cell; its parent, if it is open here, is known from now on.
pub(crate) fn begin(span_id: SpanId, parent_id: SpanId) -> Arc<Cell> {
    let parent = find(parent_id).filter(|parent| parent.leaf.know()).map(|parent| Arc::clone(&parent.leaf));
    let leaf = Arc::new(Leaf::new(parent, HOME.load(Ordering::Relaxed)));
    let cell = Arc::new(Cell { span_id, thread: std::thread::current().id(), leaf });
    if let Some(mut cells) = lock(shard(span_id)) {
        cells.insert(span_id, Arc::clone(&cell));
    }
    cell
}

/// Ends a span; see [`Leaf::end`].
pub(crate) fn end(cell: &Cell, may: bool, took_ns: u64) -> Result<(u64, u64), Folded> {
    if let Some(mut cells) = lock(shard(cell.span_id)) {
        cells.remove(&cell.span_id);
    }
    cell.leaf.end(may, took_ns)
}

fn shard(span_id: SpanId) -> &'static Shard {
    &CELLS[span_id.to_u64() as usize % SHARDS]
}

fn lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    fork::lock(mutex, HOME.load(Ordering::Relaxed))
}
