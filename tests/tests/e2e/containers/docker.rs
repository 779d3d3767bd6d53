//! Docker as the client: a real engine of the test's own, and a real buildx. Nothing else here needs Docker.

mod action;
mod doctor;
mod explained;
mod leaving;
mod remote;
mod samples;
mod tidying;

use crate::{hello, machine, run, xtask};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tests::docker::{Engine, without_plugins};
use tests::{StandIn, TestContext, Then, Xtask};
use xtask::component::Component;
use xtask::workspace::Workspace;

/// A run that finds an engine.
pub(super) fn with(engine: &Engine, context: &TestContext, arguments: &[&str]) -> Xtask {
    xtask(context, arguments).env("DOCKER_HOST", engine.host())
}

pub(super) fn workspace(context: &TestContext) -> Workspace {
    Workspace::new(context.base_dir().to_owned(), xtask::platform::Platform::host().unwrap())
}

/// The image's name in Docker, as Docker tells it.
pub(super) fn image(context: &TestContext) -> String {
    format!("buildkit-sample:{}", workspace(context).id())
}

/// The image's configuration in Docker, as one that can be compared.
fn in_docker(engine: &Engine, image: &str) -> serde_json::Value {
    let found: serde_json::Value = serde_json::from_str(&engine.answer(&["image", "inspect", image])).unwrap();
    let config = &found[0]["Config"];
    serde_json::json!({
        "os": found[0]["Os"], "architecture": found[0]["Architecture"],
        "cmd": config["Cmd"], "env": config["Env"], "entrypoint": config["Entrypoint"],
        "workdir": config["WorkingDir"].as_str().unwrap_or_default(),
        "diff_ids": found[0]["RootFS"]["Layers"],
    })
}

/// The same in containerd.
fn in_containerd(context: &TestContext) -> serde_json::Value {
    let workspace = workspace(context);
    let content = |digest: &str| {
        let argv = xtask::tools::ctr(&workspace).args(["content", "get", digest]);
        serde_json::from_str::<serde_json::Value>(&xtask::process::succeed(&argv).unwrap().stdout).unwrap()
    };
    let argv = xtask::tools::ctr(&workspace).args(["image", "list"]);
    let listed = xtask::process::succeed(&argv).unwrap().stdout;
    let digest = listed.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap().to_owned();
    let found = content(content(&digest)["config"]["digest"].as_str().unwrap());
    let config = &found["config"];
    serde_json::json!({
        "os": found["os"], "architecture": found["architecture"],
        "cmd": config["Cmd"], "env": config["Env"], "entrypoint": config["Entrypoint"],
        "workdir": config["WorkingDir"].as_str().unwrap_or_default(),
        "diff_ids": found["rootfs"]["diff_ids"],
    })
}

#[test]
fn both_clients_print_the_same_and_make_the_same_image() {
    let context = machine();
    let engine = Engine::start(&context);
    let docker = with(&engine, &context, &["build-sample", "--buildx", "latest"]).run().success();
    assert!(docker.stderr.contains("Client Docker ") && docker.stderr.contains("the workspace's buildx"), "{docker}");
    let buildctl = with(&engine, &context, &["build-sample", "--client", "buildctl"]).run().success();
    assert_eq!((docker.stdout.as_str(), buildctl.stdout.as_str()), (hello().as_str(), hello().as_str()));
    assert!(!buildctl.stderr.contains("Client"), "what was asked for goes without saying: {buildctl}");
    let loaded = in_docker(&engine, &image(&context));
    assert_eq!(loaded, in_containerd(&context));
    assert_eq!(loaded["diff_ids"].as_array().unwrap().len(), 3, "{loaded}");
}

/// A user's own builder, and another of it that is current.
fn users_buildx(context: &TestContext, engine: &Engine, program: &Path) -> PathBuf {
    let folder = context.root().join("users-docker");
    let lines: [&[&str]; 2] = [
        &["create", "--name", "mine", "--driver", "remote", "tcp://127.0.0.1:1"],
        &["create", "--name", "buildkit-exp", "--driver", "remote", "--use", "tcp://127.0.0.1:2"],
    ];
    for line in lines {
        let mut command = Command::new(program);
        command.args(line).env("DOCKER_CONFIG", &folder).env("DOCKER_HOST", engine.host());
        command.env_remove("BUILDX_CONFIG").stdout(Stdio::null());
        assert!(command.status().unwrap().success());
    }
    context.write(folder.join("config.json"), "{\"auths\":{}}\n");
    folder
}

/// Each file of a folder with what is in it.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(contents(&entry.path())),
            false => found.push((entry.path(), fs::read(entry.path()).unwrap())),
        }
    }
    found.sort();
    found
}

#[test]
fn the_users_docker_is_what_it_was_and_clean_takes_only_what_is_the_workspaces() {
    let context = machine();
    let engine = Engine::start(&context);
    run(&context, &["up", "--no-start", "--buildx", "latest"]).success();
    let program = workspace(&context).program(Component::Buildx, "buildx");
    let config = users_buildx(&context, &engine, &program);
    let before = contents(&config);
    assert!(before.iter().any(|(path, _)| path.ends_with("buildx/current")), "there is something to compare");
    let here = |arguments: &[&str]| with(&engine, &context, arguments).env("DOCKER_CONFIG", &config);
    // Somebody's own image, container and all.
    let archive = context.root().join("engine/nothing.tar.gz");
    fs::write(&archive, tests::tar_gz(&[("nothing", b"x", 0o644)])).unwrap();
    engine.answer(&["import", archive.to_str().unwrap(), "mine:1"]);
    engine.answer(&["create", "--name", "mine", "mine:1", "x"]);

    let kept = here(&["build-sample", "--keep"]).run().success();
    let name = kept.stderr.split('`').find(|word| word.starts_with("buildkit-sample-kept-")).unwrap().to_owned();
    let again = here(&["build-sample", "-v"]).run().success();
    assert!(again.stderr.contains("Driver:        remote"), "inspect is shown: {again}");
    assert!(!again.stderr.contains("buildx create"), "the builder is there already: {again}");
    assert!(engine.answer(&["ps", "--all"]).contains(&name));
    assert_eq!(contents(&config), before);

    let image = format!("Docker's image docker.io/library/{}", image(&context));
    let things = [format!("Docker's container {name}"), image, "the builder buildkit-exp".into()];
    let listed = here(&["clean", "--dry-run"]).run().success();
    assert!(things.iter().all(|thing| listed.stdout.contains(&format!("remove {thing}\n"))), "{listed}");
    let cleaned = here(&["clean"]).run().success();
    assert!(things.iter().all(|thing| cleaned.stderr.contains(&format!("Removed {thing}\n"))), "{cleaned}");
    assert!(!cleaned.stderr.contains("warning"), "{cleaned}");
    assert_eq!(engine.answer(&["image", "ls", "--all", "--format", "{{.Repository}}:{{.Tag}}"]), "mine:1\n");
    assert_eq!(engine.answer(&["ps", "--all", "--format", "{{.Names}}"]), "mine\n");
    assert_eq!(contents(&config), before, "the user's builders, and which is current, are what they were");
    assert_eq!(context.strays(), Vec::<String>::new(), "nothing is written outside the workspace");
}

/// A Docker configuration whose `docker` has a buildx of its own.
pub(super) fn own_plugin(context: &TestContext) -> PathBuf {
    run(context, &["up", "--no-start", "--buildx", "latest"]).success();
    let program = fs::read(workspace(context).program(Component::Buildx, "buildx")).unwrap();
    run(context, &["clean"]).success();
    let config = context.root().join("users-docker");
    context.write_program(config.join("cli-plugins/docker-buildx"), program);
    config
}

#[test]
fn dockers_own_buildx_is_taken_unless_another_is_asked_for() {
    let context = machine();
    let engine = Engine::start(&context);
    let config = own_plugin(&context);
    let before = contents(&config);
    let build = |arguments: &[&str]| {
        with(&engine, &context, &[&["build-sample"], arguments].concat()).env("DOCKER_CONFIG", &config).run().success()
    };
    let own = build(&["-v"]);
    assert_eq!(own.stdout, hello());
    assert!(
        own.stderr.contains(", with its own buildx") && own.stderr.contains("docker buildx build --builder"),
        "{own}"
    );
    assert!(!own.stderr.contains("Resolved buildx"), "{own}");
    let asked = build(&["--buildx", "latest"]);
    assert!(asked.stderr.contains("Resolved buildx") && asked.stderr.contains("the workspace's buildx"), "{asked}");
    assert!(asked.stderr.contains("Up already"), "no daemon minds: {asked}");
    assert_eq!(contents(&config), before);
}

/// An image that another build has taken the name from does not stay behind.
#[test]
fn only_the_newest_image_stays_in_docker() {
    let context = machine();
    let engine = Engine::start(&context);
    for word in ["first", "second"] {
        context.write("own/Dockerfile", format!("FROM base\nRUN echo {word} > /word\nCMD [\"/bin/cat\", \"/word\"]\n"));
        let own = context.root().join("own").display().to_string();
        let built = with(&engine, &context, &["build-sample", "--sample", &own]).run().success();
        assert_eq!(built.stdout, format!("{word}\n"));
        assert_eq!(engine.answer(&["image", "ls", "--all", "--quiet"]).lines().count(), 1);
    }
}

#[test]
fn a_failing_build_and_a_failing_container_are_told_once() {
    let context = machine();
    let engine = Engine::start(&context);
    let own = context.root().join("own").display().to_string();
    let build = || with(&engine, &context, &["build-sample", "--sample", &own]).run();
    context.write("own/Dockerfile", "FROM base\nRUN exit 7\n");
    let failed = build().exited(1);
    assert!(
        failed
            .stderr
            .contains(&format!("error: failed to build `docker.io/library/{}` (exit code 1): ", image(&context))),
        "{failed}"
    );
    assert_eq!(failed.stderr.matches("failed to solve: ").count(), 1, "why is said once: {failed}");
    context.write("own/Dockerfile", "FROM base\nCMD [\"/no/such/program\"]\n");
    let failed = build().exited(1);
    assert!(failed.stderr.contains("` failed (exit code 127): Error response from daemon: "), "{failed}");
    assert!(!failed.stderr.contains("docker run --help"), "{failed}");
}

#[test]
fn each_trouble_with_docker_has_its_own_remedy() {
    let context = machine();
    let refused = |run: Xtask, sentence: &str, hint: &str| {
        let outcome = run.run().exited(3);
        assert!(outcome.stderr.contains(&format!("error: failed to build with Docker: {sentence}")), "{outcome}");
        assert!(outcome.stderr.contains(&format!("hint: {hint}")), "{outcome}");
        assert!(!outcome.stderr.contains("Resolved"), "nothing is fetched for it: {outcome}");
    };
    let buildx = ["build-sample", "--client", "buildx"];
    let engine = Engine::start(&context);
    // A remote buildkitd needs no root, so that Docker's own refusal comes to light.
    let socket = context.root().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, Permissions::from_mode(0o777)).unwrap();
    let address = format!("unix://{}", socket.display());
    let line = [&buildx[..], &["--addr", &address]].concat();
    let socket = context.root().join("engine/docker.sock");
    refused(
        context.unprivileged_xtask(line).env("DOCKER_HOST", format!("unix://{}", socket.display())),
        "Docker refuses this user (permission denied",
        "run it as root, or as a member of the group `docker`",
    );
    refused(
        with(&engine, &context, &buildx).env("DOCKER_API_VERSION", "1.99"),
        "this Docker is too old",
        "update Docker",
    );
    // Then come its own words, which differ between its versions.
    refused(xtask(&context, &buildx), "Docker does not run (", "see what there is at that address, or go");
    drop(engine);
    let context = machine().without("docker");
    refused(
        xtask(&context, &buildx),
        "there is no `docker` on PATH",
        "install Docker, or build with `--client buildctl`",
    );
    let built = run(&context, &["build-sample"]).success();
    assert!(built.stderr.contains("Client buildctl: there is no `docker` on PATH"), "{built}");
}

#[test]
fn a_builder_of_another_driver_is_named_and_left_alone() {
    let context = machine();
    let engine = Engine::start(&context);
    let config = context.root().join("users-docker");
    let mut command = Command::new("docker");
    command.args(["context", "create", "buildkit-exp"]).env("DOCKER_CONFIG", &config).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    let before = contents(&config);
    let failed =
        with(&engine, &context, &["build-sample", "--client", "buildx"]).env("DOCKER_CONFIG", &config).run().exited(3);
    assert!(
        failed.stderr.contains("the name `buildkit-exp` belongs to a builder with the driver `docker`"),
        "{failed}"
    );
    assert!(failed.stderr.contains("hint: give the Docker context `buildkit-exp` another name"), "{failed}");
    assert_eq!(contents(&config), before);
}

/// `--buildx` takes a path, too, and without a plugin and a net both ways out are named.
#[test]
fn where_docker_has_no_buildx_one_can_be_named() {
    let context = machine().with_program("docker", without_plugins());
    let engine = Engine::start(&context);
    let offline = |arguments: &[&str]| {
        with(&engine, &context, &[&["build-sample", "--client", "buildx"], arguments].concat()).env_remove("GOPROXY")
    };
    let none = context.write("mirror/empty", "");
    let failed = offline(&["--source", &none.with_file_name("").display().to_string()]).run().exited(3);
    assert!(failed.stderr.contains("error: Docker has no buildx, and none could be fetched: "), "{failed}");
    assert!(
        failed.stderr.contains("hint: install Docker's plugin") && failed.stderr.contains("`--buildx SPEC|PATH`"),
        "{failed}"
    );
    // A program as it is released, and a folder that holds one.
    run(&context, &["up", "--no-start", "--buildx", "latest"]).success();
    let program = workspace(&context).program(Component::Buildx, "buildx");
    let bytes = fs::read(&program).unwrap();
    let released = context.write_program("own/buildx-v0.99.0.linux-amd64", &bytes);
    let folder = context.write_program("folder/buildx", &bytes);
    fs::remove_dir_all(workspace(&context).component(Component::Buildx)).unwrap();
    for path in [released, folder.with_file_name("")] {
        let built = offline(&["--buildx", &path.display().to_string()]).run().success();
        assert_eq!(built.stdout, hello());
        assert!(built.stderr.contains("with the workspace's buildx"), "{built}");
    }
}

/// A `docker` that hangs keeps nobody waiting for ever: a stand-in, because the real one can't be made to.
#[test]
fn a_docker_that_never_answers_is_given_up() {
    let version = r#"{"Server":{"Version":"28.2.2","ApiVersion":"1.50","Os":"linux"}}"#;
    let stand_in = |answers: bool| {
        let stand_in = StandIn::new("docker", "28.2.2").then(Then::NeverAnswer);
        let stand_in = if answers { stand_in.answers("version --format {{json .}}", version) } else { stand_in };
        let context = machine().with_program("docker", stand_in.script());
        let running = xtask(&context, &["build-sample", "--client", "buildx"]).spawn();
        (context, running)
    };
    let recorded = machine().with_program("docker", StandIn::new("docker", "28.2.2").then(Then::NeverAnswer).script());
    run(&recorded, &["up", "--no-start"]).success();
    let record =
        r#"{"schema":1,"images":[{"engine":"E","image":"docker.io/library/buildkit-sample:1","is_loading":false}]}"#;
    recorded.write("base/in-docker.json", record);
    let clean = xtask(&recorded, &["clean"]).spawn();
    // Side by side: each waits for as long as a Docker may take that is just starting.
    let [(_stuck, stuck), (_hung, hung)] = [false, true].map(stand_in);
    let stuck = stuck.wait().exited(3);
    let sentence = "failed to build with Docker: Docker gives no answer (`docker version` took longer than 15s)";
    assert!(stuck.stderr.contains(sentence) && stuck.stderr.contains("hint: restart it"), "{stuck}");
    let hung = hung.wait().exited(3);
    let sentence =
        "failed to ask for Docker's buildx: Docker gives no answer (`docker buildx version` took longer than 15s)";
    assert!(hung.stderr.contains(sentence) && hung.stderr.contains("`--buildx SPEC|PATH`"), "{hung}");
    let cleaned = clean.wait().success();
    assert!(
        cleaned.stderr.contains("clean`: Docker gives no answer (`docker info` took longer than 15s)"),
        "{cleaned}"
    );
    assert!(recorded.base_dir().join("in-docker.json").exists());
}
