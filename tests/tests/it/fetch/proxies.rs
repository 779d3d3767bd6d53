//! Which hosts are asked through a proxy.

use crate::common::{PLATFORM, server};
use tests::{ReleaseServer, context};

#[test]
fn a_proxy_is_asked_for_hosts_that_are_not_this_one() {
    let proxy = server();
    let context = context!().server(&proxy);
    let resolve = |api: &str, variables: &[(&str, &str)]| {
        proxy.forget_requests();
        let run = context.xtask(["resolve", "--source", "github", "--platform", PLATFORM]).env("GITHUB_API_URL", api);
        variables.iter().fold(run, |run, (name, value)| run.env(name, value)).run()
    };
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        // Nobody but a proxy can tell where this is.
        assert_eq!(resolve("http://github.invalid", &[(name, &proxy.api_url())]).code, 0, "{name}");
        let hosts: Vec<_> = proxy.requests().iter().map(|request| request.header("host").unwrap().to_owned()).collect();
        assert_eq!(hosts, ["github.invalid"; 2], "{name}");
    }
    // This host itself, and what NO_PROXY names, is asked directly.
    let other = ReleaseServer::start();
    let address = other.api_url();
    let through = ("HTTP_PROXY", address.as_str());
    assert_eq!(resolve(&proxy.api_url(), &[through]).code, 0);
    assert!(other.requests().is_empty());
    if cfg!(unix) {
        // Unix takes 0.0.0.0 for this host, and it is no loopback address.
        let api = proxy.api_url().replace("127.0.0.1", "0.0.0.0");
        let outcome = resolve(&api, &[through, ("NO_PROXY", "example.org,0.0.0.0")]);
        assert_eq!((outcome.code, proxy.requests().len()), (0, 2), "{outcome}");
        assert!(other.requests().is_empty());
        assert_eq!(resolve(&api, &[through]).code, 3, "the other server has no releases");
        assert_eq!((other.requests().len(), proxy.requests().len()), (2, 0));
    }
    assert!(other.requests().iter().all(|request| request.header("host").unwrap().starts_with("0.0.0.0:")));
}
