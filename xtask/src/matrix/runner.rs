//! The machines that cells run on: GitHub's, this one, and others that somebody names.

use crate::error::{Error, Result};
use crate::platform::{Arch, Os, Platform};

/// This machine, under this name.
pub const LOCAL: &str = "local";

/// A machine, as far as it matters which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runner {
    /// As `runs-on` names it.
    pub label: String,
    /// What its programs are made for.
    pub platform: Platform,
    /// Its build of Windows, where it is one and that is known.
    pub build: Option<u32>,
}

impl Runner {
    /// Machines by what they are called, each as [`Runner::named`] has it.
    ///
    /// # Errors
    /// When a name tells nothing, or two of them tell different things of one label: a cell has only that.
    pub fn all_named(texts: &[String], here: &Runner) -> Result<Vec<Self>> {
        let mut runners: Vec<Self> = Vec::new();
        for text in texts {
            let runner = Self::named(text.trim(), here)?;
            if let Some(other) = runners.iter().find(|other| other.label == runner.label && **other != runner) {
                return Err(Error::usage(format!(
                    "`--runner` has `{}` twice, once as {} and once as {}",
                    runner.label,
                    other.told(),
                    runner.told()
                ))
                .hint("give each machine a label of its own, such as mine=26100,other=26200"));
            }
            runners.push(runner);
        }
        Ok(runners)
    }

    /// A machine by what it is called: one of GitHub's, `local`, or `LABEL=BUILD` for a Windows of one's own.
    ///
    /// `here` is this machine. Source: <https://docs.github.com/actions/reference/runners/github-hosted-runners>
    ///
    /// # Errors
    /// When the name tells nothing.
    pub fn named(text: &str, here: &Runner) -> Result<Self> {
        if text == LOCAL {
            return Ok(here.clone());
        }
        if let Some((label, build)) = text.split_once('=') {
            let refuse = |why: &str| {
                Error::usage(format!("`--runner {text}`: {why}")).hint("give LABEL=BUILD, such as mine=26200")
            };
            let build = build.parse().map_err(|_| refuse(&format!("`{build}` is no build number of Windows")))?;
            match label {
                "" => return Err(refuse("there is no label before the build")),
                LOCAL => return Err(refuse("`local` is this machine, whatever its build")),
                _ => {}
            }
            let platform = Platform { os: Os::Windows, arch: Arch::Amd64 };
            return Ok(Self { label: label.to_owned(), platform, build: Some(build) });
        }
        let arch = if text.ends_with("-arm") { Arch::Arm64 } else { Arch::Amd64 };
        let of = |os, build| Ok(Self { label: text.to_owned(), platform: Platform { os, arch }, build });
        let mut parts = text.split('-');
        match (parts.next(), parts.next()) {
            (Some("ubuntu"), Some(_)) => of(Os::Linux, None),
            (Some("windows"), Some("2019")) => of(Os::Windows, Some(17763)),
            (Some("windows"), Some("2022")) => of(Os::Windows, Some(20348)),
            (Some("windows"), Some("2025")) => of(Os::Windows, Some(26100)),
            // These move from one Windows to the next.
            (Some("windows"), Some(_)) => of(Os::Windows, None),
            _ => Err(Error::usage(format!("`--runner {text}` names no machine that containerd and BuildKit are released for"))
                .hint("name a runner of GitHub's such as windows-2025 or ubuntu-24.04, `local`, or LABEL=BUILD for a Windows of your own")),
        }
    }

    /// What it is, for people.
    fn told(&self) -> String {
        self.build.map_or_else(|| self.platform.to_string(), |build| format!("{} of build {build}", self.platform))
    }

    /// Why cells for a machine of a name can't be run on this one; nothing where they can.
    pub fn refuses(&self, label: &str, platform: Platform) -> Option<String> {
        if platform != self.platform {
            return Some(format!("it is for {platform}, and this is {}", self.platform));
        }
        // What tells nothing of its Windows may be this one.
        let build = Self::named(label, self).ok().and_then(|runner| runner.build)?;
        let here = self.build.filter(|here| *here != build)?;
        Some(format!("it is for build {build} of Windows, and this is {here}"))
    }
}
