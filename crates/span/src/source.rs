//! Where a batch came from: the bytes of the request, as they arrived.

use bytes::Bytes;

/// The request that a batch was decoded from. It is kept until something rewrites or drops a span, so
/// that a log can append the sender's own bytes instead of encoding the batch again.
#[derive(Clone, Debug)]
pub struct Source {
    /// What the bytes are once they are decompressed.
    pub format: SourceFormat,
    /// How they are compressed.
    pub encoding: Encoding,
    /// The bytes, still compressed.
    pub body: Bytes,
}

/// The message that a request body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceFormat {
    /// OTLP's `ExportTraceServiceRequest`, as protobuf.
    OtlpProto,
    /// OTLP's `ExportTraceServiceRequest`, as JSON.
    OtlpJson,
}

/// How a body is compressed. The names are HTTP's `Content-Encoding` and gRPC's `grpc-encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// Not at all.
    #[default]
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 1950, which HTTP calls `deflate`; `zlib` means the same.
    Deflate,
    /// Snappy: the framed format or one raw block, told apart by the first bytes.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
}

impl Encoding {
    /// All encodings, in the order in which error messages list them.
    pub const ALL: [Self; 6] =
        [Self::Identity, Self::Gzip, Self::Zstd, Self::Deflate, Self::Snappy, Self::Lz4];

    /// Returns the name that headers use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
        }
    }

    /// Returns the encoding that a header names, in any case; nothing named is [`Self::Identity`].
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" => Some(Self::Identity),
            "x-gzip" => Some(Self::Gzip),
            "zlib" => Some(Self::Deflate),
            "x-snappy-framed" => Some(Self::Snappy),
            name => Self::ALL.into_iter().find(|encoding| encoding.name() == name),
        }
    }
}
