//! Compressed bodies.

use std::borrow::Cow;

use super::ExportError;

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// With gzip, at its fastest.
    #[cfg(feature = "gzip")]
    Gzip,
    /// With zstd, at its fastest.
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Compression {
    /// Returns the name that headers carry, if there is anything to carry.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            #[cfg(feature = "gzip")]
            Self::Gzip => Some("gzip"),
            #[cfg(feature = "zstd")]
            Self::Zstd => Some("zstd"),
        }
    }

    /// Returns the compression of that name, `none` among them, if this build has it.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            #[cfg(feature = "gzip")]
            "gzip" => Some(Self::Gzip),
            #[cfg(feature = "zstd")]
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Compresses a body.
    pub(super) fn compress(self, body: &[u8]) -> Result<Cow<'_, [u8]>, ExportError> {
        match self {
            Self::None => Ok(Cow::Borrowed(body)),
            #[cfg(feature = "gzip")]
            Self::Gzip => {
                use std::io::Write as _;
                let out = Vec::with_capacity(body.len() / 4);
                let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
                let done = encoder.write_all(body).and_then(|()| encoder.finish());
                done.map(Cow::Owned).map_err(|error| ExportError::protocol(error.to_string()))
            }
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::bulk::compress(body, 1)
                .map(Cow::Owned)
                .map_err(|error| ExportError::protocol(error.to_string())),
        }
    }
}
