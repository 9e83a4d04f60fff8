//! Binds addresses and serves HTTP/1.1 and h2c on one port, within limits, until drained.

#![forbid(unsafe_code)]
