//! The promise of the README's first command.

use crate::{hello, machine, run, status};
use tests::real;

/// Where containerd, BuildKit and runc write when nobody keeps them from it, and the control groups.
fn global_places() -> Vec<String> {
    let mut found = Vec::new();
    for folder in
        ["/run", "/var/lib", "/etc", "/opt", "/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids"]
    {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            found.push(entry.path().display().to_string());
        }
    }
    // What another test's daemons have just now is not this one's; each looks for its own below.
    found.retain(|path| !path.contains("/buildkit-windows-"));
    found.sort();
    found
}

#[test]
fn from_nothing_to_a_running_container_and_back() {
    let context = machine();
    let before = global_places();
    let built = run(&context, &["build-sample"]).success();
    assert_eq!(built.stdout, hello(), "stdout is what the container printed, and nothing else");

    for daemon in ["containerd", "buildkitd"] {
        let status = status(&context, daemon);
        assert_eq!(status["answering"], true, "{status}");
        assert!(status["since"].is_string() && status["disk"].as_u64().unwrap() > 0, "{status}");
    }
    let text = run(&context, &["status"]).success();
    assert_eq!(text.stdout.matches("status    answering").count(), 2, "{text}");
    let real = real::programs(context.program());
    assert!(text.stdout.contains(&format!("containerd {}", real.containerd())), "{text}");
    assert!(text.stdout.contains(&format!("buildkitd {}", real.buildkit)), "{text}");

    let base = context.base_dir().display().to_string();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&base), "the daemons' mounts are their own");

    let listed = run(&context, &["clean", "--dry-run"]).success();
    assert!(listed.stdout.contains("remove image docker.io/library/buildkit-sample:latest\n"), "{listed}");
    let down = run(&context, &["down"]).success();
    assert!(down.stderr.contains("Stopped buildkitd") && down.stderr.contains("Stopped containerd"), "{down}");
    let order = down.stderr.find("buildkitd").unwrap() < down.stderr.find("containerd").unwrap();
    assert!(order, "buildkitd stops first: {down}");
    assert_eq!(context.strays(), Vec::<String>::new(), "nothing is written outside the workspace");
    assert_eq!(global_places(), before, "nothing is written outside the workspace");
    assert!(run(&context, &["down"]).success().stderr.contains("already"));
}

#[test]
fn a_second_build_comes_from_the_cache_and_prints_the_same() {
    let context = machine();
    run(&context, &["build-sample"]).success();
    let again = run(&context, &["build-sample"]).success();
    assert_eq!(again.stdout, hello());
    assert!(again.stderr.contains("CACHED"), "{again}");
}

#[test]
fn another_sample_by_its_name_and_by_its_path() {
    let context = machine();
    let named = run(&context, &["build-sample", "--sample", "multi-stage"]).success();
    assert_eq!(named.stdout, "made in another stage\n");

    context.write(
        "mine/Dockerfile",
        "FROM base\nCOPY link /\nCMD [\"/bin/sh\", \"-c\", \"cat /link; printf 'no line end'\"]\n",
    );
    context.write("mine/file", "through a link, ");
    std::os::unix::fs::symlink("file", context.root().join("mine/link")).unwrap();
    let mine = context.root().join("mine").display().to_string();
    let by_path = run(&context, &["build-sample", "--sample", &mine]).success();
    assert_eq!(by_path.stdout, "through a link, no line end", "to the letter");
    assert!(by_path.stderr.contains("compared with nothing"), "{by_path}");
}

/// A Dockerfile of someone's own need not know of the build argument.
#[test]
fn a_base_image_that_nothing_asks_for_is_no_trouble() {
    let context = machine();
    run(&context, &["up", "--no-start"]).success();
    context.write("own/Dockerfile", "FROM scratch\nCOPY runc /\nCMD [\"/runc\", \"--help\"]\n");
    std::fs::copy(context.base_dir().join("runc/installed/bin/runc"), context.root().join("own/runc")).unwrap();
    let own = context.root().join("own").display().to_string();
    let built = run(&context, &["build-sample", "--sample", &own, "--base-image", "registry.invalid/none:1"]).success();
    assert!(built.stdout.contains("Open Container Initiative runtime"), "{built}");
    assert!(!built.stderr.contains("BASE_IMAGE") && !built.stderr.contains("WARN"), "{built}");
}

#[test]
fn a_kept_container_stays_until_clean() {
    let context = machine();
    let kept = run(&context, &["build-sample", "--keep"]).success();
    let name = kept.stderr.split('`').find(|word| word.starts_with("buildkit-sample-")).unwrap().to_owned();
    let cleaned = run(&context, &["clean"]).success();
    assert!(cleaned.stderr.contains(&format!("Removed container {name}")), "{cleaned}");
    assert!(cleaned.stderr.contains("Removed image docker.io/library/buildkit-sample:latest"), "{cleaned}");
    assert!(!context.base_dir().join("containerd").exists());
}
