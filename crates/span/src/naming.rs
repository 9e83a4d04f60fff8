//! What services and operations are called where the sender's own name cannot stand.
//!
//! Batches keep what was sent. Everything that lists, filters or shows names goes through here, so that
//! a missing or broken name has one spelling everywhere; the spellings are Jaeger's.

use std::borrow::Cow;

use crate::{ResourceRef, SpanRef, ValueRef};

/// The service of a resource without `service.name`.
pub const SERVICE_MISSING: &str = "missing-service-name";
/// The service of a resource whose `service.name` is empty.
pub const SERVICE_EMPTY: &str = "empty-service-name";
/// The service of a resource whose `service.name` is no UTF-8 string.
pub const SERVICE_WRONG_TYPE: &str = "service-name-wrong-type";
/// The operation of a span without a name.
pub const OPERATION_EMPTY: &str = "empty-span-name";
/// The operation of a span whose name is no UTF-8.
pub const OPERATION_INVALID: &str = "invalid-span-name";

impl<'a> ResourceRef<'a> {
    /// Returns the service as it is listed and searched.
    pub fn service(self) -> &'a str {
        service_of(self.attribute(b"service.name"))
    }
}

impl<'a> SpanRef<'a> {
    /// Returns the operation as it is listed and searched.
    pub fn operation(self) -> &'a str {
        operation_of(self.name())
    }
}

/// Returns the service that a resource's `service.name` stands for.
pub fn service_of(name: Option<ValueRef<'_>>) -> &str {
    match name {
        None => SERVICE_MISSING,
        Some(ValueRef::Str(b"")) => SERVICE_EMPTY,
        Some(ValueRef::Str(bytes)) => std::str::from_utf8(bytes).unwrap_or(SERVICE_WRONG_TYPE),
        Some(_) => SERVICE_WRONG_TYPE,
    }
}

/// Returns the operation that a span's `name` stands for.
pub fn operation_of(name: &[u8]) -> &str {
    match name {
        b"" => OPERATION_EMPTY,
        bytes => std::str::from_utf8(bytes).unwrap_or(OPERATION_INVALID),
    }
}

/// Returns a key as it is shown: one that is no UTF-8 becomes `invalid-tag-key-1`.
pub fn key_of(key: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(key) {
        Ok(key) => Cow::Borrowed(key),
        Err(_) => Cow::Borrowed("invalid-tag-key-1"),
    }
}
