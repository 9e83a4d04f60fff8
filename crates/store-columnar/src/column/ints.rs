//! Runs of numbers.
//!
//! | coding | first block | second block |
//! |---|---|---|
//! | constant | - | - |
//! | dictionary | distinct values above the least, ascending, as gaps; then a code for each value | - |
//! | log | buckets of the values above the least | the rest, see [`super::log`] |
//! | planes | the values above the least, byte plane by byte plane, the highest first | - |
//!
//! "Above the least" wraps around at 64 bits, so one codec serves signed and unsigned numbers. The
//! least and the greatest value stand in the directory: they are the group's zone map.

use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::block::{Packer, Unpacker};
use super::bytes::put_varint;
use super::log::{Split, split};
use super::{Broken, Extent, Take};

const CONSTANT: u8 = 0;
const DICTIONARY: u8 = 1;
const LOG: u8 = 2;
const PLANES: u8 = 3;

/// A dictionary pays from here on: fewer distinct values than this in any case, ..
const DISTINCT_FEW: usize = 256;
/// .. or this many uses of each.
const USES_MANY: usize = 4;

/// What is known of numbers before they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Anything, ordered as unsigned numbers.
    Unsigned,
    /// Anything, ordered as signed numbers.
    Signed,
    /// Sizes without a pattern: durations, gaps.
    Size,
    /// Durations: buckets must be those of the values themselves.
    Duration,
    /// Bits of doubles.
    Double,
}

/// Numbers of one column of one group.
#[derive(Debug)]
pub(crate) struct Ints {
    count: usize,
    least: u64,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Constant,
    Dictionary { values: Vec<u64>, codes: Codes },
    Log(Split),
    Planes { width: usize, bytes: Vec<u8> },
}

/// Small numbers, byte plane by byte plane, the lowest first.
#[derive(Debug)]
pub(crate) struct Codes {
    count: usize,
    width: usize,
    bytes: Vec<u8>,
}

/// Codes numbers into `out`.
pub(crate) fn put_ints(packer: &mut Packer, numbers: &[u64], nature: Nature, out: &mut Vec<u8>) -> Extent {
    let mut extent = Extent { count: numbers.len() as u32, ..Extent::default() };
    let (mut least, mut most) = bounds(numbers, nature);
    if nature == Nature::Duration && least != most {
        least = 0;
        most = most.max(1);
    }
    extent.least = least;
    extent.spread = most.wrapping_sub(least);
    if extent.spread == 0 {
        extent.coding = CONSTANT;
        return extent;
    }
    let above = |number: &u64| number.wrapping_sub(least);
    let sizes = matches!(nature, Nature::Size | Nature::Duration);
    if !sizes && let Some((values, codes)) = distinct(numbers.iter().map(above)) {
        let mut bytes = Vec::with_capacity(codes.len() + 2 * values.len());
        put_varint(&mut bytes, values.len() as u64);
        let mut before = 0;
        for value in &values {
            put_varint(&mut bytes, value - before);
            before = *value;
        }
        put_codes(&codes, values.len(), &mut bytes);
        extent.coding = DICTIONARY;
        extent.lens[0] = packer.pack(&bytes, out);
    } else if nature == Nature::Double {
        let width = 8 - extent.spread.leading_zeros() as usize / 8;
        let mut bytes = Vec::with_capacity(width * numbers.len());
        for plane in (0..width).rev() {
            bytes.extend(numbers.iter().map(|number| (above(number) >> (8 * plane)) as u8));
        }
        extent.coding = PLANES;
        extent.lens[0] = packer.pack(&bytes, out);
    } else {
        let (buckets, rest) = split(numbers.iter().map(above));
        extent.coding = LOG;
        extent.lens[0] = packer.pack(&buckets, out);
        extent.lens[1] = packer.store(&rest, out);
    }
    extent
}

fn bounds(numbers: &[u64], nature: Nature) -> (u64, u64) {
    if nature == Nature::Signed {
        let signed = || numbers.iter().map(|number| *number as i64);
        return (signed().min().unwrap_or(0) as u64, signed().max().unwrap_or(0) as u64);
    }
    (numbers.iter().copied().min().unwrap_or(0), numbers.iter().copied().max().unwrap_or(0))
}

/// Returns the distinct numbers, ascending, and each number's place among them; `None` where a
/// dictionary would not pay.
fn distinct(numbers: impl ExactSizeIterator<Item = u64>) -> Option<(Vec<u64>, Vec<u32>)> {
    let distinct_max = DISTINCT_FEW.max(numbers.len() / USES_MANY);
    let mut places: HashMap<u64, u32, RandomState> = HashMap::default();
    let mut values = Vec::new();
    let mut codes = Vec::with_capacity(numbers.len());
    let mut last = None;
    for number in numbers {
        if let Some((before, code)) = last
            && before == number
        {
            codes.push(code);
            continue;
        }
        let code = *places.entry(number).or_insert_with(|| {
            values.push(number);
            values.len() as u32 - 1
        });
        if distinct_max < values.len() {
            return None;
        }
        last = Some((number, code));
        codes.push(code);
    }
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    order.sort_unstable_by_key(|code| values[*code as usize]);
    let mut ranks = vec![0; values.len()];
    for (rank, code) in order.iter().enumerate() {
        ranks[*code as usize] = rank as u32;
    }
    codes.iter_mut().for_each(|code| *code = ranks[*code as usize]);
    values.sort_unstable();
    Some((values, codes))
}

/// Appends codes below `bound`.
pub(crate) fn put_codes(codes: &[u32], bound: usize, out: &mut Vec<u8>) {
    for plane in 0..code_width(bound) {
        out.extend(codes.iter().map(|code| (code >> (8 * plane)) as u8));
    }
}

/// Returns how many bytes a code below `bound` takes.
const fn code_width(bound: usize) -> usize {
    match bound {
        0..=1 => 0,
        2..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        0x1_0001..=0x100_0000 => 3,
        _ => 4,
    }
}

impl Codes {
    /// Takes the `count` codes below `bound` that `bytes` ends with.
    pub(crate) fn new(mut bytes: Vec<u8>, count: usize, bound: usize) -> Result<Self, Broken> {
        let width = code_width(bound);
        let len =
            width.checked_mul(count).filter(|len| *len <= bytes.len()).ok_or(Broken("codes are cut off"))?;
        bytes.drain(..bytes.len() - len);
        let codes = Self { count, width, bytes };
        // A width that holds exactly the bound needs no look.
        let exact = width == 1 && bound == 0x100 || width == 2 && bound == 0x1_0000;
        let greatest = || codes.map(0..count, |code| code).into_iter().max();
        if !exact && count != 0 && greatest().is_some_and(|greatest| bound <= greatest as usize) {
            return Err(Broken("a code does not exist"));
        }
        Ok(codes)
    }

    /// Returns what `of` says of the codes in a range, which must lie within.
    pub(crate) fn map<T>(&self, range: Range<usize>, of: impl Fn(u32) -> T) -> Vec<T> {
        let plane = |plane: usize| &self.bytes[plane * self.count..][range.clone()];
        match self.width {
            1 => plane(0).iter().map(|low| of(u32::from(*low))).collect(),
            2 => {
                let both = plane(0).iter().zip(plane(1));
                both.map(|(low, high)| of(u32::from(*low) | u32::from(*high) << 8)).collect()
            }
            _ => range.map(|at| of(self.get(at))).collect(),
        }
    }

    /// Returns about how much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn get(&self, at: usize) -> u32 {
        match self.width {
            0 => 0,
            1 => u32::from(self.bytes[at]),
            2 => u32::from(self.bytes[at]) | u32::from(self.bytes[self.count + at]) << 8,
            _ => {
                let plane = |plane: usize| u32::from(self.bytes[plane * self.count + at]) << (8 * plane);
                (0..self.width).map(plane).sum()
            }
        }
    }
}

impl Ints {
    /// Returns `count` times the same number.
    pub(crate) const fn constant(count: usize, number: u64) -> Self {
        Self { count, least: number, form: Form::Constant }
    }

    /// Reads what [`put_ints`] wrote; `blocks` are the extent's.
    pub(crate) fn take(extent: &Extent, blocks: [&[u8]; 2], unpacker: &mut Unpacker) -> Result<Self, Broken> {
        let count = extent.count as usize;
        let form = match extent.coding {
            CONSTANT => Form::Constant,
            DICTIONARY => {
                let bytes = unpacker.unpack(blocks[0])?;
                let mut take = Take::new(&bytes);
                let mut values = Vec::with_capacity(take.clone().count(1)?);
                let mut before = 0_u64;
                for _ in 0..take.count(1)? {
                    before = before.checked_add(take.varint()?).ok_or(Broken("a dictionary overflows"))?;
                    values.push(extent.least.wrapping_add(before));
                }
                let codes = Codes::new(bytes, count, values.len())?;
                if values.is_empty() {
                    return Err(Broken("a dictionary is empty"));
                }
                Form::Dictionary { values, codes }
            }
            LOG => {
                let split = Split::new(unpacker.unpack(blocks[0])?, unpacker.unpack(blocks[1])?)?;
                if split.buckets().len() != count {
                    return Err(Broken("a column's count is wrong"));
                }
                Form::Log(split)
            }
            PLANES => {
                let bytes = unpacker.unpack(blocks[0])?;
                let width = 8 - extent.spread.leading_zeros() as usize / 8;
                if Some(bytes.len()) != width.checked_mul(count) {
                    return Err(Broken("a column's count is wrong"));
                }
                Form::Planes { width, bytes }
            }
            _ => return Err(Broken("a coding does not exist")),
        };
        Ok(Self { count, least: extent.least, form })
    }

    /// Returns about how much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + match &self.form {
                Form::Constant => 0,
                Form::Dictionary { values, codes } => size_of_val(&values[..]) + codes.bytes(),
                Form::Log(split) => split.bytes(),
                Form::Planes { bytes, .. } => bytes.capacity(),
            }
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// Returns the number if all are the same.
    pub(crate) const fn one(&self) -> Option<u64> {
        match self.form {
            Form::Constant => Some(self.least),
            _ => None,
        }
    }

    /// Returns the distinct numbers and the code of each number, where they are kept so.
    pub(crate) const fn dictionary(&self) -> Option<(&Vec<u64>, &Codes)> {
        match &self.form {
            Form::Dictionary { values, codes } => Some((values, codes)),
            _ => None,
        }
    }

    /// Reads the buckets of the numbers above the least, where they are kept so, and not the rest.
    pub(crate) fn buckets(
        extent: &Extent,
        block: &[u8],
        unpacker: &mut Unpacker,
    ) -> Result<Option<Vec<u8>>, Broken> {
        if extent.coding != LOG {
            return Ok(None);
        }
        let buckets = unpacker.unpack(block)?;
        match buckets.len() == extent.count as usize {
            true => Ok(Some(buckets)),
            false => Err(Broken("a column's count is wrong")),
        }
    }

    /// Returns the numbers in a range, which must lie within.
    pub(crate) fn range(&self, range: Range<usize>) -> Vec<u64> {
        assert!(range.end <= self.count, "whoever asks knows the count");
        let count = range.len();
        match &self.form {
            Form::Constant => vec![self.least; count],
            Form::Dictionary { values, codes } => codes.map(range, |code| values[code as usize]),
            Form::Log(split) => {
                split.from(range.start).take(count).map(|above| self.least.wrapping_add(above)).collect()
            }
            Form::Planes { width, bytes } => range
                .map(|at| {
                    let planes = (0..*width).map(|plane| bytes[plane * self.count + at]);
                    self.least.wrapping_add(planes.fold(0, |above, byte| above << 8 | u64::from(byte)))
                })
                .collect(),
        }
    }

    /// Returns what is said of each number; the distinct ones are asked where they are known.
    pub(crate) fn select<T: Copy>(&self, of: impl Fn(u64) -> T) -> Vec<T> {
        match &self.form {
            Form::Constant => vec![of(self.least); self.count],
            Form::Dictionary { values, codes } => {
                let said: Vec<T> = values.iter().map(|value| of(*value)).collect();
                codes.map(0..self.count, |code| said[code as usize])
            }
            _ => self.all().into_iter().map(of).collect(),
        }
    }

    /// Visits the numbers in some places, which ascend and must lie within.
    pub(crate) fn at(&self, places: &[usize], mut visit: impl FnMut(usize, u64)) {
        match &self.form {
            Form::Log(split) => split.at(places, |at, above| visit(at, self.least.wrapping_add(above))),
            _ => places.iter().for_each(|at| visit(*at, self.range(*at..at + 1)[0])),
        }
    }

    /// Returns all numbers.
    pub(crate) fn all(&self) -> Vec<u64> {
        self.range(0..self.count)
    }
}

/// Turns the bits of a double into a number that orders as doubles do.
pub(crate) const fn sortable(bits: u64) -> u64 {
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// Undoes [`sortable`].
pub(crate) const fn unsortable(number: u64) -> u64 {
    if number >> 63 == 0 { !number } else { number & !(1 << 63) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen::Dice;

    const NATURES: [Nature; 5] =
        [Nature::Unsigned, Nature::Signed, Nature::Size, Nature::Duration, Nature::Double];

    fn check(numbers: &[u64]) {
        for nature in NATURES {
            let mut out = Vec::new();
            let extent = put_ints(&mut Packer::new(), numbers, nature, &mut out);
            let (first, second) = out.split_at(extent.lens[0] as usize);
            assert_eq!(second.len(), extent.lens[1] as usize);
            let ints = Ints::take(&extent, [first, second], &mut Unpacker::new()).unwrap();
            assert_eq!(ints.all(), numbers, "{nature:?}");
            let middle = numbers.len() / 3..numbers.len() / 2;
            assert_eq!(ints.range(middle.clone()), numbers[middle]);
            assert_eq!(ints.select(|number| number), numbers);
            let places: Vec<usize> = (0..numbers.len()).filter(|at| at * at % 7 == 2).collect();
            ints.at(&places, |at, number| assert_eq!(number, numbers[at], "{nature:?}"));
        }
    }

    #[test]
    fn numbers_come_back_in_every_coding() {
        let mut dice = Dice::new(3);
        check(&[]);
        check(&[7; 100]);
        check(&[0, u64::MAX]);
        check(&[i64::MIN as u64, i64::MAX as u64, 0, 5]);
        for bits in [1, 4, 9, 17, 33, 64] {
            check(&(0..3_000).map(|_| dice.roll() >> (64 - bits)).collect::<Vec<_>>());
        }
        check(&(0..70_000).map(|n| n / 2).collect::<Vec<_>>());
        for number in [0.5, -0.5, 0.0, f64::INFINITY, -1e9] {
            assert_eq!(unsortable(sortable(f64::to_bits(number))), number.to_bits());
        }
        assert!(sortable((-2.0_f64).to_bits()) < sortable((-1.0_f64).to_bits()));
        assert!(sortable((-1.0_f64).to_bits()) < sortable(1.0_f64.to_bits()));
    }
}
