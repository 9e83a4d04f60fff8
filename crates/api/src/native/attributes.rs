//! `GET /api/tw/attributes` and `../{key}/values`: completion that suggests only what can match.

use axum::body::Body;
use axum::extract::{Path, State};
use http::Response;
use query::Field;
use store::{AttributeName, Measure, Panel, Within};

use super::asked::Asked;
use super::figures::{kind_word, write_values};
use super::window::number;
use super::{Call, JSON, object, settle, write_missing};
use crate::{ApiError, Desk};

/// The most values that are told apart while they are counted.
const VALUES_COUNTED_MAX: usize = 50_000;

/// Returns the names of attributes.
pub(super) async fn names(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_names(&desk, &call).await;
    settle(&desk, answered)
}

/// Returns the values of one attribute.
pub(super) async fn values(State(desk): State<Desk>, Path(key): Path<String>, call: Call) -> Response<Body> {
    let answered = try_values(&desk, &key, &call).await;
    settle(&desk, answered)
}

async fn try_names(desk: &Desk, call: &Call) -> Result<Response<Body>, ApiError> {
    let parameters = call.parameters()?;
    let asked = Asked::read(&parameters, desk)?;
    let limit = number(&parameters, "limit", 1..=1_000, 100)? as usize;
    let prefix = parameters.text("prefix").to_lowercase();
    let tenant = call.tenant.clone();
    call.answer(desk, JSON, move |reader, stop| {
        let mut names = reader.attribute_names(&asked.search(tenant, stop))?;
        let fits = fitting(names.iter().map(|name| &*name.key), &prefix);
        names.retain(|name| fits(&name.key));
        // The sort is stable: of equal counts the order of places and keys stays.
        names.sort_by_key(|name| std::cmp::Reverse(name.spans));
        let more = limit < names.len();
        names.truncate(limit);
        Ok(object(|json| {
            json.key("attributes");
            json.begin_array();
            for AttributeName { within, key, kinds, spans } in &names {
                json.begin_object();
                json.key("key");
                json.text(key);
                json.key("scope");
                json.text(scope_word(*within));
                json.key("query");
                json.text(&Field::attribute(*within, key).to_string());
                json.key("types");
                json.begin_array();
                kinds.iter().for_each(|kind| json.text(kind_word(*kind)));
                json.end_array();
                json.key("count");
                json.unsigned(*spans);
                json.end_object();
            }
            json.end_array();
            json.key("more");
            json.bool(more);
            write_missing(json, &[]);
        }))
    })
    .await
}

async fn try_values(desk: &Desk, key: &str, call: &Call) -> Result<Response<Body>, ApiError> {
    let field = Field::parse(key)?;
    let no_values = || ApiError::Malformed(format!("{field} has no values to count"));
    let panel = Panel { by: vec![field.dimension().ok_or_else(no_values)?], ..Panel::default() };
    let parameters = call.parameters()?;
    let asked = Asked::read(&parameters, desk)?;
    let limit = number(&parameters, "limit", 1..=1_000, 50)? as usize;
    let prefix = parameters.text("prefix").to_lowercase();
    let tenant = call.tenant.clone();
    call.answer(desk, JSON, move |reader, stop| {
        let search = asked.search(tenant, stop);
        let measure = Measure { search, panels: vec![panel], traces: false, cells_max: VALUES_COUNTED_MAX };
        let mut measured = reader.measure(&measure)?;
        let figures = measured.panels.pop().unwrap_or_default();
        let fits = fitting(figures.cells.iter().map(|cell| &*cell.labels[0].text), &prefix);
        let mut missing = Vec::new();
        if figures.others.spans != 0 {
            missing.push(format!("there are more than {VALUES_COUNTED_MAX} values; narrow the query"));
        }
        Ok(object(|json| {
            json.key("key");
            json.text(&field.to_string());
            let others = write_values(json, &figures, limit, fits);
            json.key("more");
            json.bool(others != 0);
            write_missing(json, &missing);
        }))
    })
    .await
}

/// Returns what tells whether a text is suggested: it begins as was typed; or where none does, it has that in it.
fn fitting<'a>(mut all: impl Iterator<Item = &'a str>, typed: &str) -> Box<dyn Fn(&str) -> bool> {
    let begins = all.any(|text| text.to_lowercase().starts_with(typed));
    let typed = typed.to_owned();
    Box::new(move |text| {
        let text = text.to_lowercase();
        if begins { text.starts_with(&typed) } else { text.contains(&typed) }
    })
}

const fn scope_word(within: Within) -> &'static str {
    match within {
        Within::Resource => "resource",
        Within::Scope => "instrumentation",
        Within::Event => "event",
        Within::Link => "link",
        Within::Anywhere | Within::Span | Within::SpanOrResource => "span",
    }
}
