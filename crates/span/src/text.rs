//! A place in a batch's arena.

/// Bytes in a batch's arena: in the request body the batch was decoded from, or in what was written
/// beside it. Only the batch that made it can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Text {
    /// Offset; with [`Self::BESIDE`] set it counts in the written part, else in the body.
    offset: u32,
    len: u32,
}

impl Text {
    /// No bytes.
    pub const EMPTY: Self = Self { offset: 0, len: 0 };

    const BESIDE: u32 = 1 << 31;

    /// Points into the body. Both numbers must stay below [`crate::BATCH_BYTES_MAX`].
    pub(crate) fn in_body(offset: usize, len: usize) -> Self {
        debug_assert!(offset + len <= crate::BATCH_BYTES_MAX);
        Self { offset: offset as u32, len: len as u32 }
    }

    /// Points into what was written beside the body.
    pub(crate) fn beside(offset: usize, len: usize) -> Self {
        debug_assert!(offset + len <= crate::BATCH_BYTES_MAX);
        Self { offset: offset as u32 | Self::BESIDE, len: len as u32 }
    }

    /// Returns the length in bytes.
    pub const fn len(self) -> usize {
        self.len as usize
    }

    /// Tells whether there are no bytes.
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Reads the bytes out of the two parts of the arena.
    pub(crate) fn read<'a>(self, body: &'a [u8], beside: &'a [u8]) -> &'a [u8] {
        let offset = (self.offset & !Self::BESIDE) as usize;
        let part = if self.offset & Self::BESIDE == 0 { body } else { beside };
        part.get(offset..offset + self.len as usize).expect("a text is read by the batch that made it")
    }
}
