//! Binds addresses and serves HTTP/1.1 and h2c on one port, within limits, until drained.
//!
//! The way of a process: [`Bound::tcp`] for every listener (all taken ports are known before any is served),
//! [`Listeners::serve`] for each with its service, [`Listeners::drain`] at the end. Datagram sockets are bound here
//! ([`BoundDatagrams`]) and read elsewhere, because reading them is the protocol's own.
//!
//! Whatever a client does, its connection costs a bounded time and a bounded memory: see [`Limits`]. A connection
//! that waits for us is never punished, one that makes us wait is closed. Other websites are kept out by [`Guard`].
//!
//! Deliberately absent: routes, bodies' sizes (they depend on the route), and TLS, which a later floor plan adds
//! between the socket and the version.

#![forbid(unsafe_code)]

mod address;
mod bind;
mod connection;
mod front;
mod guard;
mod limits;
mod listeners;
mod pulse;
mod request_body;
mod socket;
mod stall;
mod stats;
mod terms;

pub use address::{Address, NoAddress};
pub use bind::{BindError, Bound, BoundDatagrams, DATAGRAM_BUFFER_BYTES};
pub use guard::{Guard, Origins};
pub use limits::{HEADER_BYTES_MAX, Limits, URL_BYTES_MAX};
pub use listeners::Listeners;
pub use request_body::{BodyError, RequestBody};
pub use stats::{Counter, Stats};
