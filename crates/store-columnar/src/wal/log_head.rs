//! The first 4 KiB of a log file.
//!
//! ```text
//! 0  magic "TWLOG\0" + version u16     16 salt u64      32 first sequence u64
//! 8  CRC32C of bytes 16..48, u32       24 number u64    40 created, ns u64
//! ```
//!
//! All numbers are little-endian. The head is written twice, at 0 and at 2,048, so that one bad sector
//! does not cost a file. The number repeats the file's name: where they differ, the file is a spare that
//! was renamed and not begun.

use span::UnixNanos;
use store::StoreError;

use crate::disk::DiskFile;

/// Where entries begin.
pub(crate) const HEAD_BYTES: u64 = 4096;

const COPIES_AT: [usize; 2] = [0, 2048];
const MAGIC: &[u8; 8] = b"TWLOG\0\x01\0";
const LEN: usize = 48;

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogHead {
    /// What each of its entries repeats.
    pub(crate) salt: u64,
    /// Its place among the files.
    pub(crate) number: u64,
    /// The number of its first entry. All before were durable, or given up, when it was begun.
    pub(crate) first: u64,
    /// When it was begun.
    pub(crate) created: UnixNanos,
}

impl LogHead {
    /// Writes the head. It becomes durable with the first group of entries.
    pub(crate) fn write_to(&self, file: &dyn DiskFile) -> Result<(), StoreError> {
        let mut bytes = vec![0; HEAD_BYTES as usize];
        for at in COPIES_AT {
            let copy = &mut bytes[at..at + LEN];
            copy[..8].copy_from_slice(MAGIC);
            let numbers = [self.salt, self.number, self.first, self.created.0];
            for (slot, number) in copy[16..].chunks_exact_mut(8).zip(numbers) {
                slot.copy_from_slice(&number.to_le_bytes());
            }
            let crc = crc32c::crc32c(&copy[16..]);
            copy[8..12].copy_from_slice(&crc.to_le_bytes());
        }
        file.write_at(0, &bytes)
    }

    /// Reads the head of a file; `None` where neither copy is sound.
    pub(crate) fn read_from(bytes: &[u8]) -> Option<Self> {
        COPIES_AT.into_iter().find_map(|at| {
            let copy = bytes.get(at..at + LEN)?;
            let crc = u32::from_le_bytes(copy[8..12].try_into().expect("four bytes"));
            if copy[..8] != *MAGIC || crc32c::crc32c(&copy[16..]) != crc {
                return None;
            }
            let number = |at: usize| u64::from_le_bytes(copy[at..at + 8].try_into().expect("eight bytes"));
            Some(Self {
                salt: number(16),
                number: number(24),
                first: number(32),
                created: UnixNanos(number(40)),
            })
        })
    }
}

/// Returns a number that a sender cannot guess, because it comes from the nanosecond in which a file was
/// begun and from all files before. It is no secret: it only keeps a body from posing as an entry.
pub(crate) fn salt(before: u64, number: u64, now: UnixNanos) -> u64 {
    let mut mixed = before.rotate_left(17) ^ now.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number;
    for factor in [0xbf58_476d_1ce4_e5b9_u64, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ (mixed >> 29)).wrapping_mul(factor);
    }
    mixed ^ (mixed >> 32)
}
