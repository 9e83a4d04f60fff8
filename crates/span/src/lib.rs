//! The words everybody speaks: ids, time, values, batches of spans, traces.
//!
//! A [`SpanBatch`] is the one unit that is passed on: decoders fill it through a [`BatchBuilder`],
//! stages read it, engines keep it, readers hand a [`Trace`] (a batch of one trace) back. It is flat:
//! rows of fixed size that point by offset into one text arena, so a span costs no allocation and a
//! batch can be walked, copied and dropped at the speed of memory.
//!
//! Deliberately absent: I/O, async, clocks, and any protocol's messages.

#![forbid(unsafe_code)]

#[cfg(feature = "proptest")]
pub mod arbitrary;
mod batch;
mod batch_builder;
mod kind;
pub mod naming;
mod row;
mod source;
mod tenant;
mod text;
pub mod text_form;
mod time;
mod trace;
mod value;

pub use batch::{EventRef, LinkRef, ResourceRef, ScopeRef, SpanBatch, SpanRef};
pub use batch_builder::{BatchBuilder, BatchFull};
pub use kind::{SpanKind, StatusCode};
pub use row::{AttributeRow, EventRow, LinkRow, ResourceRow, Rows, ScopeRow, SpanRow};
pub use source::{Encoding, Source, SourceFormat};
pub use tenant::{Tenant, TenantError};
pub use text::Text;
pub use time::{DurationNanos, UnixNanos};
pub use trace::{Trace, TraceKey};
pub use tracewell_context::{ParseIdError, SpanId, TraceId};
pub use value::{DEPTH_MAX, Packed, PackedList, PackedMap, PackedWriter, Value, ValueRef};

/// The most bytes of text that one batch holds: the largest request after decompression that any
/// receiver lets in (64 MiB), and as much again for what a decoder writes beside it. Offsets are 31
/// bits, so this must stay below 2 GiB.
pub const BATCH_BYTES_MAX: usize = 128 << 20;
