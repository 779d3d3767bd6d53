//! A sample: what its container must print, and how what it printed differs. Pure.

use crate::workspace::Workspace;
use similar::TextDiff;

/// The name of every sample's image in the workspace's own containerd.
pub const IMAGE: &str = "docker.io/library/buildkit-sample:latest";

/// Its name in a Docker, which has images of other workspaces, and of the user's own.
pub fn image_in_docker(workspace: &Workspace) -> String {
    format!("docker.io/library/buildkit-sample:{}", workspace.id())
}

/// The file in a sample's folder that holds what its container must print.
pub const EXPECTED_FILE: &str = "expected.txt";

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
