//! Pure judgements over spans: what belongs under what, what a trace amounts to, where its time went,
//! and who calls whom.
//!
//! Everything starts from a [`Tree`]: the spans of one trace with their parents resolved, whatever the
//! senders sent (missing parents, shared ids, cycles). On it stand [`TraceSummary`], [`CriticalPath`],
//! [`Findings`] and the fold of [`Dependencies`]. [`contrast`] tells what sets two groups of spans apart.
//!
//! All of them are linear in the spans, or n log n where they sort; none recurses, because a trace of a
//! million spans may be one chain. Deliberately absent: I/O, clocks, every API's words.

#![forbid(unsafe_code)]

mod contrast;
mod critical_path;
mod dependencies;
mod findings;
mod summary;
mod tree;

pub use contrast::{Portion, contrast};
pub use critical_path::{CriticalPath, Segment};
pub use dependencies::{Dependencies, Edge};
pub use findings::{Finding, FindingKind, Findings, Guilty, root_causes};
pub use summary::{ServiceSummary, TraceSummary};
pub use tree::Tree;
