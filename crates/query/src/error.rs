//! Why a query is not understood.

/// What is wrong with a query, where, and what to do about it. The query's author is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} (column {column})")]
pub struct QueryError {
    /// What is wrong.
    pub what: String,
    /// Where, in characters from 1.
    pub column: usize,
    /// What to do.
    pub hint: &'static str,
}

impl QueryError {
    pub(crate) fn new(column: usize, what: impl Into<String>, hint: &'static str) -> Self {
        Self { what: what.into(), column, hint }
    }
}
