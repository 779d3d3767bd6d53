//! What `build-sample --json` prints.

use super::healing::sample;
use crate::{machine, run};
use tests::{Outcome, TestContext, assert_outcome, real};

/// An outcome without the versions that are the newest just now.
fn shown(context: &TestContext, mut outcome: Outcome) -> Outcome {
    let real = real::programs(context.program());
    for (version, name) in [(real.containerd(), "[CONTAINERD]"), (&real.buildkit, "[BUILDKIT]")] {
        outcome.stdout = outcome.stdout.replace(&format!("\"{version}\""), &format!("\"{name}\""));
    }
    outcome
}

#[test]
fn the_report_is_one_object_whatever_the_outcome() {
    let context = machine();
    let built = run(&context, &["build-sample", "-q", "--json"]).success();
    assert_outcome!(shown(&context, built), @r#"
    exit code: 0
    ----- stdout -----
    {
      "versions": {
        "buildkit": "[BUILDKIT]",
        "containerd": "[CONTAINERD]",
        "runc": "unknown"
      },
      "client": "buildctl",
      "sample": "hello",
      "base_image": "oci-layout://host@sha256:[SHA256]",
      "printed": "Hello from a container!/ncontainerd runs it, and BuildKit built its image./nThis line was added by RUN./n",
      "ran_again": false,
      "as_expected": true,
      "healed": null,
      "resets": [],
      "failure": null,
      "exit": {
        "code": 0,
        "class": "done"
      },
      "took": {
        "build_ms": "[NUMBER]",
        "run_ms": "[NUMBER]",
        "total_ms": "[NUMBER]"
      }
    }
    ----- stderr -----
    "#);
    let other = sample(&context);
    context.write("hello/expected.txt", "Hello\n");
    let differs = run(&context, &["build-sample", "-q", "--json", "--sample", &other]).exited(1);
    assert_outcome!(shown(&context, differs), @r#"
    exit code: 1
    ----- stdout -----
    {
      "versions": {
        "buildkit": "[BUILDKIT]",
        "containerd": "[CONTAINERD]",
        "runc": "unknown"
      },
      "client": "buildctl",
      "sample": "[ROOT]/hello",
      "base_image": "oci-layout://host@sha256:[SHA256]",
      "printed": "Hello from a container!/ncontainerd runs it, and BuildKit built its image./nThis line was added by RUN./n",
      "ran_again": false,
      "as_expected": false,
      "healed": null,
      "resets": [],
      "failure": {
        "id": null,
        "class": null,
        "message": "the container of `docker.io/library/buildkit-sample:latest` printed something else than it must:/n--- expected/n+++ printed/n@@ -1 +1,3 @@/n-Hello/n+Hello from a container!/n+containerd runs it, and BuildKit built its image./n+This line was added by RUN.",
        "hint": "if the state of an earlier run is to blame, `cargo xtask reset` and try again",
        "upstream": null
      },
      "exit": {
        "code": 1,
        "class": "failed"
      },
      "took": {
        "build_ms": "[NUMBER]",
        "run_ms": "[NUMBER]",
        "total_ms": "[NUMBER]"
      }
    }
    ----- stderr -----
    error: the container of `docker.io/library/buildkit-sample:latest` printed something else than it must:
    --- expected
    +++ printed
    @@ -1 +1,3 @@
    -Hello
    +Hello from a container!
    +containerd runs it, and BuildKit built its image.
    +This line was added by RUN.

    hint: if the state of an earlier run is to blame, `cargo xtask reset` and try again
    "#);
}
