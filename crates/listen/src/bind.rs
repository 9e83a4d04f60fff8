//! Taking the ports, apart from serving them.
//!
//! The server binds every listener first and reports all the ports that are taken at once; only when all are
//! held does it serve any. A bound TCP socket already queues connections, so clients that come in between wait
//! instead of failing.
//!
//! Where the machine has no IPv6 the v4 socket alone is enough; any other failure of either family is an error,
//! because a port that is ours for one half of the clients only is the worst kind of taken.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

use crate::address::Address;

/// Connections that the kernel holds for us while we are busy; it caps this at `net.core.somaxconn`.
const BACKLOG: i32 = 1024;

/// How often a port that was free in v4 may be taken in v6 before we give up on finding one free in both.
const FREE_PORT_TRIES: usize = 16;

/// What is asked for as the receive buffer of a datagram socket: some 64 full datagrams, one flush of a Node exporter.
pub const DATAGRAM_BUFFER_BYTES: usize = 4 << 20;

/// Why an address could not be taken. The operator has to act on each of these.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error("{address} is taken")]
    Taken {
        /// What could not be bound.
        address: SocketAddr,
    },
    /// Ports below 1024, most often.
    #[error("{address} is not permitted")]
    Denied {
        /// What could not be bound.
        address: SocketAddr,
    },
    /// The machine has no such address, or the system said no in another way.
    #[error("{address} cannot be bound: {source}")]
    System {
        /// What could not be bound.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// TCP sockets that are held and not yet served.
#[derive(Debug)]
pub struct Bound {
    address: Address,
    pub(crate) sockets: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl Bound {
    /// Takes all the sockets of an address, or none.
    pub fn tcp(address: Address) -> Result<Self, BindError> {
        let (sockets, addresses) = bind_families(address, |at| {
            let socket = open(at, Type::STREAM, Protocol::TCP)?;
            // A port whose last connections linger is free; one that is listened to is not.
            socket.set_reuse_address(true)?;
            socket.bind(&at.into())?;
            socket.listen(BACKLOG)?;
            Ok(TcpListener::from(socket))
        })?;
        Ok(Self { address, sockets, addresses })
    }

    /// Returns what was really bound: both families where the machine has both, with the port that was found for 0.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns the port, the same in both families.
    pub fn port(&self) -> u16 {
        self.addresses[0].port()
    }

    /// Tells whether only processes of this machine can come in.
    pub fn is_loopback(&self) -> bool {
        self.address.is_loopback()
    }
}

/// Datagram sockets that are held and not yet read. They are non-blocking.
#[derive(Debug)]
pub struct BoundDatagrams {
    /// One for each family.
    pub sockets: Vec<UdpSocket>,
    /// What was bound, with the port that was found for 0: the line of `/proc/net/udp` to look for.
    pub addresses: Vec<SocketAddr>,
    /// What the system granted of [`DATAGRAM_BUFFER_BYTES`]: the least of all sockets.
    pub buffer_bytes: usize,
}

impl BoundDatagrams {
    /// Takes all the sockets of an address, or none, with as large a receive buffer as the system gives.
    pub fn udp(address: Address) -> Result<Self, BindError> {
        let (sockets, addresses) = bind_families(address, |at| {
            let socket = open(at, Type::DGRAM, Protocol::UDP)?;
            widen(&socket);
            socket.bind(&at.into())?;
            Ok(UdpSocket::from(socket))
        })?;
        let granted = sockets.iter().map(|socket| granted(socket2::SockRef::from(socket))).min();
        Ok(Self { sockets, addresses, buffer_bytes: granted.unwrap_or(0) })
    }

    /// Returns the port, the same in both families.
    pub fn port(&self) -> u16 {
        self.addresses[0].port()
    }
}

/// Binds v4 and v6 of an address, on one port even when the port is 0.
fn bind_families<S>(
    address: Address,
    bind: impl Fn(SocketAddr) -> io::Result<S>,
) -> Result<(Vec<S>, Vec<SocketAddr>), BindError>
where
    for<'a> socket2::SockRef<'a>: From<&'a S>,
    S: std::os::fd::AsFd,
{
    let mut tries = if address.port() == 0 { FREE_PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        match bind_once(address, &bind) {
            Err(BindError::Taken { .. }) if 0 < tries => {}
            done => return done,
        }
    }
}

fn bind_once<S>(
    address: Address,
    bind: &impl Fn(SocketAddr) -> io::Result<S>,
) -> Result<(Vec<S>, Vec<SocketAddr>), BindError>
where
    S: std::os::fd::AsFd,
{
    let (mut sockets, mut addresses) = (Vec::new(), Vec::<SocketAddr>::new());
    let wanted = address.sockets();
    let alone = wanted.len() == 1;
    for mut at in wanted {
        if let Some(first) = addresses.first() {
            at.set_port(first.port());
        }
        match bind(at) {
            Ok(socket) => {
                addresses.push(local_address(&socket).unwrap_or(at));
                sockets.push(socket);
            }
            Err(error) if !alone && family_is_absent(&error) => {}
            Err(error) => return Err(blame(at, error)),
        }
    }
    if sockets.is_empty() {
        let source = io::Error::new(ErrorKind::AddrNotAvailable, "neither IPv4 nor IPv6 is available");
        return Err(BindError::System { address: address.sockets()[0], source });
    }
    Ok((sockets, addresses))
}

fn open(at: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(at), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if at.is_ipv6() {
        // Each family has its own socket, so that both can be bound whatever the system's default is.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// Asks for a large buffer: first past the system's limit, which takes privileges, then up to it.
fn widen(socket: &Socket) {
    #[cfg(target_os = "linux")]
    if rustix::net::sockopt::set_socket_recv_buffer_size_force(socket, DATAGRAM_BUFFER_BYTES).is_ok() {
        return;
    }
    // What is granted is read back and printed; a refusal is an answer too.
    let _ = socket.set_recv_buffer_size(DATAGRAM_BUFFER_BYTES);
}

/// Returns the usable bytes of the buffer: Linux doubles what is asked for, for its own bookkeeping.
fn granted(socket: socket2::SockRef<'_>) -> usize {
    let bytes = socket.recv_buffer_size().unwrap_or(0);
    if cfg!(target_os = "linux") { bytes / 2 } else { bytes }
}

fn local_address(socket: &impl std::os::fd::AsFd) -> Option<SocketAddr> {
    socket2::SockRef::from(socket).local_addr().ok()?.as_socket()
}

fn family_is_absent(error: &io::Error) -> bool {
    let unsupported = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    error.kind() == ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(unsupported)
}

fn blame(address: SocketAddr, error: io::Error) -> BindError {
    match error.kind() {
        ErrorKind::AddrInUse => BindError::Taken { address },
        ErrorKind::PermissionDenied => BindError::Denied { address },
        _ => BindError::System { address, source: error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_free_port_is_the_same_in_both_families() {
        let bound = Bound::tcp(Address::Loopback(0)).unwrap();
        assert_ne!(bound.port(), 0);
        assert!(bound.addresses().iter().all(|at| at.port() == bound.port() && at.ip().is_loopback()));
        assert!(bound.is_loopback());
        let datagrams = BoundDatagrams::udp(Address::Every(0)).unwrap();
        assert!(datagrams.addresses.iter().all(|at| at.port() == datagrams.port()));
    }

    #[test]
    fn taken_port_is_said_with_its_address() {
        let first = Bound::tcp(Address::Loopback(0)).unwrap();
        let error = Bound::tcp(Address::Loopback(first.port())).unwrap_err();
        assert_eq!(error.to_string(), format!("127.0.0.1:{} is taken", first.port()));
    }

    #[test]
    fn port_taken_in_v6_alone_counts_as_taken() {
        let Ok(six) = TcpListener::bind("[::1]:0") else { return };
        let port = six.local_addr().unwrap().port();
        let error = Bound::tcp(Address::Loopback(port)).unwrap_err();
        assert_eq!(error.to_string(), format!("[::1]:{port} is taken"));
    }

    #[test]
    fn granted_buffer_is_reported() {
        let datagrams = BoundDatagrams::udp(Address::Loopback(0)).unwrap();
        assert!(32 << 10 <= datagrams.buffer_bytes, "{} bytes granted", datagrams.buffer_bytes);
        assert!(datagrams.buffer_bytes <= DATAGRAM_BUFFER_BYTES);
    }

    #[test]
    fn absent_address_is_the_systems_error() {
        let address = Address::One("192.0.2.1:0".parse().unwrap());
        assert!(matches!(Bound::tcp(address), Err(BindError::System { .. })));
    }
}
