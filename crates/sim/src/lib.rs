//! The embedded engine over a disk and a clock that fail, checked against the engine in memory.
//!
//! A *seed* gives a [`Plan`]: the engine's sizes, and a list of steps (writes, freezes, retention, reads,
//! crashes, faults that wait for a disk call). A run does the steps one after the other, without
//! threads, on a simulated disk and under a simulated clock, so the same seed is the same run to the
//! last byte. After each start, and in between, everything is read and compared:
//!
//! * every acknowledged span is there exactly once, unless retention may have forgotten it;
//! * what was refused or interrupted came whole or not at all, and once it was seen it stays;
//! * nothing else is there, and every span is what was sent;
//! * listings, searches, pages, lists of services are those of the engine in memory;
//! * flipped bits cost what `verify` said they may cost, and never a start;
//! * an error has a cause: a fault that struck, a disk that is full. A start without one succeeds.
//!
//! A run that fails is made small: the shortest list of steps that still fails is what is reported.

#![forbid(unsafe_code)]

mod campaign;
mod check;
mod content;
mod fingerprint;
mod model;
mod plan;
mod rot;
mod run;
mod shrink;

pub use campaign::{Campaign, campaign};
pub use plan::{Content, Parcel, Plan, Shape, Step, Trouble};
pub use run::{Failure, Report, run};
pub use shrink::shrink;
