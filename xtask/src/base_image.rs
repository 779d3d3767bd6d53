//! Which base image a Windows host can run containers of. Pure.
//!
//! Containers share the host's kernel. Before Windows Server 2022 that takes an image of exactly the host's build; from then
//! on also one of the long-term release before it
//! (<https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility>). Whether an image is
//! taken at all is `platform_windows_compat.go`'s to say, in <https://github.com/containerd/platforms> v1.0.0-rc.5, with which BuildKit
//! 0.33 and containerd 2.4 are built; rc.2 to rc.4 take none but newer images on a host above 26100.

use crate::platform::Windows;

/// The build argument that a Dockerfile takes its base image from.
pub const BUILD_ARGUMENT: &str = "BASE_IMAGE";

/// What to build on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The image.
    pub reference: &'static str,
    /// Why it may not run there, where that is open.
    pub doubt: Option<&'static str>,
}

const LTSC2019: &str = "mcr.microsoft.com/windows/nanoserver:ltsc2019";
const LTSC2022: &str = "mcr.microsoft.com/windows/nanoserver:ltsc2022";
const LTSC2025: &str = "mcr.microsoft.com/windows/nanoserver:ltsc2025";

/// The base image for a host.
pub fn for_host(host: Windows) -> Choice {
    let (reference, doubt) = match (host.build, host.is_server) {
        (..17763, _) => (LTSC2019, Some("this Windows is older than the image, which takes build 17763")),
        (17763, _) => (LTSC2019, None),
        (17764..20348, _) => {
            (LTSC2019, Some("this Windows runs only images of exactly its own build, and this one is of build 17763"))
        }
        (20348, _) => (LTSC2022, None),
        (26100, true) => (LTSC2025, None),
        (22621 | 22631 | 26100, false) => (LTSC2022, None),
        (26101.., true) => (LTSC2025, Some("this Windows Server is newer than the image, which is of build 26100")),
        // https://github.com/microsoft/hcsshim/issues/2566
        (26200, false) => (
            LTSC2022,
            Some(
                "on Windows 11 25H2 the image of ltsc2025 fails with 0xc0370112; this one is said to run there, with BuildKit 0.33 or newer",
            ),
        ),
        _ => (LTSC2022, Some("it is the nearest one, and not known to run on this build of Windows")),
    };
    Choice { reference, doubt }
}

/// Whether a Dockerfile leaves its base image to whoever builds it. One that doesn't is none of the choice's business; BuildKit
/// itself takes no notice of an argument that nothing asks for.
pub fn is_left_open(dockerfile: &str) -> bool {
    dockerfile.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|word| word.eq_ignore_ascii_case("ARG"))
            && words.any(|word| word.split('=').next() == Some(BUILD_ARGUMENT))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(build: u32, is_server: bool) -> (&'static str, bool) {
        let choice = for_host(Windows { build, is_server });
        let tag = choice.reference.strip_prefix("mcr.microsoft.com/windows/nanoserver:").unwrap();
        (tag, choice.doubt.is_some())
    }

    #[test]
    fn a_build_that_is_known_has_its_image() {
        for is_server in [true, false] {
            assert_eq!(of(17763, is_server), ("ltsc2019", false));
            assert_eq!(of(20348, is_server), ("ltsc2022", false));
        }
        assert_eq!(of(26100, true), ("ltsc2025", false));
        for client in [22621, 22631, 26100] {
            assert_eq!(of(client, false), ("ltsc2022", false), "{client}");
        }
    }

    #[test]
    fn any_other_has_the_nearest_with_a_doubt() {
        for (build, is_server, tag) in [
            (14393, true, "ltsc2019"),
            (19045, false, "ltsc2019"),
            (22000, false, "ltsc2022"),
            (25398, true, "ltsc2022"),
            (26101, false, "ltsc2022"),
            (26200, false, "ltsc2022"),
            (26200, true, "ltsc2025"),
            (28000, false, "ltsc2022"),
            (28000, true, "ltsc2025"),
        ] {
            assert_eq!(of(build, is_server), (tag, true), "{build}");
        }
        let choice = for_host(Windows { build: 26200, is_server: false });
        assert!(choice.doubt.unwrap().contains("25H2") && choice.doubt.unwrap().contains("0xc0370112"));
    }

    #[test]
    fn only_an_arg_leaves_the_base_image_open() {
        assert!(is_left_open("# x\nARG BASE_IMAGE=base\nFROM ${BASE_IMAGE}\n"));
        assert!(is_left_open("  arg A=1 BASE_IMAGE\r\nFROM $BASE_IMAGE\r\n"));
        assert!(!is_left_open(
            "FROM mcr.microsoft.com/windows/nanoserver:ltsc2022\nENV BASE_IMAGE=x\n# ARG BASE_IMAGE\n"
        ));
        assert!(!is_left_open("ARG BASE_IMAGES=x\n"));
    }
}
