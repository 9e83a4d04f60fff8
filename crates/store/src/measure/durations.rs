//! Durations by how large they are: enough for every quantile within an eighth.
//!
//! A duration's bucket is its highest bit and the two bits below it: 252 buckets, each a quarter wide at most.

use span::DurationNanos;

/// How many buckets there are.
pub const BUCKETS: usize = 252;

/// How many durations are in each bucket. Only the stretch of buckets that is used takes memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// The bucket of the first count.
    first: u8,
    counts: Vec<u64>,
}

/// Returns the bucket of a duration.
pub const fn bucket(duration: DurationNanos) -> u8 {
    let number = duration.0;
    if number < 4 {
        return number as u8;
    }
    let top = 63 - number.leading_zeros();
    ((top - 1) * 4) as u8 + ((number >> (top - 2)) & 3) as u8
}

/// Returns the least duration of a bucket; of the one behind the last, the greatest of all.
pub const fn bucket_least(bucket: u8) -> DurationNanos {
    DurationNanos(match bucket {
        0..4 => bucket as u64,
        252.. => u64::MAX,
        _ => (4 + bucket as u64 % 4) << (bucket / 4 - 1),
    })
}

impl Durations {
    /// Counts a duration.
    pub fn add(&mut self, duration: DurationNanos) {
        self.add_many(bucket(duration), 1);
    }

    /// Counts some durations of one bucket.
    pub fn add_many(&mut self, bucket: u8, count: u64) {
        if self.counts.is_empty() {
            self.first = bucket;
        }
        if bucket < self.first {
            let before = usize::from(self.first - bucket);
            self.counts.splice(0..0, std::iter::repeat_n(0, before));
            self.first = bucket;
        }
        let at = usize::from(bucket - self.first);
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += count;
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.iter() {
            self.add_many(bucket, count);
        }
    }

    /// Visits the buckets that are not empty, ascending, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        let all = self.counts.iter().enumerate();
        all.filter(|(_, count)| **count != 0).map(|(at, count)| (self.first + at as u8, *count))
    }

    /// Returns how many durations are in a bucket.
    pub fn get(&self, bucket: u8) -> u64 {
        let at = bucket.checked_sub(self.first).map(usize::from);
        at.and_then(|at| self.counts.get(at)).copied().unwrap_or_default()
    }

    /// Returns how many durations there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns about the duration below which this share of all lies; zero where there are none.
    pub fn quantile(&self, share: f64) -> DurationNanos {
        let rank = (share * self.count() as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        for (bucket, count) in self.iter() {
            if rank <= below + count {
                let (least, next) = (bucket_least(bucket).0, bucket_least(bucket + 1).0);
                let within = (rank - below) as f64 - 0.5;
                let width = (next - least) as f64;
                return DurationNanos(least + (width * within / count as f64) as u64);
            }
            below += count;
        }
        DurationNanos(0)
    }

    /// Returns about how long all took together.
    pub fn total(&self) -> DurationNanos {
        let middle = |bucket| u64::midpoint(bucket_least(bucket).0, bucket_least(bucket + 1).0);
        let sum = |sum: u64, (bucket, count): (u8, u64)| match bucket {
            0..4 => sum.saturating_add(count * u64::from(bucket)),
            _ => sum.saturating_add(count.saturating_mul(middle(bucket))),
        };
        DurationNanos(self.iter().fold(0, sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_bucket() {
        let mut numbers: Vec<u64> = (0..2_000).chain((0..64).map(|bit| 1 << bit)).collect();
        numbers.extend((2..64).map(|bit| (1 << bit) - 1));
        numbers.push(u64::MAX);
        for number in numbers.into_iter().map(DurationNanos) {
            let bucket = bucket(number);
            assert!(usize::from(bucket) < BUCKETS);
            assert!(bucket_least(bucket) <= number, "{number:?}");
            assert!(number < bucket_least(bucket + 1) || number.0 == u64::MAX, "{number:?}");
        }
    }

    #[test]
    fn quantiles_are_within_an_eighth() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile(0.5), DurationNanos(0));
        (1..=10_000).rev().for_each(|number| durations.add(DurationNanos(number * 1_000)));
        assert_eq!(durations.count(), 10_000);
        for share in [0.01, 0.5, 0.95, 0.99, 1.0] {
            let (found, right) = (durations.quantile(share).0 as f64, share * 1e7);
            assert!((found / right - 1.0).abs() < 0.125, "{share}: {found} for {right}");
        }
        let total = durations.total().0 as f64 / (1e4 * 10_001.0 / 2.0 * 1e3);
        assert!((total - 1.0).abs() < 0.125, "{total}");
    }

    #[test]
    fn halves_make_the_whole() {
        let of = |numbers: &[u64]| {
            let mut durations = Durations::default();
            numbers.iter().for_each(|number| durations.add(DurationNanos(*number)));
            durations
        };
        let (mut one, other) = (of(&[900, 7, 7]), of(&[1, 1_000_000]));
        one.merge(&other);
        assert_eq!(one, of(&[7, 1, 7, 1_000_000, 900]));
    }
}
