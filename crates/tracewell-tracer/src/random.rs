//! Random ids: xoroshiro128++, one state per thread, seeded from the system's entropy.
//!
//! Ids must be unlikely to meet, not hard to guess. Each draw for a recorded span is stirred with the
//! clock, so a forked process, which inherits the state, leaves its parent's sequence with that.

use std::hash::{BuildHasher as _, RandomState};

/// The state of one thread's generator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random(u64, u64);

impl Random {
    /// Makes a generator from the system's entropy (the keys of the standard library's hasher).
    pub(crate) fn seeded() -> Self {
        let word = |salt: u64| RandomState::new().hash_one(salt);
        Self(word(1) | 1, word(2))
    }

    /// Mixes in something that differs between processes that share a past.
    #[inline]
    pub(crate) fn stir(&mut self, ticks: u64) {
        self.1 ^= ticks;
        // An all-zero state would stay there for ever.
        self.0 |= u64::from(self.1 == 0);
    }

    /// Returns the next 64 bits, never zero.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        let (s0, mut s1) = (self.0, self.1);
        let result = s0.wrapping_add(s1).rotate_left(17).wrapping_add(s0);
        s1 ^= s0;
        self.0 = s0.rotate_left(49) ^ s1 ^ (s1 << 21);
        self.1 = s1.rotate_left(28);
        if result == 0 { 1 } else { result }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_part_once_their_clocks_differ() {
        let mut parent = Random::seeded();
        let mut child = parent;
        parent.stir(1_000);
        child.stir(1_001);
        let of = |random: &mut Random| [random.next(), random.next(), random.next()];
        assert_ne!(of(&mut parent), of(&mut child));
    }

    #[test]
    fn threads_draw_differently() {
        assert_ne!(Random::seeded().next(), Random::seeded().next());
    }
}
