//! A server on loopback for the files that a sample fetches by URL: the network's part without the network.

use crate::error::{Context as _, Result};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a client may take to send something, or to read something: until then the server can't end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it waits when it can't take a connection.
const PAUSE: Duration = Duration::from_millis(10);

/// The files of a folder, without those of folders in it, by name.
type Files = BTreeMap<String, Vec<u8>>;

/// A server that ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    is_ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves a folder's files, each under its name.
    ///
    /// # Errors
    /// When they can't be read, or no port is free.
    pub fn start(folder: &Path) -> Result<Self> {
        let what = || format!("serve `{}` on loopback", folder.display());
        let mut files = Files::new();
        for entry in fs::read_dir(folder).trying(what)? {
            let entry = entry.trying(what)?;
            if !entry.file_type().trying(what)?.is_file() {
                continue;
            }
            files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).trying(what)?);
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).trying(what)?;
        let address = listener.local_addr().trying(what)?;
        let is_ending = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&is_ending);
        let thread = std::thread::spawn(move || serve(listener.incoming(), &ending, &files));
        Ok(Self { address, is_ending, thread: Some(thread) })
    }

    /// The folder's URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::Relaxed);
        // Only a connection ends the wait for one. Where none can be made, the thread is left to this process's end.
        let is_told = TcpStream::connect(self.address).is_ok();
        if let Some(thread) = self.thread.take().filter(|thread| is_told || thread.is_finished()) {
            drop(thread.join());
        }
    }
}

/// Answers, one after the other, until it is to end.
fn serve(streams: impl Iterator<Item = std::io::Result<TcpStream>>, is_ending: &AtomicBool, files: &Files) {
    for stream in streams {
        if is_ending.load(Ordering::Relaxed) {
            return;
        }
        // That there are too many open files, say, may last.
        let Ok(stream) = stream else {
            std::thread::sleep(PAUSE);
            continue;
        };
        // One that goes away in the middle has its own reasons.
        drop(answer(&stream, files));
        drop(stream.shutdown(Shutdown::Both));
    }
}

/// Answers one request, and no more on that connection.
fn answer(mut stream: &TcpStream, files: &Files) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let found = path.strip_prefix('/').and_then(|name| files.get(name));
    let (status, body) = found.map_or(("404 Not Found", &[][..]), |body| ("200 OK", body));
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    if method != "HEAD" {
        stream.write_all(body)?;
    }
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn it_serves_what_is_there_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), "hello").unwrap();
        fs::create_dir(folder.path().join("inner")).unwrap();
        fs::write(folder.path().join("inner").join("b.txt"), "unheard").unwrap();
        let server = Server::start(folder.path()).unwrap();
        let address = server.address;
        let ask = |request: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            said
        };
        assert!(ask("GET /a.txt").starts_with("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"));
        assert!(ask("GET /a.txt").ends_with("\r\n\r\nhello"));
        assert!(ask("HEAD /a.txt").ends_with("\r\n\r\n"));
        for elsewhere in ["GET /../a.txt", "GET /inner", "GET /inner/b.txt"] {
            assert!(ask(elsewhere).starts_with("HTTP/1.1 404 "), "{elsewhere}");
        }
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn it_ends_also_where_no_connection_can_be_taken() {
        let is_ending = AtomicBool::new(false);
        let mut taken = 0;
        let fails = std::iter::from_fn(|| {
            taken += 1;
            assert!(taken <= 3, "it was to end");
            is_ending.store(taken == 3, Ordering::Relaxed);
            Some(Err(std::io::Error::other("too many open files")))
        });
        serve(fails, &is_ending, &Files::new());
        assert_eq!(taken, 3);
    }
}
