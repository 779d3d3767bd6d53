//! `doctor`: what it looks at, what it makes of that, and that it changes nothing.

mod machines;

use serde_json::Value;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tests::{Outcome, ReleaseServer, TestContext, context};

/// What is looked at on a system, in this order.
fn names() -> Vec<&'static str> {
    let of_system: &[&str] = if cfg!(windows) {
        &["system", "rights", "containers", "hyper-v", "long-paths", "antivirus", "network"]
    } else {
        &["system", "rights", "capabilities", "cgroups", "overlayfs", "file-system", "runc", "iptables"]
    };
    let everywhere = ["workspace", "disk", "endpoints", "services", "docker", "buildx", "go"];
    let net = ["proxies", "source", "clock", "registry"];
    [of_system, &everywhere, &net].concat()
}

/// A run whose registry is the server too, so that nobody outside is asked.
fn doctor(context: &TestContext, server: &ReleaseServer, line: &[&str]) -> Outcome {
    let host = server.api_url().replace("http://", "");
    context.xtask(["doctor", "--base-image", &format!("{host}/base:1")].iter().chain(line)).run()
}

/// One check of a report.
#[track_caller]
fn check(outcome: &Outcome, name: &str) -> Value {
    let report = outcome.json();
    let found = report["checks"].as_array().unwrap().iter().find(|check| check["check"] == name).cloned();
    found.unwrap_or_else(|| panic!("no `{name}`: {outcome}"))
}

fn verdict(outcome: &Outcome, name: &str) -> (String, String) {
    let check = check(outcome, name);
    (check["verdict"].as_str().unwrap().to_owned(), check["found"].as_str().unwrap().to_owned())
}

#[test]
fn every_check_is_there_and_nothing_is_changed() {
    let server = ReleaseServer::start();
    let context = context!().server(&server);
    let outcome = doctor(&context, &server, &["--json"]);
    let report = outcome.json();
    let checks = report["checks"].as_array().unwrap();
    let found: Vec<&str> = checks.iter().map(|check| check["check"].as_str().unwrap()).collect();
    assert_eq!(found, names());
    let count = |verdict: &str| checks.iter().filter(|check| check["verdict"] == verdict).count();
    let told = ["ok", "warning", "problem", "skipped"].map(count);
    assert_eq!(told.iter().sum::<usize>(), checks.len(), "{outcome}");
    assert_eq!((&report["problems"], &report["warnings"]), (&count("problem").into(), &count("warning").into()));
    assert_eq!(report["schema"], 1);
    assert_eq!(outcome.code, if count("problem") > 0 { 3 } else { 0 }, "{outcome}");
    for check in checks {
        assert_eq!(check.as_object().unwrap().len(), 5, "{check}");
        let has_command = check["command"].is_string() || check["command"].is_null();
        let has_advice = check["advice"].is_string() || check["advice"].is_null();
        assert!(has_command && has_advice && !check["found"].as_str().unwrap().is_empty(), "{check}");
    }
    let (good, said) = verdict(&outcome, "source");
    assert!(good == "ok" && said.starts_with("GitHub answers, and takes 60 of 60 more calls until "), "{said}");
    assert_eq!(verdict(&outcome, "registry").0, "ok");
    let mut asked: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    asked.sort();
    assert_eq!(asked, ["/rate_limit", "/v2/"]);
    assert!(!context.base_dir().exists());
    assert_eq!(context.strays(), Vec::<String>::new());
    // The same list, for people.
    let text = doctor(&context, &server, &[]);
    assert_eq!(text.code, outcome.code, "{text}");
    for name in names() {
        let is_of = |line: &str| line.split_whitespace().nth(1) == Some(name);
        assert!(text.stdout.lines().any(is_of), "{name}: {text}");
    }
}

#[test]
fn offline_nobody_is_asked_and_that_is_said() {
    let server = ReleaseServer::start();
    let context = context!().server(&server);
    let outcome = doctor(&context, &server, &["--json", "--offline"]);
    for name in ["source", "clock", "registry"] {
        assert_eq!(verdict(&outcome, name), ("skipped".into(), "offline: nobody was asked".into()));
    }
    assert!(server.requests().is_empty());
}

#[test]
fn without_rights_there_is_a_problem() {
    let server = ReleaseServer::start();
    let context = context!().server(&server);
    let outcome = context.unprivileged_xtask(["doctor", "--json", "--offline"]).run().exited(3);
    let rights = check(&outcome, "rights");
    assert_eq!(rights["verdict"], "problem");
    let command = rights["command"].as_str().unwrap();
    let mends = if cfg!(windows) { "Start-Process powershell -Verb RunAs" } else { "sudo env PATH=" };
    assert!(command.starts_with(mends) && !command.contains(" up"), "nothing is started by it: {rights}");
    if cfg!(unix) {
        assert_eq!(verdict(&outcome, "capabilities").0, "skipped", "one cause is told once");
    }
    assert!(outcome.stderr.contains(&format!(" of {} checks found a problem\n", names().len())), "{outcome}");
    assert!(
        outcome.stderr.ends_with("hint: `cargo xtask doctor --fix` prints the commands that mend it\n"),
        "{outcome}"
    );
    let fix = context.unprivileged_xtask(["doctor", "--fix", "--offline"]).run().exited(3);
    let lines: Vec<&str> = fix.stdout.lines().collect();
    let report = outcome.json();
    let mut commands: Vec<&str> = Vec::new();
    for command in report["checks"].as_array().unwrap().iter().filter_map(|check| check["command"].as_str()) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    assert_eq!(lines, commands);
    assert!(!context.base_dir().exists());
}

#[test]
fn a_place_where_no_workspace_can_lie_is_one_problem_among_the_checks() {
    let server = ReleaseServer::start();
    let cannot = if cfg!(windows) { "d".repeat(200) } else { "a,b".to_owned() };
    let why = if cfg!(windows) { "Windows can't start containers under a path so long" } else { "with `,` in it" };
    let context = context!().server(&server).base_name(&cannot);
    let outcome = doctor(&context, &server, &["--json"]).exited(3);
    let (bad, said) = verdict(&outcome, "workspace");
    assert!(bad == "problem" && said.contains(why), "{said}");
    assert_eq!(outcome.json()["checks"].as_array().unwrap().len(), names().len());
    context.write("file", "");
    let below = context.root().join("file").join("base");
    let outcome =
        context.xtask(["doctor", "--offline", "--json", "--base-dir", below.to_str().unwrap()]).run().exited(3);
    let (bad, said) = verdict(&outcome, "workspace");
    assert!(bad == "problem" && said.ends_with("is a file"), "{said}");
    assert!(verdict(&outcome, "disk").1.contains(" free"), "the folder above the file tells it: {outcome}");
    let hint = outcome.stderr.lines().last().unwrap();
    assert!(hint.contains("`cargo xtask doctor --fix --base-dir "), "{outcome}");
}

#[test]
fn the_net_is_judged_by_what_is_relied_on() {
    let server = ReleaseServer::start();
    let context = context!().server(&server);
    server.calls_left(0).date("Sun, 06 Nov 1994 08:49:37 GMT");
    let outcome = doctor(&context, &server, &["--json", "--source", "github"]).exited(3);
    let (bad, said) = verdict(&outcome, "source");
    assert!(bad == "problem" && said.starts_with("GitHub answers, and takes 0 of 60 more calls"), "{said}");
    let (bad, said) = verdict(&outcome, "clock");
    assert!(bad == "problem" && said.contains(" ahead of the server's"), "{said}");
    let host = server.api_url().replace("http://", "");
    let token = ["doctor", "--json", "--base-image", &format!("{host}/x")];
    let with_token = context.xtask(token).env("GH_TOKEN", "ghp_secretsecretsecretsecret").run();
    assert!(verdict(&with_token, "source").1.contains("(with a token)"), "{with_token}");
    assert!(!with_token.render().contains("ghp_"), "{with_token}");
    let mirror = doctor(&context, &server, &["--json", "--source", &server.mirror_url()]);
    assert_eq!(verdict(&mirror, "source"), ("ok".into(), "the mirror answers with HTTP 200".into()));
    let missing = doctor(&context, &server, &["--json", "--source", "no-such-folder"]).exited(3);
    let advice = check(&missing, "source")["advice"].as_str().unwrap().to_owned();
    assert!(advice.starts_with("check `--source`"), "{missing}");
    // A command that mends a warning mends no problem.
    let problems = missing.json()["checks"].as_array().unwrap().clone();
    let has_command = problems.iter().any(|check| check["verdict"] == "problem" && !check["command"].is_null());
    assert_eq!(missing.stderr.contains("doctor --fix"), has_command, "{missing}");
    assert_eq!(verdict(&missing, "source").0, "problem");
    assert_eq!(verdict(&missing, "clock"), ("skipped".into(), "no server was asked".into()));
}

#[test]
fn a_server_that_never_answers_is_named_and_holds_nothing_up_for_long() {
    // The system takes the connections; nobody reads them.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let begun = Instant::now();
    let line = ["doctor", "--json", "--source", "github", "--base-image", &format!("{host}/base:1")];
    let outcome = context!().xtask(line).env("GITHUB_API_URL", format!("http://{host}")).run().exited(3);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let (bad, said) = verdict(&outcome, "source");
    assert!(bad == "problem" && said.contains(&format!("{host}/rate_limit sent nothing for ")), "{said}");
    let (bad, said) = verdict(&outcome, "registry");
    assert!(bad == "problem" && said.contains(&format!("{host}/v2/ sent nothing for ")), "{said}");
    assert_eq!(verdict(&outcome, "clock"), ("skipped".into(), "no server told the time".into()));
}

#[test]
fn how_bad_a_missing_docker_is_follows_from_the_client() {
    let context = context!();
    let nowhere = context.write("nowhere", "");
    let judged = |client: &str| {
        let folder = nowhere.parent().unwrap();
        let run = context.xtask(["doctor", "--json", "--offline"]).env("BUILDKIT_WINDOWS_CLIENT", client);
        let outcome = run.env("PATH", folder).run();
        (verdict(&outcome, "docker"), verdict(&outcome, "buildx").0)
    };
    let told = "there is no `docker` on PATH";
    let ok = |so: &str| (("ok".to_owned(), format!("{told}; {so}")), "skipped".to_owned());
    assert_eq!(judged("auto"), ok("builds go by buildctl, which needs none"));
    assert_eq!(judged("buildctl"), ok("`--client buildctl` needs none"));
    let problem = format!("{told}, and `--client buildx` builds with it");
    assert_eq!(judged("buildx"), (("problem".to_owned(), problem), "skipped".to_owned()));
}

#[test]
fn fix_says_so_where_it_has_nothing_to_print() {
    let outcome = context!().xtask(["doctor", "--fix", "--offline"]).run();
    let has_commands = !outcome.stdout.is_empty();
    let says_why = outcome.stderr.contains("note: there is nothing to mend\n")
        || outcome.stderr.contains("note: no command mends what was found: ");
    assert!(has_commands != says_why, "{outcome}");
}

#[test]
fn proxies_are_shown_without_passwords() {
    let context = context!();
    let outcome =
        context.xtask(["doctor", "--json", "--offline"]).env("HTTPS_PROXY", "http://me:hush@proxy.example:3128").run();
    assert_eq!(verdict(&outcome, "proxies").1, "HTTPS_PROXY=http://…@proxy.example:3128");
    assert!(!outcome.render().contains("hush"));
}

#[test]
fn programs_of_another_platform_are_none_of_its_business() {
    let other = if cfg!(windows) { "linux-amd64" } else { "windows-amd64" };
    let outcome = context!().xtask(["doctor", "--platform", other]).run().exited(2);
    assert!(outcome.stderr.contains("can't be run on this"), "{outcome}");
}

#[test]
#[cfg(unix)]
fn who_else_listens_at_an_endpoint_is_named() {
    let context = context!();
    std::fs::create_dir_all(context.base_dir().join("run")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(context.base_dir().join("run/containerd.sock")).unwrap();
    let outcome = context.xtask(["doctor", "--json", "--offline"]).run().exited(3);
    let (bad, said) = verdict(&outcome, "endpoints");
    assert!(bad == "problem" && said.contains(&format!("(pid {})", std::process::id())), "{said}");
}

/// Wine has no container runtime, so what is said without one is seen there.
#[test]
#[cfg(windows)]
fn without_the_containers_feature_no_build_can_work() {
    let outcome = context!().xtask(["doctor", "--json", "--offline"]).run();
    let windows = xtask::os::windows().unwrap();
    let containers = check(&outcome, "containers");
    if xtask::os::check_container_runtime().is_ok() {
        assert_eq!(containers["verdict"], "ok");
        return;
    }
    assert_eq!((outcome.code, &containers["verdict"]), (3, &"problem".into()), "{outcome}");
    assert_eq!(containers["command"], windows.containers_command());
    let (_, system) = verdict(&outcome, "system");
    assert!(system.contains(&format!("build {}", windows.build)) && system.contains("; base image mcr."), "{outcome}");
}
