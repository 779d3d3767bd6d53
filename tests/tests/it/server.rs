//! The release server itself: what it says to a plain HTTP client, and how it goes wrong on demand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use tests::Times::{Always, Times};
use tests::{Fault, Host, Release, ReleaseServer, sha256_hex};

const RUNC: &str = "/objects/opencontainers/runc/v1.3.0/runc.amd64";

/// What came back, as far as it came.
#[derive(Debug)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Whether the body came as long as it was told to be.
    complete: bool,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends a request and reads the head of the answer.
fn open(url: &str, headers: &[(&str, &str)]) -> (BufReader<TcpStream>, Response) {
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    let mut request = format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: test\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    stream.write_all((request + "\r\n").as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut lines = reader.by_ref().lines().map(Result::unwrap);
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.take_while(|line| !line.is_empty()).map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    });
    let headers = headers.collect();
    (reader, Response { status, headers, body: Vec::new(), complete: false })
}

fn get(url: &str, headers: &[(&str, &str)]) -> Response {
    let (reader, mut response) = open(url, headers);
    let length: usize = response.header("content-length").map_or(0, |length| length.parse().unwrap());
    let read = reader.take(length as u64).read_to_end(&mut response.body);
    response.complete = read.is_ok() && response.body.len() == length;
    response
}

fn releases(server: &ReleaseServer) -> String {
    format!("{}/repos/opencontainers/runc/releases?per_page=100", server.api_url())
}

fn server_with_runc(bytes: &[u8]) -> ReleaseServer {
    let server = ReleaseServer::start();
    server.release("opencontainers/runc", Release::new("v1.3.0").asset("runc.amd64", bytes));
    server
}

/// Where the download of runc ends up after its redirect.
fn download_url(server: &ReleaseServer) -> String {
    let asset = format!("{}/opencontainers/runc/releases/download/v1.3.0/runc.amd64", server.api_url());
    get(&asset, &[]).header("location").unwrap().to_owned()
}

#[test]
fn releases_come_in_pages_that_name_the_next_one() {
    let server = ReleaseServer::start();
    server.page_size(2);
    for tag in ["v1.3.0", "v1.2.9", "v1.4.0-rc.1", "v1.2.8", "v1.2.7"] {
        server.release("opencontainers/runc", Release::new(tag));
    }
    let mut next = Some(releases(&server));
    let mut tags = Vec::new();
    while let Some(url) = next {
        let page = get(&url, &[]);
        tags.extend(page.json().as_array().unwrap().iter().map(|it| it["tag_name"].as_str().unwrap().to_owned()));
        let links = page.header("link").unwrap_or_default();
        let link = links.split(", ").find(|link| link.ends_with("rel=\"next\""));
        next = link.map(|link| link[1..link.find('>').unwrap()].to_owned());
    }
    assert_eq!(tags, ["v1.3.0", "v1.2.9", "v1.4.0-rc.1", "v1.2.8", "v1.2.7"]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_release_tells_what_github_tells() {
    let server = ReleaseServer::start();
    server
        .release("moby/buildkit", Release::new("v0.32.2").asset("good.tar.gz", "bytes"))
        .release("moby/buildkit", Release::new("v0.33.0-rc1").prerelease().without_digest().asset("rc.tar.gz", ""))
        .release("moby/buildkit", Release::new("dockerfile/1.20.0").draft().asset("a b.txt", ""));
    let url = format!("{}/repos/moby/buildkit/releases", server.api_url());
    let all = get(&url, &[]).json();
    let asset = &all[0]["assets"][0];
    assert_eq!(asset["size"], 5);
    assert_eq!(asset["digest"], format!("sha256:{}", sha256_hex(b"bytes")));
    assert_eq!((&all[0]["prerelease"], &all[0]["draft"]), (&false.into(), &false.into()));
    assert_eq!(all[1]["prerelease"], true);
    assert!(all[1]["assets"][0]["digest"].is_null());
    assert_eq!(all[2]["draft"], true);
    assert!(all[2]["published_at"].is_null());
    let odd = all[2]["assets"][0]["browser_download_url"].as_str().unwrap();
    assert!(odd.ends_with("/moby/buildkit/releases/download/dockerfile%2F1.20.0/a%20b.txt"), "{odd}");
    assert_eq!(get(odd, &[]).status, 302);
    assert_eq!(get(&format!("{}/repos/moby/nothing/releases", server.api_url()), &[]).status, 404);
}

#[test]
fn an_unchanged_page_costs_no_call() {
    let server = server_with_runc(b"runc");
    let first = get(&releases(&server), &[]);
    assert_eq!(first.header("x-ratelimit-remaining"), Some("59"));
    let etag = first.header("etag").unwrap();
    let second = get(&releases(&server), &[("If-None-Match", etag)]);
    assert_eq!((second.status, second.header("x-ratelimit-remaining")), (304, Some("59")));
    server.release("opencontainers/runc", Release::new("v1.3.1"));
    assert_eq!(get(&releases(&server), &[("If-None-Match", etag)]).status, 200);
    let sent: Vec<u16> = server.requests().iter().map(|request| request.status).collect();
    assert_eq!(sent, [200, 304, 200]);
}

#[test]
fn when_the_calls_are_used_up_github_says_until_when() {
    let server = server_with_runc(b"runc");
    server.calls_left(1).limit_ends(1_900_000_000);
    assert_eq!(get(&releases(&server), &[]).status, 200);
    let refused = get(&releases(&server), &[]);
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(refused.header("x-ratelimit-reset"), Some("1900000000"));
    assert!(refused.json()["message"].as_str().unwrap().starts_with("API rate limit exceeded"));
    let with_token = get(&releases(&server), &[("Authorization", "Bearer x")]);
    assert_eq!((with_token.status, with_token.header("x-ratelimit-limit")), (200, Some("5000")));
}

#[test]
fn a_download_is_redirected_to_another_host_and_every_header_is_on_record() {
    let server = server_with_runc(b"runc");
    let list = get(&releases(&server), &[("Authorization", "Bearer secret")]).json();
    let location = get(list[0]["assets"][0]["browser_download_url"].as_str().unwrap(), &[]);
    assert_eq!(location.status, 302);
    let location = location.header("location").unwrap().to_owned();
    assert!(location.starts_with("http://localhost:") && location.ends_with(RUNC), "{location}");
    assert_eq!(get(&location, &[]).body, b"runc");
    let seen = server.requests();
    let hosts: Vec<Host> = seen.iter().map(|request| request.host).collect();
    assert_eq!(hosts, [Host::Api, Host::Api, Host::Downloads]);
    let tokens: Vec<_> = seen.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(tokens, [Some("Bearer secret"), None, None]);
}

#[test]
fn a_part_of_an_unchanged_file_can_be_had() {
    let server = server_with_runc(b"0123456789");
    let url = download_url(&server);
    let whole = get(&url, &[]);
    let etag = whole.header("etag").unwrap();
    let part = get(&url, &[("Range", "bytes=4-"), ("If-Range", etag)]);
    assert_eq!((part.status, part.body.as_slice()), (206, b"456789".as_slice()));
    assert_eq!(part.header("content-range"), Some("bytes 4-9/10"));
    assert_eq!(get(&url, &[("Range", "bytes=2-3")]).body, b"23");
    assert_eq!(get(&url, &[("Range", "bytes=-2")]).body, b"89");
    let beyond = get(&url, &[("Range", "bytes=10-")]);
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */10")));
    let other = get(&url, &[("Range", "bytes=4-"), ("If-Range", "\"other\"")]);
    assert_eq!((other.status, other.body.len()), (200, 10));
}

#[test]
fn a_body_ends_early_as_often_as_was_planned() {
    let server = server_with_runc(&[7; 100_000]);
    server.fault(RUNC, Fault::ResetAfter(1000), Times(1)).fault(RUNC, Fault::HangUpAfter(2000), Times(1));
    let url = download_url(&server);
    let reset = get(&url, &[]);
    assert!(!reset.complete && reset.body.len() <= 1000, "{}", reset.body.len());
    let hung_up = get(&url, &[]);
    assert!(!hung_up.complete);
    assert_eq!((hung_up.body.len(), hung_up.header("content-length")), (2000, Some("100000")));
    assert!(get(&url, &[]).complete);
}

#[test]
fn a_stalled_body_goes_on_when_released() {
    let server = server_with_runc(&[7; 100_000]);
    server.fault(RUNC, Fault::StallAfter(1000), Times(1));
    let url = download_url(&server);
    let client = std::thread::spawn(move || get(&url, &[]));
    server.wait_for_stalls(1);
    server.release_stalls();
    let response = client.join().unwrap();
    assert!(response.complete && response.body.len() == 100_000);
}

#[test]
fn a_server_with_stalled_and_idle_connections_stops_at_once() {
    let server = server_with_runc(&[7; 100_000]);
    server.fault(RUNC, Fault::StallAfter(10), Always);
    let (mut stalled, head) = open(&download_url(&server), &[]);
    assert_eq!(head.status, 200);
    let mut idle = TcpStream::connect(server.api_url().strip_prefix("http://").unwrap()).unwrap();
    server.wait_for_stalls(1);
    drop(server);
    let mut rest = Vec::new();
    let _ = stalled.read_to_end(&mut rest);
    assert!(rest.len() < 100_000);
    assert!(matches!(idle.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn statuses_come_on_demand_and_say_when_to_come_back() {
    let server = server_with_runc(b"runc");
    server.fault("/repos/", Fault::StatusRetryAfter(503, 7), Times(1)).fault("/repos/", Fault::Status(502), Times(1));
    let busy = get(&releases(&server), &[]);
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("7")));
    assert_eq!(get(&releases(&server), &[]).status, 502);
    assert_eq!(get(&releases(&server), &[]).status, 200);
}

#[test]
fn a_file_changes_on_demand() {
    let server = server_with_runc(b"0123456789");
    let url = download_url(&server);
    let etag = get(&url, &[]).header("etag").unwrap().to_owned();
    server.fault(RUNC, Fault::Truncate(4), Times(1)).fault(RUNC, Fault::Corrupt(0), Times(1));
    let short = get(&url, &[]);
    assert!(short.complete && short.body == b"0123");
    assert_eq!(get(&url, &[]).body, b"\xcf123456789");
    server.fault(RUNC, Fault::IgnoreRange, Times(1));
    assert_eq!(get(&url, &[("Range", "bytes=4-")]).status, 200);
    assert_eq!(get(&url, &[("Range", "bytes=4-"), ("If-Range", &etag)]).status, 206);
    server.fault(RUNC, Fault::ChangeEtag, Times(1));
    assert_eq!(get(&url, &[("Range", "bytes=4-"), ("If-Range", &etag)]).status, 200);
}

#[test]
fn a_mirror_lists_its_files_unless_that_is_forbidden() {
    let server = ReleaseServer::start();
    let long = "containerd-2.3.4-linux-amd64-with-a-name-that-is-cut.tar.gz";
    server.mirror_file(long, b"archive").mirror_file("runc.amd64", b"runc");
    let page = String::from_utf8(get(&server.mirror_url(), &[]).body).unwrap();
    assert!(
        page.contains(&format!("<a href=\"{long}\">containerd-2.3.4-linux-amd64-with-a-name-that-i..&gt;</a>")),
        "{page}"
    );
    server.forbid_listing();
    assert_eq!(get(&server.mirror_url(), &[]).status, 403);
    assert_eq!(get(&format!("{}{long}", server.mirror_url()), &[]).body, b"archive");
    assert_eq!(get(&format!("{}nothing", server.mirror_url()), &[]).status, 404);
}
