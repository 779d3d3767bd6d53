//! The feature samples: the Linux ones built and run for real, the Windows ones read by the real BuildKit.

use super::failing::with_waiting_buildctl;
use super::healing::forget_what_containerd_has;
use crate::{machine, pid, repository, run, xtask};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tests::TestContext;
use xtask::component::Component;
use xtask::host_image;
use xtask::platform::Os;
use xtask::process::Argv;
use xtask::sample::build::Build;
use xtask::sample::manifest::Manifest;
use xtask::tools;
use xtask::workspace::Workspace;

fn samples() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(repository().join("sample-dockerfile")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn manifest(folder: &Path) -> Manifest {
    let path = folder.join("sample.toml");
    Manifest::parse(&std::fs::read_to_string(&path).unwrap(), &path).unwrap()
}

pub(super) fn verdicts(report: &Value) -> Vec<(&str, &str)> {
    let samples = report["samples"].as_array().unwrap();
    samples.iter().map(|row| (row["name"].as_str().unwrap(), row["verdict"].as_str().unwrap())).collect()
}

#[test]
fn every_sample_ends_as_expected() {
    let context = machine();
    let tried = xtask(&context, &["samples", "--json"]).timeout(Duration::from_secs(900)).run().success();
    let report = tried.json();
    assert_eq!(verdicts(&report).len(), samples().len());
    for row in report["samples"].as_array().unwrap() {
        // What takes a registry can't be tried where none answers; on GitHub's machines it is.
        let is_skipped = row["verdict"] == "skipped" && row["name"] == "syntax-line";
        assert!(row["verdict"] == "as expected" || is_skipped, "{row}");
        assert!(is_skipped || row["took"]["build_ms"].as_u64().is_some(), "{row}");
    }
    assert_eq!(report["exit"]["code"], 0);
    assert_eq!(context.strays(), Vec::<String>::new(), "nothing is written outside the workspace");
    // One of them alone, as `build-sample` does it, with all its builds.
    let alone = run(&context, &["build-sample", "--sample", "oci-layout"]).success();
    assert_eq!(alone.stdout, "built on an exported image\nwith its variables\n");
}

#[test]
fn stale_state_is_healed_after_the_others_are_done() {
    let context = machine();
    let names = ["entrypoint", "multi-stage", "label"];
    let samples = |more: &[&str]| run(&context, &[&["samples", "--json"], &names[..], more].concat());
    samples(&[]).success();
    forget_what_containerd_has(&context);
    let failed = samples(&["--heal=no"]).exited(1);
    assert!(verdicts(&failed.json()).iter().any(|(_, verdict)| *verdict == "newly broken"), "{failed}");
    let healed = samples(&["--heal"]).success();
    let report = healed.json();
    assert_eq!(verdicts(&report), names.map(|name| (name, "as expected")), "{healed}");
    let rows = report["samples"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["healed"].is_string()), "{healed}");
}

#[test]
fn none_of_them_waits_for_a_daemon_that_has_ended() {
    let context = machine();
    let folder = with_waiting_buildctl(&context);
    let line =
        ["samples", "entrypoint", "label", "--jobs", "2", "--json", "-v", "--timeout", "1h", "--buildkit", &folder];
    let mut trying = xtask(&context, &line).spawn();
    trying.wait_for_output("it waits");
    crate::kill(pid(&context, "containerd").unwrap());
    let failed = trying.wait().exited(3);
    let report = failed.json();
    assert_eq!(verdicts(&report), [("entrypoint", "skipped"), ("label", "skipped")], "{failed}");
    for row in report["samples"].as_array().unwrap() {
        let message = row["failure"]["message"].as_str().unwrap();
        assert!(message.contains("containerd no longer"), "{failed}");
    }
}

/// Writes a sample, and returns its path.
fn sample(context: &TestContext, name: &str, linux: &str, dockerfile: &str, rest: &str) -> String {
    let toml = format!("title = \"T\"\nshows = \"S\"\nwindows.expect = \"works\"\n[linux]\n{linux}\n{rest}");
    context.write(format!("{name}/sample.toml"), toml);
    context.write(format!("{name}/linux/Dockerfile"), dockerfile);
    context.write(format!("{name}/common/expected.txt"), "right\n");
    context.root().join(name).display().to_string()
}

#[test]
fn what_is_newly_broken_fails_and_what_is_newly_fixed_does_not() {
    let context = machine();
    let prints = |text: &str| format!("FROM base\nCMD [\"/bin/sh\", \"-c\", \"echo {text}\"]\n");
    let (works, fails) = ("expect = \"works\"", "expect = \"fails\"\nfailure = \"registry-unreachable\"");
    let untested = "expect = \"untested\"\nupstream = \"https://example.com\"";
    let from_nowhere = "FROM registry.invalid/nothing:1\n";
    let fixed = sample(&context, "fixed", fails, &prints("right"), "");
    let known = sample(&context, "known", fails, from_nowhere, "");
    let unknown = sample(&context, "unknown", untested, &prints("wrong"), "");
    let old = sample(&context, "old", &format!("{works}\nbuildkit = \"99.0\""), &prints("right"), "");
    // What a filter takes for its own signs, and buildctl for a list's, are words of a step like any other.
    let step = r#"RUN : "${RUN}, (it) is" 'a/b \d'"#;
    let step = format!("FROM base\nARG RUN\n{step}\nCMD [\"/bin/sh\", \"-c\", \"echo right\"]\n");
    let forgets = |words: &str| {
        let build = "[[build]]\nargs = { RUN = \"{run}\" }\n";
        format!("{build}output = \"oci\"\n{build}forget = '''{words}'''\n")
    };
    let forgotten = sample(&context, "forgotten", works, &step, &forgets(r#", (it) is" 'a/b \d"#));
    let must_fail = |words: &str| format!("[[build]]\nfails = \"{words}\"\n[[build]]\ntarget = \"good\"\n");
    let good = prints("right").replacen("FROM base", "FROM base AS good", 1);
    let stages = format!("{good}FROM base\nRUN echo no such thing && exit 7\n");
    let foretold = sample(&context, "foretold", works, &stages, &must_fail("no such thing\\n"));
    let good = [fixed.as_str(), &known, &unknown, &old, &forgotten, &foretold];
    let fine = run(&context, &[&["samples", "--json"][..], &good].concat()).success();
    assert!(!fine.stderr.contains("RUN echo no such thing"), "what was foretold needs no excerpt: {fine}");
    let report = fine.json();
    assert_eq!(
        verdicts(&report),
        [
            ("fixed", "newly fixed"),
            ("known", "as expected"),
            ("unknown", "as expected"),
            ("old", "skipped"),
            ("forgotten", "as expected"),
            ("foretold", "as expected")
        ]
    );
    assert_eq!(report["samples"][1]["failure"]["id"], "registry-unreachable");
    assert_eq!(report["samples"][2]["upstream"], "https://example.com");
    assert_eq!(report["samples"][2]["outcome"], "fails");
    let reason = report["samples"][3]["reason"].as_str().unwrap();
    assert!(reason.starts_with("it takes buildkit 99.0.0 or newer, and this is "), "{reason}");

    let otherwise = sample(&context, "otherwise", fails, "FROM base\nRUN exit 1\n", "");
    let broken = sample(&context, "broken", works, &prints("wrong"), "");
    let kept = sample(&context, "kept", works, &prints("right"), "[[build]]\nfails = \"x\"\n[[build]]\n");
    let unforgotten = sample(&context, "unforgotten", works, &step, &forgets("no such step at all"));
    let copies = "FROM scratch\nCOPY folder /folder\n";
    let shows = "[[build]]\noutput = \"local\"\nshow = [\"folder/link\"]\n";
    let leading = sample(&context, "leading", works, copies, shows);
    let theirs = context.write("theirs.txt", "right\n");
    context.write("leading/linux/folder/file", "");
    std::os::unix::fs::symlink(theirs, Path::new(&leading).join("linux/folder/link")).unwrap();
    let mistold = sample(&context, "mistold", works, &stages, &must_fail("blah"));
    let line = ["samples", &broken, &otherwise, &kept, &unforgotten, &leading, &mistold, &fixed];
    let failed = run(&context, &line).exited(1);
    let names = "broken, otherwise, kept, unforgotten, leading, mistold";
    assert!(failed.stderr.contains(&format!("error: newly broken: {names}\n")), "{failed}");
    assert!(failed.stderr.contains("BuildKit has no step to forget with `no such step at all` in it"), "{failed}");
    assert!(failed.stderr.contains("folder/link` is a link"), "{failed}");
    assert!(failed.stderr.contains("-right\n+wrong"), "{failed}");
    assert!(failed.stderr.contains("was built, and must fail"), "{failed}");
    assert!(failed.stdout.contains("expected to fail of registry-unreachable, and fails of something"), "{failed}");
    assert!(failed.stdout.ends_with("6 newly broken, 1 newly fixed\n"), "{failed}");
    let alone = |path: &str| format!("`cargo xtask build-sample --sample {path}` shows all ");
    let begins = "mistold is newly broken: it failed, but not with `blah`, as its sample.toml says: failed to build";
    let (_, mistold_from) = failed.stderr.split_once(begins).unwrap_or_else(|| panic!("{failed}"));
    let excerpt = mistold_from.split_once(" > [").unwrap().1;
    assert!(excerpt.contains("RUN echo no such thing && exit 7:\n"), "{failed}");
    assert!(excerpt.contains(&format!(" no such thing\n({}", alone(&mistold))), "{failed}");
    assert!(!failed.stderr.contains("--quiet"), "{failed}");
    let hint = failed.stderr.split_once("\nhint: ").unwrap().1;
    assert!(hint.starts_with(&(alone(&broken) + "that the first does")), "{failed}");
    assert!(failed.stdout.contains(" printed something else than it must: -right\n"), "{failed}");

    // A registry that gives no answer is the ground's fault, and no verdict on what should have worked.
    let unheard = sample(&context, "unheard", works, from_nowhere, "");
    let failed = run(&context, &["samples", &unheard, &fixed]).exited(3);
    assert!(failed.stderr.contains("error: could not be put to the test: unheard"), "{failed}");

    // A sample that leads out of itself is wrong, whatever the ground is like.
    let makes = "[[make]]\nfile = \"link/file\"\nsize = \"1KiB\"\n";
    let astray = sample(&context, "astray", works, &prints("right"), makes);
    std::os::unix::fs::symlink(context.root(), Path::new(&astray).join("linux/link")).unwrap();
    let failed = run(&context, &["samples", "--json", &astray, &unheard, &fixed]).exited(2);
    assert!(failed.stderr.contains("error: not as samples must be: astray\n"), "{failed}");
    let report = failed.json();
    assert_eq!(verdicts(&report), [("astray", "skipped"), ("unheard", "skipped"), ("fixed", "newly fixed")]);
    assert!(report["samples"][0]["reason"].as_str().unwrap().contains("link` is a link"), "{failed}");
}

#[test]
fn what_had_ended_before_an_interruption_is_told() {
    let context = machine();
    let cmd = "CMD [\"/bin/sh\", \"-c\", \"echo right\"]\n";
    let works = |name: &str, run: &str| {
        sample(&context, name, "expect = \"works\"", &format!("FROM base\nRUN {run}\n{cmd}"), "")
    };
    let (ends, hangs, later) =
        (works("ends", "true"), works("hangs", "sh -c 'kill -STOP $$' && true"), works("later", "true"));
    let mut running = xtask(&context, &["samples", "--json", "--jobs", "1", &ends, &hangs, &later]).spawn();
    running.wait_for_output("Trying hangs");
    running.interrupt();
    let ended = running.wait().exited(3);
    let report = ended.json();
    assert_eq!(verdicts(&report), [("ends", "as expected"), ("hangs", "skipped"), ("later", "skipped")], "{ended}");
    assert_eq!(report["samples"][1]["reason"], "it was interrupted before its end");
    assert!(ended.stderr.contains("error: interrupted: of 3 samples, 2 had not ended\n"), "{ended}");
    let hint = format!("hint: `cargo xtask samples {hangs} {later}` tries those that had not\n");
    assert!(ended.stderr.ends_with(&hint), "{ended}");
    run(&context, &["samples", &ends]).success();
}

#[test]
fn none_is_judged_by_what_the_daemons_logged_for_another() {
    let context = machine();
    let (works, cmd) = ("expect = \"works\"", "FROM base\nCMD [\"/bin/sh\", \"-c\", \"echo right\"]\n");
    let mistaken = |name| sample(&context, name, works, cmd, "[[build]]\ntarget = \"zz\"\n");
    let unheard = |name: &str| sample(&context, name, works, &format!("FROM nosuch.registry.invalid/{name}\n"), "");
    let samples = [mistaken("c11"), unheard("g1"), unheard("g2"), unheard("g3"), unheard("g4"), mistaken("c12")];
    let line = [&["samples", "--json", "--jobs", "4"][..], &samples.each_ref().map(String::as_str)].concat();
    let failed = run(&context, &line).exited(1);
    let report = failed.json();
    let skipped = ["g1", "g2", "g3", "g4"].map(|name| (name, "skipped"));
    let broken = ["c11", "c12"].map(|name| (name, "newly broken"));
    assert_eq!(verdicts(&report), [&broken[..1], &skipped[..], &broken[1..]].concat(), "{failed}");
    for at in [0, 5] {
        let failure = &report["samples"][at]["failure"];
        assert!(failure["id"].is_null() && failure["message"].as_str().unwrap().contains("zz"), "{failure}");
    }
    assert!(failed.stderr.contains("Left open c11"), "{failed}");
}

/// A Dockerfile with the platform in each FROM: only a build heeds the option `platform`. A frontend of its own would come from a
/// registry, so the one in buildkitd reads it.
fn for_windows(dockerfile: &str) -> String {
    let dockerfile = dockerfile.replace("# syntax=", "# no syntax=");
    dockerfile.lines().map(|line| line.replacen("FROM ", "FROM --platform=windows/amd64 ", 1) + "\n").collect()
}

/// The arguments by which the frontend is asked for something else than a build of a Windows Dockerfile. No step is run, so an
/// image for Windows of whatever files will do.
fn request(workspace: &Workspace, folder: &Path, build: &Build, base: (&Path, &str), what: &str) -> Argv {
    let (layout, digest) = base;
    let mut names = vec!["base"];
    names.extend(build.contexts.keys().map(String::as_str));
    let argv = tools::buildctl(workspace)
        .args(["build", "--progress", "plain", "--frontend", "dockerfile.v0"])
        .args([
            "--local",
            &format!("context={}", folder.display()),
            "--local",
            &format!("dockerfile={}", folder.display()),
        ])
        .args(["--opt", &format!("requestid=frontend.{what}"), "--opt", "platform=windows/amd64"])
        .args(["--opt", "build-arg:BASE_IMAGE=base", "--opt", "build-arg:SERVED=http://127.0.0.1"])
        // `for_windows` puts it there.
        .args(["--opt", "build-arg:BUILDKIT_DOCKERFILE_CHECK=skip=FromPlatformFlagConstDisallowed"])
        .args(["--oci-layout", &format!("host={}", layout.display())]);
    let named = |argv: Argv, name: &str| argv.args(["--opt", &format!("context:{name}=oci-layout://host@{digest}")]);
    let argv = names.into_iter().fold(argv, named);
    build.target.iter().fold(argv, |argv, target| argv.args(["--opt", &format!("target={target}")]))
}

fn output(argv: &Argv) -> (bool, String) {
    let mut command: Command = argv.command();
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), text.concat())
}

#[test]
fn the_windows_variants_are_read_by_the_real_frontend() {
    let context = machine();
    run(&context, &["up"]).success();
    let workspace = Workspace::new(context.base_dir().to_owned(), "linux-amd64".parse().unwrap());
    assert!(workspace.program(Component::Buildkit, "buildctl").is_file());
    let layout = context.root().join("windows-base");
    let digest = host_image::make(&layout, "windows-amd64".parse().unwrap()).unwrap();
    let base = (layout.as_path(), digest.as_str());
    let mut read = 0;
    for sample in samples() {
        let manifest = manifest(&sample);
        let own = sample.join(Os::Windows.as_str());
        let folder = if own.join("Dockerfile").is_file() { own } else { sample.join("common") };
        let text = std::fs::read_to_string(folder.join("Dockerfile")).unwrap();
        let folder = context.write(format!("read/{read}/Dockerfile"), for_windows(&text)).parent().unwrap().to_owned();
        for build in manifest.builds() {
            let (is_fine, said) = output(&request(&workspace, &folder, build, base, "outline"));
            assert!(is_fine, "{}: {said}", sample.display());
            let (is_fine, said) = output(&request(&workspace, &folder, build, base, "lint"));
            assert!(is_fine && !said.contains("WARNING"), "{}: {said}", sample.display());
            read += 1;
        }
    }
    assert!(read >= samples().len(), "{read}");

    // That they are read is no matter of course: a mistake is found, and what only Windows wants, too.
    for (wrong, why) in [
        ("FROM base\nRUNN x\n", "unknown instruction: RUNN"),
        ("FROM base\nRUN --mount=type=secret,id=token x\n", "secret target is required on Windows"),
    ] {
        let folder = context.write("wrong/Dockerfile", for_windows(wrong)).parent().unwrap().to_owned();
        let (is_fine, said) = output(&request(&workspace, &folder, &Build::default(), base, "outline"));
        assert!(!is_fine && said.contains(why), "{said}");
    }
    let folder = context.write("shabby/Dockerfile", "FROM base AS Shabby\n").parent().unwrap().to_owned();
    let (_, said) = output(&request(&workspace, &folder, &Build::default(), base, "lint"));
    assert!(said.contains("WARNING: StageNameCasing"), "{said}");
}
