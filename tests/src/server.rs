//! A release server on loopback: the part of GitHub's API that the harness uses, a download host, and a flat mirror.
//!
//! It is our own because the tests are about what goes wrong: a connection reset in the middle of a body, a stall, a
//! file that changes between two requests. HTTP servers meant for production keep their callers from doing that.
//!
//! Two hosts, as with GitHub: the API's (`127.0.0.1:PORT`, which also has the mirror and redirects downloads) and the
//! one with the bytes (`localhost:ANOTHER_PORT`), so that what belongs to one host can be seen leaking to the other.

mod connection;
mod fault;
mod github;
mod history;
mod issues;
mod listen;
mod mirror;
mod objects;
mod releases;

pub use fault::{Fault, Times};
pub use issues::{By, Issue};
pub use releases::Release;

use connection::Reply;
use fault::Faults;
use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a test waits for something that it knows will happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which of the two hosts a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// The API, the redirects of downloads, and the mirror.
    Api,
    /// The host that downloads are redirected to.
    Downloads,
}

/// A request that the server was sent, and how it answered.
#[derive(Debug, Clone)]
pub struct Request {
    /// The host it came to.
    pub host: Host,
    /// The method, as in `GET`.
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// The headers in their order, as sent.
    pub headers: Vec<(String, String)>,
    /// What was sent with it.
    pub body: String,
    /// The status that it was answered with.
    pub status: u16,
}

impl Request {
    /// The value of a header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The path without its query.
    fn route(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// The value of a query parameter, as sent.
    fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.path.split_once('?')?;
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// What the server has to offer, and what it has seen.
#[derive(Default)]
struct State {
    repositories: BTreeMap<String, Vec<Release>>,
    histories: BTreeMap<String, Vec<history::Commit>>,
    issues: BTreeMap<String, Vec<Issue>>,
    mirror: BTreeMap<String, Arc<[u8]>>,
    listing_forbidden: bool,
    page_size: Option<usize>,
    calls: github::Calls,
    date: Option<String>,
    faults: Faults,
    etag_changes: usize,
    requests: Vec<Request>,
    stalled: usize,
    stalls_released: usize,
    stopping: bool,
}

/// What the server's threads share.
struct Shared {
    api: SocketAddr,
    downloads: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
    open: Mutex<HashMap<usize, TcpStream>>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<usize, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn api_url(&self) -> String {
        format!("http://{}", self.api)
    }

    fn downloads_url(&self) -> String {
        format!("http://localhost:{}", self.downloads.port())
    }

    /// Decides the answer to a request, and records both before a byte of it is sent.
    fn answer(&self, mut request: Request) -> Reply {
        let mut state = self.state();
        let reply = match state.faults.status(&request.path) {
            Some(reply) => reply,
            None => self.route(&mut state, &request),
        };
        let reply = state.faults.end(&request, reply);
        request.status = reply.status;
        state.requests.push(request);
        self.changed.notify_all();
        reply
    }

    fn route(&self, state: &mut State, request: &Request) -> Reply {
        let segments: Vec<String> = request.route().split('/').skip(1).map(decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let is_of_issues = matches!(segments.as_slice(), ["repos", _, _, "issues", ..]);
        if !is_of_issues && request.method != "GET" && request.method != "HEAD" {
            return Reply::message(405, "Method Not Allowed");
        }
        match (request.host, segments.as_slice()) {
            (Host::Api, ["repos", rest @ ..]) => github::api(self, state, request, rest),
            (Host::Api, ["rate_limit"]) => github::rate_limit(state, request),
            // A registry, as one that wants a log-in answers.
            (Host::Api, ["v2", ""]) => Reply::new(401),
            (Host::Api, ["mirror", rest @ ..]) => mirror::answer(state, request, rest),
            (Host::Api, [owner, name, "releases", "download", tag, asset]) => {
                github::redirect(self, state, &format!("{owner}/{name}"), tag, asset)
            }
            (Host::Downloads, ["objects", owner, name, tag, asset]) => {
                let bytes = state.asset(&format!("{owner}/{name}"), tag, asset);
                bytes.map_or_else(Reply::not_found, |bytes| objects::answer(state, request, &bytes))
            }
            _ => Reply::not_found(),
        }
    }

    /// Holds a body back until the test lets it go on; false when the server stops instead.
    fn stall(&self) -> bool {
        let mut state = self.state();
        let released = state.stalls_released;
        state.stalled += 1;
        self.changed.notify_all();
        while !state.stopping && state.stalls_released == released {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.stalled -= 1;
        !state.stopping
    }

    /// Waits until something about the state is true; panics with `what` and the requests when it never is.
    fn wait_until(&self, what: &str, is_so: impl Fn(&State) -> bool) {
        let (state, waited) = self
            .changed
            .wait_timeout_while(self.state(), PATIENCE, |state| !is_so(state))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "{what} never came; the server was asked for {:#?}", state.requests);
    }
}

impl State {
    fn asset(&self, repository: &str, tag: &str, asset: &str) -> Option<Arc<[u8]>> {
        let releases = self.repositories.get(repository)?;
        releases.iter().find(|release| release.tag == tag)?.bytes_of(asset)
    }
}

/// A release server on two free loopback ports; it stops, with all its connections, when dropped.
pub struct ReleaseServer {
    shared: Arc<Shared>,
    acceptors: Vec<(SocketAddr, JoinHandle<()>)>,
}

impl ReleaseServer {
    /// Starts a server that has no releases, no mirrored files and no faults.
    pub fn start() -> Self {
        let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        let (downloads, downloads_v6) = listen::bind_localhost();
        let address = |listener: &TcpListener| listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            api: address(&api),
            downloads: address(&downloads),
            state: Mutex::default(),
            changed: Condvar::new(),
            open: Mutex::default(),
            workers: Mutex::default(),
        });
        let listeners = [(Some(api), Host::Api), (Some(downloads), Host::Downloads), (downloads_v6, Host::Downloads)];
        let acceptors = listeners
            .into_iter()
            .filter_map(|(listener, host)| Some((listener?, host)))
            .map(|(listener, host)| {
                let shared = Arc::clone(&shared);
                (address(&listener), std::thread::spawn(move || listen::accept(&listener, host, &shared)))
            })
            .collect();
        Self { shared, acceptors }
    }

    /// What `GITHUB_API_URL` is set to.
    pub fn api_url(&self) -> String {
        self.shared.api_url()
    }

    /// The flat mirror's folder, with a slash at the end.
    pub fn mirror_url(&self) -> String {
        format!("{}/mirror/", self.api_url())
    }

    /// Adds a release to `OWNER/NAME`, after those that are there; one of the same tag is replaced.
    pub fn release(&self, repository: &str, release: Release) -> &Self {
        let mut state = self.shared.state();
        let releases = state.repositories.entry(repository.to_owned()).or_default();
        match releases.iter_mut().find(|known| known.tag == release.tag) {
            Some(known) => *known = release,
            None => releases.push(release),
        }
        self
    }

    /// Adds a commit to `OWNER/NAME`, after its parents, with the tags and branches that lead to it.
    pub fn commit(&self, repository: &str, sha: &str, parents: &[&str], names: &[&str]) -> &Self {
        let mut state = self.shared.state();
        state.histories.entry(repository.to_owned()).or_default().push(history::Commit::new(sha, parents, names));
        self
    }

    /// Gives `OWNER/NAME` issues: these.
    pub fn issues(&self, repository: &str, issues: Vec<Issue>) -> &Self {
        self.shared.state().issues.insert(repository.to_owned(), issues);
        self
    }

    /// The issues of `OWNER/NAME`, as they are now.
    pub fn issues_of(&self, repository: &str) -> Vec<Issue> {
        self.shared.state().issues.get(repository).cloned().unwrap_or_default()
    }

    /// Puts a file into the mirror.
    pub fn mirror_file(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        self.shared.state().mirror.insert(name.to_owned(), bytes.as_ref().into());
        self
    }

    /// Answers the mirror's listing with 403; its files stay.
    pub fn forbid_listing(&self) -> &Self {
        self.shared.state().listing_forbidden = true;
        self
    }

    /// Puts at most so many releases on a page, however many are asked for.
    pub fn page_size(&self, releases: usize) -> &Self {
        self.shared.state().page_size = Some(releases);
        self
    }

    /// Leaves so many API calls until the limit is reached, of the 60 without a token and 5000 with one alike.
    pub fn calls_left(&self, calls: usize) -> &Self {
        self.shared.state().calls.leave(calls);
        self
    }

    /// Sets when the limit ends, in seconds since 1970; otherwise it is half an hour from the server's start.
    pub fn limit_ends(&self, epoch_seconds: u64) -> &Self {
        self.shared.state().calls.ends = epoch_seconds;
        self
    }

    /// Sets what the server takes the time to be, as in `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub fn date(&self, date: &str) -> &Self {
        self.shared.state().date = Some(date.to_owned());
        self
    }

    /// Makes requests whose path and query contain `path` go wrong.
    ///
    /// Faults of one kind are used up in the order in which they were planned; a status, a change of the file and an
    /// end of the connection are three kinds, and one of each can meet the same request.
    pub fn fault(&self, path: &str, fault: Fault, times: Times) -> &Self {
        self.shared.state().faults.plan(path, fault, times);
        self
    }

    /// Lets the bodies that are stalled now go on.
    pub fn release_stalls(&self) {
        self.shared.state().stalls_released += 1;
        self.shared.changed.notify_all();
    }

    /// Everything that was asked for, in the order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// The requests whose path and query contain `path`.
    pub fn requests_for(&self, path: &str) -> Vec<Request> {
        self.shared.state().requests.iter().filter(|request| request.path.contains(path)).cloned().collect()
    }

    /// Forgets the requests so far, so that what follows can be told apart.
    pub fn forget_requests(&self) {
        self.shared.state().requests.clear();
    }

    /// Waits until `count` requests whose path and query contain `path` have come.
    pub fn wait_for_requests(&self, path: &str, count: usize) {
        self.shared.wait_until(&format!("request {count} for `{path}`"), |state| {
            state.requests.iter().filter(|request| request.path.contains(path)).count() >= count
        });
    }

    /// Waits until `count` bodies are stalled at once: what was to be sent before the stall is sent.
    pub fn wait_for_stalls(&self, count: usize) {
        self.shared.wait_until(&format!("stall {count}"), |state| state.stalled >= count);
    }
}

impl Drop for ReleaseServer {
    /// Closes every socket: that ends each thread, wherever it reads, writes, accepts or stalls.
    fn drop(&mut self) {
        self.shared.state().stopping = true;
        self.shared.changed.notify_all();
        for (address, acceptor) in self.acceptors.drain(..) {
            // Wakes the thread from `accept`; the standard library has no other way to close a listener in use.
            let _ = TcpStream::connect(address);
            let _ = acceptor.join();
        }
        for stream in self.shared.open().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let workers = std::mem::take(&mut *self.shared.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            let _ = worker.join();
        }
    }
}

/// Writes a text as one segment of a URL's path.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Reads a segment of a URL's path; what is no escape stands for itself.
fn decode(segment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten();
        let escaped = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
