//! OTLP over gRPC: one unary call on h2, with a runtime of its own that lives on the exporter's thread
//! and runs only while a call does.

use std::net::ToSocketAddrs as _;
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request as Head, Version};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::endpoint::EndpointError;
use super::{Accepted, Compression, Endpoint, Export, ExportError, Request};

const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// Bytes of an answer at most, as OTLP demands.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Sends OTLP over gRPC.
#[derive(Debug)]
pub struct OtlpGrpc {
    endpoint: Endpoint,
    headers: HeaderMap,
    compression: Compression,
    /// Made at the first call, on the thread that makes it.
    runtime: Option<Runtime>,
    connection: Option<SendRequest<Bytes>>,
}

impl OtlpGrpc {
    /// Makes an exporter. Headers go with each call as its metadata; those that gRPC cannot carry are
    /// left out.
    pub fn new(
        endpoint: Endpoint,
        headers: &[(String, String)],
        compression: Compression,
    ) -> Result<Self, EndpointError> {
        let endpoint = endpoint.plain()?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                map.append(name, value);
            }
        }
        Ok(Self { endpoint, headers: map, compression, runtime: None, connection: None })
    }

    /// Calls on the kept connection; if that turns out to be closed, on a new one.
    async fn call(&mut self, frame: Bytes, deadline: Instant) -> Result<Accepted, ExportError> {
        if let Some(kept) = self.connection.take() {
            match self.call_on(kept, frame.clone(), deadline).await {
                Err(ExportError::Unreachable { .. }) => {}
                result => return result,
            }
        }
        let fresh = connect(&self.endpoint).await?;
        self.call_on(fresh, frame, deadline).await
    }

    async fn call_on(
        &mut self,
        connection: SendRequest<Bytes>,
        frame: Bytes,
        deadline: Instant,
    ) -> Result<Accepted, ExportError> {
        let authority = self.endpoint.authority();
        let unreachable = |error: h2::Error| ExportError::unreachable(&authority, error);
        let mut connection = connection.ready().await.map_err(unreachable)?;
        let head = self.head(deadline).map_err(|error| ExportError::protocol(error.to_string()))?;
        let (answer, mut body) = connection.send_request(head, false).map_err(unreachable)?;
        body.send_data(frame, true).map_err(unreachable)?;
        let accepted = read_answer(answer, &authority).await;
        if !matches!(accepted, Err(ExportError::Unreachable { .. })) {
            self.connection = Some(connection);
        }
        accepted
    }

    fn head(&self, deadline: Instant) -> Result<Head<()>, http::Error> {
        let mut head = Head::builder()
            .method(Method::POST)
            .version(Version::HTTP_2)
            .uri(format!("http://{}{PATH}", self.endpoint.authority()))
            .header("te", "trailers")
            .header("content-type", "application/grpc")
            .header("user-agent", concat!("tracewell-rust/", env!("CARGO_PKG_VERSION")));
        let left = deadline.saturating_duration_since(crate::clock::instant());
        head = head.header("grpc-timeout", format!("{}m", left.as_millis().clamp(1, 99_999_999)));
        if let Some(name) = self.compression.name() {
            head = head.header("grpc-encoding", name);
        }
        let mut head = head.body(())?;
        head.headers_mut().extend(self.headers.clone());
        Ok(head)
    }
}

impl Export for OtlpGrpc {
    fn export(&mut self, request: Request<'_>) -> Result<Accepted, ExportError> {
        let body = self.compression.compress(request.body)?;
        let mut frame = BytesMut::with_capacity(5 + body.len());
        frame.put_u8(u8::from(self.compression != Compression::None));
        let len = u32::try_from(body.len()).map_err(|_| ExportError::protocol("more than 4 GiB"))?;
        frame.put_u32(len);
        frame.extend_from_slice(&body);
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| ExportError::unreachable("the system", error))?,
        };
        let left = request.deadline.saturating_duration_since(crate::clock::instant());
        let call = self.call(frame.freeze(), request.deadline);
        let result = runtime.block_on(async { tokio::time::timeout(left, call).await });
        self.runtime = Some(runtime);
        result.unwrap_or_else(|_| {
            self.connection = None;
            Err(ExportError::unreachable(self.endpoint.authority(), "no answer in time"))
        })
    }

    fn describe(&self) -> String {
        format!("otlp grpc://{}", self.endpoint.authority())
    }
}

async fn connect(endpoint: &Endpoint) -> Result<SendRequest<Bytes>, ExportError> {
    let authority = endpoint.authority();
    // The thread is the exporter's own: it may block while a name is looked up.
    let addresses = (endpoint.host.as_str(), endpoint.port)
        .to_socket_addrs()
        .map_err(|error| ExportError::unreachable(&authority, error))?;
    let mut last = ExportError::unreachable(&authority, "the name has no address");
    for address in addresses {
        let stream = match TcpStream::connect(address).await {
            Ok(stream) => stream,
            Err(error) => {
                last = ExportError::unreachable(&authority, error);
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(1 << 20).max_send_buffer_size(16 << 20);
        match builder.handshake(stream).await {
            Ok((connection, driver)) => {
                // Its end is seen by the next call.
                tokio::spawn(async move { drop(driver.await) });
                return connection.ready().await.map_err(|error| ExportError::unreachable(&authority, error));
            }
            Err(error) => last = ExportError::unreachable(&authority, error),
        }
    }
    Err(last)
}

async fn read_answer(answer: ResponseFuture, authority: &str) -> Result<Accepted, ExportError> {
    let unreachable = |error: h2::Error| ExportError::unreachable(authority, error);
    let (head, mut body) = answer.await.map_err(unreachable)?.into_parts();
    if !head.status.is_success() {
        let status = format!("HTTP {}", head.status);
        return Err(match head.status.as_u16() {
            429 | 502 | 503 | 504 => ExportError::Busy { status, retry_after: None },
            _ => ExportError::Refused { status },
        });
    }
    let mut message = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.map_err(unreachable)?;
        let _ = body.flow_control().release_capacity(piece.len());
        if ANSWER_BYTES_MAX < message.len() + piece.len() {
            return Err(ExportError::protocol("the answer is larger than 4 MiB"));
        }
        message.extend_from_slice(&piece);
    }
    // An answer without a body has its status in the head.
    let trailers = body.trailers().await.map_err(unreachable)?.unwrap_or(head.headers);
    verdict(&trailers)?;
    Ok(Accepted::read(message.get(5..).unwrap_or_default()))
}

fn verdict(trailers: &HeaderMap) -> Result<(), ExportError> {
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let code = text("grpc-status");
    let status = format!("gRPC {code} {}", text("grpc-message")).trim_end().to_owned();
    let retry_after = text("retry-after").parse().ok().map(Duration::from_secs);
    match code {
        "0" => Ok(()),
        "" => Err(ExportError::protocol("no grpc-status")),
        // Cancelled, deadline exceeded, resource exhausted, aborted, out of range, unavailable, data loss.
        "1" | "4" | "8" | "10" | "11" | "14" | "15" => Err(ExportError::Busy { status, retry_after }),
        _ => Err(ExportError::Refused { status }),
    }
}
