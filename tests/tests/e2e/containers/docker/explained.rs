//! What Docker's own client says when it gets no answer is explained.

use crate::explained::means;
use crate::machine;
use std::os::unix::net::UnixListener;
use tests::TestContext;

#[test]
fn a_docker_that_is_not_there_and_one_that_refuses() {
    let context = machine();
    let path = std::env::var_os("PATH").unwrap();
    let mut dockers = std::env::split_paths(&path).map(|folder| folder.join("docker"));
    let docker = TestContext::new(dockers.find(|path| path.is_file()).unwrap());
    means(&context, &docker.xtask(["version"]).run().exited(1).stderr, "docker-stopped");
    let path = docker.root().join("docker.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let refused = docker.unprivileged_xtask(["version"]).env("DOCKER_HOST", format!("unix://{}", path.display()));
    means(&context, &refused.run().exited(1).stderr, "docker-refused");
    drop(listener);
}
