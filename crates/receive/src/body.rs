//! Reads a request's body into memory that is bounded twice: by its own limit and by the pool of all.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;
use listen::BodyError;

use crate::pool::{Pool, Share};
use crate::refusal::Refusal;

/// A body is read to its end and thrown away up to this size before its refusal is sent: most clients do not
/// read an answer before they have written everything, and would see a broken connection instead.
const DISCARD_BYTES_MAX: usize = 64 << 20;

/// A whole body, and its part of the pool.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    pub(crate) share: Share,
}

/// The most that a message may have, and who says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) bytes_max: usize,
    pub(crate) setting: &'static str,
}

impl Limit {
    pub(crate) fn exceeded(self) -> Refusal {
        Refusal::TooLarge { bytes_max: self.bytes_max, setting: self.setting }
    }
}

/// Reads a body to its end.
pub(crate) async fn read(pool: &Pool, mut body: Body, limit: Limit) -> Result<Held, Refusal> {
    let claimed = body.size_hint().exact().unwrap_or(0);
    let mut share = pool.share();
    let refused = if limit.bytes_max as u64 >= claimed {
        match read_within(&mut share, &mut body, limit).await {
            Ok(bytes) => return Ok(Held { bytes, share }),
            Err(refusal) => refusal,
        }
    } else {
        limit.exceeded()
    };
    drop(share);
    if matches!(refused, Refusal::TooLarge { .. } | Refusal::Busy) && claimed <= DISCARD_BYTES_MAX as u64 {
        discard(body).await;
    }
    Err(refused)
}

async fn read_within(share: &mut Share, body: &mut Body, limit: Limit) -> Result<Bytes, Refusal> {
    let Some(first) = data(body).await? else { return Ok(Bytes::new()) };
    charge(share, first.len(), first.len(), limit)?;
    // Most bodies come in one piece, which is then theirs without a copy.
    let Some(second) = data(body).await? else { return Ok(first) };
    let mut all = BytesMut::with_capacity(2 * (first.len() + second.len()));
    all.extend_from_slice(&first);
    drop(first);
    let mut next = Some(second);
    while let Some(more) = next {
        charge(share, more.len(), all.len() + more.len(), limit)?;
        all.extend_from_slice(&more);
        next = data(body).await?;
    }
    Ok(all.freeze())
}

fn charge(share: &mut Share, more: usize, total: usize, limit: Limit) -> Result<(), Refusal> {
    if limit.bytes_max < total {
        return Err(limit.exceeded());
    }
    if share.grow(more) { Ok(()) } else { Err(Refusal::Busy) }
}

/// Returns the next bytes, skipping trailers; `None` at the end.
async fn data(body: &mut Body) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(blame)?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

async fn discard(mut body: Body) {
    let mut left = DISCARD_BYTES_MAX;
    while let Ok(Some(bytes)) = data(&mut body).await {
        let Some(less) = left.checked_sub(bytes.len()) else { return };
        left = less;
    }
}

fn blame(error: axum::Error) -> Refusal {
    let inner = error.into_inner();
    match inner.downcast_ref::<BodyError>() {
        Some(slow @ BodyError::Slow { .. }) => Refusal::Slow(slow.to_string()),
        _ => Refusal::BrokenOff,
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    const LIMIT: Limit = Limit { bytes_max: 10, setting: "limits.test_bytes" };

    fn chunks(chunks: &[&'static [u8]]) -> Body {
        let frames: Vec<_> =
            chunks.iter().map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::from_static(chunk)))).collect();
        Body::new(StreamBody::new(futures_util::stream::iter(frames)))
    }

    #[tokio::test]
    async fn pieces_become_one_body() {
        let pool = Pool::new(1 << 20);
        let cases: [(&[&'static [u8]], &[u8]); 3] =
            [(&[], b""), (&[b"0123456789"], b"0123456789"), (&[b"01", b"", b"234"], b"01234")];
        for (pieces, whole) in cases {
            let held = read(&pool, chunks(pieces), LIMIT).await.unwrap();
            assert_eq!(held.bytes, whole);
            assert_eq!(pool.bytes_held(), whole.len());
        }
        assert_eq!(pool.bytes_held(), 0);
    }

    #[tokio::test]
    async fn what_is_too_large_names_the_setting_and_holds_nothing() {
        let pool = Pool::new(1 << 20);
        for body in [chunks(&[b"0123456789", b"0"]), Body::from("0123456789A")] {
            let refusal = read(&pool, body, LIMIT).await.unwrap_err();
            let text = "the message has more than 10 bytes; limits.test_bytes allows no more";
            assert_eq!(refusal.to_string(), text);
        }
        assert_eq!(pool.bytes_held(), 0);
    }

    #[tokio::test]
    async fn empty_pool_refuses_at_once() {
        let pool = Pool::new(4);
        let refusal = read(&pool, Body::from("01234"), LIMIT).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Busy));
        assert_eq!(pool.bytes_held(), 0);
    }
}
