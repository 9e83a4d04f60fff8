//! Attributes written out one by one: for resources, scopes, and owners without a shape.
//!
//! ```text
//! count, then for each: key (length, bytes), kind (a byte), value
//! value   text: length, bytes;  integer: zigzag varint;  double: 8 bytes;  boolean: a byte;  empty: -
//! ```

use span::ValueRef;

use crate::column::bytes::{put_text, put_varint, unzigzag, zigzag};
use crate::column::{Broken, Take};
use crate::value_kind::{ValueKind, bits_of, text_of};

/// Appends a listing.
pub(super) fn put_listing<'a>(
    attributes: impl ExactSizeIterator<Item = (&'a [u8], ValueRef<'a>)>,
    out: &mut Vec<u8>,
) {
    put_varint(out, attributes.len() as u64);
    for (key, value) in attributes {
        put_text(out, key);
        let kind = ValueKind::of(value);
        out.push(kind as u8);
        let bits = bits_of(value);
        match kind {
            ValueKind::Empty => {}
            ValueKind::Bool => out.push(bits as u8),
            ValueKind::Int => put_varint(out, zigzag(bits as i64)),
            ValueKind::Double => out.extend_from_slice(&bits.to_le_bytes()),
            ValueKind::Str | ValueKind::Bytes | ValueKind::Array | ValueKind::Map => {
                put_text(out, text_of(value));
            }
        }
    }
}

/// Takes a listing.
pub(super) fn take_listing<'a>(take: &mut Take<'a>) -> Result<Vec<(&'a [u8], ValueRef<'a>)>, Broken> {
    let count = take.count(2)?;
    (0..count).map(|_| Ok((take.text()?, take_value(take)?))).collect()
}

fn take_value<'a>(take: &mut Take<'a>) -> Result<ValueRef<'a>, Broken> {
    let kind = ValueKind::from_number(u64::from(take.byte()?)).ok_or(Broken("a kind does not exist"))?;
    Ok(match kind {
        ValueKind::Empty => ValueRef::Empty,
        ValueKind::Bool => ValueRef::Bool(take.byte()? != 0),
        ValueKind::Int => ValueRef::Int(unzigzag(take.varint()?)),
        ValueKind::Double => ValueRef::Double(f64::from_bits(take.u64()?)),
        ValueKind::Str | ValueKind::Bytes | ValueKind::Array | ValueKind::Map => kind.of_text(take.text()?),
    })
}
