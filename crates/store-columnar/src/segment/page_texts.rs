//! One page of texts, decompressed: each text where it begins and ends.

use crate::column::block::Unpacker;
use crate::column::{Broken, Take};

/// The texts of a page.
#[derive(Debug)]
pub(super) struct PageTexts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl PageTexts {
    /// Reads a page of `count` texts.
    pub(super) fn take(block: &[u8], count: usize) -> Result<Self, Broken> {
        let packed = Unpacker::new().unpack(block)?;
        let mut take = Take::new(&packed);
        let (mut bytes, mut ends) = (Vec::with_capacity(2 * packed.len()), Vec::with_capacity(count));
        let mut last = 0..0;
        for _ in 0..count {
            let alike = take.varint32()? as usize;
            let new = take.text()?;
            if last.len() < alike {
                return Err(Broken("a text shares more than there is"));
            }
            let start = bytes.len();
            bytes.extend_from_within(last.start..last.start + alike);
            bytes.extend_from_slice(new);
            last = start..bytes.len();
            ends.push(u32::try_from(bytes.len()).map_err(|_| Broken("a page is too long"))?);
        }
        bytes.shrink_to_fit();
        if count == 0 { Err(Broken("a page is empty")) } else { Ok(Self { bytes, ends }) }
    }

    /// Returns the memory held, in bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes.capacity() + 4 * self.ends.capacity()
    }

    /// Makes a page of that size.
    #[cfg(test)]
    pub(super) const fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, ends: Vec::new() }
    }

    /// Returns how many texts there are.
    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the text at a place.
    pub(super) fn get(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[at] as usize]
    }

    /// Returns the place of a text, where the page is sorted and has it.
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        let (mut least, mut most) = (0, self.ends.len());
        while least < most {
            let middle = usize::midpoint(least, most);
            if self.get(middle) < text { least = middle + 1 } else { most = middle }
        }
        (least < self.ends.len() && self.get(least) == text).then_some(least)
    }
}
