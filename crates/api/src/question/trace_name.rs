//! The many ways in which people name a trace, and the one order in which they are tried.
//!
//! Up to 32 hex digits are an id without its leading zeros. Where no such trace is stored, six or more
//! digits are the beginning of an id, written with 32 digits or, as ids of 64 bits are shown, with 16;
//! where that fails too, or where it is not hex, up to 24 characters are base64 of the id, in any of
//! its alphabets.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use span::{ParseIdError, Tenant, Trace, TraceId};
use store::{TracePrefix, TraceReader};

use crate::{ApiError, Backend};

/// The longest base64 of an id, with padding.
const BASE64_LEN_MAX: usize = 24;

const PADDING_OPTIONAL: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING_OPTIONAL);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING_OPTIONAL);

/// What somebody called a trace. At least one reading is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceName {
    text: String,
    /// As hex digits.
    id: Option<TraceId>,
    /// As the beginning of 32 digits, and of 16.
    prefixes: [Option<TracePrefix>; 2],
    /// As base64.
    of_base64: Option<TraceId>,
}

impl TraceName {
    /// Reads a name. The text of the error is Jaeger's.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let id = text.parse::<TraceId>();
        let of_base64 = if text.len() <= BASE64_LEN_MAX { id_of_base64(text) } else { None };
        match id {
            Err(why) if of_base64.is_none() => Err(ApiError::Malformed(said_of(text, why))),
            id => Ok(Self { text: text.to_owned(), id: id.ok(), prefixes: prefixes_of(text), of_base64 }),
        }
    }

    /// Returns the id that the name stands for where no trace has it.
    pub(crate) fn id(&self) -> TraceId {
        self.id.or(self.of_base64).unwrap_or_default()
    }
}

/// Finds the trace of that name, among the stored ones and then among the archived ones.
pub(crate) fn find(reader: &dyn TraceReader, tenant: &Tenant, name: &TraceName) -> Result<Trace, ApiError> {
    let archive = Backend::archive_of(tenant);
    let trace = |id: TraceId| -> Result<Option<Trace>, ApiError> {
        match (reader.trace(tenant, id)?, &archive) {
            (None, Some(archive)) => Ok(reader.trace(archive, id)?),
            (trace, _) => Ok(trace),
        }
    };
    if let Some(id) = name.id
        && let Some(found) = trace(id)?
    {
        return Ok(found);
    }
    let ids = ids_named(reader, [Some(tenant), archive.as_ref()], name)?;
    match ids[..] {
        [] => {}
        [id] => return trace(id)?.ok_or(ApiError::TraceNotFound),
        _ => return Err(ApiError::Ambiguous { digits: name.text.clone(), ids }),
    }
    match name.of_base64 {
        Some(id) => trace(id)?.ok_or(ApiError::TraceNotFound),
        None => Err(ApiError::TraceNotFound),
    }
}

/// Returns the ids that begin as the name does, one more than [`ApiError::IDS_LISTED_MAX`] at most.
fn ids_named(
    reader: &dyn TraceReader,
    tenants: [Option<&Tenant>; 2],
    name: &TraceName,
) -> Result<Vec<TraceId>, ApiError> {
    let limit = ApiError::IDS_LISTED_MAX + 1;
    let mut ids = Vec::new();
    for tenant in tenants.into_iter().flatten() {
        for prefix in name.prefixes.into_iter().flatten() {
            ids.extend(reader.ids_with_prefix(tenant, prefix, limit)?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(limit);
    Ok(ids)
}

fn prefixes_of(text: &str) -> [Option<TracePrefix>; 2] {
    let whole = TracePrefix::new(text);
    let of_low =
        whole.filter(|_| text.len() < 16).and_then(|_| TracePrefix::new(&format!("{:016}{text}", 0)));
    [whole, of_low]
}

fn id_of_base64(text: &str) -> Option<TraceId> {
    let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?;
    let mut id = [0; 16];
    let place = id.len().checked_sub(bytes.len())?;
    id[place..].copy_from_slice(&bytes);
    (!bytes.is_empty()).then(|| TraceId::from_bytes(id))
}

fn said_of(text: &str, why: ParseIdError) -> String {
    let short: String = text.chars().take(100).filter(|c| !c.is_control()).collect();
    match why {
        ParseIdError::TooLong { .. } => format!("TraceID cannot be longer than 32 hex characters: {short}"),
        ParseIdError::Empty | ParseIdError::NotHex { .. } => {
            format!("strconv.ParseUint: parsing {short:?}: invalid syntax")
        }
    }
}

#[cfg(test)]
mod tests {
    use store::conformance::{one, write};
    use store::{MemoryStore, TraceWriter};

    use super::*;

    fn check(name: &str) -> String {
        let store = MemoryStore::new(usize::MAX);
        for id in [0xabc, 0xabcd_ef01_0203_0405, 0xabcd_ef01_ffff_ffff, 0x1234_5678_0000_0001] {
            store.write(&[write(&one("cart", "GET", id, 1))]).unwrap();
        }
        let mut archived = write(&one("cart", "GET", 0x77, 1));
        archived.tenant = Backend::archive_of(&Tenant::default()).unwrap();
        store.write(&[archived]).unwrap();
        let found = TraceName::parse(name).and_then(|name| find(&store, &Tenant::default(), &name));
        found.map_or_else(|error| error.to_string(), |trace| format!("{:x}", trace.id().low()))
    }

    #[test]
    fn every_way_of_naming_a_trace_finds_it() {
        assert_eq!(check("abc"), "abc");
        assert_eq!(check("00000000000000000000000000000ABC"), "abc");
        assert_eq!(check("0000000000000000123456"), "1234567800000001");
        assert_eq!(check("0000000000000000abcdef0102"), "abcdef0102030405");
        assert_eq!(check("abcdef0102"), "abcdef0102030405");
        assert_eq!(check("123456"), "1234567800000001");
        assert_eq!(check("77"), "77");
        assert_eq!(check("AAAAAAAAAACrze8BAgMEBQ=="), "abcdef0102030405");
        assert_eq!(check("AAAAAAAAAACrze8BAgMEBQ"), "abcdef0102030405");
        assert_eq!(check("AAAAAAAAAACrze8B_____w"), "abcdef01ffffffff");
    }

    #[test]
    fn others_are_told_why() {
        assert_eq!(check("abd"), "trace not found");
        assert_eq!(check("ffffffffff"), "trace not found");
        assert!(check("0000000000000000abcdef").starts_with("2 traces begin with 0000000000000000abcdef: "));
        assert_eq!(check("zz!"), r#"strconv.ParseUint: parsing "zz!": invalid syntax"#);
        let long = "0".repeat(33);
        assert_eq!(check(&long), format!("TraceID cannot be longer than 32 hex characters: {long}"));
    }
}
