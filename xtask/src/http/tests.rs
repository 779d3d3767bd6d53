//! The client against a scripted server.

use super::testing::{Play, answer, at_once, impatient, serve, text};
use super::*;
use crate::error::Error;
use std::time::Duration;

fn http() -> Http {
    Http::new(false, at_once())
}

fn body(answer: Answer) -> String {
    match answer {
        Answer::Fresh(text) => text.body,
        Answer::NotModified => panic!("not modified"),
    }
}

#[test]
fn a_text_comes_with_its_etag_and_next_page_and_is_revalidated() {
    let (url, heads) = serve(vec![
        text("200 OK", "ETag: W/\"1\"\r\nLink: </p?page=1>; rel=\"prev\", </p?page=3>; rel=\"next\"\r\n", "hello"),
        text("304 Not Modified", "", ""),
        text("200 OK", "Link: <http://elsewhere.example/p>; rel=\"next\"\r\n", "alone"),
    ]);
    let http = http();
    let Answer::Fresh(first) = http.get_text(&url, Some("secret"), None).unwrap() else { panic!("not fresh") };
    assert_eq!(first.next, Some(format!("{url}/p?page=3")));
    let head = heads.recv().unwrap();
    assert!(head.contains("authorization: bearer secret") && head.contains("user-agent: buildkit"), "{head}");
    assert_eq!(http.get_text(&url, None, first.etag.as_deref()).unwrap(), Answer::NotModified);
    assert!(heads.recv().unwrap().contains("if-none-match: w/\"1\""));
    let Answer::Fresh(third) = http.get_text(&url, None, None).unwrap() else { panic!("not fresh") };
    assert_eq!(third.next, None, "a token must not follow a link to another host");
    assert_eq!(http.calls(), 3);
}

#[test]
fn a_token_stays_with_its_host() {
    let (other, other_heads) = serve(vec![text("200 OK", "", "there")]);
    let (url, heads) = serve(vec![text("302 Found", &format!("Location: {other}/x\r\n"), "")]);
    assert_eq!(body(http().get_text(&url, Some("secret"), None).unwrap()), "there");
    assert!(heads.recv().unwrap().contains("secret"));
    assert!(!other_heads.recv().unwrap().contains("secret"));
}

#[test]
fn passing_failures_are_tried_again() {
    let (url, _heads) = serve(vec![
        text("503 Service Unavailable", "Retry-After: 0\r\n", "busy"),
        Play::Send(Vec::new()),
        text("200 OK", "", "done"),
    ]);
    assert_eq!(body(http().get_text(&url, None, None).unwrap()), "done");
    let (url, _heads) = serve(vec![Play::Stall(Vec::new()), text("200 OK", "", "done")]);
    assert_eq!(body(Http::new(false, impatient()).get_text(&url, None, None).unwrap()), "done");
}

#[test]
fn final_failures_are_not() {
    let kinds = [
        ("404 Not Found", "", HttpErrorKind::NotFound),
        ("403 Forbidden", "", HttpErrorKind::Forbidden),
        ("401 Unauthorized", "", HttpErrorKind::Status(401)),
        ("429 Too Many Requests", "", HttpErrorKind::RateLimited { resets: None }),
        (
            "503 Service Unavailable",
            "Retry-After: 3600\r\n",
            HttpErrorKind::Busy { status: 503, pause: Duration::from_secs(3600) },
        ),
    ];
    for (status, headers, kind) in kinds {
        let (url, _heads) = serve(vec![text(status, headers, "")]);
        let http = http();
        assert_eq!(http.get_text(&url, None, None).unwrap_err().kind, kind);
        assert_eq!(http.calls(), 1, "{status}");
    }
}

#[test]
fn the_end_of_a_rate_limit_is_told() {
    let headers = "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700000000\r\n";
    let (url, _heads) = serve(vec![text("403 Forbidden", headers, "")]);
    let error = http().get_text(&url, None, None).unwrap_err();
    assert!(error.is_unreachable_or_out_of_calls());
    let error = Error::from(error);
    assert_eq!(error.to_string(), format!("{url} takes no more calls until 2023-11-14T22:13:20Z"));
    assert!(error.hint_text().is_some_and(|hint| hint.contains("GH_TOKEN")));
}

#[test]
fn nobody_there_is_found_out_quickly_and_offline_without_a_call() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let http = http();
    let error = http.get_text(&format!("http://user:pass@{port}/x"), None, None).unwrap_err();
    assert!(matches!(error.kind, HttpErrorKind::Unreachable(_)) && error.is_unreachable_or_out_of_calls());
    assert!(error.to_string().starts_with(&format!("can't reach http://{port}/x: ")), "{error}");
    assert_eq!(http.calls(), 2);

    let http = Http::new(true, Retry::default());
    let error = http.open("http://127.0.0.1:1/x", None).unwrap_err();
    assert_eq!((error.kind, http.calls()), (HttpErrorKind::Offline, 0));
}

#[test]
fn a_download_resumes_or_says_that_it_starts_over() {
    let resume = Resume { offset: 3, validator: Some("\"v\"".into()) };
    let (url, heads) = serve(vec![
        text("206 Partial Content", "Content-Range: bytes 3-5/6\r\nETag: \"v\"\r\n", "def"),
        text("200 OK", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: W/\"w\"\r\n", "abcdef"),
        text("416 Range Not Satisfiable", "", ""),
        text("200 OK", "", "ab"),
    ]);
    let http = http();
    let download = http.open(&url, Some(&resume)).unwrap();
    assert_eq!((download.offset(), download.total(), download.validator()), (3, Some(6), Some("\"v\"")));
    let head = heads.recv().unwrap();
    assert!(head.contains("range: bytes=3-\r\n") && head.contains("if-range: \"v\"\r\n"), "{head}");
    let download = http.open(&url, Some(&resume)).unwrap();
    assert_eq!((download.offset(), download.validator()), (0, Some("Sun, 06 Nov 1994 08:49:37 GMT")));
    assert_eq!(http.open(&url, Some(&resume)).unwrap().total(), Some(2));
}

#[test]
fn a_short_body_is_an_interruption() {
    let (url, _heads) = serve(vec![Play::Send(answer("200 OK", "", b"abcdef", 3))]);
    let mut download = http().open(&url, None).unwrap();
    let mut buffer = [0; 16];
    let error = loop {
        if let Err(error) = download.read(&mut buffer) {
            break error;
        }
    };
    assert!(matches!(error.kind, HttpErrorKind::Interrupted(_)), "{error}");
}
