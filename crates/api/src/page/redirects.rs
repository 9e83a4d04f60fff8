//! Other people's links, led to ours: Jaeger's pages, and Zipkin's.
//!
//! Jaeger's search form becomes a query in our language; what does not translate is left out, and the window
//! always survives. A browser that comes to Zipkin's port finds the page on the query port, on the same host.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use query::Field;
use store::Within;

use crate::question::{Parameters, tags_of_json};

/// Returns where one of Jaeger's own pages is found here, if it has another place.
pub(crate) fn of_jaeger(uri: &Uri) -> Option<String> {
    match uri.path().trim_end_matches('/') {
        "/search" => Some(search(uri)),
        "/dependencies" => Some("/map".to_owned()),
        path => of_zipkin(path),
    }
}

/// Returns where one of Zipkin's own pages is found here.
pub(crate) fn of_zipkin(path: &str) -> Option<String> {
    match path.trim_end_matches('/') {
        "/zipkin" => Some("/traces".to_owned()),
        "/zipkin/dependency" => Some("/map".to_owned()),
        path => {
            let id = path.strip_prefix("/zipkin/traces/")?;
            let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_id.then(|| format!("/trace/{id}"))
        }
    }
}

/// Returns the page's address on the query port, for a browser that asks for `path` on Zipkin's port; `None` where
/// no browser asks, or for nothing that is a page.
pub fn from_zipkin_port(path: &str, headers: &HeaderMap, query_port: u16) -> Option<String> {
    let place = match path {
        "/" if takes_html(headers) => "/".to_owned(),
        path => of_zipkin(path)?,
    };
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (!name.is_empty() && name.bytes().all(plain)).then(|| format!("http://{name}:{query_port}{place}"))
}

/// Sends a browser elsewhere. Nothing is promised for ever.
pub(crate) fn to(place: &str) -> Response<axum::body::Body> {
    let mut reply = Response::new(axum::body::Body::empty());
    *reply.status_mut() = StatusCode::FOUND;
    let place = HeaderValue::try_from(place).expect("a plain path, and a query that is escaped");
    reply.headers_mut().insert(header::LOCATION, place);
    reply
}

pub(crate) fn takes_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// Turns Jaeger's search form into a query and a window.
fn search(uri: &Uri) -> String {
    let Ok(parameters) = Parameters::of(uri.query()) else { return "/traces".to_owned() };
    let mut comparisons = Vec::new();
    let mut compare = |field: &Field, operator: &str, value: String| {
        comparisons.push(format!("{field} {operator} {value}"));
    };
    if let Some(service) = parameters.get("service") {
        compare(&Field::attribute(Within::Resource, "service.name"), "=", quoted(service));
    }
    if let Some(operation) = parameters.get("operation").filter(|operation| *operation != "all") {
        compare(&Field::Name, "=", quoted(operation));
    }
    for (name, operator) in [("minDuration", ">="), ("maxDuration", "<=")] {
        if let Some(duration) = parameters.get(name) {
            compare(&Field::Duration, operator, duration.to_owned());
        }
    }
    for (key, value) in parameters.get("tags").and_then(|tags| tags_of_json(tags).ok()).unwrap_or_default() {
        if key == "error" {
            compare(&Field::Status, if value == "true" { "=" } else { "!=" }, "error".to_owned());
        } else {
            compare(&Field::attribute(Within::SpanOrResource, &key), "=", quoted(&value));
        }
    }
    // What is no query after all (a duration that is none) is not worth an error page.
    let understood = |text: &String| query::Query::parse(&format!("{{ {text} }}")).is_ok();
    comparisons.retain(understood);
    let mut place = "/traces?q=".to_owned();
    let text =
        if comparisons.is_empty() { String::new() } else { format!("{{ {} }}", comparisons.join(" && ")) };
    percent_encode(&mut place, &text);
    let (from, to) = (parameters.get("start"), parameters.get("end"));
    let lookback = parameters.get("lookback").filter(|lookback| *lookback != "custom");
    let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    match (lookback, from.filter(is_number), to.filter(is_number)) {
        (Some(lookback), ..) if lookback.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            let _ = write!(place, "&from=now-{lookback}&to=now");
        }
        (_, Some(from), Some(to)) => {
            let _ = write!(place, "&from={from}&to={to}");
        }
        _ => {}
    }
    place
}

fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

fn percent_encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::form_decoded;

    /// Returns where a link of Jaeger's leads, decoded.
    fn check(uri: &str) -> String {
        let place = of_jaeger(&uri.parse().unwrap());
        place.map_or_else(|| "nowhere else".to_owned(), |place| form_decoded(&place).into_owned())
    }

    #[test]
    fn links_of_jaeger_become_queries() {
        assert_eq!(check("/search"), "/traces?q=");
        assert_eq!(
            check("/search?service=a%22b&operation=GET%20/&minDuration=1.5ms&lookback=2d&limit=20"),
            r#"/traces?q={ resource.service.name = "a\"b" && name = "GET /" && duration >= 1.5ms }&from=now-2d&to=now"#
        );
        assert_eq!(
            check(
                "/search?start=1700000000000000&end=1700000001000000&lookback=custom&tags=%7B%22error%22%3A%22true%22%2C%22http.x%22%3A%221%22%7D"
            ),
            r#"/traces?q={ status = error && .http.x = "1" }&from=1700000000000000&to=1700000001000000"#
        );
        assert_eq!(
            check("/search?service=a&maxDuration=soon"),
            r#"/traces?q={ resource.service.name = "a" }"#
        );
        assert_eq!(check("/dependencies"), "/map");
        assert_eq!(check("/trace/abc"), "nowhere else");
    }

    #[test]
    fn links_of_zipkin_lead_to_our_pages() {
        assert_eq!(check("/zipkin/"), "/traces");
        assert_eq!(check("/zipkin/traces/00ab"), "/trace/00ab");
        assert_eq!(check("/zipkin/traces/..%2f"), "nowhere else");
        assert_eq!(check("/zipkin/dependency?x=1"), "/map");
    }

    #[test]
    fn a_browser_at_the_zipkin_port_is_sent_to_the_page() {
        let headers = |host: &str, accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            headers
        };
        let go = |path: &str, host: &str, accept: &str| {
            from_zipkin_port(path, &headers(host, accept), 16686).unwrap_or_default()
        };
        assert_eq!(go("/", "localhost:9411", "text/html,*/*"), "http://localhost:16686/");
        assert_eq!(go("/", "localhost:9411", "*/*"), "");
        assert_eq!(go("/zipkin/traces/1f", "[::1]:9411", "*/*"), "http://[::1]:16686/trace/1f");
        assert_eq!(go("/zipkin/", "traces.example", "text/html"), "http://traces.example:16686/traces");
        assert_eq!(go("/", "evil/..@x:1", "text/html"), "");
        assert_eq!(go("/api/v2/spans", "localhost:9411", "text/html"), "");
    }
}
