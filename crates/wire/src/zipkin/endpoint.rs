//! Endpoints: who took part in a span, and from where.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One side of a span. What is empty or zero was not sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Endpoint<'a> {
    pub(super) service_name: Cow<'a, [u8]>,
    ipv4: Cow<'a, [u8]>,
    ipv6: Cow<'a, [u8]>,
    pub(super) port: u16,
}

impl<'a> Endpoint<'a> {
    /// Takes an address as text.
    pub(super) fn set_text(&mut self, text: Cow<'a, [u8]>) -> Result<(), &'static str> {
        if text.is_empty() {
            return Ok(());
        }
        match std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()) {
            Some(IpAddr::V4(_)) => self.ipv4 = text,
            Some(IpAddr::V6(_)) => self.ipv6 = text,
            None => return Err("an endpoint's address is no IP address"),
        }
        Ok(())
    }

    /// Takes an address as bytes.
    pub(super) fn set_bytes(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
            self.ipv4 = Cow::Owned(Ipv4Addr::from(bytes).to_string().into_bytes());
        } else if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
            self.ipv6 = Cow::Owned(Ipv6Addr::from(bytes).to_string().into_bytes());
        } else if !bytes.is_empty() {
            return Err("an endpoint's address is no IP address");
        }
        Ok(())
    }

    /// Takes a port.
    pub(super) fn set_port(&mut self, port: i128) -> Result<(), &'static str> {
        self.port = u16::try_from(port).map_err(|_| "an endpoint's port is out of range")?;
        Ok(())
    }

    /// Returns the address as text, empty where there is none. Of two the longer kind says more.
    pub(super) fn address(&self) -> &[u8] {
        if self.ipv6.is_empty() { &self.ipv4 } else { &self.ipv6 }
    }

    /// Tells whether nothing was sent.
    pub(super) fn is_empty(&self) -> bool {
        self.service_name.is_empty() && self.address().is_empty() && self.port == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_addresses() {
        let mut endpoint = Endpoint::default();
        assert!(endpoint.is_empty());
        endpoint.set_bytes(&[10, 0, 0, 1]).unwrap();
        assert_eq!(endpoint.address(), b"10.0.0.1");
        endpoint.set_text(Cow::Borrowed(b"2001:DB8::1")).unwrap();
        endpoint.set_text(Cow::Borrowed(b"")).unwrap();
        assert_eq!(endpoint.address(), b"2001:DB8::1");
        assert!(endpoint.set_text(Cow::Borrowed(b"localhost")).is_err());
        assert!(endpoint.set_bytes(&[1, 2, 3]).is_err());
        assert!(endpoint.set_port(65_536).is_err());
        assert!(endpoint.set_port(-1).is_err());
    }
}
