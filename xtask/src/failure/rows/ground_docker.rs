//! Docker, where it drives the build.

use super::{CLIENT, Class, Failure, LINUX, WINDOWS};

/// The rows.
pub(super) const ROWS: &[Failure] = &[
    Failure {
        id: "docker-down",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT,
        matchers: &[
            &["annot connect to the Docker daemon at npipe:"],
            &["failed to connect to the docker API at npipe:"],
            &["./pipe/docker", ": The system cannot find the file specified"],
            &[r".\pipe\docker", ": The system cannot find the file specified"],
        ],
        cause: "Docker is not running, or not in the mode for these containers",
        remedy: "start it, and let it switch to Windows containers",
        link: "https://github.com/docker/for-win/issues/3384",
    },
    Failure {
        id: "docker-not-elevated",
        class: Class::Ground,
        platforms: WINDOWS,
        said_by: CLIENT,
        matchers: &[
            &["./pipe/docker", ": Access is denied"],
            &[r".\pipe\docker", ": Access is denied"],
            &["permission denied while trying to connect to the docker API at npipe:"],
        ],
        cause: "Docker does not let this user in",
        remedy: "run the same command in a terminal opened with *Run as administrator*, or join the group `docker-users`",
        link: "https://github.com/moby/moby/blob/master/client/request.go",
    },
    Failure {
        id: "docker-stopped",
        class: Class::Ground,
        platforms: LINUX,
        said_by: CLIENT,
        matchers: &[
            &["annot connect to the Docker daemon at unix:"],
            &["annot connect to the Docker daemon. Is"],
            &["annot connect to the Docker daemon", "dial unix", "connect: no such file or directory"],
            &["annot connect to the Docker daemon", "dial unix", "connect: connection refused"],
            &["failed to connect to the docker API at unix:"],
            &["failed to connect to the docker API at unix:", "connect: no such file or directory"],
            &["failed to connect to the docker API at unix:", "connect: connection refused"],
        ],
        cause: "Docker is not running, or listens elsewhere",
        remedy: "start it (`systemctl start docker`), or check DOCKER_HOST and `docker context ls`; `--client buildctl` needs no Docker",
        link: "https://github.com/moby/moby/blob/master/client/errors.go",
    },
    Failure {
        id: "docker-refused",
        class: Class::Ground,
        platforms: LINUX,
        said_by: CLIENT,
        matchers: &[
            &["permission denied while trying to connect to the Docker daemon socket at unix:"],
            &[
                "permission denied while trying to connect to the Docker daemon socket at unix:",
                "connect: permission denied",
            ],
            &["permission denied while trying to connect to the docker API at unix:"],
        ],
        cause: "Docker does not let this user in",
        remedy: "run the same command as root, or as a member of the group `docker`",
        link: "https://docs.docker.com/engine/install/linux-postinstall/",
    },
];
