//! Decompression: the limit holds, and what came out goes in again.

use span::Encoding;
use wire::{compress, inflate};

const BYTES_MAX: usize = 1 << 20;

/// The first byte chooses the encoding, the rest is the body.
pub fn body(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let encoding = Encoding::ALL[usize::from(*choice) % Encoding::ALL.len()];
    let Ok(plain) = inflate(encoding, body, BYTES_MAX) else { return };
    assert!(plain.len() <= BYTES_MAX);
    assert_eq!(inflate(encoding, &compress(encoding, &plain), BYTES_MAX).as_deref(), Ok(&plain[..]));
}
