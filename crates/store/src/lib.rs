//! The contract between spans and the places that keep them.
//!
//! An engine is a [`TraceWriter`] (acked means durable and visible) and a [`TraceReader`] (whole traces,
//! newest first). Here also live the two things every engine is held against: [`MemoryStore`], the
//! reference that is short enough to be believed, and the `conformance` suite, which runs unchanged
//! against all of them.
//!
//! Deliberately absent: any engine's name, SQL, files, and every protocol's words but one: the tag
//! search that Jaeger's API made common ([`Predicate::tag`]).

#![forbid(unsafe_code)]

#[cfg(feature = "conformance")]
pub mod conformance;
mod contract;
mod error;
mod filter;
mod measure;
mod memory;
mod prefix;
mod scan;
mod search;
mod tag;

pub use contract::{Capabilities, Operation, TraceReader, TraceWriter, Write};
pub use error::StoreError;
pub use filter::{Predicate, SpanFilter, Within, failed, is_between};
pub use measure::{
    AttributeName, BUCKETS, Cell, Dimension, Durations, FigureCell, Figures, Label, LabelKind, Measure,
    Measured, NameTally, Panel, Steps, TRACES_COUNTED_MAX, Tally, bucket, bucket_least,
};
pub use memory::MemoryStore;
pub use prefix::TracePrefix;
pub use search::{Detail, Search, Stop, TraceCursor};
