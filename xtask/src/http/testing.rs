//! A loopback server that plays a script: one answer per connection.

use super::Retry;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// One connection's answer.
pub(crate) enum Play {
    /// Sends this and closes.
    Send(Vec<u8>),
    /// Sends this and then nothing more, until the client hangs up.
    Stall(Vec<u8>),
}

/// Starts the server; it tells each request's head as it comes in.
pub(crate) fn serve(script: Vec<Play>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, heads) = channel();
    std::thread::spawn(move || {
        for play in script {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            // Closing on what nobody has read would reset the connection, and the answer with it.
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let _ = stream.read_exact(&mut vec![0; length.unwrap_or(0)]);
            let _ = tell.send(head);
            match play {
                Play::Send(bytes) => drop(stream.write_all(&bytes)),
                Play::Stall(bytes) => {
                    let _ = stream.write_all(&bytes);
                    let _ = stream.read(&mut byte);
                }
            }
        }
    });
    (url, heads)
}

/// An answer with its length, of which `sent` bytes arrive.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8], sent: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), &body[..sent]].concat()
}

/// A short text in full.
pub(crate) fn text(status: &str, headers: &str, body: &str) -> Play {
    Play::Send(answer(status, headers, body.as_bytes(), body.len()))
}

/// Retries without pauses.
pub(crate) fn at_once() -> Retry {
    let none = Duration::ZERO;
    Retry { attempts: 3, first_pause: none, longest_pause: none, ..Retry::default() }
}

/// The same, with a stall that a test can wait for.
pub(crate) fn impatient() -> Retry {
    Retry { stall: Duration::from_millis(300), ..at_once() }
}
