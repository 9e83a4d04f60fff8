//! OTLP over HTTP/1.1: one kept connection, plain blocking I/O with a deadline on every step.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use super::endpoint::EndpointError;
use super::{Accepted, Compression, Endpoint, Export, ExportError, Request};
use crate::clock;

/// Bytes of an answer's head at most.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an answer's body at most, as OTLP demands.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Sends OTLP as protobuf over HTTP.
#[derive(Debug)]
pub struct OtlpHttp {
    client: Client,
    compression: Compression,
}

impl OtlpHttp {
    /// Makes an exporter that posts to `endpoint`'s path as it stands. Headers go with each request.
    pub fn new(
        endpoint: Endpoint,
        headers: &[(String, String)],
        compression: Compression,
    ) -> Result<Self, EndpointError> {
        Ok(Self { client: Client::new(endpoint, headers)?, compression })
    }
}

impl Export for OtlpHttp {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        let body = self.compression.compress(request.body)?;
        let kind = "application/x-protobuf";
        let answer = self.client.post(kind, self.compression.name(), &body, request.deadline)?;
        answer.verdict()?;
        Ok(Accepted::read(&answer.body))
    }

    fn describe(&self) -> String {
        format!("otlp {}", self.client.endpoint.url())
    }
}

/// One kept connection to one path.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) endpoint: Endpoint,
    /// Everything of the head that is the same for each request.
    head: String,
    connection: Option<TcpStream>,
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Client {
    pub(super) fn new(endpoint: Endpoint, headers: &[(String, String)]) -> Result<Self, EndpointError> {
        let endpoint = endpoint.plain()?;
        let mut head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\nuser-agent: tracewell-rust/{}\r\n",
            endpoint.path,
            endpoint.authority(),
            env!("CARGO_PKG_VERSION"),
        );
        if let Some((user, password)) = &endpoint.credentials {
            head.push_str(&format!(
                "authorization: Basic {}\r\n",
                base64(format!("{user}:{password}").as_bytes())
            ));
        }
        for (name, value) in headers {
            // A line break would begin a header of somebody else's.
            let clean = |text: &str| text.replace(['\r', '\n', '\0'], " ");
            head.push_str(&format!("{}: {}\r\n", clean(name), clean(value)));
        }
        Ok(Self { endpoint, head, connection: None })
    }

    /// Posts a body. A kept connection that turns out to be closed is opened again, once.
    pub(super) fn post(
        &mut self,
        kind: &str,
        encoding: Option<&str>,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Answer, ExportError> {
        let encoding = encoding.map_or_else(String::new, |name| format!("content-encoding: {name}\r\n"));
        let head =
            format!("{}content-type: {kind}\r\n{encoding}content-length: {}\r\n\r\n", self.head, body.len());
        if let Some(connection) = self.connection.take()
            && let Ok(answer) = self.converse(connection, &head, body, deadline)
        {
            return answer;
        }
        let to = self.endpoint.authority();
        let connection = self.connect(deadline).map_err(|error| ExportError::unreachable(&to, error))?;
        self.converse(connection, &head, body, deadline)
            .unwrap_or_else(|error| Err(ExportError::unreachable(&to, error)))
    }

    fn connect(&self, deadline: Instant) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (self.endpoint.host.as_str(), self.endpoint.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(deadline)?) {
                Ok(connection) => {
                    connection.set_nodelay(true)?;
                    return Ok(connection);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Returns `Err` where the connection failed, and `Ok(Err(..))` where the answer makes no sense.
    fn converse(
        &mut self,
        mut connection: TcpStream,
        head: &str,
        body: &[u8],
        deadline: Instant,
    ) -> io::Result<Result<Answer, ExportError>> {
        connection.set_write_timeout(Some(left(deadline)?))?;
        connection.write_all(head.as_bytes())?;
        connection.write_all(body)?;
        let mut reader = Reader { connection: &connection, deadline, bytes: Vec::new(), at: 0 };
        Ok(match answer(&mut reader)? {
            Ok((answer, keep)) => {
                if keep {
                    self.connection = Some(connection);
                }
                Ok(answer)
            }
            Err(error) => Err(error),
        })
    }
}

impl Answer {
    /// Turns the status into the error that it is.
    pub(super) fn verdict(&self) -> Result<(), ExportError> {
        let said = String::from_utf8_lossy(&self.body[..self.body.len().min(256)]);
        let said: String = said.chars().filter(|c| !c.is_control()).collect();
        let status = format!("HTTP {} {said}", self.status).trim_end().to_owned();
        match self.status {
            200..300 => Ok(()),
            408 | 429 | 502 | 503 | 504 => Err(ExportError::Busy { status, retry_after: self.retry_after }),
            _ => Err(ExportError::Refused { status }),
        }
    }
}

/// Reads an answer, and says whether the connection may be used again.
fn answer(reader: &mut Reader<'_>) -> io::Result<Result<(Answer, bool), ExportError>> {
    loop {
        let mut answer = Answer::default();
        let Some(line) = reader.line()? else { return Ok(Err(ExportError::protocol("no status line"))) };
        let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let Some(status) = status else { return Ok(Err(ExportError::protocol("no status line"))) };
        answer.status = status;
        let mut keep = line.starts_with("HTTP/1.1");
        let (mut length, mut chunked) = (None, false);
        loop {
            let Some(line) = reader.line()? else { return Ok(Err(ExportError::protocol("no end of head"))) };
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse::<usize>().ok(),
                "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
                "connection" if value.eq_ignore_ascii_case("close") => keep = false,
                "retry-after" => answer.retry_after = value.parse().ok().map(Duration::from_secs),
                _ => {}
            }
        }
        match (answer.status, length) {
            // An interim answer; the real one follows.
            (100..200, _) => continue,
            (204 | 304, _) => {}
            _ if chunked => {
                if let Err(error) = chunks(reader, &mut answer.body)? {
                    return Ok(Err(error));
                }
            }
            (_, Some(length)) if length <= BODY_BYTES_MAX => reader.exact(length, &mut answer.body)?,
            (_, Some(_)) => return Ok(Err(ExportError::protocol("the answer is larger than 4 MiB"))),
            (_, None) => {
                keep = false;
                reader.rest(&mut answer.body)?;
            }
        }
        return Ok(Ok((answer, keep)));
    }
}

fn chunks(reader: &mut Reader<'_>, body: &mut Vec<u8>) -> io::Result<Result<(), ExportError>> {
    loop {
        let line = reader.line()?.unwrap_or_default();
        let digits = line.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(digits, 16) else {
            return Ok(Err(ExportError::protocol("a chunk has no size")));
        };
        if BODY_BYTES_MAX < body.len().saturating_add(size) {
            return Ok(Err(ExportError::protocol("the answer is larger than 4 MiB")));
        }
        if size == 0 {
            // Trailers, up to the empty line.
            while reader.line()?.is_some_and(|line| !line.is_empty()) {}
            return Ok(Ok(()));
        }
        reader.exact(size, body)?;
        reader.line()?;
    }
}

/// Reads with a deadline, line by line or by count.
struct Reader<'a> {
    connection: &'a TcpStream,
    deadline: Instant,
    bytes: Vec<u8>,
    at: usize,
}

impl Reader<'_> {
    /// Reads more; returns whether there was more.
    fn more(&mut self) -> io::Result<bool> {
        self.connection.set_read_timeout(Some(left(self.deadline)?))?;
        self.bytes.drain(..self.at);
        self.at = 0;
        let mut buffer = [0; 4096];
        let count = self.connection.read(&mut buffer)?;
        self.bytes.extend_from_slice(&buffer[..count]);
        Ok(0 < count)
    }

    /// Reads a line without its end; `None` if it is longer than a head may be.
    fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.bytes[self.at..].iter().position(|byte| *byte == b'\n') {
                let line = &self.bytes[self.at..self.at + end];
                let line = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
                self.at += end + 1;
                return Ok(Some(line));
            }
            if HEAD_BYTES_MAX < self.bytes.len() - self.at {
                return Ok(None);
            }
            if !self.more()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn exact(&mut self, mut count: usize, out: &mut Vec<u8>) -> io::Result<()> {
        while 0 < count {
            let held = (self.bytes.len() - self.at).min(count);
            out.extend_from_slice(&self.bytes[self.at..self.at + held]);
            self.at += held;
            count -= held;
            if 0 < count && !self.more()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn rest(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        while out.len() <= BODY_BYTES_MAX {
            let held = self.bytes.len() - self.at;
            self.exact(held, out)?;
            if !self.more()? {
                break;
            }
        }
        Ok(())
    }
}

/// Returns the time that is left, or that there is none.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(clock::instant());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for digit in 0..4 {
            let six = (bits >> (18 - 6 * digit)) & 63;
            out.push(if digit <= three.len() { char::from(DIGITS[six as usize]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_base64() {
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
        assert_eq!(base64(b"abc"), "YWJj");
    }
}
