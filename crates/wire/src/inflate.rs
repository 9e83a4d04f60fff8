//! Undoes the compression of request bodies, within a limit.
//!
//! A body is decompressed as a stream into one buffer that ends at the limit: a bomb costs its limit,
//! never what it claims. Memory is reserved by what arrived, not by what a header says is to come, and
//! a zstd window may not exceed what RFC 9659 allows for HTTP. A stream that ends early is an error in
//! every format, so that half a request never passes for a whole one.
//!
//! Several gzip members, zstd frames or LZ4 frames in a row are one body. What is called `deflate` is
//! zlib by the RFC and raw deflate by some clients; `snappy` is the framed format or one block. Both
//! pairs are told apart by their first bytes.

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};
use span::Encoding;
use zstd::zstd_safe::{DCtx, DParameter, ResetDirective};

use crate::DecodeError;

/// The largest window a zstd frame may ask for: 8 MiB (RFC 9659). Standard levels up to 19 stay within.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The most that one byte of a snappy block can become: a copy of 64 bytes takes three.
const SNAPPY_RATIO_MAX: usize = 22;

/// How the framed snappy format begins.
const SNAPPY_FRAMED: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// Decompresses one body after another and keeps the decompressors' memory in between. One per thread
/// that receives.
#[derive(Default)]
pub struct Inflater {
    zstd: Option<DCtx<'static>>,
    deflate: Option<Decompress>,
}

/// Decompresses one body. Who has many keeps an [`Inflater`].
pub fn inflate(encoding: Encoding, body: &[u8], bytes_max: usize) -> Result<Vec<u8>, DecodeError> {
    Inflater::default().inflate(encoding, body, bytes_max)
}

impl Inflater {
    /// Decompresses `body` to at most `bytes_max` bytes.
    pub fn inflate(
        &mut self,
        encoding: Encoding,
        body: &[u8],
        bytes_max: usize,
    ) -> Result<Vec<u8>, DecodeError> {
        let broken =
            |error: io::Error| DecodeError::Compression { encoding: encoding.name(), why: error.to_string() };
        let mut out = Limited::new(body.len(), bytes_max);
        match encoding {
            Encoding::Identity => out.read(body),
            Encoding::Gzip => out.read(flate2::bufread::MultiGzDecoder::new(body)),
            Encoding::Zstd => self.zstd(body, &mut out),
            Encoding::Deflate => self.deflate(body, &mut out),
            // Framing nothing takes no bytes.
            Encoding::Snappy if body.starts_with(SNAPPY_FRAMED) || body.is_empty() => {
                out.read(snap::read::FrameDecoder::new(body))
            }
            Encoding::Snappy => return snappy_block(body, bytes_max, broken),
            Encoding::Lz4 => lz4_frames(body, &mut out),
        }
        .map_err(broken)?;
        out.finish()
    }

    fn zstd(&mut self, body: &[u8], out: &mut Limited) -> io::Result<()> {
        let context = self.zstd.get_or_insert_with(DCtx::create);
        let ready = context
            .reset(ResetDirective::SessionAndParameters)
            .and_then(|_| context.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX)));
        ready.map_err(|code| io::Error::other(zstd::zstd_safe::get_error_name(code)))?;
        out.read(zstd::stream::read::Decoder::with_context(body, context))
    }

    fn deflate(&mut self, body: &[u8], out: &mut Limited) -> io::Result<()> {
        let state = self.deflate.get_or_insert_with(|| Decompress::new(true));
        state.reset(is_zlib(body));
        loop {
            let (taken, given) = (state.total_in(), state.total_out());
            if !out.grow() {
                return Ok(());
            }
            let rest = body.get(taken as usize..).unwrap_or_default();
            let status = state.decompress_vec(rest, &mut out.bytes, FlushDecompress::None)?;
            if status == Status::StreamEnd {
                return Ok(());
            }
            if (taken, given) == (state.total_in(), state.total_out()) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}

/// What was decompressed so far, one byte beyond the limit at most.
struct Limited {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Limited {
    /// Reserves for the usual ratio of traces, which is 7.
    fn new(body_len: usize, bytes_max: usize) -> Self {
        let expected = body_len.saturating_mul(8).min(bytes_max);
        Self { bytes: Vec::with_capacity(expected), bytes_max }
    }

    /// Appends what `from` still gives.
    fn read(&mut self, from: impl Read) -> io::Result<()> {
        from.take(self.room() as u64).read_to_end(&mut self.bytes)?;
        Ok(())
    }

    /// Makes room for more; false when the limit is passed.
    fn grow(&mut self) -> bool {
        let more = self.room().min(self.bytes.len().max(4096));
        if self.bytes.capacity() == self.bytes.len() {
            self.bytes.reserve_exact(more);
        }
        0 < more
    }

    /// How much may still come, the byte that proves the excess included.
    fn room(&self) -> usize {
        (self.bytes_max + 1).saturating_sub(self.bytes.len())
    }

    fn finish(self) -> Result<Vec<u8>, DecodeError> {
        if self.bytes_max < self.bytes.len() {
            return Err(DecodeError::TooLarge { bytes_max: self.bytes_max });
        }
        Ok(self.bytes)
    }
}

/// Tells zlib from raw deflate by the header's method and check bits.
fn is_zlib(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)).is_multiple_of(31)
        }
        _ => true,
    }
}

/// Reads one raw block. It begins with its length, which is believed as far as the bytes can back it.
fn snappy_block(
    body: &[u8],
    bytes_max: usize,
    broken: impl Fn(io::Error) -> DecodeError,
) -> Result<Vec<u8>, DecodeError> {
    let len = snap::raw::decompress_len(body).map_err(|error| broken(error.into()))?;
    if bytes_max < len {
        return Err(DecodeError::TooLarge { bytes_max });
    }
    if body.len().saturating_mul(SNAPPY_RATIO_MAX) < len {
        return Err(broken(io::ErrorKind::UnexpectedEof.into()));
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(|error| broken(error.into()))
}

/// One decoder reads all frames: each may ask for buffers of 8 MiB, and a frame can be 11 bytes short.
fn lz4_frames(body: &[u8], out: &mut Limited) -> io::Result<()> {
    let mut frames = lz4_flex::frame::FrameDecoder::new(Watched { rest: body, overrun: false });
    loop {
        out.read(&mut frames)?;
        let input = frames.get_ref();
        if input.overrun {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if input.rest.is_empty() || out.room() == 0 {
            return Ok(());
        }
    }
}

/// Notices when a decoder asks for more than there is. The LZ4 decoder takes a missing end mark for
/// the end.
struct Watched<'a> {
    rest: &'a [u8],
    overrun: bool,
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.rest.read(into)?;
        self.overrun |= read == 0 && !into.is_empty();
        Ok(read)
    }
}
