//! The standard library's, under a name of ours: what is modelled in `tests/loom.rs` takes loom's here.

pub(crate) use std::sync::{Arc, Mutex, atomic};
