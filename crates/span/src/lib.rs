//! The words everybody speaks: ids, time, values, batches of spans.

#![forbid(unsafe_code)]
