//! A sample: what it says of itself, what its container must print, and how what it printed differs. Pure.

pub mod build;
pub mod manifest;
pub mod verdict;

use crate::workspace::Workspace;
use similar::TextDiff;

/// The name of every sample's image in the workspace's own containerd.
pub const IMAGE: &str = "docker.io/library/buildkit-sample:latest";

/// Its name in a Docker, which has images of other workspaces, and of the user's own.
pub fn image_in_docker(workspace: &Workspace) -> String {
    format!("docker.io/library/buildkit-sample:{}", workspace.id())
}

/// The name of the image of one of several samples, made of what a sample's image is called there.
pub fn image_of(image: &str, sample: &str) -> String {
    match image.rsplit_once(':') {
        Some((name, tag)) => format!("{name}-{sample}:{tag}"),
        None => format!("{image}-{sample}"),
    }
}

/// The file in a sample's folder that holds what its container must print.
pub const EXPECTED_FILE: &str = "expected.txt";

/// The file in a sample's folder that says what it is.
pub const MANIFEST_FILE: &str = "sample.toml";

/// The folder of what a sample's platforms share.
pub const COMMON: &str = "common";

/// The difference between what a container must print and what it printed, as a unified diff; `None` if they agree.
///
/// Windows programs end lines with `\r\n`; that is no difference.
pub fn difference(expected: &str, printed: &str) -> Option<String> {
    let (expected, printed) = (unix_lines(expected), unix_lines(printed));
    (expected != printed).then(|| {
        TextDiff::from_lines(&expected, &printed)
            .unified_diff()
            .context_radius(3)
            .header("expected", "printed")
            .to_string()
    })
}

fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_samples_has_an_image_of_its_own() {
        assert_eq!(image_of("docker.io/library/x:1a", "copy-link"), "docker.io/library/x-copy-link:1a");
        assert_eq!(image_of("x", "y"), "x-y");
    }

    #[test]
    fn windows_line_ends_are_no_difference() {
        for (expected, printed) in [
            ("a\nb\n", "a\r\nb\r\n"),
            // As Git for Windows may check a sample of someone's own out.
            ("a\r\nb\r\n", "a\nb\n"),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\r\nb\n", "a\nb\r\n"),
        ] {
            assert_eq!(difference(expected, printed), None, "{expected:?} {printed:?}");
        }
        let diff = difference("a\r\nb\r\n", "a\nc\n").unwrap();
        assert!(diff.contains(" a\n-b\n+c\n"), "only what differs is shown: {diff:?}");
        let diff = difference("a\nb\n", "a\nc\n").unwrap();
        assert!(diff.contains("-b\n+c\n"), "{diff}");
        assert!(difference("a\n", "a").is_some(), "a missing line end is one");
    }
}
