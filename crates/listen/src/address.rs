//! Where a listener listens, as an operator writes it.
//!
//! `localhost` means both loopback addresses, because half of the clients resolve it to `::1` first and the
//! other half never try it; an unspecified address means every interface of both families.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// What an operator may write after a listener's flag, other than `off`. Port 0 takes any free port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// 127.0.0.1 and ::1, both on this port.
    Loopback(u16),
    /// All interfaces, v4 and v6, on this port.
    Every(u16),
    /// Exactly this one.
    One(SocketAddr),
}

/// The text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address: write IP:PORT, localhost:PORT or :PORT")]
pub struct NoAddress {
    /// What was written.
    pub text: String,
}

impl Address {
    /// Reads a host without a port: an IP address (brackets allowed), `localhost`, or nothing for every interface.
    pub fn on_host(host: &str, port: u16) -> Result<Self, NoAddress> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() {
            return Ok(Self::Every(port));
        }
        if bare.eq_ignore_ascii_case("localhost") {
            return Ok(Self::Loopback(port));
        }
        match bare.parse::<IpAddr>() {
            Ok(ip) if ip.is_unspecified() => Ok(Self::Every(port)),
            Ok(ip) if ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST => Ok(Self::Loopback(port)),
            Ok(ip) => Ok(Self::One(SocketAddr::new(ip, port))),
            Err(_) => Err(NoAddress { text: host.to_owned() }),
        }
    }

    /// Returns the port as written, 0 for any.
    pub fn port(self) -> u16 {
        match self {
            Self::Loopback(port) | Self::Every(port) => port,
            Self::One(address) => address.port(),
        }
    }

    /// Tells whether only processes of this machine can come in.
    pub fn is_loopback(self) -> bool {
        match self {
            Self::Loopback(_) => true,
            Self::Every(_) => false,
            Self::One(address) => address.ip().is_loopback(),
        }
    }

    /// Tells whether sockets of one kind cannot be at both addresses. Port 0 is never another's.
    pub fn overlaps(self, other: Self) -> bool {
        let (ours, theirs) = (self.sockets(), other.sockets());
        self.port() != 0
            && self.port() == other.port()
            && ours.iter().any(|ours| theirs.iter().any(|theirs| meet(ours.ip(), theirs.ip())))
    }

    /// Returns the socket addresses to bind, v4 first.
    pub(crate) fn sockets(self) -> Vec<SocketAddr> {
        match self {
            Self::Loopback(port) => {
                vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]
            }
            Self::Every(port) => {
                vec![(Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into()]
            }
            Self::One(address) => vec![address],
        }
    }
}

/// An unspecified address is every interface of its family.
fn meet(one: IpAddr, other: IpAddr) -> bool {
    one == other || (one.is_ipv4() == other.is_ipv4() && (one.is_unspecified() || other.is_unspecified()))
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let no_address = || NoAddress { text: text.to_owned() };
        let (host, port) = text.rsplit_once(':').ok_or_else(no_address)?;
        // A v6 address without brackets would lose its last group to the port.
        if host.contains(':') && !host.starts_with('[') {
            return Err(no_address());
        }
        let port = port.parse().map_err(|_| no_address())?;
        Self::on_host(host, port).map_err(|_| no_address())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback(port) => write!(out, "localhost:{port}"),
            Self::Every(port) => write!(out, "0.0.0.0:{port}"),
            Self::One(address) => write!(out, "{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_overlap_where_one_interface_and_port_would_be_taken_twice() {
        let overlap = |one: &str, other: &str| {
            let (one, other): (Address, Address) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(one.overlaps(other), other.overlaps(one));
            one.overlaps(other)
        };
        assert!(overlap("localhost:1", "[::1]:1"));
        assert!(overlap(":1", "10.0.0.1:1"));
        assert!(!overlap("localhost:1", "10.0.0.1:1"));
        assert!(!overlap(":1", ":2"));
        assert!(!overlap(":0", ":0"));
    }

    #[test]
    fn every_way_of_writing_is_understood() {
        for (text, expected) in [
            ("localhost:4317", Address::Loopback(4317)),
            ("127.0.0.1:4317", Address::Loopback(4317)),
            ("[::1]:4317", Address::Loopback(4317)),
            ("0.0.0.0:4317", Address::Every(4317)),
            ("[::]:4317", Address::Every(4317)),
            (":4317", Address::Every(4317)),
            ("10.1.2.3:0", Address::One("10.1.2.3:0".parse().unwrap())),
            ("[fe80::1]:9", Address::One("[fe80::1]:9".parse().unwrap())),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_named() {
        for text in ["", "4317", "localhost", "::1:4317", "host.example:1", "localhost:70000", "localhost:"] {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error.text, text);
        }
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        for text in ["localhost:1", "0.0.0.0:2", "10.0.0.1:3", "[fe80::1]:4"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }
}
