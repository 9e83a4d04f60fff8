//! One bounded door and what lies behind it.
//!
//! Receivers offer batches to the [`Intake`] and wait for their [`Receipt`]; the [`Flow`]'s threads take them in
//! groups, hand each group to the engine, and settle every receipt of it. So what a sender hears is what
//! the disk said, and everything between is bounded.
//!
//! What will look into spans on their way (redaction, metrics, issues, sampling) is called by the flow between
//! taking and writing, on whole batches.

#![forbid(unsafe_code)]

mod flow;
mod intake;
mod stats;

pub use flow::{Flow, GROUP_BYTES_MAX};
pub use intake::{Intake, NotStored, Offered, Receipt, Refused};
pub use stats::{Counter, Stats};
