//! Command lines that mean nothing, on any machine.

use super::{Transcript, has_rights};
use tests::filters::bind;
use tests::{context, insta};

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let context = context!();
    let lines: &[&[&str]] = &[
        &[],
        &["start"],
        &["resolve", "--containerd", "no spec!"],
        &["resolve", "--buildkit", ""],
        &["resolve", "--runc", "a..b"],
        &["resolve", "--platform", "plan9-amd64"],
        &["resolve", "--platform", "linux"],
        &["resolve", "--network", "bridge"],
        &["resolve", "--source", ""],
        &["resolve", "--source", "no such folder"],
        &["resolve", "--base-dir", ""],
        &["resolve", "--platform", "linux-amd64", "--group", "Users"],
        &["resolve", "--offline", "--quiet", "--verbose"],
        &["up", "--no-start", "--foreground"],
        &["build-sample", "--timeout", "soon"],
        &["build-sample", "--timeout", "0s"],
        &["reset", "--timeout", "1m", "--hard"],
        &["build-sample", "--client", "podman"],
        &["build-sample", "--addr", "localhost:1234"],
        &["build-sample", "--addr", "tcp://localhost"],
        &["build-sample", "--tls-dir", "tls"],
        &["build-sample", "--addr", "unix:///run/x", "--tls-dir", "tls"],
        &["build-sample", "--addr", "unix:///run/x", "--heal"],
        &["build-sample", "--addr", "unix:///run/x", "--containerd", "latest"],
        &["build-sample", "--addr", "unix:///run/x", "--cni", "latest"],
        &["doctor", "--base-image", ""],
        &["logs", "runc"],
        &["logs", "--lines", "few"],
        &["completions", "tcsh"],
    ];
    let transcript = Transcript::of(&context, 2, lines);
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript.0);
}

#[test]
fn an_unknown_sample_leads_to_those_that_there_are() {
    if !has_rights() {
        eprintln!("not tested: without rights `build-sample` goes no further than that");
        return;
    }
    let context = context!();
    let lines: &[&[&str]] = &[&["build-sample", "--sample", "multistage"], &["build-sample", "--sample", "./nothing"]];
    let transcript = Transcript::of(&context, 2, lines);
    let _filters = bind(&context);
    insta::assert_snapshot!(transcript.0, @"
    $ cargo xtask build-sample --sample multistage
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `multistage` is no sample, nor a folder

    hint: the nearest: multi-stage; `cargo xtask samples --list` shows all

    $ cargo xtask build-sample --sample ./nothing
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `./nothing` is no sample, nor a folder

    hint: `cargo xtask samples --list` shows all
    ");
}

#[test]
fn the_report_tells_a_usage_error_too() {
    if !has_rights() {
        eprintln!("not tested: without rights `build-sample` goes no further than that");
        return;
    }
    let context = context!();
    let refused = context.xtask(["build-sample", "--json", "--sample", "nothing"]).run().exited(2);
    let report = refused.json();
    assert_eq!(report["exit"], serde_json::json!({ "code": 2, "class": "usage" }), "{refused}");
    assert_eq!(report["failure"]["message"], "`nothing` is no sample, nor a folder");
    assert_eq!(report["failure"]["hint"], "`cargo xtask samples --list` shows all");
    assert!(report["printed"].is_null() && report["as_expected"].is_null(), "{refused}");
    assert!(!context.base_dir().exists());
}

/// Those that end a command before there is any workspace are no exception.
#[test]
fn the_report_tells_of_a_place_where_no_workspace_can_lie() {
    let context = context!();
    context.write("file", "");
    let mut places = vec![("file", serde_json::json!({ "code": 3, "class": "ground" }))];
    if cfg!(unix) {
        places.push(("/run/workspace", serde_json::json!({ "code": 2, "class": "usage" })));
    }
    for (base, exit) in places {
        let refused = context.xtask(["build-sample", "--json", "--base-dir", base]).run();
        let report = refused.json();
        assert_eq!(report["exit"], exit, "{refused}");
        assert_eq!(report["exit"]["code"], refused.code, "{refused}");
        assert!(refused.stderr.contains(report["failure"]["message"].as_str().unwrap()), "{refused}");
    }
}
