//! What a lexer writes: borrowed from the statement for as long as nothing differs.

/// The obfuscated statement, as it grows.
pub(super) struct Output<'a> {
    text: &'a [u8],
    /// How much of the statement was written unchanged, while nothing differs.
    same: usize,
    /// What was written, since something did.
    written: Option<Vec<u8>>,
}

impl<'a> Output<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { text, same: 0, written: None }
    }

    /// Writes a part of the statement.
    pub(super) fn copy(&mut self, start: usize, end: usize) {
        match &mut self.written {
            None if start == self.same => self.same = end,
            _ => {
                let text = self.text;
                self.owned().extend_from_slice(&text[start..end]);
            }
        }
    }

    /// Writes something in the place of a part of the statement.
    pub(super) fn put(&mut self, with: &[u8], start: usize, end: usize) {
        if &self.text[start..end] == with {
            self.copy(start, end);
        } else {
            self.owned().extend_from_slice(with);
        }
    }

    /// What was written.
    pub(super) fn so_far(&self) -> &[u8] {
        self.written.as_deref().unwrap_or_else(|| &self.text[..self.same])
    }

    /// Takes the end back.
    pub(super) fn truncate(&mut self, len: usize) {
        if len < self.so_far().len() {
            self.owned().truncate(len);
        }
    }

    /// Returns what was written, if it is not the statement itself.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        let same = self.same;
        let text = self.text;
        match self.written {
            Some(written) => (written != text).then_some(written),
            None => (same < text.len()).then(|| text[..same].to_vec()),
        }
    }

    fn owned(&mut self) -> &mut Vec<u8> {
        let (text, same) = (self.text, self.same);
        self.written.get_or_insert_with(|| {
            let mut written = Vec::with_capacity(text.len());
            written.extend_from_slice(&text[..same]);
            written
        })
    }
}
