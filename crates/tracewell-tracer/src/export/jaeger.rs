//! Jaeger's own protocols: thrift over UDP to an agent, and over HTTP to a collector.
//!
//! A datagram holds as many spans as fit into 65,000 bytes, and the service with them. Nobody answers a
//! datagram: what a receiver loses is lost unseen, so a pause follows whenever about as much was sent as
//! its buffer holds. A span that is larger than a datagram is rejected here.

mod spans;
mod thrift;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

use self::thrift::{Protocol, Writer};
use super::endpoint::{EndpointError, authority};
use super::http::Client;
use super::{Accepted, Endpoint, Export, ExportError, Request};
use crate::read::each_span;

/// What one datagram holds, as Jaeger's agents expect it.
const DATAGRAM_BYTES_MAX: usize = 65_000;
/// After so many bytes the receiver gets time to read; Linux buffers 208 KiB unless told.
const BURST_BYTES_MAX: usize = 128 * 1024;
/// How long that is.
const BURST_PAUSE: Duration = Duration::from_millis(2);
/// Head of the call, lengths of its lists, ends of its structs.
const FRAME_BYTES_MAX: usize = 64;

/// Sends Jaeger's thrift to a collector over HTTP.
#[derive(Debug)]
pub struct JaegerHttp {
    client: Client,
}

impl JaegerHttp {
    /// Makes an exporter that posts to `endpoint`'s path as it stands; usually `/api/traces` on port
    /// 14268. The endpoint's credentials go with each request.
    pub fn new(endpoint: Endpoint, headers: &[(String, String)]) -> Result<Self, EndpointError> {
        Ok(Self { client: Client::new(endpoint, headers)? })
    }
}

impl Export for JaegerHttp {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        let mut resource: &[u8] = &[];
        let (mut spans, mut count) = (Vec::new(), 0);
        each_span(request.body, &mut |of, scope, span| {
            resource = of;
            spans.extend(spans::span(Protocol::Binary, scope, span));
            count += 1;
        });
        let mut writer = Writer::new(Protocol::Binary);
        writer.structure(|writer| {
            writer.struct_field(1, |writer| spans::process(writer, resource));
            writer.list_field(2, count, &spans);
        });
        self.client.post("application/x-thrift", None, &writer.out, request.deadline)?.verdict()?;
        Ok(Accepted::default())
    }

    fn describe(&self) -> String {
        format!("jaeger {}", self.client.endpoint.url())
    }
}

/// Sends Jaeger's thrift to an agent over UDP.
#[derive(Debug)]
pub struct JaegerUdp {
    host: String,
    port: u16,
    socket: Option<UdpSocket>,
}

impl JaegerUdp {
    /// Makes an exporter for the agent there; usually on port 6831.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, socket: None }
    }

    fn connected(&mut self) -> io::Result<&UdpSocket> {
        if self.socket.is_none() {
            self.socket = Some(connect(&self.host, self.port)?);
        }
        self.socket.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn send(&mut self, datagrams: &[Vec<u8>]) -> io::Result<()> {
        let mut burst = 0;
        for datagram in datagrams {
            if BURST_BYTES_MAX < burst + datagram.len() {
                std::thread::sleep(BURST_PAUSE);
                burst = 0;
            }
            burst += datagram.len();
            if let Err(error) = self.connected()?.send(datagram) {
                // The name may mean another address by now.
                self.socket = None;
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Export for JaegerUdp {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        let (datagrams, rejected) = datagrams(request.body);
        let sent = self.send(&datagrams);
        sent.map_err(|error| ExportError::unreachable(authority(&self.host, self.port), error))?;
        let message = match rejected {
            0 => String::new(),
            _ => format!("{rejected} spans are larger than a datagram of {DATAGRAM_BYTES_MAX} bytes"),
        };
        Ok(Accepted { rejected, message })
    }

    fn describe(&self) -> String {
        format!("jaeger udp://{}", authority(&self.host, self.port))
    }
}

fn connect(host: &str, port: u16) -> io::Result<UdpSocket> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        let own: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        match UdpSocket::bind(own).and_then(|socket| socket.connect(address).map(|()| socket)) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Writes a request as datagrams, and counts the spans that fit into none.
fn datagrams(request: &[u8]) -> (Vec<Vec<u8>>, u64) {
    let mut process = None;
    let mut datagrams = Vec::new();
    let (mut spans, mut count, mut rejected) = (Vec::new(), 0, 0);
    each_span(request, &mut |resource, scope, span| {
        let process = process.get_or_insert_with(|| {
            let mut writer = Writer::new(Protocol::Compact);
            spans::process(&mut writer, resource);
            writer.out
        });
        let room = DATAGRAM_BYTES_MAX.saturating_sub(process.len() + FRAME_BYTES_MAX);
        let span = spans::span(Protocol::Compact, scope, span);
        if room < span.len() {
            rejected += 1;
            return;
        }
        if room < spans.len() + span.len() {
            datagrams.push(emit_batch(process, &spans, count));
            spans.clear();
            count = 0;
        }
        spans.extend(span);
        count += 1;
    });
    if let (Some(process), 1..) = (process, count) {
        datagrams.push(emit_batch(&process, &spans, count));
    }
    (datagrams, rejected)
}

/// `Agent.emitBatch(batch)`.
fn emit_batch(process: &[u8], spans: &[u8], count: usize) -> Vec<u8> {
    let mut writer = Writer::new(Protocol::Compact);
    writer.one_way_call("emitBatch");
    writer.structure(|writer| {
        writer.struct_field(1, |writer| {
            writer.struct_field(1, |writer| writer.out.extend_from_slice(process));
            writer.list_field(2, count, spans);
        });
    });
    writer.out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{bytes_field, nested};

    /// A request of spans whose names are that long.
    fn request(names: &[usize]) -> Vec<u8> {
        let mut request = Vec::new();
        nested(&mut request, 0x0a, |out| {
            bytes_field(out, 0x0a, &[]);
            nested(out, 0x12, |out| {
                for name in names {
                    nested(out, 0x12, |out| bytes_field(out, 0x2a, &vec![b'x'; *name]));
                }
            });
        });
        request
    }

    #[test]
    fn datagrams_are_full_and_never_more() {
        let (sent, rejected) = datagrams(&request(&[20_000, 20_000, 20_000, 20_000, 70_000, 10, 64_800]));
        assert_eq!(rejected, 1);
        let sizes: Vec<usize> = sent.iter().map(Vec::len).collect();
        assert_eq!(sizes.len(), 3, "{sizes:?}");
        assert!(sizes.iter().all(|size| *size <= DATAGRAM_BYTES_MAX), "{sizes:?}");
        assert!(datagrams(&request(&[])).0.is_empty());
    }
}
