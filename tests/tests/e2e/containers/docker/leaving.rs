//! What the workspace has in Docker, and that nothing else there is touched: with Docker away, another's images, a kill.

use super::{image, own_plugin, with};
use crate::{hello, machine, run, xtask};
use std::fs;
use std::process::Command;
use tests::TestContext;
use tests::docker::Engine;

/// Every name and id of an image that Docker has, sorted; nameless images too.
fn images(engine: &Engine) -> Vec<String> {
    let format = "{{.Repository}}:{{.Tag}} {{.ID}}";
    let mut images: Vec<String> =
        engine.answer(&["image", "ls", "--all", "--no-trunc", "--format", format]).lines().map(str::to_owned).collect();
    images.sort();
    images
}

/// An image of somebody's own.
fn import(context: &TestContext, engine: &Engine, name: &str) {
    let archive = context.write("engine/own.tar.gz", tests::tar_gz(&[("own", name.as_bytes(), 0o644)]));
    engine.answer(&["import", archive.to_str().unwrap(), name]);
}

fn kept_container(stderr: &str) -> String {
    stderr.split('`').find(|word| word.starts_with("buildkit-sample-kept-")).unwrap().to_owned()
}

#[test]
fn what_docker_holds_stays_on_record_until_docker_gives_it_back() {
    let context = machine();
    let engine = Engine::start(&context);
    let kept = with(&engine, &context, &["build-sample", "--keep"]).run().success();
    let (name, image) = (kept_container(&kept.stderr), format!("docker.io/library/{}", image(&context)));
    let record = context.base_dir().join("in-docker.json");
    let on_record = fs::read_to_string(&record).unwrap();
    let noted = serde_json::from_str::<serde_json::Value>(&on_record).unwrap()["images"].clone();
    assert!(noted.as_array().unwrap().len() == 1 && noted[0]["image"] == *image, "{on_record}");

    // There is no Docker for a run that isn't led to the engine.
    let listed = run(&context, &["clean", "--dry-run"]).success();
    for line in ["leave Docker's containers of this workspace, if any: Docker does not run (", "leave Docker's image "]
    {
        assert!(listed.stdout.contains(line), "{listed}");
    }
    assert!(!listed.stdout.contains("remove Docker") && !listed.stdout.contains("in-docker"), "{listed}");
    let by_hand = format!("`docker image rm {image}` remove it");
    for line in [&["up", "--no-start", "--fresh"][..], &["clean", "--cache"], &["clean"]] {
        let warned = run(&context, line).success();
        assert!(warned.stderr.contains("warning: what this workspace has put into Docker stays there"), "{warned}");
        assert!(
            warned.stderr.contains("clean`: Docker does not run (") && warned.stderr.contains(&by_hand),
            "{warned}"
        );
        assert!(
            warned.stderr.contains("`docker rm --force $(docker ps --all --filter label=buildkit-windows="),
            "{warned}"
        );
        assert_eq!(fs::read_to_string(&record).unwrap(), on_record);
    }
    let mut left: Vec<_> = fs::read_dir(context.base_dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["CACHEDIR.TAG", "in-docker.json"], "nothing else stays for it");

    // Another Docker knows nothing of it, and so is no proof that it is gone.
    let others = machine();
    let other = Engine::start(&others);
    let elsewhere = with(&other, &context, &["clean"]).run().success();
    assert!(elsewhere.stderr.contains("it is in another Docker than the one that answers"), "{elsewhere}");
    let gone = format!("if it is gone for good, delete `{}`", record.display());
    for words in
        ["once that Docker is the one that answers (see DOCKER_HOST", &gone, "all but the record of what is in"]
    {
        assert!(elsewhere.stderr.contains(words), "{elsewhere}");
    }
    assert_eq!(fs::read_to_string(&record).unwrap(), on_record);
    drop(other);

    let finished = with(&engine, &context, &["clean"]).run().success();
    for thing in [format!("container {name}"), format!("image {image}")] {
        assert!(finished.stderr.contains(&format!("Removed Docker's {thing}\n")), "{finished}");
    }
    assert!(!finished.stderr.contains("warning") && !context.base_dir().exists(), "{finished}");
    assert!(images(&engine).is_empty() && engine.answer(&["ps", "--all", "--quiet"]).is_empty());
}

#[test]
fn what_is_typed_by_hand_removes_it() {
    let context = machine();
    let engine = Engine::start(&context);
    with(&engine, &context, &["build-sample", "--keep"]).run().success();
    let warned = run(&context, &["clean"]).success();
    for command in warned.stderr.split('`').filter(|word| word.starts_with("docker ")) {
        let status = Command::new("sh").args(["-c", command]).env("DOCKER_HOST", engine.host()).status().unwrap();
        assert!(status.success(), "{command}");
    }
    assert!(images(&engine).is_empty() && engine.answer(&["ps", "--all", "--quiet"]).is_empty());
}

#[test]
fn others_images_and_other_workspaces_stay_what_they_are() {
    let context = machine();
    let engine = Engine::start(&context);
    import(&context, &engine, "buildkit-sample:latest");
    let own = images(&engine);
    let other = context.root().join("other").display().to_string();
    let build = |arguments: &[&str]| {
        let built = with(&engine, &context, &[&["build-sample"], arguments].concat()).run().success();
        assert_eq!(built.stdout, hello());
    };
    build(&[]);
    let with_one = images(&engine);
    assert!(own.iter().all(|image| with_one.contains(image)), "{with_one:?}");
    build(&["--base-dir", &other]);
    let with_both = images(&engine);
    assert!(with_both.len() == 3 && with_one.iter().all(|image| with_both.contains(image)), "{with_both:?}");
    with(&engine, &context, &["clean", "--base-dir", &other]).run().success();
    assert_eq!(images(&engine), with_one);

    // Under a name of somebody's own it is theirs, and only the workspace's name goes.
    let image = image(&context);
    engine.answer(&["tag", &image, "mine:1"]);
    let listed = with(&engine, &context, &["clean", "--dry-run"]).run().success();
    assert!(listed.stdout.contains(&format!("{image} (the image stays as mine:1)")), "{listed}");
    with(&engine, &context, &["clean"]).run().success();
    let left = images(&engine);
    assert!(left.len() == 2 && left.iter().any(|image| image.starts_with("mine:1 ")), "{left:?}");
    assert!(own.iter().all(|image| left.contains(image)), "{left:?}");
}

#[test]
fn an_image_that_somebodys_container_needs_stays_and_is_told() {
    let context = machine();
    let engine = Engine::start(&context);
    with(&engine, &context, &["build-sample"]).run().success();
    let image = image(&context);
    engine.answer(&["create", "--name", "mine", &image, "/bin/true"]);
    let listed = with(&engine, &context, &["clean", "--dry-run"]).run().success();
    assert!(
        listed.stdout.contains(&format!("leave Docker's image docker.io/library/{image}: the container mine needs it")),
        "{listed}"
    );
    let warned = with(&engine, &context, &["clean", "--cache"]).run().success();
    assert!(warned.stderr.contains("clean`: the container mine needs it; by hand, "), "{warned}");
    assert_eq!(engine.answer(&["ps", "--all", "--format", "{{.Names}}"]), "mine\n");
    engine.answer(&["rm", "mine"]);
    let finished = with(&engine, &context, &["clean"]).run().success();
    assert!(finished.stderr.contains("Removed Docker's image") && !context.base_dir().exists(), "{finished}");
    assert!(images(&engine).is_empty());
}

/// A `docker` that stops, as the real one does for a moment, between an image's loading and its being noted.
const STOPS_AFTER_LOADING: &str = r#"#!/bin/sh
case "$*" in
"image inspect --format {{.Id}} "*)
    echo asked >> "$ASKED"
    if [ "$(wc -l < "$ASKED")" = 2 ]; then
        echo 'the image is loaded' > "/proc/$PPID/fd/2"
        exec 3<> "$ASKED.fifo"
        read -r _ <&3
    fi;;
esac
exec "$DOCKER" "$@"
"#;

#[test]
fn whoever_is_killed_between_loading_and_noting_leaves_nothing_unknown() {
    let context = machine().with_program("docker", STOPS_AFTER_LOADING);
    let engine = Engine::start(&context);
    import(&context, &engine, "mine:1");
    let before = images(&engine);
    let docker = xtask::process::find("docker").unwrap();
    let own = context.root().join("own").display().to_string();
    let build = |word: &str| {
        context.write("own/Dockerfile", format!("FROM base\nRUN echo {word} > /word\nCMD [\"/bin/cat\", \"/word\"]\n"));
        let asked = context.root().join(format!("asked-{word}"));
        let fifo = std::process::Command::new("mkfifo").arg(asked.with_extension("fifo")).status().unwrap();
        assert!(fifo.success());
        let run = with(&engine, &context, &["build-sample", "--sample", &own]);
        run.env("ASKED", asked).env("DOCKER", &docker).spawn()
    };
    for (number, word) in ["first", "second", "third"].into_iter().enumerate() {
        let mut running = build(word);
        running.wait_for_output("the image is loaded");
        let killed = running.kill();
        assert!(killed.was_killed(), "{killed}");
        assert_eq!(images(&engine).len(), before.len() + 1 + number, "each is there, and but for the last nameless");
    }
    let cleaned = xtask(&context, &["clean"]);
    let asked = context.write("asked", "");
    let cleaned = cleaned.env("DOCKER_HOST", engine.host()).env("ASKED", asked).env("DOCKER", &docker).run().success();
    assert!(!cleaned.stderr.contains("warning"), "{cleaned}");
    assert_eq!(images(&engine), before);
}

/// The same wherever the kill comes.
#[test]
fn whoever_is_killed_while_loading_leaves_nothing_unknown() {
    let context = machine();
    let engine = Engine::start(&context);
    for step in ["Building", "exporting to docker image format", "sending tarball", "importing to docker"] {
        let mut running = with(&engine, &context, &["build-sample"]).spawn();
        running.wait_for_output(step);
        let killed = running.kill();
        assert!(killed.was_killed(), "it had ended before it was killed at `{step}`: {killed}");
        let cleaned = with(&engine, &context, &["clean"]).run().success();
        assert!(!cleaned.stderr.contains("warning"), "{cleaned}");
        assert_eq!(images(&engine), Vec::<String>::new(), "killed at `{step}`");
    }
}

/// `docker` only starts the plugin that builds, and that would go on without it.
#[test]
fn a_build_that_takes_too_long_ends_with_all_that_it_started() {
    let context = machine();
    let engine = Engine::start(&context);
    let config = own_plugin(&context);
    context.write(
        "own/Dockerfile",
        "FROM base\nRUN echo x > /hold; printf 'at-%s\\n' 42; while :; do read x < /hold; done\n",
    );
    let own = context.root().join("own").display().to_string();
    let line = ["build-sample", "--client", "buildx", "--timeout", "20s", "--sample", &own];
    let mut running = with(&engine, &context, &line).env("DOCKER_CONFIG", &config).spawn();
    running.wait_for_output("at-42");
    assert!(!xtask::os::processes_of(&config).is_empty(), "the plugin builds");
    let failed = running.wait().exited(1);
    assert!(failed.stderr.contains("took longer than 20s"), "{failed}");
    assert_eq!(xtask::os::processes_of(&config), []);
}
