//! A file of protobuf, message by message: one bare message that is the whole file, or several, each behind its
//! length in four bytes, most significant first. The two are told apart by the first byte: a message begins with
//! its first field, and no message is so long that its length does, too.

use std::io::{BufRead, Read};

use anyhow::{Context, bail};
use bytes::Bytes;
use span::BATCH_BYTES_MAX;

/// The tag of `resource_spans`.
pub(super) const FIRST_FIELD: u8 = 0x0a;

const _: () = assert!((BATCH_BYTES_MAX as u32).to_be_bytes()[0] < FIRST_FIELD);

/// The messages of a file.
pub(super) struct Frames<R> {
    input: R,
    count: u64,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, count: 0 }
    }

    /// Returns the next message.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Bytes>> {
        let Some(first) = self.input.fill_buf()?.first() else { return Ok(None) };
        if self.count == 0 && *first == FIRST_FIELD {
            return self.whole().map(Some);
        }
        self.count += 1;
        let mut length = [0; 4];
        self.input.read_exact(&mut length).with_context(|| self.broken())?;
        let length = u64::from(u32::from_be_bytes(length));
        if BATCH_BYTES_MAX as u64 <= length {
            bail!("message {} has more than {BATCH_BYTES_MAX} bytes", self.count);
        }
        let mut message = Vec::new();
        (&mut self.input).take(length).read_to_end(&mut message)?;
        if message.len() as u64 != length {
            bail!(self.broken());
        }
        Ok(Some(Bytes::from(message)))
    }

    fn whole(&mut self) -> anyhow::Result<Bytes> {
        let mut message = Vec::new();
        (&mut self.input).take(BATCH_BYTES_MAX as u64).read_to_end(&mut message)?;
        if BATCH_BYTES_MAX <= message.len() {
            bail!("a single message of more than {BATCH_BYTES_MAX} bytes");
        }
        Ok(Bytes::from(message))
    }

    fn broken(&self) -> String {
        format!("the file ends inside message {}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut file: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let mut frames = Frames::new(&mut file);
        let mut all = Vec::new();
        while let Some(message) = frames.next().map_err(|error| error.to_string())? {
            all.push(message.to_vec());
        }
        Ok(all)
    }

    #[test]
    fn messages_are_bare_or_behind_their_length() {
        assert_eq!(read(b"\x0a\x00"), Ok(vec![b"\x0a\x00".to_vec()]));
        assert_eq!(read(b"\0\0\0\x02\x0a\x00\0\0\0\0"), Ok(vec![b"\x0a\x00".to_vec(), Vec::new()]));
        assert_eq!(read(b"\0\0\0\x02\x0a"), Err("the file ends inside message 1".to_owned()));
        assert_eq!(read(b"\0\0\0\0\0\0"), Err("the file ends inside message 2".to_owned()));
        assert!(read(b"\x08\0\0\0").unwrap_err().starts_with("message 1 has more than"));
    }
}
