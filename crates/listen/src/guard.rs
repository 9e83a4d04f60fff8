//! Keeps other websites out of a server that trusts its network.
//!
//! A page in somebody's browser can reach `localhost` in two ways. It can send a request whose answer it cannot
//! read, which still changes something: every such request carries an `Origin`, so one from elsewhere is refused.
//! Or its own name can be made to point here (DNS rebinding), and then it reads as well: such a request carries
//! that name as its `Host`, so on loopback only names that cannot be rebound are let in.
//!
//! Programs that are no browsers send neither, or an honest one, and notice nothing.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Method, Request, StatusCode, Version, header};

/// The websites that may call, and the names under which this server is known.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Names beside `localhost` that a `Host` may carry on a loopback listener.
    pub hosts: Vec<String>,
    /// Websites whose calls are welcome.
    pub origins: Origins,
}

/// A list of origins such as `https://shop.example`; one `*` in each stands for anything.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    patterns: Vec<String>,
}

/// Why a request is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Turned {
    #[error("400 bad request: HTTP/1.1 wants one Host header, this request has {count}")]
    Hosts { count: usize },
    #[error(
        "403 forbidden: this listener answers to localhost, and the request asks for {host:?}; add the name to listen.hosts if it is yours"
    )]
    Host { host: String },
    #[error(
        "403 forbidden: a page of {origin:?} may not change anything here; add it to listen.origins if it is yours"
    )]
    Origin { origin: String },
}

impl Turned {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Hosts { .. } => StatusCode::BAD_REQUEST,
            Self::Host { .. } | Self::Origin { .. } => StatusCode::FORBIDDEN,
        }
    }
}

/// Names that no public name server can point here, beside `localhost`: a container's names for its host.
const CONTAINER_HOSTS: [&str; 3] =
    ["host.docker.internal", "gateway.docker.internal", "host.containers.internal"];

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

impl Guard {
    /// Judges a request by its `Host` (on loopback) and its `Origin` (where it could change something).
    pub(crate) fn check<B>(&self, request: &Request<B>, loopback: bool) -> Result<(), Turned> {
        let hosts = request.headers().get_all(header::HOST).iter().count();
        // Whoever stands between could have read another one than we do (RFC 9112, 3.2).
        if 1 < hosts || (hosts == 0 && request.version() == Version::HTTP_11) {
            return Err(Turned::Hosts { count: hosts });
        }
        let host = host_of(request);
        if loopback
            && let Some(host) = host
            && !self.knows(host)
        {
            return Err(Turned::Host { host: printable(host) });
        }
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        if self.origins.allow(origin) || same_site(origin, host, request.headers()) {
            return Ok(());
        }
        Err(Turned::Origin { origin: printable(origin) })
    }

    fn knows(&self, host: &str) -> bool {
        let name = name_of(host).trim_end_matches('.').to_ascii_lowercase();
        name.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || CONTAINER_HOSTS.contains(&name.as_str())
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(&name))
    }
}

impl Origins {
    /// Takes a list as an operator writes it.
    pub fn new(patterns: impl IntoIterator<Item = String>) -> Self {
        Self { patterns: patterns.into_iter().map(|pattern| pattern.to_ascii_lowercase()).collect() }
    }

    /// Tells whether nobody is on the list.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Tells whether an `Origin` header is on the list.
    pub fn allow(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.patterns.iter().any(|pattern| match pattern.split_once('*') {
            None => *pattern == origin,
            Some((start, end)) => {
                start.len() + end.len() <= origin.len() && origin.starts_with(start) && origin.ends_with(end)
            }
        })
    }
}

/// HTTP/2 has the host in its URI, HTTP/1 in a header; a request line with a whole URI overrules the header.
fn host_of<B>(request: &Request<B>) -> Option<&str> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str());
    }
    request.headers().get(header::HOST).map(|host| host.to_str().unwrap_or("?"))
}

/// Cuts the port, the brackets of a v6 address, and credentials.
fn name_of(host: &str) -> &str {
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(name, _)| name);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// A page of this very server. A proxy in front changes `Host` but says which name it was asked for, and a foreign
/// page cannot say so: that header would need a preflight, which is answered to the listed origins only.
fn same_site(origin: &str, host: Option<&str>, headers: &HeaderMap) -> bool {
    let Some((_, site)) = origin.split_once("://") else { return false };
    let forwarded = headers.get(FORWARDED_HOST).and_then(|host| host.to_str().ok());
    [host, forwarded].into_iter().flatten().any(|ours| ours.eq_ignore_ascii_case(site))
}

/// What a stranger sent goes into a reply only without control bytes, and not at any length.
fn printable(text: &str) -> String {
    text.chars().take(100).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().method(method).uri("/v1/traces");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn guard() -> Guard {
        Guard {
            hosts: vec!["traces.corp".to_owned()],
            origins: Origins::new(["https://*.shop.example".to_owned(), "http://app:1".to_owned()]),
        }
    }

    #[test]
    fn rebound_names_are_refused_on_loopback_only() {
        for (host, known) in [
            ("localhost:4318", true),
            ("LOCALHOST", true),
            ("localhost.", true),
            ("ui.localhost:80", true),
            ("127.0.0.1:4318", true),
            ("[::1]:4318", true),
            ("10.0.0.3", true),
            ("host.docker.internal:4318", true),
            ("Traces.corp:16686", true),
            ("evil.example:4318", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            let request = request("GET", &[("host", host)]);
            assert_eq!(guard().check(&request, true).is_ok(), known, "{host}");
            assert_eq!(guard().check(&request, false), Ok(()), "{host}");
        }
    }

    #[test]
    fn one_host_is_named_where_the_version_demands_it() {
        let two = [("host", "localhost"), ("host", "localhost")];
        for (version, headers, count) in [
            (Version::HTTP_11, &two[..0], Some(0)),
            (Version::HTTP_11, &two[..1], None),
            (Version::HTTP_11, &two[..], Some(2)),
            (Version::HTTP_10, &two[..0], None),
            (Version::HTTP_10, &two[..], Some(2)),
            (Version::HTTP_2, &two[..0], None),
        ] {
            let mut request = request("GET", headers);
            *request.version_mut() = version;
            let expected = count.map_or(Ok(()), |count| Err(Turned::Hosts { count }));
            assert_eq!(guard().check(&request, true), expected, "{version:?} {headers:?}");
        }
    }

    #[test]
    fn host_of_http2_and_of_proxies_is_judged_too() {
        let request = Request::builder().uri("http://evil.example/v1/traces").header("host", "localhost");
        let request = request.body(()).unwrap();
        assert!(guard().check(&request, true).is_err());
    }

    #[test]
    fn foreign_pages_change_nothing() {
        for (method, origin, allowed) in [
            ("POST", "https://evil.example", false),
            ("DELETE", "https://evil.example", false),
            ("POST", "null", false),
            ("POST", "", false),
            ("GET", "https://evil.example", true),
            ("OPTIONS", "https://evil.example", true),
            ("POST", "https://a.shop.example", true),
            ("POST", "https://shop.example", false),
            ("POST", "http://app:1", true),
            ("POST", "http://localhost:16686", true),
            ("POST", "http://localhost:3000", false),
        ] {
            let request = request(method, &[("host", "localhost:16686"), ("origin", origin)]);
            assert_eq!(guard().check(&request, true).is_ok(), allowed, "{method} {origin}");
        }
    }

    #[test]
    fn page_behind_a_proxy_is_our_own() {
        let headers = [
            ("host", "127.0.0.1:16686"),
            ("x-forwarded-host", "traces.example"),
            ("origin", "https://traces.example"),
        ];
        assert_eq!(guard().check(&request("POST", &headers), true), Ok(()));
    }

    #[test]
    fn refusal_shows_no_control_bytes() {
        let turned = Turned::Host { host: printable("a\r\nb\u{7f}") };
        assert!(turned.to_string().contains(r#""a??b?""#), "{turned}");
    }
}
