//! Programs that stand in for containerd, BuildKit and runc where a real one won't fail on demand.

use std::fmt::Write as _;

/// What a stand-in does when it is called for anything that it has no answer to, such as serving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Says something on stderr and exits at once.
    Exit {
        /// The exit code.
        code: u8,
        /// What it says first.
        saying: String,
    },
    /// Runs on and never answers on any endpoint; it ends when asked to.
    NeverAnswer,
    /// Runs on, never answers, and has to be killed.
    IgnoreStop,
}

/// A stand-in for a released program: a `/bin/sh` script, so for Linux only.
///
/// It is there for the faults that a real daemon does not give on demand: one that exits at once, one that never
/// answers, one that won't stop, one that prints a given text. It proves nothing about containerd or BuildKit; what
/// they do is tested with the real ones, end to end.
///
/// It answers `--version` as the program of its name does. A process of it has `/bin/sh` as its executable.
#[derive(Debug, Clone)]
pub struct StandIn {
    version: String,
    answers: Vec<(String, String)>,
    then: Then,
}

impl StandIn {
    /// A stand-in for `containerd`, `ctr`, `buildkitd`, `buildctl`, `runc` or any other program, in a version without
    /// the `v`. Called for anything but its version, it exits with 0.
    pub fn new(program: &str, version: &str) -> Self {
        let then = Then::Exit { code: 0, saying: String::new() };
        Self { version: version_text(program, version), answers: Vec::new(), then }
    }

    /// Prints a text on stdout and exits with 0 when called with exactly these arguments, joined by blanks.
    #[must_use]
    pub fn answers(mut self, arguments: &str, text: &str) -> Self {
        self.answers.push((arguments.to_owned(), text.to_owned()));
        self
    }

    /// Prints something else than the program of its name does when asked for its version.
    #[must_use]
    pub fn says_version(mut self, text: &str) -> Self {
        text.clone_into(&mut self.version);
        self
    }

    /// Does this when called for anything else.
    #[must_use]
    pub fn then(mut self, then: Then) -> Self {
        self.then = then;
        self
    }

    /// The program's bytes: to be written with mode 755, or packed.
    pub fn script(&self) -> Vec<u8> {
        let mut script = "#!/bin/sh\ncase \"$*\" in\n".to_owned();
        let version = ("--version".to_owned(), self.version.clone());
        for (arguments, text) in std::iter::once(&version).chain(&self.answers) {
            let _ = write!(script, "{})\n  printf '%s' {}\n  exit 0;;\n", quote(arguments), quote(text));
        }
        script.push_str("esac\n");
        // Opened both ways, a fifo is read for ever; no other process has to be there, and none is left behind.
        let wait =
            "fifo=$(mktemp -d) && mkfifo \"$fifo/f\" && exec 3<>\"$fifo/f\" && rm -r \"$fifo\" && read -r _ <&3\n";
        let _ = match &self.then {
            Then::Exit { code, saying } => write!(script, "printf '%s' {} >&2\nexit {code}\n", quote(saying)),
            Then::NeverAnswer => write!(script, "{wait}"),
            Then::IgnoreStop => write!(script, "trap '' TERM INT HUP\n{wait}"),
        };
        script.into_bytes()
    }
}

/// What each program prints when it is asked for its version.
fn version_text(program: &str, version: &str) -> String {
    let revision = "0123456789abcdef0123456789abcdef01234567";
    match program {
        "containerd" | "ctr" | "containerd-shim-runc-v2" => {
            let module = if version.starts_with("1.") { "" } else { "/v2" };
            format!("{program} github.com/containerd/containerd{module} v{version} {revision}\n")
        }
        "buildkitd" | "buildctl" => format!("{program} github.com/moby/buildkit v{version} {revision}\n"),
        "runc" => format!("runc version {version}\ncommit: v{version}-0-g01234567\nspec: 1.2.1\ngo: go1.24.3\n"),
        _ => format!("{program} {version}\n"),
    }
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
