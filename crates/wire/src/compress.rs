//! Compresses request bodies, for those of ours who send.

use std::io::{self, Write};

use flate2::Compression;
use span::Encoding;

/// Compresses a body at the level that clients of the encoding use by default.
pub fn compress(encoding: Encoding, body: &[u8]) -> Vec<u8> {
    let compressed = match encoding {
        Encoding::Identity => Ok(body.to_vec()),
        Encoding::Gzip => written(flate2::write::GzEncoder::new(Vec::new(), Compression::default()), body)
            .and_then(flate2::write::GzEncoder::finish),
        Encoding::Deflate => {
            written(flate2::write::ZlibEncoder::new(Vec::new(), Compression::default()), body)
                .and_then(flate2::write::ZlibEncoder::finish)
        }
        Encoding::Zstd => zstd::bulk::compress(body, zstd::DEFAULT_COMPRESSION_LEVEL),
        Encoding::Snappy => written(snap::write::FrameEncoder::new(Vec::new()), body)
            .and_then(|encoder| encoder.into_inner().map_err(|error| error.into_error())),
        Encoding::Lz4 => written(lz4_flex::frame::FrameEncoder::new(Vec::new()), body)
            .and_then(|encoder| encoder.finish().map_err(io::Error::other)),
    };
    compressed.expect("writing to memory cannot fail")
}

fn written<W: Write>(mut encoder: W, body: &[u8]) -> io::Result<W> {
    encoder.write_all(body)?;
    Ok(encoder)
}
