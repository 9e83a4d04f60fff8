//! An answer whose parts are compressed as they are made.
//!
//! Each part ends with a flush, so that a client that reads while we search sees what was found.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Answer, Share, Told};
use crate::ApiError;

/// Level 1: five times faster than the usual level and some percent longer.
const LEVEL: u32 = 1;

/// Parts of another answer, as one gzip stream.
pub(crate) struct Gzip<A> {
    answer: A,
    encoder: GzEncoder<Vec<u8>>,
}

impl<A> Gzip<A> {
    pub(crate) fn of(answer: A) -> Self {
        Self { answer, encoder: GzEncoder::new(Vec::new(), Compression::new(LEVEL)) }
    }
}

impl<A: Answer<Part = Vec<u8>>> Answer for Gzip<A> {
    type Part = Vec<u8>;

    fn next(&mut self, share: &mut Share) -> Result<Told<Vec<u8>>, ApiError> {
        let told = self.answer.next(share)?;
        let (part, last) = match &told {
            Told::Part(part) => (part, false),
            Told::Last(part) => (part, true),
        };
        let why = "writing to memory cannot fail";
        self.encoder.write_all(part).expect(why);
        if last {
            self.encoder.try_finish().expect(why);
        } else {
            self.encoder.flush().expect(why);
        }
        let part = std::mem::take(self.encoder.get_mut());
        Ok(if last { Told::Last(part) } else { Told::Part(part) })
    }
}
