//! The question language, TraceQL, as far as it is understood: one spanset of comparisons joined by `&&`.
//!
//! ```text
//! { resource.service.name = "payment" && status = error && duration > 200ms }
//! text -> words with columns -> comparisons -> checked against their fields -> SpanFilter
//! ```
//!
//! What is not understood is an error that names its column and what would be: no second language is made up
//! meanwhile. Deliberately absent: evaluation (engines filter, and `store` says what that means), HTTP, JSON.

#![forbid(unsafe_code)]

mod error;
mod field;
mod lex;
mod parse;
mod plan;

use std::fmt;

use store::SpanFilter;

pub use error::QueryError;
pub use field::Field;
pub use parse::{Operator, Value};

/// The most bytes of a query.
pub const QUERY_BYTES_MAX: usize = 8 << 10;

/// The most comparisons of a query.
pub const COMPARISONS_MAX: usize = 64;

/// A query that was understood: all comparisons hold on one and the same span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    comparisons: Vec<Comparison>,
}

/// A field of a span, held against a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What is compared.
    pub field: Field,
    /// How.
    pub operator: Operator,
    /// With what.
    pub value: Value,
}

impl Query {
    /// Reads a query. An empty text accepts every span.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::parse(text)
    }

    /// Returns its comparisons.
    pub fn comparisons(&self) -> &[Comparison] {
        &self.comparisons
    }

    /// Returns what a span must fulfil.
    pub fn filter(&self) -> SpanFilter {
        plan::filter(&self.comparisons)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ ")?;
        for (place, Comparison { field, operator, value }) in self.comparisons.iter().enumerate() {
            let joint = if place == 0 { "" } else { "&& " };
            write!(f, "{joint}{field} {operator} {value} ")?;
        }
        f.write_str("}")
    }
}
