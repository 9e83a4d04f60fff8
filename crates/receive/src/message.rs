//! A message on its way from a protocol to its decoder.

use span::Encoding;

use crate::body::Held;

/// A message that was read whole.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) held: Held,
    pub(crate) encoding: Encoding,
}
