//! What most questions carry: a query and a window, read into a search.

use query::{Field, Query};
use span::Tenant;
use store::{Detail, Search, Stop};

use super::window::Window;
use crate::question::Parameters;
use crate::{ApiError, Desk};

/// The most facets beside the usual ones.
const FACETS_MAX: usize = 20;

/// A query over a window.
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) window: Window,
}

impl Asked {
    pub(super) fn read(parameters: &Parameters<'_>, desk: &Desk) -> Result<Self, ApiError> {
        let window = Window::read(parameters, (desk.backend().now)())?;
        Ok(Self { query: Query::parse(parameters.text("q"))?, window })
    }

    /// Returns the search for whole traces.
    pub(super) fn search(&self, tenant: Tenant, stop: &Stop) -> Search {
        let mut search = Search {
            filter: self.query.filter(),
            detail: Detail::Whole,
            stop: stop.clone(),
            ..Search::all(tenant)
        };
        self.window.narrow(&mut search);
        search
    }
}

/// Reads a list of fields with values to count.
pub(super) fn fields(list: &str) -> Result<Vec<Field>, ApiError> {
    let texts: Vec<&str> = list.split(',').map(str::trim).filter(|text| !text.is_empty()).collect();
    if FACETS_MAX < texts.len() {
        return Err(ApiError::Malformed(format!(
            "{} facets are asked for, {FACETS_MAX} are given",
            texts.len()
        )));
    }
    let field = |text: &str| {
        let field = Field::parse(text)?;
        match field.dimension() {
            Some(_) => Ok(field),
            None => Err(ApiError::Malformed(format!("param 'facets': {field} has no values to count"))),
        }
    };
    texts.into_iter().map(field).collect()
}
