//! What ties an open span to others: the trail of its trace, the cell by which it may be folded.

use std::sync::Arc;

use crate::engine::Engine;
use crate::fold;
use crate::trail::Trail;

/// What ties an open span to others; only where traces are kept or spans folded.
#[derive(Debug)]
pub(crate) struct Ties {
    engine: Arc<Engine>,
    pub(crate) trail: Option<Arc<Trail>>,
    pub(crate) is_root: bool,
    pub(crate) cell: Option<Arc<fold::Cell>>,
}

impl Ties {
    pub(crate) fn new(engine: &Arc<Engine>) -> Self {
        Self { engine: Arc::clone(engine), trail: None, is_root: false, cell: None }
    }

    /// Follows a trail, which ends with its roots.
    pub(crate) fn follow(&mut self, trail: Arc<Trail>, is_root: bool) {
        self.trail = Some(trail);
        self.is_root = is_root;
    }
}

impl Drop for Ties {
    /// However a span ends, nobody waits for it any longer.
    fn drop(&mut self) {
        if let Some(cell) = self.cell.take() {
            let _ = fold::end(&cell, false, 0);
        }
        if let (Some(trails), Some(trail), true) = (&self.engine.trails, &self.trail, self.is_root) {
            trails.end_root(trail);
        }
    }
}
