//! One entry of the log: a head, and the body of a request.
//!
//! ```text
//! 0  magic "TWE1"                      32 received, ns u64         53 encoding of the body u8
//! 4  CRC32C of the head from 8 on      40 spans kept u32           54 length of the tenant u8
//! 8  salt u64                          44 length of the body u32   55 zero
//! 16 sequence u64                      48 CRC32C of the body       56 tenant, zeros up to 8 bytes
//! 24 first sequence of its group u64   52 format of the body u8    .. body, zeros up to 8 bytes
//! ```
//!
//! All numbers are little-endian, and an entry begins at a multiple of 8. The head has a check of its own,
//! so that a broken body costs its own entry and names what it cost.

use bytes::Bytes;
use span::{Encoding, Tenant, UnixNanos};

const MAGIC: &[u8; 4] = b"TWE1";
const FIXED: usize = 56;
/// The only format so far: OTLP's `ExportTraceServiceRequest` as protobuf.
const FORMAT_OTLP_PROTO: u8 = 1;

/// What goes into the log for one batch.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Whose spans these are.
    pub(crate) tenant: Tenant,
    /// When they arrived.
    pub(crate) received: UnixNanos,
    /// How many spans of the body were kept.
    pub(crate) spans: u32,
    /// How the body is compressed.
    pub(crate) encoding: Encoding,
    /// The body, as protobuf once it is inflated.
    pub(crate) body: Bytes,
    /// The body's checksum, taken by the thread that brought it.
    pub(crate) body_crc: u32,
}

/// The head of an entry that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryHead {
    pub(crate) sequence: u64,
    /// The first number of its group: everything below was settled before this entry was written.
    pub(crate) group_first: u64,
    pub(crate) tenant: Tenant,
    pub(crate) received: UnixNanos,
    pub(crate) spans: u32,
    pub(crate) encoding: Encoding,
    body_len: u32,
    body_crc: u32,
}

/// What lies at a place of a log file.
#[derive(Debug)]
pub(crate) enum Found {
    /// A sound entry, and where the next one begins.
    Sound { head: EntryHead, body: Bytes, next: usize },
    /// A sound head over a broken body, and where the next entry begins.
    BrokenBody { head: EntryHead, next: usize },
    /// Nothing that is an entry of this file.
    Nothing,
}

impl Entry {
    /// Returns the bytes it takes in a file.
    pub(crate) fn bytes(&self) -> u64 {
        (head_len(&self.tenant) + self.body.len() + self.padding()) as u64
    }

    /// Returns how many zeros follow the body.
    pub(crate) fn padding(&self) -> usize {
        self.body.len().next_multiple_of(8) - self.body.len()
    }

    /// Appends the head.
    pub(crate) fn put_head(&self, salt: u64, sequence: u64, group_first: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[0; 4]);
        for number in [salt, sequence, group_first, self.received.0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.spans, self.body.len() as u32, self.body_crc] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let tenant = self.tenant.as_str();
        out.extend_from_slice(&[FORMAT_OTLP_PROTO, number_of(self.encoding), tenant.len() as u8, 0]);
        out.extend_from_slice(tenant.as_bytes());
        out.resize(start + head_len(&self.tenant), 0);
        let crc = crc32c::crc32c(&out[start + 8..]);
        out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
    }
}

impl EntryHead {
    /// Reads the head at `at`; `None` where there is none, or not of a file with this salt.
    pub(crate) fn read(bytes: &[u8], at: usize, salt: u64) -> Option<(Self, usize)> {
        let fixed = bytes.get(at..at.checked_add(FIXED)?)?;
        let u32_at = |at: usize| u32::from_le_bytes(fixed[at..at + 4].try_into().expect("four bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(fixed[at..at + 8].try_into().expect("eight bytes"));
        if fixed[..4] != *MAGIC || u64_at(8) != salt {
            return None;
        }
        let tenant_len = usize::from(fixed[54]);
        let head_len = (FIXED + tenant_len).next_multiple_of(8);
        let head = bytes.get(at..at.checked_add(head_len)?)?;
        if crc32c::crc32c(&head[8..]) != u32_at(4) || fixed[52] != FORMAT_OTLP_PROTO {
            return None;
        }
        let tenant = std::str::from_utf8(&head[FIXED..FIXED + tenant_len]).ok()?;
        let head = Self {
            sequence: u64_at(16),
            group_first: u64_at(24),
            tenant: Tenant::new(tenant).ok()?,
            received: UnixNanos(u64_at(32)),
            spans: u32_at(40),
            encoding: encoding_of(fixed[53])?,
            body_len: u32_at(44),
            body_crc: u32_at(48),
        };
        Some((head, at + head_len))
    }
}

/// Looks for an entry at `at`.
pub(crate) fn read(bytes: &Bytes, at: usize, salt: u64) -> Found {
    let Some((head, body_at)) = EntryHead::read(bytes, at, salt) else { return Found::Nothing };
    let body_end = body_at.saturating_add(head.body_len as usize);
    let next = body_end.saturating_add(7) & !7;
    if bytes.len() < body_end || crc32c::crc32c(&bytes[body_at..body_end]) != head.body_crc {
        return Found::BrokenBody { head, next };
    }
    Found::Sound { body: bytes.slice(body_at..body_end), head, next }
}

/// Returns the salt that the entry at `at` claims.
pub(crate) fn salt_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at + 8..at + 16)?.try_into().expect("eight bytes")))
}

fn head_len(tenant: &Tenant) -> usize {
    (FIXED + tenant.as_str().len()).next_multiple_of(8)
}

/// The numbers of encodings on disk. They never change.
const ENCODINGS: [(u8, Encoding); 6] = [
    (0, Encoding::Identity),
    (1, Encoding::Gzip),
    (2, Encoding::Zstd),
    (3, Encoding::Deflate),
    (4, Encoding::Snappy),
    (5, Encoding::Lz4),
];

fn number_of(encoding: Encoding) -> u8 {
    let known = ENCODINGS.iter().find(|(_, known)| *known == encoding);
    known.expect("every encoding has a number").0
}

fn encoding_of(number: u8) -> Option<Encoding> {
    Some(ENCODINGS.iter().find(|(known, _)| *known == number)?.1)
}
