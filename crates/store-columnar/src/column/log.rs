//! Numbers of no fixed size, split into how large they are and the rest.
//!
//! A number's *bucket* is its highest bit and the two bits below it: 252 buckets of at most 25 % width.
//! Buckets take a byte each and compress well; what is left of the number is random and is kept as
//! bits, not compressed. So a duration costs what it must, and its bucket alone answers most
//! comparisons and all quantiles.
//!
//! ```text
//! number 0..3        bucket = number, no rest
//! number 1ab.....    bucket = 4 * (bits - 2) + ab, rest = the bits behind ab
//! ```

use super::Broken;

/// Bytes of zeros behind the rest, so that a reader may read past its end.
const PADDING: usize = 16;

/// Returns the bucket of a number.
pub(crate) const fn bucket(number: u64) -> u8 {
    if number < 4 {
        return number as u8;
    }
    let top = 63 - number.leading_zeros();
    ((top - 1) * 4) as u8 + ((number >> (top - 2)) & 3) as u8
}

/// Returns the least number of a bucket.
pub(crate) const fn bucket_least(bucket: u8) -> u64 {
    match bucket {
        0..4 => bucket as u64,
        _ => (4 + bucket as u64 % 4) << rest_bits(bucket),
    }
}

/// Returns how many bits a number of the bucket has beside it.
const fn rest_bits(bucket: u8) -> u32 {
    match bucket {
        0..4 => 0,
        _ => bucket as u32 / 4 - 1,
    }
}

/// The same, for loops over many.
const REST_BITS: [u8; 256] = {
    let mut bits = [0; 256];
    let mut bucket = 0;
    while bucket < 256 {
        bits[bucket] = rest_bits(bucket as u8) as u8;
        bucket += 1;
    }
    bits
};

/// The greatest bucket.
const BUCKET_MAX: u8 = bucket(u64::MAX);

/// Splits numbers into buckets and rest.
pub(crate) fn split(numbers: impl Iterator<Item = u64>) -> (Vec<u8>, Vec<u8>) {
    let (mut buckets, mut rest) = (Vec::new(), Vec::new());
    let (mut held, mut held_bits) = (0_u128, 0_u32);
    for number in numbers {
        let bucket = bucket(number);
        let bits = rest_bits(bucket);
        buckets.push(bucket);
        held |= u128::from(number & ((1 << bits) - 1)) << held_bits;
        held_bits += bits;
        if 64 <= held_bits {
            rest.extend_from_slice(&(held as u64).to_le_bytes());
            held >>= 64;
            held_bits -= 64;
        }
    }
    rest.extend_from_slice(&(held as u64).to_le_bytes()[..held_bits.div_ceil(8) as usize]);
    (buckets, rest)
}

/// Numbers as [`split`] left them.
#[derive(Debug)]
pub(crate) struct Split {
    buckets: Vec<u8>,
    /// Padded.
    rest: Vec<u8>,
}

impl Split {
    /// Returns about how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.buckets.capacity() + self.rest.capacity()
    }

    /// Takes the two halves; they must fit each other.
    pub(crate) fn new(buckets: Vec<u8>, mut rest: Vec<u8>) -> Result<Self, Broken> {
        if buckets.iter().any(|bucket| BUCKET_MAX < *bucket) {
            return Err(Broken("a bucket does not exist"));
        }
        let bits: u64 = buckets.iter().map(|bucket| u64::from(REST_BITS[usize::from(*bucket)])).sum();
        if bits.div_ceil(8) != rest.len() as u64 {
            return Err(Broken("numbers are cut off"));
        }
        rest.resize(rest.len() + PADDING, 0);
        Ok(Self { buckets, rest })
    }

    pub(crate) fn buckets(&self) -> &[u8] {
        &self.buckets
    }

    /// Visits the numbers from `first` on.
    pub(crate) fn from(&self, first: usize) -> impl Iterator<Item = u64> {
        let (before, buckets) = self.buckets.split_at(first);
        let mut at: u64 = before.iter().map(|bucket| u64::from(rest_bits(*bucket))).sum();
        buckets.iter().map(move |bucket| {
            let number = self.number(*bucket, at);
            at += u64::from(rest_bits(*bucket));
            number
        })
    }

    /// Visits the numbers in some places, which ascend and must lie within.
    pub(crate) fn at(&self, places: &[usize], mut visit: impl FnMut(usize, u64)) {
        let (mut bit, mut next) = (0, 0);
        for place in places {
            let between = &self.buckets[next..*place];
            bit += between.iter().map(|bucket| u64::from(REST_BITS[usize::from(*bucket)])).sum::<u64>();
            next = *place;
            visit(*place, self.number(self.buckets[*place], bit));
        }
    }

    /// Returns the number of a bucket whose rest begins at `bit`.
    fn number(&self, bucket: u8, bit: u64) -> u64 {
        let byte = (bit / 8) as usize;
        let window = self.rest[byte..byte + 16].try_into().expect("the rest is padded by as much");
        let rest = (u128::from_le_bytes(window) >> (bit % 8)) as u64 & ((1 << rest_bits(bucket)) - 1);
        bucket_least(bucket) + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_ascend_and_hold_their_numbers() {
        let mut numbers: Vec<u64> = (0..2_000).chain((0..64).map(|bit| 1 << bit)).collect();
        numbers.extend((2..64).map(|bit| (1 << bit) - 1));
        numbers.push(u64::MAX);
        numbers.sort_unstable();
        for pair in numbers.windows(2) {
            assert!(bucket(pair[0]) <= bucket(pair[1]));
        }
        for number in &numbers {
            assert!(bucket_least(bucket(*number)) <= *number);
        }
        let (buckets, rest) = split(numbers.iter().copied());
        let split = Split::new(buckets.clone(), rest.clone()).unwrap();
        assert!(split.from(0).eq(numbers.iter().copied()));
        assert!(split.from(77).eq(numbers.iter().copied().skip(77)));
        assert!(Split::new(buckets, rest[1..].to_vec()).is_err());
        assert!(Split::new(vec![252], Vec::new()).is_err());
    }
}
