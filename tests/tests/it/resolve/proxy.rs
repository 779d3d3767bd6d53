//! The Go module proxy, when nothing else is left. The stand-in for `go` is a shell script.

use super::resolved;
use crate::common::{done, run};
use tests::{StandIn, assert_outcome, context};
use xtask::component::Component::Containerd;

/// A `go` that knows what the module proxy would say, and how old it is itself.
fn stand_in_for_go(needed: &str, toolchain: &str) -> Vec<u8> {
    let module = |name: &str, versions: &str, newest: &str, go: StandIn| {
        let list = format!(r#"{{"Path": "{name}", "Versions": [{versions}]}}"#);
        let one = format!(r#"{{"Path": "{name}", "Version": "{newest}", "GoVersion": "{needed}"}}"#);
        go.answers(&format!("list -mod=mod -m -versions -json {name}"), &list)
            .answers(&format!("list -mod=mod -m -json {name}@{newest}"), &one)
    };
    let go = StandIn::new("go", "").answers("env GOVERSION GOTOOLCHAIN", &format!("go1.26.8\n{toolchain}\n"));
    let containerd = "github.com/containerd/containerd/v2";
    let go = module(containerd, r#""v2.3.4", "v2.10.0", "v2.9.0", "v2.11.0-rc.1""#, "v2.10.0", go);
    module("github.com/moby/buildkit", r#""v0.32.2""#, "v0.32.2", go).script()
}

#[test]
fn auto_takes_the_go_module_proxy_when_nothing_else_is_left() {
    let context = context!().with_program("go", stand_in_for_go("1.25", "auto"));
    assert_outcome!(run(&context, "resolve"), @"
    exit code: 0
    ----- stdout -----
    containerd 2.10.0
      source  go
      url     github.com/containerd/containerd/v2@v2.10.0
      sha256  none (checked by Go, against its checksum database)
      skipped 2.11.0-rc.1: it is a pre-release (`prerelease` takes those)
    buildkit 0.32.2
      source  go
      url     github.com/moby/buildkit@v0.32.2
      sha256  none (checked by Go, against its checksum database)
    ----- stderr -----
    note: can't reach http://[SERVER]/repos/containerd/containerd/releases?per_page=100: tcp connect error: Connection refused [OS ERROR]; taking containerd 2.10.0, buildkit 0.32.2 from the Go module proxy
    ");
    assert_eq!(resolved(&context, Containerd, "--source go")["url"], "github.com/containerd/containerd/v2@v2.10.0");
    let context = context!().with_program("go", stand_in_for_go("1.99", "auto"));
    done(&context, "resolve --source go");
    let context = context!().with_program("go", stand_in_for_go("1.99", "local"));
    assert_outcome!(run(&context, "resolve --source go"), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    error: failed to build containerd v2.10.0: it needs Go 1.99, and `go` is 1.26.8

    hint: install Go 1.99 or newer, or let it fetch a newer toolchain with GOTOOLCHAIN=auto
    ");
}
