//! Whose spans these are.

use std::fmt;
use std::sync::Arc;

/// A tenant's name: 1 to 64 of `a-z A-Z 0-9 . _ -`, not starting with a dot, so that it is a folder
/// name and a header value as it stands. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant(Arc<str>);

/// Why a text is no tenant's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantError(String);

impl Tenant {
    /// The longest name, in bytes. Longer ones would not fit beside a segment's name in a path.
    pub const LEN_MAX: usize = 64;

    /// Takes a name from outside.
    pub fn new(name: &str) -> Result<Self, TenantError> {
        let fits = (1..=Self::LEN_MAX).contains(&name.len()) && !name.starts_with('.');
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if fits && plain { Ok(Self(Arc::from(name))) } else { Err(TenantError(name.to_owned())) }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Tenant {
    /// The tenant of everything that names none.
    fn default() -> Self {
        Self(Arc::from("default"))
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TenantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no tenant name: 1 to 64 of a-z A-Z 0-9 . _ -, no leading dot", self.0)
    }
}

impl std::error::Error for TenantError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_tenants() {
        assert_eq!(Tenant::new("team-a.eu_1").unwrap().as_str(), "team-a.eu_1");
        for bad in ["", ".", "../x", "a/b", "a b", "ä", &"x".repeat(65)] {
            assert!(Tenant::new(bad).is_err(), "{bad}");
        }
    }
}
