//! Where to: a URL, taken apart.

/// An `http` or `https` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path with its query; at least `/`.
    pub path: String,
    /// User and password, if the URL has them.
    pub credentials: Option<(String, String)>,
}

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Neither `http://` nor `https://`.
    #[error("`{url}` begins with neither http:// nor https://")]
    Scheme {
        /// What was given.
        url: String,
    },
    /// No host.
    #[error("`{url}` has no host")]
    Host {
        /// What was given.
        url: String,
    },
    /// A port that is no number of 1 to 65535.
    #[error("`{url}` has a port that is no number of 1 to 65535")]
    Port {
        /// What was given.
        url: String,
    },
    /// This build has no TLS.
    #[error("`{url}` wants TLS, which this build does not have: send to a collector nearby over http")]
    Tls {
        /// What was given.
        url: String,
    },
}

impl Endpoint {
    /// Takes a URL apart; a port that is not given is `port`.
    pub fn parse(url: &str, port: u16) -> Result<Self, EndpointError> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(EndpointError::Scheme { url: url.to_owned() }),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or_default();
        let (credentials, address) = match authority.rsplit_once('@') {
            Some((user, address)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                (Some((user.to_owned(), password.to_owned())), address)
            }
            None => (None, authority),
        };
        let (host, given) = split_port(address);
        let strange = |c: char| c.is_ascii_control() || c.is_whitespace();
        if host.is_empty() || url.contains(strange) {
            return Err(EndpointError::Host { url: url.to_owned() });
        }
        let port = match given.map(str::parse) {
            None => port,
            Some(Ok(port @ 1..)) => port,
            Some(_) => return Err(EndpointError::Port { url: url.to_owned() }),
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { tls, host: host.to_owned(), port, path, credentials })
    }

    /// Refuses an endpoint that wants TLS, for a build without it.
    pub fn plain(self) -> Result<Self, EndpointError> {
        if self.tls {
            return Err(EndpointError::Tls { url: format!("https://{}", self.authority()) });
        }
        Ok(self)
    }

    /// Returns host and port, as a `Host` header has them.
    pub fn authority(&self) -> String {
        authority(&self.host, self.port)
    }

    /// Returns the whole address, without its credentials.
    pub fn url(&self) -> String {
        format!("http{}://{}{}", if self.tls { "s" } else { "" }, self.authority(), self.path)
    }

    /// Appends a path, with one slash between.
    #[must_use]
    pub fn join(mut self, path: &str) -> Self {
        self.path = format!("{}{path}", self.path.trim_end_matches('/'));
        self
    }
}

/// Writes host and port; an address of IPv6 gets its brackets.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn split_port(address: &str) -> (&str, Option<&str>) {
    if let Some(rest) = address.strip_prefix('[')
        && let Some((host, port)) = rest.split_once(']')
    {
        return (host, port.strip_prefix(':'));
    }
    match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (address, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> String {
        match Endpoint::parse(url, 4318) {
            Ok(endpoint) => format!("{} {}", endpoint.authority(), endpoint.path),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn urls_are_taken_apart() {
        assert_eq!(check("http://localhost"), "localhost:4318 /");
        assert_eq!(check("http://localhost:1/v1/traces?x=1#y"), "localhost:1 /v1/traces?x=1");
        assert_eq!(check("http://[::1]:9/a"), "[::1]:9 /a");
        assert_eq!(check("http://u:p@h/"), "h:4318 /");
        assert!(check("localhost:4317").contains("neither"));
        assert!(check("http://:4317").contains("no host"));
        assert!(check("http://h\r\nx: y").contains("no host"));
        assert!(check("http://h:99999").contains("1 to 65535"));
    }
}
