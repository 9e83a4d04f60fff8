//! Every way in, as its clients see it: what is sent, what is stored, what is answered.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod house;
mod jaeger;
mod otlp;
mod sampling;
mod served;
mod siege;
mod zipkin;
