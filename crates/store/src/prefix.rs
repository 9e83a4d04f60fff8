//! The beginning of a trace id, as people paste it.

use span::TraceId;

/// The first hex digits of a trace id: a range of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracePrefix {
    first: TraceId,
    last: TraceId,
}

impl TracePrefix {
    /// The fewest digits that name few enough traces.
    pub const DIGITS_MIN: usize = 6;

    /// Takes 6 to 32 hex digits of either case; `None` for anything else.
    pub fn new(digits: &str) -> Option<Self> {
        let fits = (Self::DIGITS_MIN..=32).contains(&digits.len());
        if !fits || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let number = u128::from_str_radix(digits, 16).ok()?;
        let free_bits = 4 * (32 - digits.len()) as u32;
        let first = number.checked_shl(free_bits)?;
        let last = first | 1_u128.checked_shl(free_bits).map_or(u128::MAX, |bound| bound - 1);
        Some(Self {
            first: TraceId::from_bytes(first.to_be_bytes()),
            last: TraceId::from_bytes(last.to_be_bytes()),
        })
    }

    /// Returns the least id that begins so.
    pub const fn first(self) -> TraceId {
        self.first
    }

    /// Returns the greatest id that begins so.
    pub const fn last(self) -> TraceId {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_range() {
        let prefix = TracePrefix::new("ABCDEF").unwrap();
        assert_eq!(prefix.first().to_string(), "abcdef00000000000000000000000000");
        assert_eq!(prefix.last().to_string(), "abcdefffffffffffffffffffffffffff");
        let whole = TracePrefix::new(&"7".repeat(32)).unwrap();
        assert_eq!(whole.first(), whole.last());
        for bad in ["abcde", "abcdeg", "+bcdef", &"7".repeat(33)] {
            assert_eq!(TracePrefix::new(bad), None, "{bad}");
        }
    }
}
