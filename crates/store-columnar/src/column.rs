//! How runs of values become bytes and come back: the codecs below a segment.
//!
//! A *column* of a row group is one run of numbers ([`Ints`]) or texts ([`Texts`]), or plain bytes of
//! fixed width. Each is at most two [`block`]s, checked and compressed by themselves, so that a
//! search can read what it compares with and leave the rest. Everything read is hostile: a [`Broken`]
//! says what does not fit, and nothing here panics on bytes from a disk.

pub(crate) mod block;
pub(crate) mod bytes;
pub(crate) mod hash;
pub(crate) mod ints;
pub(crate) mod log;
pub(crate) mod texts;

pub(crate) use bytes::{Broken, Take};
pub(crate) use ints::Ints;
pub(crate) use texts::{TextAt, Texts};

/// What a directory says of a column of one group, beside its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// How many values there are.
    pub(crate) count: u32,
    /// How the values are coded; each codec has its own numbers.
    pub(crate) coding: u8,
    /// The least value, for numbers.
    pub(crate) least: u64,
    /// How far the greatest lies above it.
    pub(crate) spread: u64,
    /// The lengths of the two blocks on disk; 0 for a block that is not there.
    pub(crate) lens: [u32; 2],
}
