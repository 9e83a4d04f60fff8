//! The path under which the page and its APIs stand, where they share a host with others.
//!
//! A server at `/jaeger` answers `/jaeger/api/services` and shows its page at `/jaeger/trace/ID`, as Jaeger with
//! `--query.base-path=/jaeger` does, for proxies that pass addresses on as they are. It stands at `/` as well: who
//! asks it directly need not know the path. A proxy that strips a path itself says so in `X-Forwarded-Prefix`, and
//! both together make the address that a browser sees.

use std::str::FromStr;

use axum::body::Body;
use http::uri::PathAndQuery;
use http::{Request, Uri};

/// A longer path than this is nobody's.
const BYTES_MAX: usize = 200;

/// `/` or `/a/b`: where the query port's doors stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath {
    /// Without a slash at its end, so empty for `/`.
    path: String,
}

/// The text is no base path: it must begin with a slash and have nothing in it that an address would escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no path: write / or a plain one such as /jaeger")]
pub struct NoBasePath;

/// Put on a request that came through the base path.
#[derive(Clone, Debug)]
struct CameBy(BasePath);

impl FromStr for BasePath {
    type Err = NoBasePath;

    fn from_str(text: &str) -> Result<Self, NoBasePath> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
        let path = text.strip_suffix('/').unwrap_or(text);
        let is_path = text.starts_with('/') && !text.contains("//") && text.bytes().all(plain);
        let climbs = text.split('/').any(|part| matches!(part, "." | ".."));
        if !is_path || climbs || BYTES_MAX < text.len() {
            return Err(NoBasePath);
        }
        Ok(Self { path: path.to_owned() })
    }
}

impl BasePath {
    /// Tells whether it is `/`, which changes nothing.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// Returns the path without a slash at its end: empty, or `/jaeger`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// Takes the path off a request's address, and leaves a mark that says so. What came by another path
    /// stays as it is.
    #[must_use]
    pub fn strip(&self, mut request: Request<Body>) -> Request<Body> {
        if let Some(below) = self.below(request.uri()) {
            *request.uri_mut() = below;
            request.extensions_mut().insert(CameBy(self.clone()));
        }
        request
    }

    /// Returns an address below the path as it is without it.
    fn below(&self, uri: &Uri) -> Option<Uri> {
        let rest = uri.path().strip_prefix(&self.path).filter(|_| !self.is_root())?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let path = if rest.is_empty() { "/" } else { rest };
        let text = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
        Uri::from_parts(parts).ok()
    }

    /// Returns where the browser that sent this sees the server: behind the proxy's path, if it names one, and
    /// the one that was stripped here.
    pub(crate) fn seen_by<B>(request: &Request<B>) -> Self {
        let forwarded = request.headers().get("x-forwarded-prefix").and_then(|text| text.to_str().ok());
        let Self { mut path } = forwarded.and_then(|text| text.parse().ok()).unwrap_or_default();
        if let Some(CameBy(stripped)) = request.extensions().get() {
            // A proxy may name the path that it passes on.
            if path != stripped.path {
                path += &stripped.path;
            }
        }
        Self { path }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_plain_and_begins_with_a_slash() {
        let read = |text: &str| text.parse::<BasePath>().map(|base| base.path);
        assert_eq!(read("/"), Ok(String::new()));
        assert_eq!(read("/jaeger"), Ok("/jaeger".to_owned()));
        assert_eq!(read("/jaeger/ui/"), Ok("/jaeger/ui".to_owned()));
        let long = format!("/{}", "a".repeat(BYTES_MAX));
        for wrong in
            ["", "jaeger", "//evil.example", "/a//b", "/\"><script>", "/a b", "/a/../b", "/./", &long]
        {
            assert_eq!(read(wrong), Err(NoBasePath), "{wrong}");
        }
    }

    #[test]
    fn only_whole_parts_are_taken_off() {
        let base: BasePath = "/jaeger".parse().unwrap();
        let below = |uri: &str| base.below(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(below("/jaeger").as_deref(), Some("/"));
        assert_eq!(below("/jaeger/").as_deref(), Some("/"));
        assert_eq!(below("/jaeger?q=1").as_deref(), Some("/?q=1"));
        assert_eq!(below("/jaeger/api/traces?tag=a%3Ab&x=/").as_deref(), Some("/api/traces?tag=a%3Ab&x=/"));
        assert_eq!(below("/jaeger//api").as_deref(), Some("//api"));
        assert_eq!(below("http://host:1/jaeger/a").as_deref(), Some("http://host:1/a"));
        for other in ["/jaegers", "/api/jaeger/", "/", "/JAEGER/"] {
            assert_eq!(below(other), None, "{other}");
        }
        assert_eq!(BasePath::default().below(&"/api".parse().unwrap()), None);
    }
}
