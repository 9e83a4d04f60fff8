//! The hash that filters on disk are made with: the same in every process and every version.
//!
//! Eight bytes at a time are folded in by a multiplication to 128 bits whose halves are xored, as
//! wyhash and foldhash do. It has no seed: a filter's worst case is a needless look.

const FOLD: u64 = 0x9e37_79b9_7f4a_7c15;
const TURN: u64 = 0xd6e8_feb8_6659_fd93;

/// Mixes a number into a hash.
pub(crate) const fn mix(hash: u64, number: u64) -> u64 {
    let wide = (hash ^ number ^ TURN) as u128 * (FOLD ^ number.rotate_left(32)) as u128;
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// Mixes bytes into a hash: eight at a time, little-endian, the last ones filled up with zeros, then
/// how many there were.
pub(crate) fn mix_bytes(hash: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = words.iter().fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = mix(hash, u64::from_le_bytes(word));
    }
    mix(hash, bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_stays_what_it_is() {
        let text = mix_bytes(0, b"session.id");
        assert_eq!((mix(0, 0), text), (mix(0, 0), mix_bytes(0, b"session.id")));
        let mut seen = std::collections::HashSet::new();
        assert!((0..100_000).all(|number| seen.insert(mix(text, number))));
        assert_ne!(mix_bytes(0, b"a"), mix_bytes(0, b"a\0"));
    }
}
