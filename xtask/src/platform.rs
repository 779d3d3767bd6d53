//! Operating system and architecture, in the names that upstream's release assets and Go use.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An operating system that containerd and BuildKit are released for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux.
    Linux,
    /// Windows.
    Windows,
}

/// A processor architecture, by Go's name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

/// Which Windows a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// The build number, which tells one Windows from another more truly than its name.
    pub build: u32,
    /// A Windows Server, or else one for people.
    pub is_server: bool,
}

impl Windows {
    /// The command that switches containers on, for an elevated PowerShell.
    pub fn containers_command(self) -> &'static str {
        if self.is_server {
            "Install-WindowsFeature Containers"
        } else {
            "Enable-WindowsOptionalFeature -Online -FeatureName Containers -All"
        }
    }

    /// How to switch containers on.
    pub fn enabling_containers(self) -> String {
        let command = self.containers_command();
        format!("enable the Containers feature with `{command}` in an elevated PowerShell, then restart")
    }
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} build {}", if self.is_server { "Windows Server" } else { "Windows" }, self.build)
    }
}

/// What programs are made for, written `OS-ARCH` as in `windows-amd64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Platform {
    /// Operating system.
    pub os: Os,
    /// Architecture.
    pub arch: Arch,
}

impl Platform {
    /// The platform this program was built for.
    ///
    /// # Errors
    /// On an operating system or architecture that containerd isn't released for.
    pub fn host() -> Result<Self, Error> {
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        format!("{}-{arch}", std::env::consts::OS).parse()
    }

    /// The file name of a program: `ctr`, or `ctr.exe` on Windows.
    pub fn exe(&self, program: &str) -> String {
        match self.os {
            Os::Linux => program.to_owned(),
            Os::Windows => format!("{program}.exe"),
        }
    }
}

impl Os {
    /// Go's name, as in `GOOS`.
    pub fn as_str(self) -> &'static str {
        match self {
            Os::Linux => "linux",
            Os::Windows => "windows",
        }
    }
}

impl Arch {
    /// Go's name, as in `GOARCH`.
    pub fn as_str(self) -> &'static str {
        match self {
            Arch::Amd64 => "amd64",
            Arch::Arm64 => "arm64",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.os.as_str(), self.arch.as_str())
    }
}

impl From<Platform> for String {
    fn from(platform: Platform) -> Self {
        platform.to_string()
    }
}

impl TryFrom<String> for Platform {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl FromStr for Platform {
    type Err = Error;

    /// Takes `OS-ARCH` and, as Docker writes it, `OS/ARCH`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || {
            Error::usage(format!("`{text}` is no platform that containerd and BuildKit are released for"))
                .hint("platforms are linux-amd64, linux-arm64, windows-amd64 and windows-arm64")
        };
        let (os, arch) = text.split_once(['-', '/']).ok_or_else(unknown)?;
        let os = match os {
            "linux" => Os::Linux,
            "windows" => Os::Windows,
            _ => return Err(unknown()),
        };
        let arch = match arch {
            "amd64" => Arch::Amd64,
            "arm64" => Arch::Arm64,
            _ => return Err(unknown()),
        };
        Ok(Self { os, arch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_switched_on_in_the_way_of_each_windows() {
        let how = |is_server| Windows { build: 26100, is_server }.enabling_containers();
        assert!(how(false).contains("`Enable-WindowsOptionalFeature -Online -FeatureName Containers -All`"));
        assert!(how(true).contains("`Install-WindowsFeature Containers`"));
        assert!(how(true).ends_with("then restart"));
        assert_eq!(Windows { build: 20348, is_server: true }.to_string(), "Windows Server build 20348");
    }

    #[test]
    fn platforms_read_both_spellings_and_write_one() {
        assert_eq!("windows/amd64".parse::<Platform>().unwrap().to_string(), "windows-amd64");
        assert_eq!("linux-arm64".parse::<Platform>().unwrap().exe("ctr"), "ctr");
        for bad in ["", "linux", "plan9-amd64", "linux-riscv64", "linux-amd64-x"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }
}
