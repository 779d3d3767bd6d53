//! Texts as people bring them, and words in them that only look like a known message.

use super::super::*;

const STALE: &str =
    "error: failed to solve: failed to prepare 0x1 as 0x2: parent snapshot sha256:8d5 does not exist: not found";

fn id(text: impl AsRef<[u8]>) -> Option<&'static str> {
    explain_copied(text.as_ref()).map(|found| found.failure.id)
}

/// A text with each line changed.
fn each(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(change).collect::<Vec<_>>().join("\n")
}

/// What buildctl prints of a step that fails, and what that step prints.
fn failed_step(printed: &str) -> String {
    format!(
        "#5 [2/2] RUN x\n#5 0.451 {printed}\n#5 ERROR: process \"/bin/sh -c x\" did not complete successfully: exit code: 1\n------\n > [2/2] RUN x:\n0.451 {printed}\n------\n\
         Dockerfile:2\n--------------------\n   1 |     FROM base\n   2 | >>> RUN x\n--------------------\nerror: failed to solve: process \"/bin/sh -c x\" did not complete successfully: exit code: 1\n"
    )
}

#[test]
fn what_a_ci_or_a_terminal_has_made_of_it() {
    let full = "#7 [2/2] COPY x /\n#7 ERROR: write /w/x: no space left on device\nerror: failed to solve: write /w/x: no space left on device\n";
    let stamp = "2026-11-23T13:04:28.1234567Z";
    for text in [
        each(full, |line| format!("{line}\r")),
        each(full, |line| format!("{stamp} {line}")),
        each(full, |line| format!("sample (windows-2022)\tUNKNOWN STEP\t{stamp} {line}")),
        each(full, |line| format!("{stamp} ##[error]{line}")),
        each(full, |line| format!("##[error]{line}")),
        each(full, |line| format!("::error title=build::{line}")),
        each(full, |line| format!("\u{1b}[31m{line}\u{1b}[0m")),
        each(full, |line| format!("\u{1b}[1A\u{1b}[2K\r{line}")),
        format!(
            "half of it\rwrite /w/x: no space left on device\r 100 %\n{stamp} ##[error]Process completed with exit code 3.\n"
        ),
        format!(
            "buildctl : {}\nAt line:1 char:1\n+ buildctl build .\n+ ~~~~~~~~~~~~~~~~\n    + CategoryInfo          : NotSpecified: (error: failed to s...left on device:String) [], RemoteException\n    + FullyQualifiedErrorId : NativeCommandError\n",
            full.lines().last().unwrap_or_default()
        ),
        serde_json::to_string(full).unwrap_or_default(),
        format!("{{\"steps\": [{{\"log\": {}, \"code\": 1}}]}}", serde_json::Value::from(full)),
    ] {
        assert_eq!(id(&text), Some("disk-full"), "{text}");
    }
}

#[test]
fn logs_as_json() {
    let of = |level: &str| {
        format!(
            r#"{{"error":"rpc error: code = NotFound desc = lease \"ref_q\": not found","level":"{level}","msg":"/moby.buildkit.v1.Control/UpdateBuildHistory returned error","time":"2026-11-23T11:23:03Z"}}"#
        )
    };
    let news = r#"{"level":"info","msg":"running server on /w/run/buildkitd.sock","time":"2026-11-23T11:23:04Z"}"#;
    for text in [of("error"), format!("{}\n{news}\n", of("error"))] {
        assert_eq!(id(&text), Some("stale-lease"), "{text}");
    }
    assert_eq!(id(of("debug")), None);
    // Whom it is said by tells the two apart, also there.
    let taken =
        r#"{"level":"fatal","msg":"listen: open \\\\.\\pipe\\x: Access is denied.","time":"2026-11-23T11:23:04Z"}"#;
    assert_eq!(id(taken), Some("pipe-in-use"));
    let dockers = r#"{"log":"time=\"2026\" level=error msg=\"write x: no space left on device\"\n","stream":"stderr","time":"2026-11-23T11:23:04Z"}"#;
    assert_eq!(id(dockers), Some("disk-full"));
}

#[test]
fn what_a_container_printed_is_not_why_a_report_has_a_failure() {
    let report = |message: &str| serde_json::json!({ "printed": "no space left on device\n", "failure": { "id": null, "message": message, "hint": null } });
    assert_eq!(id(report("it printed something else").to_string()), None);
    assert_eq!(id(report(STALE).to_string()), Some("stale-snapshot"));
    assert_eq!(id(serde_json::to_string_pretty(&report(STALE)).unwrap_or_default()), Some("stale-snapshot"));
}

#[test]
fn what_is_no_utf8() {
    let units: Vec<u16> = format!("\u{feff}#1 x\r\n{STALE}\r\n").encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let with_mark = format!("\u{feff}{STALE}").into_bytes();
    let spoilt = [b"\xff\x00\xc3( \xe4\xf6\xfc\n", STALE.as_bytes(), b" \xf0\x28\x8c\n\xff"].concat();
    for bytes in [little, big, with_mark, spoilt] {
        assert_eq!(id(&bytes), Some("stale-snapshot"), "{bytes:?}");
    }
    for bytes in [&b"\xff\xfe"[..], b"\xff\xfe\x20", b"", b"\xff", b"{", b"\"", b"\r\r\n\t"] {
        assert_eq!(id(bytes), None, "{bytes:?}");
    }
}

#[test]
fn lines_that_a_terminal_has_broken() {
    let hard = |width: usize| {
        let letters: Vec<char> = STALE.chars().collect();
        letters.chunks(width).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
    };
    let between_words = |width: usize| {
        let mut lines = vec![String::new()];
        for word in STALE.split(' ') {
            match lines.last_mut().filter(|line| line.len() + word.len() < width) {
                Some(line) => *line = format!("{line} {word}").trim_start().to_owned(),
                None => lines.push(word.to_owned()),
            }
        }
        lines.join("\n")
    };
    for width in 60..STALE.len() {
        for text in [hard(width), between_words(width)] {
            let text = format!("#5 DONE 0.1s\n{text}\nPS C:\\w>\n");
            assert_eq!(id(&text), Some("stale-snapshot"), "{width}:\n{text}");
        }
    }
    let shells = format!("buildctl : {}\nAt line:1 char:1", hard(100));
    assert_eq!(id(&shells), Some("stale-snapshot"), "{shells}");
    // What a step printed stays that, however it is broken.
    let printed =
        "#5 0.512 a long line of a step's own, at whose end there is no space left on dev\nice\n#5 DONE 0.6s\n";
    assert_eq!(id(printed), None);
}

#[test]
fn words_that_only_look_like_a_known_message() {
    for words in [
        "no space left on device",
        "toomanyrequests: x",
        "parent snapshot x does not exist: not found",
        "hcsshim::ActivateLayer failed in Win32: x (0x7e)",
        r"open \\.\pipe\x: Access is denied.",
        "error: failed to solve: content digest sha256:x: not found",
    ] {
        for text in [
            // A step prints it, and fails; and the Dockerfile has it.
            failed_step(words).replace("0.451 open", "0.451 x open").replace("Access is denied.", "Access denied."),
            failed_step("x")
                .replace("RUN x", &format!("RUN echo {words}"))
                .replace("-c x", &format!("-c echo {words}")),
            format!("{}=> [2/2] RUN echo {words}   0.3s\n => => # {words}\n", " "),
            format!("+ echo {words}\n##[group]Run echo {words}\n##[command]echo {words}\n"),
            format!("error: failed to solve: dockerfile parse error on line 2: unknown instruction: {words}\n"),
            format!(
                "error: failed to solve: process \"/bin/sh -c echo did not complete successfully: {words}\" did not complete successfully: exit code: 1"
            ),
            format!("time=\"…\" level=debug msg=\"> creating x [/bin/sh -c echo {words}]\""),
        ] {
            let found = id(&text);
            let is_verdict = found.and_then(find).is_some_and(|known| known.class.fault() == exit::Class::Ground);
            assert!(!is_verdict, "{found:?}\n{text}");
        }
    }
}

#[test]
fn of_two_runs_the_last_one_is_told() {
    let earlier = "time=\"2026-11-22T01:00:00Z\" level=error msg=\"write /w/x: no space left on device\"\n";
    let later = "time=\"2026-11-23T01:00:00Z\" level=warning msg=\"using null network as the default\"\n";
    assert_eq!(id(format!("{earlier}{later}")), Some("null-network"));
    assert_eq!(id(format!("{later}{earlier}")), Some("disk-full"));
    // And the line tells when that was.
    let found = explain_copied(format!("{earlier}time=\"2026-11-23T01:00:00Z\" level=info msg=x\n").as_bytes());
    assert!(found.is_some_and(|found| found.line.starts_with("time=\"2026-11-22T")));
}

/// Each line is looked at once for each row, whether there is one of them or many.
#[test]
fn ten_megabytes() {
    for line in [
        "parent snapshot open pipe lease \" dial unix does not exist \\\\ did not complete successfully: ",
        "time=\"…\" level=error msg=\"what \\\"nobody\\\" knows\" spanID=5\n",
    ] {
        let text = line.repeat((10 << 20) / line.len());
        assert_eq!(id(format!("{STALE}\n{text}")), Some("stale-snapshot"));
    }
}
