//! What an engine does, one step at a time and without threads.
//!
//! Each step is a function over what the store holds ([`crate::hold::Hold`]), a disk and a time, both
//! given from outside. Threads call them in one file; simulations call them in an order of their own.
//!
//! | step | sync points, in order |
//! |---|---|
//! | [`commit`] | log file |
//! | [`freeze`] | segment file, segment folder, manifest; then the log's files are let go |
//! | [`compact`] | segment file, segment folder, manifest; then the joined files are removed |
//! | [`retain`] | manifest; then files are removed |
//! | [`recover`] | log folder, log files, manifest |

pub(crate) mod close;
pub(crate) mod commit;
pub(crate) mod compact;
pub(crate) mod freeze;
mod put;
pub(crate) mod recover;
pub(crate) mod retain;
mod shelve;
#[cfg(test)]
mod tests;
