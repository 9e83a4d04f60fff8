//! Hex digits, by table: ids are read and written once per call between services.

const NONE: u8 = 0xff;

/// The value of each byte as a hex digit of either case.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut byte = 0;
    while byte < 256 {
        values[byte] = match byte as u8 {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'a'..=b'f' => digit - b'a' + 10,
            digit @ b'A'..=b'F' => digit - b'A' + 10,
            _ => NONE,
        };
        byte += 1;
    }
    values
};

/// Reads exactly `2 * N` lower-case digits.
pub(crate) fn lower<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    // No capital has the bit that sets small letters apart, and every decimal digit has it.
    let small = digits.iter().fold(0x20, |all, digit| all & digit);
    if small == 0 { None } else { exact(digits) }
}

/// Reads exactly `2 * N` digits of either case.
pub(crate) fn exact<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let mut bad = 0;
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        let [high, low] = pair.map(|digit| VALUES[usize::from(digit)]);
        bad |= high | low;
        *byte = high << 4 | low;
    }
    (bad < 16).then_some(bytes)
}

/// Reads 1 to `2 * N` digits of either case, right-aligned.
pub(crate) fn padded<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.is_empty() || 2 * N < digits.len() {
        return None;
    }
    let mut bytes = [0; N];
    let mut bad = 0;
    for (place, digit) in digits.iter().rev().enumerate() {
        let value = VALUES[usize::from(*digit)];
        bad |= value;
        bytes[N - 1 - place / 2] |= (value & 15) << (4 * (place % 2));
    }
    (bad < 16).then_some(bytes)
}

/// The two lower-case digits of a byte.
pub(crate) const fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]
}

/// The value of one digit of either case.
pub(crate) fn value(digit: u8) -> Option<u8> {
    let value = VALUES[usize::from(digit)];
    (value != NONE).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_and_nothing_else_is_hex() {
        for byte in 0..=255_u8 {
            assert_eq!(lower(&digits(byte)), Some([byte]));
            assert_eq!(value(byte).map(u32::from), char::from(byte).to_digit(16));
            assert_eq!(padded::<2>(&[byte]).is_some(), byte.is_ascii_hexdigit());
        }
        assert_eq!(exact::<1>(b"Fa"), Some([0xfa]));
        assert_eq!(lower::<1>(b"Fa"), None);
        assert_eq!(padded::<1>(b"123"), None);
    }
}
