//! Bytes in and out: little-endian numbers, varints, lengths that are checked.

/// Bytes are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) &'static str);

/// Reads from the front of a run of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Take<'a>(&'a [u8]);

impl<'a> Take<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Takes `len` bytes.
    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Broken> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(Broken("bytes end early"))?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Takes a length and as many bytes.
    pub(crate) fn text(&mut self) -> Result<&'a [u8], Broken> {
        let len = self.varint()?;
        self.bytes(usize::try_from(len).map_err(|_| Broken("a length is too large"))?)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Broken> {
        Ok(self.bytes(1)?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Broken> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_le_bytes(bytes.try_into().expect("four bytes were taken")))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Broken> {
        let bytes = self.bytes(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes were taken")))
    }

    pub(crate) fn varint(&mut self) -> Result<u64, Broken> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Broken("a varint does not end"))
    }

    /// Takes a varint that fits 32 bits.
    pub(crate) fn varint32(&mut self) -> Result<u32, Broken> {
        u32::try_from(self.varint()?).map_err(|_| Broken("a number is too large"))
    }

    /// Takes a count of things that take at least `size` bytes each: more than fit cannot be.
    pub(crate) fn count(&mut self, size: usize) -> Result<usize, Broken> {
        let count = usize::try_from(self.varint()?).map_err(|_| Broken("a count is too large"))?;
        match count.checked_mul(size) {
            Some(bytes) if bytes <= self.0.len() => Ok(count),
            _ => Err(Broken("a count is too large")),
        }
    }

    /// Returns what was not taken.
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while 0x80 <= number {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(crate) fn put_text(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Folds the sign into the lowest bit, so that small numbers of either sign are small.
pub(crate) const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

/// Undoes [`zigzag`].
pub(crate) const fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, number);
            assert_eq!(Take::new(&out).varint(), Ok(number));
            assert_eq!(Take::new(&out[..out.len() - 1]).varint(), Err(Broken("bytes end early")));
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(number)), number);
        }
        assert!(Take::new(&[0xff; 11]).varint().is_err());
        assert!(Take::new(&[200, 1, 0]).count(1).is_err());
    }
}
