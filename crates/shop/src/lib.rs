//! The seeded world: realistic traces and paced senders.

#![forbid(unsafe_code)]
