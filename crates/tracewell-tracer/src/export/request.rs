//! Requests: parcels cut into pieces and framed as OTLP.

use std::ops::Range;
use std::sync::Arc;

use crate::depot::Parcel;
use crate::encode::{bytes_field, varint, varint_len};

/// How much one request may hold; a single span may be more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) spans: usize,
    pub(super) bytes: usize,
}

/// Spans of one scope inside one parcel.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    parcel: usize,
    scope: u32,
    range: Range<usize>,
    spans: usize,
}

/// Writes each request that `parcels` make into `body` and hands it to `send` with its count of spans.
pub(super) fn each_request(
    parcels: &[Parcel],
    resource: &[u8],
    scope: &dyn Fn(u32) -> Arc<[u8]>,
    bounds: Bounds,
    body: &mut Vec<u8>,
    send: &mut dyn FnMut(&[u8], u32),
) {
    let pieces = pieces(parcels, bounds);
    let mut rest = pieces.as_slice();
    while !rest.is_empty() {
        let (mut taken, mut spans, mut bytes) = (0, 0, 0);
        for piece in rest {
            let full = bounds.spans < spans + piece.spans || bounds.bytes < bytes + piece.range.len();
            if 0 < taken && full {
                break;
            }
            taken += 1;
            spans += piece.spans;
            bytes += piece.range.len();
        }
        body.clear();
        write(parcels, &rest[..taken], resource, scope, body);
        send(body, u32::try_from(spans).unwrap_or(u32::MAX));
        rest = &rest[taken..];
    }
}

/// Cuts parcels at the borders of scopes, and where a piece alone would be more than a request holds.
fn pieces(parcels: &[Parcel], bounds: Bounds) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (parcel, held) in parcels.iter().enumerate() {
        let mut at = 0;
        for (scope, end) in &held.runs {
            let fresh = |at: usize| Piece { parcel, scope: *scope, range: at..at, spans: 0 };
            let mut piece = fresh(at);
            while at < *end {
                let next = at + entry_len(&held.bytes[at..*end]);
                let full = bounds.spans <= piece.spans || bounds.bytes < next - piece.range.start;
                if 0 < piece.spans && full {
                    pieces.push(std::mem::replace(&mut piece, fresh(at)));
                }
                piece.range.end = next;
                piece.spans += 1;
                at = next;
            }
            pieces.push(piece);
        }
    }
    pieces
}

/// Returns the length of the first entry: one byte of tag, its length, itself.
fn entry_len(entries: &[u8]) -> usize {
    let (mut len, mut shift, mut at) = (0usize, 0, 1);
    loop {
        let byte = entries[at];
        len |= usize::from(byte & 0x7f) << shift;
        at += 1;
        if byte < 0x80 {
            return at + len;
        }
        shift += 7;
    }
}

fn write(
    parcels: &[Parcel],
    pieces: &[Piece],
    resource: &[u8],
    scope: &dyn Fn(u32) -> Arc<[u8]>,
    body: &mut Vec<u8>,
) {
    let mut scopes: Vec<(u32, Arc<[u8]>, usize)> = Vec::new();
    for piece in pieces {
        match scopes.iter_mut().find(|(known, _, _)| *known == piece.scope) {
            Some((_, _, bytes)) => *bytes += piece.range.len(),
            None => scopes.push((piece.scope, scope(piece.scope), piece.range.len())),
        }
    }
    let framed = |bytes: usize| 1 + varint_len(bytes as u64) + bytes;
    let inside: usize = scopes.iter().map(|(_, message, bytes)| framed(message.len() + bytes)).sum();
    body.push(0x0a);
    varint(body, (framed(resource.len()) + inside) as u64);
    bytes_field(body, 0x0a, resource);
    for (scope, message, bytes) in &scopes {
        body.push(0x12);
        varint(body, (message.len() + bytes) as u64);
        body.extend_from_slice(message);
        for piece in pieces.iter().filter(|piece| piece.scope == *scope) {
            body.extend_from_slice(&parcels[piece.parcel].bytes[piece.range.clone()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(spans: usize) -> Parcel {
        // Entries of 5 bytes: tag, length, 3 more.
        let bytes: Vec<u8> = (0..spans).flat_map(|_| [0x12, 3, 9, 9, 9]).collect();
        let end = bytes.len();
        Parcel { bytes, spans: spans as u32, runs: vec![(0, spans / 2 * 5), (1, end)] }
    }

    fn check(spans: usize, bytes: usize) -> Vec<u32> {
        let mut sent = Vec::new();
        let scope = |_| Arc::from([0x0a, 0].as_slice());
        let mut body = Vec::new();
        let mut send = |_: &[u8], spans| sent.push(spans);
        each_request(&[parcel(7), parcel(4)], &[], &scope, Bounds { spans, bytes }, &mut body, &mut send);
        sent
    }

    #[test]
    fn requests_keep_their_bounds_and_lose_nothing() {
        assert_eq!(check(100, 10_000), [11]);
        assert_eq!(check(1, 10_000), [1; 11]);
        assert_eq!(check(100, 5), [1; 11]);
        assert!(check(3, 10_000).iter().all(|spans| *spans <= 3));
        assert_eq!(check(3, 10_000).iter().sum::<u32>(), 11);
    }
}
