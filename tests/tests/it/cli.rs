//! The command line itself: help, completions, the environment, and what goes to which stream.

use super::common::{PLATFORM, asset, asset_name, done, run, server};
use tests::{Outcome, TestContext, assert_outcome, context, insta, sha256_hex};
use xtask::component::Component::{Buildkit, Containerd};

fn help(context: &TestContext, arguments: &[&str]) -> String {
    let outcome = context.xtask(arguments.iter().chain(&["--help"])).run().success();
    assert_eq!(outcome.stderr, "", "{arguments:?}");
    outcome.stdout
}

/// The part of a help text below a heading.
fn section<'a>(help: &'a str, heading: &str) -> &'a str {
    let start = help.find(&format!("{heading}:\n")).unwrap_or_else(|| panic!("no `{heading}` in {help}"));
    let rest = &help[start + heading.len() + 2..];
    rest.split("\n\n").next().unwrap()
}

fn subcommands(context: &TestContext) -> Vec<String> {
    let names = section(&help(context, &[]), "Commands")
        .lines()
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect::<Vec<_>>();
    assert!(names.len() > 10, "{names:?}");
    names
}

#[test]
fn help_is_as_its_snapshots_show() {
    let context = context!();
    let snapshot = |name: String, text: &str| {
        insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(name, text) });
    };
    snapshot("help".to_owned(), &help(&context, &[]));
    for name in subcommands(&context) {
        let text = help(&context, &[&name]);
        // What all of them share is in the program's own.
        let (own, shared) = text.split_once("Shared options:\n").unwrap();
        assert!(shared.contains("--base-dir <DIR>"), "{name}");
        snapshot(format!("help-{name}"), own);
    }
    assert!(!context.base_dir().exists());
}

#[test]
fn completions_know_every_subcommand() {
    let context = context!();
    let names = subcommands(&context);
    assert!(names.contains(&"build-sample".to_owned()));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let outcome = context.xtask(["completions", shell]).run().success();
        for name in &names {
            assert!(outcome.stdout.contains(name), "{shell}: {name}");
        }
        for option in ["base-dir", "offline", "no-start"] {
            assert!(outcome.stdout.contains(option), "{shell}: {option}");
        }
        assert_eq!(outcome.stderr, "", "{shell}");
    }
}

#[test]
fn every_shared_option_has_a_variable() {
    let help = help(&context!(), &[]);
    let options: Vec<&str> = section(&help, "Shared options").split("--").skip(1).collect();
    assert!(options.len() >= 10, "{options:#?}");
    for option in options {
        let name = option.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next().unwrap();
        let variable = format!("BUILDKIT_WINDOWS_{}", name.to_uppercase().replace('-', "_"));
        assert!(option.contains(&format!("[env: {variable}]")), "--{option}");
    }
}

/// A run in an environment of its own.
fn run_in(context: &TestContext, line: &str, variables: &[(&str, &str)]) -> Outcome {
    let command = context.xtask(line.split(' ')).env("BUILDKIT_WINDOWS_PLATFORM", PLATFORM);
    variables.iter().fold(command, |command, (name, value)| command.env(name, value)).run()
}

#[test]
fn variables_mean_what_the_options_mean() {
    let server = server();
    let context = context!().server(&server).without("go");
    for (component, version) in [(Containerd, "2.2.0"), (Containerd, "2.1.0"), (Buildkit, "0.31.0")] {
        let name = asset_name(component, version, PLATFORM);
        context.write(format!("mirror/{name}"), asset(component, version, PLATFORM));
    }
    let same = |line: &str, variables: &[(&str, &str)]| {
        let typed = run(&context, line);
        let set = run_in(&context, "resolve", variables);
        assert_eq!((set.code, &set.stdout, &set.stderr), (typed.code, &typed.stdout, &typed.stderr), "{line}");
        typed
    };
    let plain = same("resolve", &[]).success();
    let cases = [
        ("--source mirror", ("BUILDKIT_WINDOWS_SOURCE", "mirror")),
        ("--containerd 9.9", ("BUILDKIT_WINDOWS_CONTAINERD", "9.9")),
        ("--buildkit 0.1.2", ("BUILDKIT_WINDOWS_BUILDKIT", "0.1.2")),
        ("--platform linux-arm64", ("BUILDKIT_WINDOWS_PLATFORM", "linux-arm64")),
        ("--offline", ("BUILDKIT_WINDOWS_OFFLINE", "1")),
        ("--locked", ("BUILDKIT_WINDOWS_LOCKED", "true")),
        ("--base-dir mirror", ("BUILDKIT_WINDOWS_BASE_DIR", "mirror")),
    ];
    for (option, variable) in cases {
        let outcome = same(&format!("resolve {option}"), &[variable]);
        assert_ne!(outcome.render(), plain.render(), "{option} makes no difference");
    }
    // What is typed wins, and a flag can be told off.
    let typed = run_in(&context, "resolve --source github", &[("BUILDKIT_WINDOWS_SOURCE", "mirror")]);
    assert_eq!(typed.stdout, plain.stdout);
    for off in ["0", "false", "no"] {
        assert_eq!(run_in(&context, "resolve", &[("BUILDKIT_WINDOWS_OFFLINE", off)]).stdout, plain.stdout, "`{off}`");
    }
    let unclear = run_in(&context, "resolve", &[("BUILDKIT_WINDOWS_OFFLINE", "perhaps")]).exited(2);
    assert!(unclear.stderr.contains("invalid value 'perhaps' for '--offline'"), "{unclear}");
}

/// CI makes them of inputs that nobody gave.
#[test]
fn an_empty_variable_is_none() {
    let server = server();
    let context = context!().server(&server);
    let plain = run(&context, "resolve").success();
    let names = [
        "CONTAINERD",
        "BUILDKIT",
        "RUNC",
        "CNI",
        "NETWORK",
        "GROUP",
        "SOURCE",
        "OFFLINE",
        "LOCKED",
        "VERBOSE",
        "QUIET",
    ];
    let names = names.map(|name| format!("BUILDKIT_WINDOWS_{name}"));
    let variables: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(run_in(&context, "resolve", &variables).success().render(), plain.render());
    let of_build_sample = ["SAMPLE", "BASE_IMAGE", "TIMEOUT", "HEAL"].map(|name| format!("BUILDKIT_WINDOWS_{name}"));
    let variables: Vec<_> = of_build_sample.iter().map(|name| (name.as_str(), "")).collect();
    let other = if cfg!(windows) { "linux-amd64" } else { "windows-amd64" };
    let outcome = run_in(&context, &format!("build-sample --platform {other}"), &variables).exited(2);
    assert!(outcome.stderr.contains("can't be run on this"), "they are no usage error: {outcome}");
}

#[test]
fn quiet_says_only_what_went_wrong_and_verbose_more() {
    let server = server();
    let context = context!().server(&server);
    assert_eq!(
        run(&context, "up --no-start --quiet").success().render(),
        "exit code: 0\n----- stdout -----\n----- stderr -----\n"
    );
    let quiet = run(&context, "resolve -q --containerd 9.9").exited(3);
    assert!(quiet.stderr.starts_with("error: ") && quiet.stderr.contains("\n\nhint: "), "{quiet}");
    assert_eq!(run_in(&context, "up --no-start", &[("BUILDKIT_WINDOWS_QUIET", "1")]).success().stderr, "");
    let rc = tests::Release::new("v3.0.0-rc.1").prerelease();
    server.release(Containerd.repository(), rc);
    let passed_over = "passed over 3.0.0-rc.1: it is a pre-release";
    assert!(!done(&context, "up --no-start").stderr.contains(passed_over));
    for verbose in
        [run(&context, "up --no-start -v"), run_in(&context, "up --no-start", &[("BUILDKIT_WINDOWS_VERBOSE", "1")])]
    {
        assert!(verbose.stderr.contains(passed_over), "{verbose}");
    }
}

#[test]
fn there_is_no_colour_where_there_is_no_terminal() {
    let server = server();
    let context = context!().server(&server);
    for variables in [[].as_slice(), &[("NO_COLOR", "1")], &[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]] {
        for line in ["up --no-start", "resolve --containerd 9.9", "resolve --platform nowhere", "--help"] {
            let outcome = run_in(&context, line, variables).render();
            assert!(!outcome.contains('\u{1b}') && !outcome.contains('\r'), "{line} {variables:?}: {outcome:?}");
        }
    }
}

#[test]
fn on_github_actions_errors_and_warnings_are_annotations() {
    let server = server();
    let name = asset_name(Containerd, "2.4.0", PLATFORM);
    let release = tests::Release::new("v2.4.0").asset(&name, asset(Containerd, "2.4.0", PLATFORM)).without_digest();
    server.release(Containerd.repository(), release);
    let context = context!().server(&server);
    let actions = [("GITHUB_ACTIONS", "true")];
    assert_outcome!(run_in(&context, "resolve --containerd 9.9", &actions), @"
    exit code: 3
    ----- stdout -----
    ----- stderr -----
    ::error::GitHub has no containerd for windows-amd64 that `9.9` asks for
    error: GitHub has no containerd for windows-amd64 that `9.9` asks for

    hint: the newest there is 2.4.0
    ");
    done(&context, "up --no-start --containerd 2.3.4");
    assert_outcome!(run_in(&context, "up --no-start", &actions), @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
        Resolved containerd 2.4.0 (github)
        Resolved buildkit 0.32.2 (github)
        Fetching containerd-2.4.0-windows-amd64.tar.gz
        Unpacked containerd-2.4.0-windows-amd64.tar.gz ([SIZE])
    ::warning::`containerd-2.4.0-windows-amd64.tar.gz` is unverified: nobody vouches for its digest
    ");
    let json = run_in(&context, "resolve --json", &actions).success();
    assert!(json.json().is_array() && !json.stdout.contains("::"), "{json}");
}

#[test]
fn stdout_has_data_and_nothing_else() {
    let server = server();
    let context = context!().server(&server);
    assert_eq!(done(&context, "up --no-start -v").stdout, "");
    let list = run(&context, "resolve --json -v").success().json();
    assert_eq!(list[0]["sha256"], sha256_hex(&asset(Containerd, "2.3.4", PLATFORM)));
    assert_eq!(run(&context, "resolve --containerd 9.9 --json").exited(3).stdout, "");
    // What is said on the way to the data does not get into it.
    server.calls_left(0);
    let fallen_back = run(&context, "resolve --json").success();
    assert!(fallen_back.json().is_array() && fallen_back.stderr.contains("the cache"), "{fallen_back}");
    let status = run(&context, "status --json").success();
    assert!(status.json().is_object() && status.stderr.is_empty(), "{status}");
}
