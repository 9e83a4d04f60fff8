//! What readers see of a tenant: one value, swapped as a whole.
//!
//! A [`View`] names the head's watermark, the heads that are being frozen, and the segments. A commit
//! swaps in a new watermark; a freeze swaps a sealed head for its segment. A reader that has a view
//! keeps it as long as it likes, so it sees every span once, whatever is swapped meanwhile.
//!
//! Views are changed only by who holds the ingest lock, and read without it.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use span::Tenant;

use crate::manifest::SegmentLine;
use crate::part::Part;
use crate::segment::Segment;

/// One consistent state of one tenant's spans.
#[derive(Clone, Default)]
pub(crate) struct View {
    /// The head up to what is durable. `None` where nothing came since it was sealed last.
    pub(crate) head: Option<Arc<dyn Part>>,
    /// Heads that take no more, by generation, until their segments are listed.
    pub(crate) sealed: Vec<(u64, Arc<dyn Part>)>,
    /// The segments, by age.
    pub(crate) segments: Arc<Vec<Arc<Shelved>>>,
}

/// A segment that can be read.
pub(crate) struct Shelved {
    /// What the manifest says of it.
    pub(crate) line: SegmentLine,
    /// Its spans.
    pub(crate) part: Arc<dyn Part>,
    /// How many bytes its tables take, the dictionary apart: a merge holds in memory what they say.
    pub(crate) tables_bytes: u64,
}

/// The views of all tenants.
#[derive(Default)]
pub(crate) struct Views(RwLock<BTreeMap<Tenant, Arc<View>>>);

impl Shelved {
    pub(crate) fn new(line: SegmentLine, segment: Arc<Segment>) -> Self {
        let tables_bytes = segment.tables_bytes();
        Self { line, part: segment, tables_bytes }
    }
}

impl View {
    /// Returns all that can be read, newest arrivals first.
    pub(crate) fn parts(&self) -> Vec<Arc<dyn Part>> {
        let sealed = self.sealed.iter().rev().map(|(_, part)| part);
        let segments = self.segments.iter().rev().map(|shelved| &shelved.part);
        self.head.iter().chain(sealed).chain(segments).cloned().collect()
    }
}

impl Views {
    /// Returns what can be read of a tenant now.
    pub(crate) fn of(&self, tenant: &Tenant) -> Option<Arc<View>> {
        self.0.read().expect("no code panics while it holds the views").get(tenant).cloned()
    }

    /// Returns all tenants with what can be read of them.
    pub(crate) fn all(&self) -> Vec<(Tenant, Arc<View>)> {
        let views = self.0.read().expect("no code panics while it holds the views");
        views.iter().map(|(tenant, view)| (tenant.clone(), view.clone())).collect()
    }

    /// Swaps in another view. The caller holds the ingest lock, so nobody else changes it meanwhile.
    pub(crate) fn change(&self, tenant: &Tenant, change: impl FnOnce(&mut View)) {
        let mut view = self.of(tenant).map(|view| (*view).clone()).unwrap_or_default();
        change(&mut view);
        let mut views = self.0.write().expect("no code panics while it holds the views");
        views.insert(tenant.clone(), Arc::new(view));
    }
}
