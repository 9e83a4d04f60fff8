//! Attributes and their values in protobuf.
//!
//! Arrays and maps stay as they are: a batch packs them as OTLP does, so they only have to be walked
//! once, to know that they are whole and how deep they nest.

use span::{DEPTH_MAX, Value};

use super::number::{ITEMS, any_value, key_value};
use super::proto_owners::ProtoWalk;
use crate::DecodeError;
use crate::proto_reader::{ProtoField, ProtoReader};

impl ProtoWalk {
    /// Reads a `KeyValue` into the batch. Answers false, and adds nothing, where the value is of a
    /// kind that this version does not know: then the caller keeps the field in a residual.
    pub(super) fn attribute(&mut self, field: ProtoField<'_>) -> Result<bool, DecodeError> {
        self.budget.attribute()?;
        let mut key = span::Text::EMPTY;
        let mut value = Value::Empty;
        let mut known = true;
        let mut fields = field.message("attribute")?;
        while let Some(field) = fields.field()? {
            match field.number {
                key_value::KEY => key = self.builder.text(field.bytes("attribute.key")?)?,
                key_value::VALUE => known = self.any_value(field.message("attribute.value")?, &mut value)?,
                _ => {}
            }
        }
        if known {
            self.builder.attribute(key, value);
        }
        Ok(known)
    }

    /// Reads an `AnyValue`; of several members the last one stands. Answers false where there are only
    /// unknown ones.
    fn any_value(&mut self, mut fields: ProtoReader<'_>, value: &mut Value) -> Result<bool, DecodeError> {
        let (mut known, mut unknown) = (false, false);
        while let Some(field) = fields.field()? {
            match field.number {
                any_value::STRING => {
                    *value = Value::Str(self.builder.text(field.bytes("value.string_value")?)?);
                }
                any_value::BOOL => *value = Value::Bool(field.varint("value.bool_value")? != 0),
                any_value::INT => *value = Value::Int(field.varint("value.int_value")? as i64),
                any_value::DOUBLE => {
                    *value = Value::Double(f64::from_bits(field.fixed64("value.double_value")?));
                }
                any_value::BYTES => {
                    *value = Value::Bytes(self.builder.text(field.bytes("value.bytes_value")?)?);
                }
                any_value::ARRAY => {
                    let text = self.builder.text(field.bytes("value.array_value")?)?;
                    let fits = list_fits(field.message("value.array_value")?, DEPTH_MAX)?;
                    *value = if fits { Value::Array(text) } else { Value::Bytes(text) };
                }
                any_value::MAP => {
                    let text = self.builder.text(field.bytes("value.kvlist_value")?)?;
                    let fits = map_fits(field.message("value.kvlist_value")?, DEPTH_MAX)?;
                    *value = if fits { Value::Map(text) } else { Value::Bytes(text) };
                }
                _ => {
                    unknown = true;
                    continue;
                }
            }
            known = true;
        }
        Ok(known || !unknown)
    }
}

/// Walks an array to its leaves; false where it nests more than `depth` levels.
fn list_fits(mut fields: ProtoReader<'_>, depth: usize) -> Result<bool, DecodeError> {
    if depth == 0 {
        return Ok(false);
    }
    while let Some(field) = fields.field()? {
        if field.number == ITEMS && !value_fits(field.message("array_value.values")?, depth - 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Walks a map to its leaves; false where it nests more than `depth` levels.
fn map_fits(mut fields: ProtoReader<'_>, depth: usize) -> Result<bool, DecodeError> {
    if depth == 0 {
        return Ok(false);
    }
    while let Some(field) = fields.field()? {
        if field.number != ITEMS {
            continue;
        }
        let mut entry = field.message("kvlist_value.values")?;
        while let Some(field) = entry.field()? {
            if field.number == key_value::VALUE
                && !value_fits(field.message("kvlist_value.values.value")?, depth - 1)?
            {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn value_fits(mut fields: ProtoReader<'_>, depth: usize) -> Result<bool, DecodeError> {
    while let Some(field) = fields.field()? {
        let fits = match field.number {
            any_value::ARRAY => list_fits(field.message("value.array_value")?, depth)?,
            any_value::MAP => map_fits(field.message("value.kvlist_value")?, depth)?,
            _ => true,
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}
