//! The shop: a seeded world of thirteen services, and senders that bring its traces to a server.
//!
//! A [`World`] is a seed and a few settings; [`World::requests`] gives what its pods export, as batches.
//! The same seed gives the same bytes on every machine, so measurements and tests speak of one load. It
//! is built to be as hard as the real thing where storage feels it: ids are random bits, users and orders
//! have real cardinalities, traces interleave, some are slow, some fail, some are huge.
//!
//! Deliberately absent: measuring, and the clock; when the world begins is said by its caller.

#![forbid(unsafe_code)]

mod attributes;
pub mod call;
mod dice;
mod draft;
mod failure;
mod operation;
mod protocol;
mod scope;
mod send;
mod service;
mod story;
mod visit;
mod world;

pub use protocol::{NoProtocol, Protocol};
pub use send::{Due, Load, Message, SendError, Tally, Verdict, messages, send};
pub use world::{Requests, SPANS_PER_TRACE, TRACES_PER_SECOND, World};
