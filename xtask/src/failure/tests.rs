//! What is taken for a known message, and what is not.

mod copied;
mod messages;

use super::*;
use Speaker::{Client, Daemon};

pub(super) fn id(text: &str, by: Option<Speaker>) -> Option<&'static str> {
    explain(text, by, None).map(|found| found.failure.id)
}

#[test]
fn who_said_it_makes_the_difference() {
    let words = r"open \\.\pipe\x: Access is denied.";
    for (by, of) in [(Client, Some("not-elevated")), (Daemon, Some("pipe-in-use"))] {
        assert_eq!(id(words, Some(by)), of);
    }
    let log = r#"time="…" level=fatal msg="failed to listen: open \\\\.\\pipe\\x: Access is denied.""#;
    assert_eq!((id(log, None), id(&format!("error: {words}"), None)), (Some("pipe-in-use"), Some("not-elevated")));
    let printed = explain_step(&format!("#5 x\n------\n > [2/2] RUN x:\n0.5 {words}\n------\nerror: x"), None);
    assert_eq!(printed.map(|found| found.failure.id), Some("container-user"));
    // What a name's look-up failed with is a RUN's word only if a RUN said it.
    let lookup = r#"time="…" level=error msg="x: Get \"http://x/\": dial tcp: lookup x: no such host""#;
    assert_eq!((id(lookup, None), id(lookup, Some(Daemon))), (None, None));
}

#[test]
fn where_it_was_said_makes_the_difference() {
    let words = r"open \\.\pipe\x: Access is denied.";
    let id = |by, on| explain(words, Some(by), on).map(|found| found.failure.id);
    for (on, ids) in [
        (Some(Os::Windows), [Some("not-elevated"), Some("pipe-in-use")]),
        (Some(Os::Linux), [None, None]),
        (None, [Some("not-elevated"), Some("pipe-in-use")]),
    ] {
        assert_eq!([Client, Daemon].map(|by| id(by, on)), ids, "{on:?}");
    }
    let said = failed_step("RUN x", "0.5 Access is denied.");
    let step = |on| explain_step(&said, on).map(|found| found.failure.id);
    assert_eq!([Os::Windows, Os::Linux].map(|on| step(Some(on))), [Some("container-user"), None]);
}

#[test]
fn the_innermost_message_wins() {
    let wrapped =
        "error: failed to solve: failed to load cache key: failed to do request: write /w/x: no space left on device";
    assert_eq!(id(wrapped, Some(Client)), Some("disk-full"));
    // Of a registry's, the one about the certificate, and of a builder's, not the registry's that it ends with.
    let head = "error: failed to solve: x: failed to resolve source metadata for x: failed to do request: Head \"https://x/\": ";
    assert_eq!(
        id(
            &format!("{head}tls: failed to verify certificate: x509: certificate has expired or is not yet valid"),
            None
        ),
        Some("registry-untrusted")
    );
    assert_eq!(id(&format!("{head}dial tcp: lookup x: no such host"), None), Some("registry-unreachable"));
    // A wrapper that is known by itself, around what is not.
    assert_eq!(id(&format!("{head}the moon is full"), None), Some("registry-unreachable"));
    // The last of several lines, and in it the message that says more.
    let two = "error: no space left on device\nerror: open //./pipe/docker_engine: The system cannot find the file specified.";
    assert_eq!(id(two, Some(Client)), Some("docker-down"));
}

#[test]
fn words_from_two_lines_make_no_match() {
    assert_eq!(explain("parent snapshot\ndoes not exist: not found", None, None), None);
    assert_eq!(explain("does not exist: not found: parent snapshot", None, None), None);
}

#[test]
fn a_command_or_what_it_printed_is_no_message() {
    let words = "no space left on device";
    for line in [
        format!("#5 [2/3] RUN echo {words}"),
        format!("#5 0.512 {words}"),
        format!("0.512 {words}"),
        format!(" > [2/3] RUN echo {words}:"),
        format!("   2 | >>> RUN echo {words}"),
        format!("#5 ERROR: process \"/bin/sh -c echo {words}\" did not complete successfully: exit code: 1"),
        format!(
            r#"time="…" level=error msg="x: process \"/bin/sh -c echo {words}\" did not complete successfully: exit code: 1""#
        ),
    ] {
        for by in [None, Some(Client), Some(Daemon)] {
            assert_eq!(explain(&line, by, None), None, "{line}");
        }
    }
}

#[test]
fn an_id_mistyped_is_near_the_one_meant() {
    for (typed, meant) in [
        ("stale-snapshots", "stale-snapshot"),
        ("Disk-Fill", "disk-full"),
        ("elevated", "not-elevated"),
        ("layer_denied", "windows-layer-denied"),
    ] {
        assert_eq!(nearest(typed).first(), Some(&meant), "{:?}", nearest(typed));
    }
    for typed in ["qqq", "", "e", "-"] {
        assert_eq!(nearest(typed), Vec::<&str>::new(), "{typed}");
    }
}

#[test]
fn an_id_may_be_written_in_any_way() {
    for typed in ["DISK-FULL", "disk_full", "Disk Full", " disk-full "] {
        assert_eq!(find(typed).map(|known| known.id), Some("disk-full"), "{typed}");
    }
    assert_eq!(find(""), None);
}

/// The end of what `buildctl` says of a failed step.
fn failed_step(step: &str, printed: &str) -> String {
    format!(
        "#5 [2/3] {step}\n#5 0.51 {printed}\n#5 ERROR: process did not complete\n------\n > [2/3] {step}:\n{printed}\n------\n\
         Dockerfile:2\n--------------------\n   2 | >>> {step}\n--------------------\nerror: failed to solve: process did not complete successfully: exit code: 1\n"
    )
}

#[test]
fn a_step_that_could_not_look_up_a_name_had_no_network() {
    for printed in [
        "0.512 curl: (6) Could not resolve host: example.com",
        "1.204 Exception calling \"DownloadString\": \"The remote name could not be \n1.204 resolved: 'community.chocolatey.org'\"",
        "2.100 Invoke-WebRequest: No such host is known. (example.com:443)",
        "0.900 dial tcp: lookup registry.example: no such host",
    ] {
        let said = failed_step("RUN curl https://example.com", printed);
        assert_eq!(explain_step(&said, None).map(|found| found.failure.id), Some(NO_NETWORK), "{printed}");
    }
}

#[test]
fn any_of_several_failed_steps_may_have_wanted_a_name() {
    let [quiet, curl] = ["RUN exit 1:\n", "RUN curl x:\n0.5 curl: (6) Could not resolve host: x\n"];
    let said = format!("#1 x\n------\n > {quiet}------\n------\n > {curl}------\nerror: failed to solve\n");
    assert!(explain_step(&said, None).is_some(), "{said}");
}

#[test]
fn the_words_alone_are_not_why_a_build_failed() {
    let words = "Could not resolve host: example.com";
    let echo = format!("RUN echo {words} & exit 1");
    let other_step = format!("#4 [1/3] RUN curl -k x\n#4 0.5 curl: (6) {words}\n{}", failed_step("RUN exit 1", ""));
    let source = failed_step("RUN exit 1", "0.5 other").replace("   2 | >>>", &format!("   1 | RUN x\n   2 | {words}"));
    let copied = failed_step("COPY x /", &format!("0.5 {words}"));
    for said in [failed_step(&echo, "0.5 other"), other_step, source, copied, words.to_owned(), String::new()] {
        assert_eq!(explain_step(&said, None), None, "{said}");
    }
}
