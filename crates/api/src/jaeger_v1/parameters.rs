//! The parameters of v1: names, units and defaults.

use span::{DurationNanos, UnixNanos};

use crate::question::{
    LIMIT_DEFAULT, LOOKBACK_DEFAULT, Parameters, Question, parse_bool, parse_duration, parse_i32, parse_i64,
    tags_of_json,
};
use crate::{ApiError, question::TraceName};

/// What a search asks for.
#[derive(Debug)]
pub(super) struct SearchParameters {
    pub(super) question: Question,
    pub(super) limit: usize,
    pub(super) raw: bool,
    /// With any of these, the question is not asked.
    pub(super) names: Vec<TraceName>,
}

/// Reads a search. Parameters are looked at in Jaeger's order, so that of several wrong ones the same
/// is named.
pub(super) fn search(parameters: &Parameters<'_>, now: UnixNanos) -> Result<SearchParameters, ApiError> {
    let start = parameters.parse("start", parse_i64)?.map(UnixNanos::from_micros);
    let end = parameters.parse("end", parse_i64)?.map(whole_microsecond);
    let tags = tags(parameters)?;
    let limit = limit(parameters)?;
    let duration_min = parameters.parse("minDuration", parse_duration)?.unwrap_or_default();
    let duration_max = parameters.parse("maxDuration", parse_duration)?.unwrap_or_default();
    let names = parameters.all("traceID").map(TraceName::parse).collect::<Result<_, _>>();
    let names = names.map_err(|error| ApiError::Malformed(format!("cannot parse traceID param: {error}")))?;
    let raw = raw(parameters)?;
    let start_max = end.unwrap_or(now);
    let lookback = parameters.get("lookback").and_then(lookback).unwrap_or(LOOKBACK_DEFAULT);
    let question = Question {
        service: parameters.text("service").to_owned(),
        operation: parameters.text("operation").to_owned(),
        tags,
        duration_min,
        duration_max,
        start_min: start.unwrap_or_else(|| start_max.minus(lookback)),
        start_max,
    };
    question.check_durations()?;
    Ok(SearchParameters { question, limit, raw, names })
}

/// Reads what a look at one trace may carry: times, which are checked and not needed, and `raw`.
pub(super) fn one_trace(parameters: &Parameters<'_>) -> Result<bool, ApiError> {
    parameters.parse("start", parse_i64)?;
    parameters.parse("end", parse_i64)?;
    raw(parameters)
}

/// Reads a point in time in milliseconds.
pub(super) fn millis(
    parameters: &Parameters<'_>,
    name: &str,
    default: UnixNanos,
) -> Result<UnixNanos, ApiError> {
    let millis = parameters.parse(name, parse_i64)?;
    Ok(millis.map_or(default, |millis| UnixNanos(nanos_of_millis(millis))))
}

/// Reads a length of time in milliseconds. A negative one is refused.
pub(super) fn millis_long(
    parameters: &Parameters<'_>,
    name: &str,
    default: DurationNanos,
) -> Result<DurationNanos, ApiError> {
    match parameters.parse(name, parse_i64)? {
        None => Ok(default),
        Some(millis) if millis < 0 => {
            Err(ApiError::Malformed(format!("unable to parse param '{name}': {millis} is negative")))
        }
        Some(millis) => Ok(DurationNanos(nanos_of_millis(millis))),
    }
}

fn nanos_of_millis(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000)
}

/// An end in microseconds means that whole microsecond.
fn whole_microsecond(micros: i64) -> UnixNanos {
    UnixNanos::from_micros(micros).plus(DurationNanos(999))
}

fn tags(parameters: &Parameters<'_>) -> Result<Vec<(String, String)>, ApiError> {
    let mut tags: Vec<(String, String)> = Vec::new();
    let mut put = |key: &str, value: &str| {
        // Of a repeated key the last value stands.
        tags.retain(|(known, _)| known != key);
        tags.push((key.to_owned(), value.to_owned()));
    };
    for tag in parameters.all("tag") {
        let (key, value) = tag.split_once(':').ok_or_else(|| {
            ApiError::Malformed(format!("malformed 'tag' parameter, expecting key:value, received: {tag}"))
        })?;
        put(key, value);
    }
    for json in parameters.all("tags") {
        let read = tags_of_json(json).map_err(|why| {
            ApiError::Malformed(format!("malformed 'tags' parameter, cannot unmarshal JSON: {why}"))
        })?;
        for (key, value) in &read {
            put(key, value);
        }
    }
    Ok(tags)
}

fn limit(parameters: &Parameters<'_>) -> Result<usize, ApiError> {
    // Jaeger names every other parameter in its refusal, this one not.
    let limit = parameters.get("limit").map(parse_i32).transpose().map_err(ApiError::Malformed)?;
    match limit {
        None => Ok(LIMIT_DEFAULT),
        Some(limit) => usize::try_from(limit).ok().filter(|limit| 0 < *limit).ok_or_else(|| {
            ApiError::Malformed(format!("parameter 'limit' must be greater than 0, not {limit}"))
        }),
    }
}

fn raw(parameters: &Parameters<'_>) -> Result<bool, ApiError> {
    Ok(parameters.parse("raw", parse_bool)?.unwrap_or(false))
}

/// Reads a lookback as the UI writes it into its own URL: Go's units, days and weeks. Its `custom`, and
/// whatever else, says nothing.
fn lookback(text: &str) -> Option<DurationNanos> {
    const DAY: u64 = 24 * 3_600 * 1_000_000_000;
    for (unit, nanos) in [("d", DAY), ("w", 7 * DAY)] {
        if let Some(count) = text.strip_suffix(unit) {
            return count.parse::<u64>().ok().map(|count| DurationNanos(count.saturating_mul(nanos)));
        }
    }
    parse_duration(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNanos = UnixNanos(1_000_000_000_000_000_000);

    fn check(query: &str) -> Result<SearchParameters, String> {
        let parameters = Parameters::of(Some(query)).unwrap();
        search(&parameters, NOW).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_two_days_and_a_hundred() {
        let read = check("").unwrap();
        assert_eq!((read.limit, read.raw, read.names.len()), (100, false, 0));
        assert_eq!(read.question.start_max, NOW);
        assert_eq!(NOW.since(read.question.start_min), LOOKBACK_DEFAULT);
    }

    #[test]
    fn everything_is_read() {
        let read = check(
            "service=a%2Fb&operation=GET+%2F&start=5&end=7&limit=3&minDuration=1ms&maxDuration=2s&raw=1\
             &tag=k:v:w&tag=error:true&tags=%7B%22k%22%3A%22last%22%7D",
        )
        .unwrap();
        let expected = Question {
            service: "a/b".to_owned(),
            operation: "GET /".to_owned(),
            tags: vec![("error".to_owned(), "true".to_owned()), ("k".to_owned(), "last".to_owned())],
            duration_min: DurationNanos(1_000_000),
            duration_max: DurationNanos(2_000_000_000),
            start_min: UnixNanos(5_000),
            start_max: UnixNanos(7_999),
        };
        assert_eq!((read.question, read.limit, read.raw), (expected, 3, true));
    }

    #[test]
    fn lookback_counts_where_no_start_is_given() {
        let back = |query| NOW.since(check(query).unwrap().question.start_min).0 / 1_000_000_000;
        assert_eq!(back("lookback=1h"), 3_600);
        assert_eq!(back("lookback=2d"), 172_800);
        assert_eq!(back("lookback=1w"), 604_800);
        assert_eq!(back("lookback=custom"), 172_800);
        assert_eq!(check("lookback=1h&start=9").unwrap().question.start_min, UnixNanos(9_000));
    }

    #[test]
    fn refusals_say_what_jaeger_says() {
        for (query, said) in [
            ("start=x", r#"unable to parse param 'start': strconv.ParseInt: parsing "x": invalid syntax"#),
            ("end=1e3", r#"unable to parse param 'end': strconv.ParseInt: parsing "1e3": invalid syntax"#),
            ("tag=novalue", "malformed 'tag' parameter, expecting key:value, received: novalue"),
            ("limit=ten", r#"strconv.ParseInt: parsing "ten": invalid syntax"#),
            ("limit=9999999999", r#"strconv.ParseInt: parsing "9999999999": value out of range"#),
            ("limit=0", "parameter 'limit' must be greater than 0, not 0"),
            ("limit=-1", "parameter 'limit' must be greater than 0, not -1"),
            ("minDuration=5", r#"unable to parse param 'minDuration': time: missing unit in duration "5""#),
            ("maxDuration=x", r#"unable to parse param 'maxDuration': time: invalid duration "x""#),
            ("minDuration=2s&maxDuration=1s", "'maxDuration' should be greater than 'minDuration'"),
            (
                "raw=maybe",
                r#"unable to parse param 'raw': strconv.ParseBool: parsing "maybe": invalid syntax"#,
            ),
            (
                "traceID=xyz!",
                r#"cannot parse traceID param: strconv.ParseUint: parsing "xyz!": invalid syntax"#,
            ),
        ] {
            assert_eq!(check(query).unwrap_err(), said, "{query}");
        }
        for query in ["tags=x", "tags=%7B%22a%22%3A1%7D", "tags=%5B%5D"] {
            let said = check(query).unwrap_err();
            assert!(said.starts_with("malformed 'tags' parameter, cannot unmarshal JSON: "), "{said}");
        }
    }

    #[test]
    fn numbers_at_both_ends_are_times() {
        let read = check("start=-9223372036854775808&end=9223372036854775807&limit=2147483647").unwrap();
        assert_eq!(read.question.start_min, UnixNanos::MIN);
        assert_eq!(read.question.start_max, UnixNanos::MAX);
    }
}
