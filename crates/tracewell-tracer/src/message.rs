//! Reading what a span has said so far out of its own message.

use crate::read::Fields;
use crate::value::Value;

/// Returns an attribute of a span's message; of lists and maps, nothing.
pub(crate) fn attribute_of<'a>(message: &'a [u8], key: &str) -> Option<Value<'a>> {
    let of_key = |entry: &'a [u8]| {
        let found = Fields(entry).find(|(number, _)| *number == 1)?.1.bytes() == key.as_bytes();
        found.then(|| Fields(entry).find(|(number, _)| *number == 2))?
    };
    let entries = Fields(message).filter(|(number, _)| *number == 9);
    let (_, value) = entries.filter_map(|(_, entry)| of_key(entry.bytes())).last()?;
    let (number, value) = Fields(value.bytes()).last()?;
    Some(match number {
        1 => Value::Str(std::str::from_utf8(value.bytes()).ok()?),
        2 => Value::Bool(value.number() != 0),
        3 => Value::Int(value.number().cast_signed()),
        4 => Value::Double(f64::from_bits(value.number())),
        7 => Value::Bytes(value.bytes()),
        _ => return None,
    })
}
