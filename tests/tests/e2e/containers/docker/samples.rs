//! The feature samples with Docker as the client.

use super::with;
use crate::containers::samples::verdicts;
use crate::machine;
use tests::docker::Engine;

/// The samples whose options each client has words of its own for.
const ASKS_MUCH: [&str; 12] = [
    "build-args",
    "cache-export",
    "failing-run",
    "label",
    "local-exporter",
    "named-context",
    "oci-layout",
    "provenance",
    "secret-file",
    "ssh-mount",
    "tar-exporter",
    "target",
];

#[test]
fn docker_makes_of_them_what_buildctl_makes() {
    let context = machine();
    let engine = Engine::start(&context);
    let asked = ["samples", "--json", "--client", "buildx", "--buildx", "latest"];
    let tried = with(&engine, &context, &[&asked[..], &ASKS_MUCH].concat()).run().success();
    let rows = tried.json();
    assert_eq!(verdicts(&rows), ASKS_MUCH.map(|name| (name, "as expected")), "{tried}");
    assert_eq!(tried.json()["client"], "buildx");
    let images = ["image", "ls", "--format", "{{.Repository}}"];
    let loaded = engine.answer(&images);
    assert!(loaded.contains("buildkit-sample-target") && !loaded.contains("buildkit-sample-label"), "{loaded}");
    with(&engine, &context, &["clean"]).run().success();
    assert_eq!(engine.answer(&images), "", "clean takes them all away");
}
