//! Blocks: what is read, checked and decompressed in one piece.
//!
//! ```text
//! crc32c   u32   over all that follows
//! length   u32   of the bytes once decompressed; bit 31 set: they are compressed (zstd)
//! bytes
//! ```
//!
//! Bytes are compressed only where that makes them smaller. Level 1: levels 3 and 9 save one and four
//! parts in a hundred for 1.1 and 3 times the work.

use std::cell::Cell;

use zstd::bulk::{Compressor, Decompressor};

use super::{Broken, Take};

/// The largest block, decompressed. Values are at most [`span::BATCH_BYTES_MAX`] together.
const LEN_MAX: usize = 256 << 20;
const COMPRESSED: u32 = 1 << 31;
/// Fewer bytes than this hardly ever get smaller.
const WORTH_TRYING: usize = 32;
const LEVEL: i32 = 1;

/// Makes blocks.
pub(crate) struct Packer {
    zstd: Compressor<'static>,
    scratch: Vec<u8>,
}

/// Reads blocks.
pub(crate) struct Unpacker {
    /// Always there, until it is dropped.
    zstd: Option<Decompressor<'static>>,
}

thread_local! {
    /// What the last unpacker of this thread left. Making zstd's tables takes longer than most blocks do,
    /// and they remember nothing.
    static SPARE: Cell<Option<Decompressor<'static>>> = const { Cell::new(None) };
}

impl Packer {
    pub(crate) fn new() -> Self {
        let zstd = Compressor::new(LEVEL).expect("the level is one that zstd has");
        Self { zstd, scratch: Vec::new() }
    }

    /// Appends a block of `bytes`, as small as it gets, and returns its length.
    pub(crate) fn pack(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> u32 {
        if WORTH_TRYING <= bytes.len() {
            self.scratch.clear();
            self.scratch.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
            let packed = self.zstd.compress_to_buffer(bytes, &mut self.scratch);
            if packed.is_ok_and(|len| len + len / 32 < bytes.len()) {
                return put(&self.scratch, bytes.len() as u32 | COMPRESSED, out);
            }
        }
        self.store(bytes, out)
    }

    /// Appends a block of `bytes` as they are: they are known to be random.
    pub(crate) fn store(&self, bytes: &[u8], out: &mut Vec<u8>) -> u32 {
        assert!(bytes.len() <= LEN_MAX, "what a block holds is bounded by its maker");
        put(bytes, bytes.len() as u32, out)
    }
}

fn put(bytes: &[u8], length: u32, out: &mut Vec<u8>) -> u32 {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
    let crc = crc32c::crc32c(&out[at + 4..]);
    out[at..at + 4].copy_from_slice(&crc.to_le_bytes());
    (out.len() - at) as u32
}

impl Unpacker {
    pub(crate) fn new() -> Self {
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        let fresh = || Decompressor::new().expect("zstd has the memory for its tables");
        Self { zstd: Some(spare.unwrap_or_else(fresh)) }
    }

    /// Returns the bytes of a block that takes all of `block`.
    pub(crate) fn unpack(&mut self, block: &[u8]) -> Result<Vec<u8>, Broken> {
        let mut take = Take::new(block);
        let crc = take.u32().map_err(|_| Broken("a block is too short"))?;
        if crc32c::crc32c(take.rest()) != crc {
            return Err(Broken("a block's checksum is wrong"));
        }
        let length = take.u32().map_err(|_| Broken("a block is too short"))?;
        let len = (length & !COMPRESSED) as usize;
        if LEN_MAX < len {
            return Err(Broken("a block is too long"));
        }
        let bytes = match length & COMPRESSED {
            0 => take.rest().to_vec(),
            _ => {
                let zstd = self.zstd.as_mut().expect("it is there until this is dropped");
                zstd.decompress(take.rest(), len).map_err(|_| Broken("a block does not decompress"))?
            }
        };
        if bytes.len() == len { Ok(bytes) } else { Err(Broken("a block's length is wrong")) }
    }
}

impl Drop for Unpacker {
    fn drop(&mut self) {
        // A thread that ends keeps nothing.
        let _ = SPARE.try_with(|spare| spare.set(self.zstd.take()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_and_a_flipped_bit_is_seen() {
        let samples = [Vec::new(), b"abc".to_vec(), vec![7; 5_000], (0..=255).collect::<Vec<u8>>()];
        for bytes in samples {
            let mut out = Vec::new();
            assert_eq!(Packer::new().pack(&bytes, &mut out) as usize, out.len());
            assert_eq!(Unpacker::new().unpack(&out), Ok(bytes));
            for bit in 0..8 * out.len() {
                out[bit / 8] ^= 1 << (bit % 8);
                assert!(Unpacker::new().unpack(&out).is_err());
                out[bit / 8] ^= 1 << (bit % 8);
            }
            assert!(Unpacker::new().unpack(&out[..out.len() - 1]).is_err());
        }
    }
}
