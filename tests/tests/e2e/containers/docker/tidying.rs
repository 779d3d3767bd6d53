//! Tidying up in Docker, once a build has ended: what comes of that is not what came of the build.

use super::{image, with, workspace};
use crate::{hello, machine};
use std::fs;
use std::path::PathBuf;
use tests::TestContext;
use tests::docker::Engine;

/// Docker's real client, which tells no image's id a second time: the first time is before a build, the next one after it.
fn forgetful(context: TestContext) -> TestContext {
    let path = std::env::var_os("PATH").unwrap();
    let docker = std::env::split_paths(&path).map(|folder| folder.join("docker")).find(|path| path.is_file()).unwrap();
    let fails = "mkdir \"$0.asked\" 2>/dev/null || { echo 'the moon is full' >&2; exit 1; }";
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in 'image inspect --format {{{{.Id}}}} '*) {fails};; esac\nexec '{}' \"$@\"\n",
        docker.display()
    );
    context.with_program("docker", script)
}

#[test]
fn a_build_ends_as_it_did_whatever_docker_says_afterwards() {
    for (command, code) in [("echo on", 0), ("exit 7", 1)] {
        let context = forgetful(machine());
        let engine = Engine::start(&context);
        let fixture = crate::repository().join("fixtures/hello/linux");
        for file in fs::read_dir(fixture).unwrap().flatten() {
            context.write(PathBuf::from("sample").join(file.file_name()), fs::read(file.path()).unwrap());
        }
        let dockerfile = fs::read_to_string(context.root().join("sample/Dockerfile")).unwrap();
        context.write("sample/Dockerfile", format!("{dockerfile}RUN {command}\n"));
        let sample = context.root().join("sample").display().to_string();
        let built = with(&engine, &context, &["build-sample", "--client", "buildx", "--sample", &sample]).run();
        let built = built.exited(code);
        let warning = "warning: failed to tidy up in Docker after the build: `docker image inspect";
        assert!(built.stderr.contains(warning) && built.stderr.contains("failed: the moon is full;"), "{built}");
        if code == 0 {
            assert_eq!(built.stdout, hello(), "{built}");
        } else {
            assert!(built.stderr.contains("did not complete successfully: exit code: 7"), "{built}");
        }
        let record = fs::read(workspace(&context).in_docker()).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        let last = record["images"].as_array().unwrap().last().unwrap();
        assert_eq!(last["image"], format!("docker.io/library/{}", image(&context)), "{record}");
        assert_eq!(last["is_loading"], true, "{record}");
    }
}
