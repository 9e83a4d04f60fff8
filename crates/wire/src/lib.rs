//! Bytes to spans and back, for every protocol that clients speak.
//!
//! A decoder takes a whole message that has been received and decompressed within its limits, walks
//! it without building objects, and gives a [`Decoded`]: the spans that were good and the count of
//! those that were not. Only a message whose frame is broken is a [`DecodeError`]. Nothing here trusts
//! a length, recurses without a bound, panics on any input, or reads a clock.

#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

mod budget;
mod compress;
mod decoded;
mod inflate;
pub mod jaeger;
mod json_reader;
mod json_writer;
pub mod otlp;
mod proto_reader;
mod proto_writer;
mod scopes;
mod status_word;
mod thrift;
mod valid_text;
pub mod zipkin;

pub use compress::compress;
pub use decoded::{DecodeError, Decoded};
pub use inflate::{Inflater, inflate};
pub use valid_text::valid_text;
