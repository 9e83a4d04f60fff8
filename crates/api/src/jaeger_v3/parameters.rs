//! The parameters of v3: two spellings of each name, and times as RFC 3339 has them.

use jiff::Timestamp;
use span::UnixNanos;

use crate::ApiError;
use crate::question::{
    LIMIT_DEFAULT, Parameters, Question, parse_bool, parse_duration, parse_i64, tags_of_json,
};

/// What a search asks for.
pub(super) struct Wanted {
    pub(super) question: Question,
    /// At least 1.
    pub(super) limit: usize,
    pub(super) raw: bool,
}

/// Reads a search. Both ends of its window must be given.
pub(super) fn search(parameters: &Parameters<'_>) -> Result<Wanted, ApiError> {
    if parameters.get("query.filter").is_some() {
        let text = "query.filter: structured filters are not supported; use query.attributes";
        return Err(ApiError::Malformed(text.to_owned()));
    }
    let attributes = parameters.get("query.attributes").map(tags_of_json).transpose();
    let tags = attributes.map_err(|why| malformed("query.attributes", &why.to_string()))?.unwrap_or_default();
    let start_min = parse(parameters, "query.startTimeMin", time)?;
    let start_max = parse(parameters, "query.startTimeMax", time)?;
    let (start_min, start_max) = start_min.zip(start_max).ok_or_else(|| {
        ApiError::Malformed("query.startTimeMin and query.startTimeMax are required".to_owned())
    })?;
    if start_max < start_min {
        return Err(ApiError::Malformed("query.startTimeMin must be before query.startTimeMax".to_owned()));
    }
    let question = Question {
        service: text(parameters, "query.serviceName"),
        operation: text(parameters, "query.operationName"),
        tags,
        duration_min: parse(parameters, "query.durationMin", parse_duration)?.unwrap_or_default(),
        duration_max: parse(parameters, "query.durationMax", parse_duration)?.unwrap_or_default(),
        start_min,
        start_max,
    };
    let raw = parse(parameters, "query.rawTraces", parse_bool)?.unwrap_or(false);
    Ok(Wanted { question, limit: limit(parameters)?, raw })
}

/// Reads what a look at one trace may carry: times, which are checked and not needed, and whether it is
/// wanted as it is stored.
pub(super) fn one_trace(parameters: &Parameters<'_>) -> Result<bool, ApiError> {
    parse(parameters, "startTime", time)?;
    parse(parameters, "endTime", time)?;
    Ok(parse(parameters, "rawTraces", parse_bool)?.unwrap_or(false))
}

/// Returns the value of a parameter in either spelling, and the spelling it came in.
pub(super) fn named<'a>(parameters: &'a Parameters<'_>, name: &str) -> Option<(String, &'a str)> {
    let other = in_snake_case(name);
    let value = parameters.get(name).map(|value| (name.to_owned(), value));
    value.or_else(|| parameters.get(&other).map(|value| (other.clone(), value)))
}

fn text(parameters: &Parameters<'_>, name: &str) -> String {
    named(parameters, name).map(|(_, value)| value.to_owned()).unwrap_or_default()
}

fn limit(parameters: &Parameters<'_>) -> Result<usize, ApiError> {
    let depth = named(parameters, "query.searchDepth").or_else(|| named(parameters, "query.numTraces"));
    let Some((name, depth)) = depth else { return Ok(LIMIT_DEFAULT) };
    match parse_i64(depth).map_err(|why| malformed(&name, &why))? {
        0 => Ok(LIMIT_DEFAULT),
        depth => usize::try_from(depth).map_err(|_| malformed(&name, "must be greater than 0")),
    }
}

fn parse<T>(
    parameters: &Parameters<'_>,
    name: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, ApiError> {
    let Some((name, value)) = named(parameters, name) else { return Ok(None) };
    parse(value).map(Some).map_err(|why| malformed(&name, &why))
}

fn malformed(name: &str, why: &str) -> ApiError {
    ApiError::Malformed(format!("malformed parameter {name}: {why}"))
}

/// Reads a point in time. Grafana sends the plus of an offset unencoded, which arrives as a space.
fn time(text: &str) -> Result<UnixNanos, String> {
    let mended = match text.rsplit_once(' ') {
        Some((time, offset)) if time.contains('T') => format!("{time}+{offset}"),
        _ => text.to_owned(),
    };
    let time: Timestamp = mended.parse().map_err(|_| {
        let short: String = text.chars().take(100).collect();
        format!("parsing time {short:?} as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse it")
    })?;
    let nanos = time.as_nanosecond().max(0);
    Ok(UnixNanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
}

/// Returns `query.startTimeMin` as `query.start_time_min`.
fn in_snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_name() {
        assert_eq!(in_snake_case("query.startTimeMin"), "query.start_time_min");
        let parameters = Parameters::of(Some("span_kind=client&query.serviceName=a")).unwrap();
        assert_eq!(named(&parameters, "spanKind").unwrap(), ("span_kind".to_owned(), "client"));
        assert_eq!(text(&parameters, "query.serviceName"), "a");
    }

    #[test]
    fn an_offset_may_have_lost_its_plus() {
        assert_eq!(time("1970-01-01T02:00:01 02:00"), Ok(UnixNanos(1_000_000_000)));
        assert_eq!(time("1970-01-01T02:00:01+02:00"), Ok(UnixNanos(1_000_000_000)));
        assert_eq!(time("1970-01-01T00:00:00.000000005Z"), Ok(UnixNanos(5)));
        assert_eq!(time("1950-01-01T00:00:00Z"), Ok(UnixNanos(0)));
        assert_eq!(time("9999-01-01T00:00:00Z"), Ok(UnixNanos::MAX));
        assert!(time("yesterday").is_err());
    }
}
