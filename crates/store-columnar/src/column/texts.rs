//! Runs of texts: the distinct ones, and for each value which of them it is.
//!
//! A text that several groups use stands in the segment's dictionary, and the group names it by number;
//! one that a single group uses stands in the group itself.
//!
//! ```text
//! first block   count of numbers, then the numbers, ascending, as gaps
//!               count of own texts, then their lengths, then their bytes
//! second block  a code for each value: the numbers come first, then the own texts.
//!               Not there where every value is the same (coding 0) or the next own text (coding 1).
//! ```

use super::block::{Packer, Unpacker};
use super::bytes::put_varint;
use super::ints::{Codes, put_codes};
use super::{Broken, Extent, Take};

const SAME: u8 = 0;
const NEXT: u8 = 1;
const CODED: u8 = 2;

/// Texts of one column of one group.
#[derive(Debug)]
pub(crate) struct Texts {
    count: usize,
    /// Numbers of texts in the segment's dictionary, ascending.
    numbers: Vec<u32>,
    /// Where each own text ends in `own`.
    ends: Vec<u32>,
    own: Vec<u8>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Same,
    Next,
    Coded(Codes),
}

/// Where a distinct text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextAt<'a> {
    /// In the segment's dictionary.
    Dictionary(u32),
    /// Here.
    Own(&'a [u8]),
}

/// Codes texts into `out`. `codes` counts `numbers`, which ascend, and then `own`.
pub(crate) fn put_texts<'a>(
    packer: &mut Packer,
    codes: &[u32],
    numbers: &[u32],
    own: impl Iterator<Item = &'a [u8]> + Clone,
    out: &mut Vec<u8>,
) -> Extent {
    let mut list = Vec::new();
    put_varint(&mut list, numbers.len() as u64);
    let mut before = 0;
    for number in numbers {
        put_varint(&mut list, u64::from(number - before));
        before = *number;
    }
    let own_count = own.clone().count();
    put_varint(&mut list, own_count as u64);
    own.clone().for_each(|text| put_varint(&mut list, text.len() as u64));
    own.for_each(|text| list.extend_from_slice(text));
    let distinct = numbers.len() + own_count;
    let mut extent = Extent { count: codes.len() as u32, ..Extent::default() };
    extent.lens[0] = packer.pack(&list, out);
    extent.coding = if distinct <= 1 {
        SAME
    } else if numbers.is_empty()
        && own_count == codes.len()
        && codes.iter().enumerate().all(|(at, code)| at == *code as usize)
    {
        NEXT
    } else {
        list.clear();
        put_codes(codes, distinct, &mut list);
        extent.lens[1] = packer.pack(&list, out);
        CODED
    };
    extent
}

impl Texts {
    /// Returns `count` times the empty text.
    pub(crate) fn empty(count: usize) -> Self {
        Self { count, numbers: Vec::new(), ends: vec![0], own: Vec::new(), form: Form::Same }
    }

    /// Reads what [`put_texts`] wrote; `blocks` are the extent's. Numbers must be below `number_bound`.
    pub(crate) fn take(
        extent: &Extent,
        blocks: [&[u8]; 2],
        number_bound: u32,
        unpacker: &mut Unpacker,
    ) -> Result<Self, Broken> {
        let count = extent.count as usize;
        let list = unpacker.unpack(blocks[0])?;
        let mut take = Take::new(&list);
        let mut numbers = Vec::new();
        let mut before = 0_u64;
        for _ in 0..take.count(1)? {
            before = before.saturating_add(take.varint()?);
            if u64::from(number_bound) <= before {
                return Err(Broken("a dictionary's number does not exist"));
            }
            numbers.push(before as u32);
        }
        let mut ends = Vec::new();
        let mut end = 0_u32;
        for _ in 0..take.count(1)? {
            end = end.checked_add(take.varint32()?).ok_or(Broken("texts are too long"))?;
            ends.push(end);
        }
        let own = take.rest().to_vec();
        if own.len() != end as usize {
            return Err(Broken("texts are cut off"));
        }
        let distinct = numbers.len() + ends.len();
        let form = match extent.coding {
            SAME if distinct == 1 => Form::Same,
            NEXT if numbers.is_empty() && ends.len() == count => Form::Next,
            CODED if distinct != 0 => Form::Coded(Codes::new(unpacker.unpack(blocks[1])?, count, distinct)?),
            _ => return Err(Broken("a coding does not exist")),
        };
        Ok(Self { count, numbers, ends, own, form })
    }

    /// Returns about how much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        let codes = if let Form::Coded(codes) = &self.form { codes.bytes() } else { 0 };
        size_of::<Self>()
            + size_of_val(&self.numbers[..])
            + size_of_val(&self.ends[..])
            + self.own.len()
            + codes
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// Returns how many distinct texts there are.
    pub(crate) fn distinct(&self) -> usize {
        self.numbers.len() + self.ends.len()
    }

    /// Returns a distinct text.
    pub(crate) fn get(&self, code: usize) -> TextAt<'_> {
        match code.checked_sub(self.numbers.len()) {
            None => TextAt::Dictionary(self.numbers[code]),
            Some(at) => {
                let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
                TextAt::Own(&self.own[start as usize..self.ends[at] as usize])
            }
        }
    }

    /// Returns the code of the dictionary's text `number`, if the column uses it.
    pub(crate) fn code_of(&self, number: u32) -> Option<usize> {
        self.numbers.binary_search(&number).ok()
    }

    /// Returns the codes of the texts that stand here.
    pub(crate) fn own_codes(&self) -> std::ops::Range<usize> {
        self.numbers.len()..self.distinct()
    }

    /// Returns of each value what is said of its distinct text.
    pub(crate) fn select<T: Copy>(&self, of: &[T]) -> Vec<T> {
        match &self.form {
            Form::Same => vec![of[0]; self.count],
            Form::Next => of.to_vec(),
            Form::Coded(codes) => codes.map(0..self.count, |code| of[code as usize]),
        }
    }

    /// Returns which distinct text a value is.
    pub(crate) fn code(&self, at: usize) -> usize {
        match &self.form {
            Form::Same => 0,
            Form::Next => at,
            Form::Coded(codes) => codes.get(at) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(codes: &[u32], numbers: &[u32], own: &[&[u8]]) {
        let mut out = Vec::new();
        let extent = put_texts(&mut Packer::new(), codes, numbers, own.iter().copied(), &mut out);
        let (first, second) = out.split_at(extent.lens[0] as usize);
        let texts = Texts::take(&extent, [first, second], 1_000, &mut Unpacker::new()).unwrap();
        assert_eq!(texts.len(), codes.len());
        for (at, code) in codes.iter().enumerate() {
            assert_eq!(texts.code(at), *code as usize);
            let expected = match (*code as usize).checked_sub(numbers.len()) {
                None => TextAt::Dictionary(numbers[*code as usize]),
                Some(at) => TextAt::Own(own[at]),
            };
            assert_eq!(texts.get(texts.code(at)), expected);
        }
        if let Some(last) = numbers.last() {
            assert!(Texts::take(&extent, [first, second], *last, &mut Unpacker::new()).is_err());
        }
    }

    #[test]
    fn texts_come_back_in_every_coding() {
        check(&[0, 0, 0], &[], &[b"same"]);
        check(&[0, 0, 0], &[7], &[]);
        check(&[0, 1, 2], &[], &[b"a", b"", b"c"]);
        check(&[2, 1, 0, 3, 3], &[5, 900], &[b"own", b"other"]);
        let many: Vec<Vec<u8>> = (0..300_u32).map(|n| n.to_string().into_bytes()).collect();
        let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
        check(&(0..300).rev().collect::<Vec<_>>(), &[], &many);
    }
}
