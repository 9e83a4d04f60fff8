//! Attributes and their values in OTLP/JSON.
//!
//! Arrays and maps are packed on the fly into the protobuf that batches hold. One that nests deeper than
//! a batch allows is kept as its own JSON, as a string.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use span::{DEPTH_MAX, Text, Value};

use super::json_owners::JsonWalk;
use super::number::{ITEMS, any_value, key_value};
use crate::DecodeError;
use crate::json_reader::JsonReader;
use crate::proto_writer::ProtoWriter;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

impl JsonWalk<'_> {
    /// Reads `{"key":..,"value":..}` into the batch.
    pub(super) fn attribute(&mut self) -> Result<(), DecodeError> {
        self.budget.attribute()?;
        let (mut name, mut value) = (Text::EMPTY, Value::Empty);
        let mut object = self.json.open_object("attribute")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"key" => name = self.text("attribute.key")?,
                b"value" => value = self.value()?,
                _ => drop(self.json.skip("attribute")?),
            }
        }
        self.builder.attribute(name, value);
        Ok(())
    }

    fn value(&mut self) -> Result<Value, DecodeError> {
        let before = self.json.clone();
        let mut value = Value::Empty;
        self.too_deep = false;
        let mut object = self.json.open_object("attribute.value")?;
        while let Some(key) = self.json.key(&mut object)? {
            value = match &*key {
                b"stringValue" | b"string_value" => Value::Str(self.text("value.string_value")?),
                b"boolValue" | b"bool_value" => Value::Bool(self.json.bool("value.bool_value")?),
                b"intValue" | b"int_value" => Value::Int(int(&mut self.json)?),
                b"doubleValue" | b"double_value" => Value::Double(self.json.double("value.double_value")?),
                b"bytesValue" | b"bytes_value" => Value::Bytes(self.builder.text(&bytes(&mut self.json)?)?),
                b"arrayValue" | b"array_value" => {
                    self.packed.clear();
                    self.list(DEPTH_MAX)?;
                    Value::Array(self.builder.text(self.packed.written())?)
                }
                b"kvlistValue" | b"kvlist_value" => {
                    self.packed.clear();
                    self.map(DEPTH_MAX)?;
                    Value::Map(self.builder.text(self.packed.written())?)
                }
                _ => {
                    self.json.skip("attribute.value")?;
                    continue;
                }
            }
        }
        if self.too_deep {
            let whole = before.clone().skip("attribute.value")?;
            value = Value::Str(self.builder.text(whole)?);
        }
        Ok(value)
    }

    /// Packs `{"values":[..]}` of values.
    fn list(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth == 0 {
            self.too_deep = true;
            self.json.skip("value.array_value")?;
            return Ok(());
        }
        let mut object = self.json.open_object("value.array_value")?;
        while let Some(key) = self.json.key(&mut object)? {
            if &*key != b"values" {
                self.json.skip("value.array_value")?;
                continue;
            }
            let mut items = self.json.open_array("array_value.values")?;
            while self.json.item(&mut items)? {
                let item = self.packed.begin(ITEMS);
                self.inner_value(depth - 1)?;
                self.packed.end(item);
            }
        }
        Ok(())
    }

    /// Packs `{"values":[..]}` of keys and values.
    fn map(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth == 0 {
            self.too_deep = true;
            self.json.skip("value.kvlist_value")?;
            return Ok(());
        }
        let mut object = self.json.open_object("value.kvlist_value")?;
        while let Some(key) = self.json.key(&mut object)? {
            if &*key != b"values" {
                self.json.skip("value.kvlist_value")?;
                continue;
            }
            let mut items = self.json.open_array("kvlist_value.values")?;
            while self.json.item(&mut items)? {
                let item = self.packed.begin(ITEMS);
                self.entry(depth)?;
                self.packed.end(item);
            }
        }
        Ok(())
    }

    fn entry(&mut self, depth: usize) -> Result<(), DecodeError> {
        let mut object = self.json.open_object("kvlist_value.values")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"key" => self.packed.bytes(key_value::KEY, &self.json.text("kvlist_value.values.key")?),
                b"value" => {
                    let value = self.packed.begin(key_value::VALUE);
                    self.inner_value(depth - 1)?;
                    self.packed.end(value);
                }
                _ => drop(self.json.skip("kvlist_value.values")?),
            }
        }
        Ok(())
    }

    /// Packs a value that stands in an array or a map. The recursion ends with `depth`.
    fn inner_value(&mut self, depth: usize) -> Result<(), DecodeError> {
        let mut object = self.json.open_object("value")?;
        while let Some(key) = self.json.key(&mut object)? {
            match &*key {
                b"arrayValue" | b"array_value" => {
                    let list = self.packed.begin(any_value::ARRAY);
                    self.list(depth)?;
                    self.packed.end(list);
                }
                b"kvlistValue" | b"kvlist_value" => {
                    let map = self.packed.begin(any_value::MAP);
                    self.map(depth)?;
                    self.packed.end(map);
                }
                plain => pack_plain(&mut self.packed, &mut self.json, plain)?,
            }
        }
        Ok(())
    }
}

fn pack_plain(out: &mut ProtoWriter, json: &mut JsonReader<'_>, key: &[u8]) -> Result<(), DecodeError> {
    match key {
        b"stringValue" | b"string_value" => out.bytes(any_value::STRING, &json.text("value.string_value")?),
        b"boolValue" | b"bool_value" => {
            out.varint(any_value::BOOL, u64::from(json.bool("value.bool_value")?));
        }
        b"intValue" | b"int_value" => out.varint(any_value::INT, int(json)? as u64),
        b"doubleValue" | b"double_value" => {
            out.fixed64(any_value::DOUBLE, json.double("value.double_value")?.to_bits());
        }
        b"bytesValue" | b"bytes_value" => out.bytes(any_value::BYTES, &bytes(json)?),
        _ => drop(json.skip("value")?),
    }
    Ok(())
}

fn int(json: &mut JsonReader<'_>) -> Result<i64, DecodeError> {
    let at = json.clone();
    let number = json.integer("value.int_value")?;
    i64::try_from(number).map_err(|_| at.broken("value.int_value", "64 bits do not hold this number"))
}

/// Reads base64 in either alphabet, with or without padding.
fn bytes(json: &mut JsonReader<'_>) -> Result<Vec<u8>, DecodeError> {
    let at = json.clone();
    let text = json.text("value.bytes_value")?;
    let decoded = BASE64.decode(&text).or_else(|_| BASE64_URL.decode(&text));
    decoded.map_err(|_| at.broken("value.bytes_value", "this is no base64"))
}
