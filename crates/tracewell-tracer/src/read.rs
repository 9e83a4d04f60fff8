//! Reading protobuf: the answers of servers, which are hostile, and our own requests, for exporters of
//! other protocols and for tests.

/// A field of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Field<'a> {
    /// A number, however it was written.
    Number(u64),
    /// A text, bytes, or a message.
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    pub(crate) fn bytes(self) -> &'a [u8] {
        if let Self::Bytes(bytes) = self { bytes } else { &[] }
    }

    pub(crate) fn number(self) -> u64 {
        if let Self::Number(number) = self { number } else { 0 }
    }

    pub(crate) fn text(self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }
}

/// The fields of a message, in the order in which they stand. It ends at the first that is cut short.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Number(self.varint()?),
            1 => Field::Number(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let len = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(len)?)
            }
            5 => Field::Number(u64::from(u32::from_le_bytes(self.take(4)?.try_into().ok()?))),
            _ => return None,
        };
        Some((tag >> 3, field))
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

/// Reads an `ExportTraceServiceResponse`: how many spans were rejected, and why. Whatever makes no sense
/// in it is a full success.
pub(crate) fn partial_success(body: &[u8]) -> (u64, String) {
    let (mut rejected, mut message) = (0, String::new());
    for (_, partial) in Fields(body).filter(|(number, _)| *number == 1) {
        for (number, field) in Fields(partial.bytes()) {
            match number {
                1 => rejected = field.number(),
                2 => message = field.text().chars().take(1024).collect(),
                _ => {}
            }
        }
    }
    (rejected, message)
}

/// Calls `visit` with resource, scope and span, as messages, for every span of a request.
pub(crate) fn each_span<'a>(request: &'a [u8], visit: &mut dyn FnMut(&'a [u8], &'a [u8], &'a [u8])) {
    let inside = |message: &'a [u8], wanted: u64| {
        Fields(message).filter(move |(number, _)| *number == wanted).map(|(_, field)| field.bytes())
    };
    for resource_spans in inside(request, 1) {
        let resource = inside(resource_spans, 1).last().unwrap_or_default();
        for scope_spans in inside(resource_spans, 2) {
            let scope = inside(scope_spans, 1).last().unwrap_or_default();
            for span in inside(scope_spans, 2) {
                visit(resource, scope, span);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_success_is_read_and_nonsense_is_not() {
        assert_eq!(partial_success(&[0x0a, 6, 0x08, 3, 0x12, 2, b'h', b'i']), (3, "hi".to_owned()));
        for nonsense in [&[0x0a][..], &[0xff; 20], &[0x0a, 200, 1], &[0x0b]] {
            assert_eq!(partial_success(nonsense), (0, String::new()));
        }
    }
}
