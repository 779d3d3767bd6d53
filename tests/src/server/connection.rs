//! One connection: requests read, answers written, and the ways in which it can end badly.

use super::{Fault, Host, PATIENCE, Request, Shared};
use serde_json::{Value, json};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// How long a reader may take to notice that the server stops.
const INTERVAL: Duration = Duration::from_millis(50);

/// A file, or a part of one, without a copy of its bytes.
#[derive(Clone)]
pub(super) struct Body {
    bytes: Arc<[u8]>,
    range: Range<usize>,
}

impl Default for Body {
    fn default() -> Self {
        Self::whole([].into())
    }
}

impl Body {
    pub(super) fn whole(bytes: Arc<[u8]>) -> Self {
        let range = 0..bytes.len();
        Self { bytes, range }
    }

    pub(super) fn part(bytes: Arc<[u8]>, range: Range<usize>) -> Self {
        Self { bytes, range }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.range.clone()]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.range.is_empty()
    }
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Well,
    Reset(usize),
    HangUp(usize),
    Stall(usize),
}

impl End {
    pub(super) fn of(fault: Fault) -> Option<Self> {
        match fault {
            Fault::ResetAfter(bytes) => Some(End::Reset(bytes)),
            Fault::HangUpAfter(bytes) => Some(End::HangUp(bytes)),
            Fault::StallAfter(bytes) => Some(End::Stall(bytes)),
            _ => None,
        }
    }
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
    pub(super) end: End,
}

impl Reply {
    pub(super) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::default(), end: End::Well }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(super) fn json(status: u16, value: &Value) -> Self {
        let body = Body::whole(value.to_string().into_bytes().into());
        Self::new(status).header("Content-Type", "application/json; charset=utf-8").body(body)
    }

    pub(super) fn html(status: u16, text: String) -> Self {
        Self::new(status).header("Content-Type", "text/html").body(Body::whole(text.into_bytes().into()))
    }

    /// An error as GitHub tells it.
    pub(super) fn message(status: u16, text: &str) -> Self {
        let documentation = "https://docs.github.com/rest";
        Self::json(status, &json!({"message": text, "documentation_url": documentation, "status": status.to_string()}))
    }

    pub(super) fn not_found() -> Self {
        Self::message(404, "Not Found")
    }
}

/// Answers the requests of a connection until either side closes it.
pub(super) fn serve(stream: TcpStream, id: usize, host: Host, shared: &Shared) {
    // Head and body are written apart: without this the body waits for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(&stream);
    let mut end = End::Well;
    while (!reader.buffer().is_empty() || has_more(&stream, shared))
        && let Ok(Some(request)) = read_request(&mut reader, host)
    {
        let is_head = request.method == "HEAD";
        let reply = shared.answer(request);
        end = reply.end;
        if write(&stream, &reply, is_head, shared).is_err() || !matches!(end, End::Well | End::Stall(_)) {
            break;
        }
    }
    // The server's own handle goes first: a socket is closed with its last handle.
    shared.open().remove(&id);
    if matches!(end, End::Reset(_)) {
        // Closed with nothing to linger for, a socket is reset and what is still unsent is thrown away.
        let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
    } else {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// Waits for a client's next word; false when the server stops instead. Shutting a socket down wakes its readers on Unix
/// only, so that they have to look up now and then.
fn has_more(stream: &TcpStream, shared: &Shared) -> bool {
    let _ = stream.set_read_timeout(Some(INTERVAL));
    loop {
        match stream.peek(&mut [0]) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                if shared.state().stopping {
                    return false;
                }
            }
            Ok(read) => {
                // Who began a request ends it.
                let _ = stream.set_read_timeout(Some(PATIENCE));
                return read > 0;
            }
            Err(_) => return false,
        }
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>, host: Host) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    // A client that takes this server for its proxy names the whole URL.
    let path = target.strip_prefix("http://").map_or(target, |url| url.find('/').map_or("/", |start| &url[start..]));
    let mut request = Request {
        host,
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: String::new(),
        status: 0,
    };
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.split_once(':') else { break };
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_string(&mut request.body)?;
    Ok(Some(request))
}

fn write(mut stream: &TcpStream, reply: &Reply, is_head: bool, shared: &Shared) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if reply.status != 304 {
        head.push_str(&format!("Content-Length: {}\r\n", reply.body.bytes().len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    let bytes = if is_head { &[] } else { reply.body.bytes() };
    let (End::Reset(first) | End::HangUp(first) | End::Stall(first)) = reply.end else {
        return stream.write_all(bytes);
    };
    let (first, rest) = bytes.split_at(first.min(bytes.len()));
    stream.write_all(first)?;
    if matches!(reply.end, End::Stall(_)) && shared.stall() {
        stream.write_all(rest)?;
    }
    Ok(())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        416 => "Range Not Satisfiable",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
