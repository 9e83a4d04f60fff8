//! The libraries that spans name in their tags: scopes, each once in a batch.

use std::collections::HashMap;

use span::{BatchBuilder, ScopeRow};

use crate::DecodeError;
use crate::budget::Budget;

/// The scopes of one message.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    /// Rows by name and version.
    rows: HashMap<Vec<u8>, HashMap<Vec<u8>, u32>>,
    /// The last one: spans of one library come in runs.
    name: Vec<u8>,
    version: Vec<u8>,
    row: Option<u32>,
}

impl Scopes {
    /// Returns the scope with this name and version.
    pub(crate) fn place(
        &mut self,
        name: &[u8],
        version: &[u8],
        builder: &mut BatchBuilder,
        budget: &mut Budget,
    ) -> Result<u32, DecodeError> {
        match self.row {
            Some(row) if self.name == name && self.version == version => return Ok(row),
            _ => {}
        }
        let row = match self.rows.get(name).and_then(|versions| versions.get(version)) {
            Some(row) => *row,
            None => {
                budget.group()?;
                let scope = ScopeRow {
                    name: builder.text(name)?,
                    version: builder.text(version)?,
                    ..ScopeRow::default()
                };
                let row = builder.scope(scope);
                self.rows.entry(name.to_vec()).or_default().insert(version.to_vec(), row);
                row
            }
        };
        self.name.clear();
        self.name.extend_from_slice(name);
        self.version.clear();
        self.version.extend_from_slice(version);
        self.row = Some(row);
        Ok(row)
    }
}
