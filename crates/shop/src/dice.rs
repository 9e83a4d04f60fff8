//! Chance from a seed: splitmix64 and the few distributions that the shop needs.
//!
//! The whole world draws from one stream in one order, so a seed names one world on every machine.

use span::DurationNanos;

/// A seeded source of chance.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns 64 random bits.
    pub(crate) const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// Returns 64 random bits, not all of them zero: an id.
    pub(crate) const fn id(&mut self) -> u64 {
        loop {
            let bits = self.bits();
            if bits != 0 {
                return bits;
            }
        }
    }

    /// Returns a number of at least 0 and less than 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Tells whether something of this probability happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Returns a number less than `count`, which is at least 1.
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(count)) >> 64) as u64
    }

    /// Returns a number from `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// Returns one of `choices`.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// Returns a number less than `count` that is the likelier the smaller it is.
    pub(crate) fn skewed(&mut self, count: u64, power: f64) -> u64 {
        ((self.unit().powf(power) * count as f64) as u64).min(count - 1)
    }

    /// Returns an exponentially distributed time with this mean.
    pub(crate) fn exponential(&mut self, mean: DurationNanos) -> DurationNanos {
        DurationNanos((-(1.0 - self.unit()).ln() * mean.0 as f64) as u64)
    }

    /// Returns a lognormally distributed time with this median.
    pub(crate) fn lognormal(&mut self, median: DurationNanos, sigma: f64) -> DurationNanos {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        DurationNanos((median.0 as f64 * (sigma * normal).exp()) as u64)
    }

    /// Returns a random UUID, version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.bits(), self.bits());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48) & 0x3fff,
            low & 0xffff_ffff_ffff,
        )
    }
}

/// Returns bits that look random and depend on nothing but `number`.
pub(crate) const fn mix(number: u64) -> u64 {
    let mut bits = number;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_is_splitmix64() {
        // The first two numbers of the reference implementation for seed 1234567.
        let mut dice = Dice::new(1_234_567);
        assert_eq!((dice.bits(), dice.bits()), (6_457_827_717_110_365_317, 3_203_168_211_198_807_973));
    }

    #[test]
    fn distributions_have_their_means() {
        let mut dice = Dice::new(42);
        let count = 100_000;
        let exponential: u64 = (0..count).map(|_| dice.exponential(DurationNanos(1_000)).0).sum();
        assert!((980..1_020).contains(&(exponential / count)));
        let mut lognormal: Vec<u64> =
            (0..count).map(|_| dice.lognormal(DurationNanos(1_000), 0.55).0).collect();
        lognormal.sort_unstable();
        assert!((980..1_020).contains(&lognormal[lognormal.len() / 2]));
        assert!((0..count).all(|_| (3..=5).contains(&dice.between(3, 5))));
    }

    #[test]
    fn uuids_say_version_four() {
        let uuid = Dice::new(1).uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"), "{uuid}");
    }
}
