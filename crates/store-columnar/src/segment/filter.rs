//! What a segment certainly does not hold: filters over trace ids and over keys with their values.
//!
//! Binary fuse filters of 8 bits: nine bits for each entry, one false alarm in 256. A filter that
//! could not be built is an empty table and lets everything through.

use span::{TraceId, ValueRef};
use xorf::{BinaryFuse8, Filter as _};

use crate::column::block::{Packer, Unpacker};
use crate::column::hash::{mix, mix_bytes};
use crate::column::{Broken, Take};
use crate::value_kind::{ValueKind, bits_of, text_of};

/// Tells what is certainly absent.
#[derive(Debug)]
pub(super) struct Filter(Option<BinaryFuse8>);

/// Returns a trace id's entry.
pub(super) const fn id_entry(id: TraceId) -> u64 {
    mix(mix(0, id.high()), id.low())
}

/// Returns a key's half of its entries.
pub(super) fn key_entry(key: &[u8]) -> u64 {
    mix_bytes(1, key)
}

/// Returns the entry of a text, of raw bytes or of another value under a key. Arrays and maps
/// go by their JSON, because that is what they are searched by.
pub(super) fn pair_entry(key: u64, value: ValueRef<'_>) -> u64 {
    let kind = ValueKind::of(value);
    match kind {
        ValueKind::Str | ValueKind::Bytes => mix_bytes(mix(key, kind as u64), text_of(value)),
        ValueKind::Array | ValueKind::Map => json_entry(key, kind, &value.json_form()),
        ValueKind::Double if f64::from_bits(bits_of(value)).is_nan() => mix(mix(key, kind as u64), u64::MAX),
        ValueKind::Empty | ValueKind::Bool | ValueKind::Int | ValueKind::Double => {
            mix(mix(key, kind as u64), bits_of(value))
        }
    }
}

/// Returns the entry of an array or a map under a key, by its JSON.
pub(super) fn json_entry(key: u64, kind: ValueKind, json: &str) -> u64 {
    mix_bytes(mix(key, kind as u64), json.as_bytes())
}

/// Appends a filter that lets `entries` through.
pub(super) fn put_filter(packer: &Packer, mut entries: Vec<u64>, out: &mut Vec<u8>) -> u32 {
    entries.sort_unstable();
    entries.dedup();
    let Ok(filter) = BinaryFuse8::try_from(&entries) else { return 0 };
    let head = filter.descriptor;
    let mut bytes = Vec::with_capacity(20 + filter.fingerprints.len());
    bytes.extend_from_slice(&head.seed.to_le_bytes());
    for number in [head.segment_length, head.segment_length_mask, head.segment_count_length] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&filter.fingerprints);
    packer.store(&bytes, out)
}

impl Filter {
    /// Reads what [`put_filter`] wrote.
    pub(super) fn take(block: &[u8], unpacker: &mut Unpacker) -> Result<Self, Broken> {
        if block.is_empty() {
            return Ok(Self(None));
        }
        let bytes = unpacker.unpack(block)?;
        let mut take = Take::new(&bytes);
        let descriptor = xorf::Descriptor {
            seed: take.u64()?,
            segment_length: take.u32()?,
            segment_length_mask: take.u32()?,
            segment_count_length: take.u32()?,
        };
        let length = u64::from(descriptor.segment_length);
        let count_length = u64::from(descriptor.segment_count_length);
        // Then no lookup reaches beyond the fingerprints.
        let fits = length.is_power_of_two()
            && u64::from(descriptor.segment_length_mask) == length - 1
            && count_length.is_multiple_of(length)
            && count_length + 2 * length <= take.rest().len() as u64;
        if !fits {
            return Err(Broken("a filter does not fit its head"));
        }
        Ok(Self(Some(BinaryFuse8 { descriptor, fingerprints: take.rest().into() })))
    }

    /// Tells whether the entry may be there.
    pub(super) fn may_hold(&self, entry: u64) -> bool {
        self.0.as_ref().is_none_or(|filter| filter.contains(&entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_let_through_and_little_else() {
        for count in [0_u64, 1, 2, 3, 10, 1_000, 50_000] {
            let mut out = Vec::new();
            let entry = |number| id_entry(TraceId::from_halves(0, number));
            put_filter(&Packer::new(), (0..count).chain(0..count).map(entry).collect(), &mut out);
            let filter = Filter::take(&out, &mut Unpacker::new()).unwrap();
            assert!((0..count).all(|number| filter.may_hold(entry(number))));
            let alarms = (count..count + 10_000).filter(|number| filter.may_hold(entry(*number))).count();
            assert!(alarms < 100 || count < 1_000, "{count}: {alarms}");
        }
    }
}
