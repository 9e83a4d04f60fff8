//! `GET /api/tw/differences`: what sets the spans of a query apart from others.
//!
//! Two groups: the spans *selected* by `q`, and the *rest*: those of `against` that are not selected. Both are
//! counted by the values of every attribute that either has, from columns; the rest by taking what both questions
//! find from what `against` finds. Values whose shares differ by more than chance are listed, the widest apart first.

mod ranking;

use axum::body::Body;
use axum::extract::State;
use http::Response;
use query::{Field, Query};
use span::{Tenant, UnixNanos};
use store::{AttributeName, Measure, Measured, Panel, Search, Stop, TraceReader, Within};

use super::asked::Asked;
use super::window::{Window, number};
use super::{Call, JSON, object, settle, write_missing};
use crate::question::Parameters;
use crate::{ApiError, Desk};

use self::ranking::{Counted, Group, Ranked};

/// The most attributes that are compared: those of the most spans.
const ATTRIBUTES_MAX: usize = 96;

/// The most values of one attribute. One with more tells spans apart, not groups of them.
const VALUES_MAX: usize = 500;

/// The two questions.
struct Asking {
    tenant: Tenant,
    selected: Asked,
    against: Asked,
}

/// Returns the attributes that differ.
pub(super) async fn differences(State(desk): State<Desk>, call: Call) -> Response<Body> {
    let answered = try_differences(&desk, &call).await;
    settle(&desk, answered)
}

async fn try_differences(desk: &Desk, call: &Call) -> Result<Response<Body>, ApiError> {
    let parameters = call.parameters()?;
    let limit = number(&parameters, "limit", 1..=100, 20)? as usize;
    let asking = Asking::read(&parameters, desk, call.tenant.clone())?;
    call.answer(desk, JSON, move |reader, stop| {
        let (fields, uncompared) = asking.fields(reader, stop)?;
        let counted = asking.count(reader, stop, &fields)?;
        let Ranked { differing, too_many } = Ranked::of(&fields, &counted);
        let mut missing = Vec::new();
        if uncompared != 0 {
            missing.push(format!(
                "compared are the {ATTRIBUTES_MAX} most frequent attributes; {uncompared} others are not"
            ));
        }
        if let [first, others @ ..] = &too_many[..] {
            let others = match others.len() {
                0 => "has".to_owned(),
                many => format!("and {many} other attributes have"),
            };
            missing.push(format!("{first} {others} more than {VALUES_MAX} values and cannot be compared"));
        }
        Ok(object(|json| {
            for (key, group) in [("selected", &counted.selected), ("rest", &counted.rest)] {
                json.key(key);
                group.write(json);
            }
            json.key("attributes");
            json.begin_array();
            differing.iter().take(limit).for_each(|attribute| attribute.write(json));
            json.end_array();
            json.key("others");
            json.unsigned(differing.len().saturating_sub(limit) as u64);
            write_missing(json, &missing);
        }))
    })
    .await
}

impl Asking {
    fn read(parameters: &Parameters<'_>, desk: &Desk, tenant: Tenant) -> Result<Self, ApiError> {
        let now: UnixNanos = (desk.backend().now)();
        let selected = Asked::read(parameters, desk)?;
        let window = selected.window.other(parameters, ["againstFrom", "againstTo"], now)?;
        let against = Asked { query: Query::parse(parameters.text("against"))?, window };
        Ok(Self { tenant, selected, against })
    }

    /// Returns what spans are compared by: the fields of every span, then the attributes of either group, the most
    /// frequent first; and how many attributes were left out. What the selection was made by goes without saying.
    fn fields(&self, reader: &dyn TraceReader, stop: &Stop) -> Result<(Vec<Field>, usize), ApiError> {
        let service = Field::attribute(Within::Resource, "service.name");
        let mut fields = vec![service, Field::Name, Field::Kind, Field::Status];
        let given = self.given();
        fields.retain(|field| !given.contains(&field));
        let mut names: Vec<AttributeName> = Vec::new();
        for asked in [&self.selected, &self.against] {
            names.extend(reader.attribute_names(&asked.search(self.tenant.clone(), stop))?);
        }
        names.sort_by(|a, b| b.spans.cmp(&a.spans).then_with(|| a.key.cmp(&b.key)));
        let mut uncompared = 0;
        for AttributeName { within, key, .. } in names {
            let field = Field::attribute(within, &key);
            if fields.contains(&field) || given.contains(&&field) {
                continue;
            }
            if fields.len() < ATTRIBUTES_MAX {
                fields.push(field);
            } else {
                uncompared += 1;
            }
        }
        Ok((fields, uncompared))
    }

    fn count(&self, reader: &dyn TraceReader, stop: &Stop, fields: &[Field]) -> Result<Counted, ApiError> {
        let mut panels = vec![Panel { by: Vec::new(), steps: None, durations: true }];
        for field in fields {
            let by = field.dimension().expect("services, names, kinds, statuses and attributes have values");
            panels.push(Panel { by: vec![by], ..Panel::default() });
        }
        let measure = |search: Search| {
            let measure = Measure { search, panels: panels.clone(), traces: false, cells_max: VALUES_MAX };
            reader.measure(&measure)
        };
        let selected = measure(self.selected.search(self.tenant.clone(), stop))?;
        let against = measure(self.against.search(self.tenant.clone(), stop))?;
        let both = match self.both() {
            _ if self.is_part() => None,
            None => Some(Measured::default()),
            Some(window) => {
                let mut search = self.selected.search(self.tenant.clone(), stop);
                search.filter.all.extend(self.against.query.filter().all);
                window.narrow(&mut search);
                Some(measure(search)?)
            }
        };
        let rest = Group::without(&against, both.as_ref().unwrap_or(&selected));
        Ok(Counted { selected: Group::of(&selected), rest })
    }

    /// Returns the fields by which the selection was made.
    fn given(&self) -> Vec<&Field> {
        let against = self.against.query.comparisons();
        let own = self.selected.query.comparisons().iter().filter(|one| !against.contains(one));
        own.map(|comparison| &comparison.field).collect()
    }

    /// Returns the window in which a span may be in both questions.
    fn both(&self) -> Option<Window> {
        self.selected.window.meet(self.against.window)
    }

    /// Tells whether everything selected is also what it is held against, as a box within a chart is.
    fn is_part(&self) -> bool {
        let conditions = self.selected.query.comparisons();
        let within = self.both() == Some(self.selected.window);
        within && self.against.query.comparisons().iter().all(|one| conditions.contains(one))
    }
}
