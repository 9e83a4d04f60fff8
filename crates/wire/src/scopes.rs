//! The libraries that spans name in their tags: scopes, each once in a batch.

use std::collections::HashMap;

use span::{BatchBuilder, ScopeRow};

use crate::DecodeError;
use crate::budget::Budget;

/// The scopes of one message, each once.
#[derive(Debug, Default)]
pub(crate) struct Scopes<'a> {
    rows: HashMap<NameAndVersion<'a>, u32>,
    /// Spans of one library come in runs.
    last: Option<(NameAndVersion<'a>, u32)>,
}

type NameAndVersion<'a> = (&'a [u8], &'a [u8]);

impl<'a> Scopes<'a> {
    /// Returns the scope with this name and version.
    pub(crate) fn place(
        &mut self,
        name: &'a [u8],
        version: &'a [u8],
        builder: &mut BatchBuilder,
        budget: &mut Budget,
    ) -> Result<u32, DecodeError> {
        let key = (name, version);
        if let Some((last, scope)) = self.last
            && last == key
        {
            return Ok(scope);
        }
        let scope = match self.rows.get(&key) {
            Some(scope) => *scope,
            None => {
                budget.group()?;
                let (name, version) = (builder.text(name)?, builder.text(version)?);
                let scope = builder.scope(ScopeRow { name, version, ..ScopeRow::default() });
                self.rows.insert(key, scope);
                scope
            }
        };
        self.last = Some((key, scope));
        Ok(scope)
    }
}
