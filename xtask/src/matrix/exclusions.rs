//! What is known not to work together, and what somebody wants left out.

use super::Cell;
use super::runner::Runner;
use crate::error::{Error, Result};
use crate::platform::Os;
use semver::Version;

/// The newest build of Windows that containerd/platforms v1.0.0-rc.2 to rc.4 find an older image for.
const NEWEST_FOR_OLD_PLATFORMS: u32 = 26100;

/// Some versions of a component, by their first numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// All that begin so: `2.3`.
    Prefix(Vec<u64>),
    /// From one to another, both with all that begin so: `0.26..0.32`.
    Between(Vec<u64>, Vec<u64>),
    /// A branch.
    Ref(String),
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let numbers = |text: &str| -> Option<Vec<u64>> {
            let numbers: Option<Vec<u64>> =
                text.trim_end_matches(".x").split('.').map(|number| number.parse().ok()).collect();
            numbers.filter(|numbers| numbers.len() <= 3)
        };
        if let Some((from, to)) = text.split_once("..") {
            let (from, to) = (numbers(from)?, numbers(to)?);
            let shorter = from.len().min(to.len());
            return (from[..shorter] <= to[..shorter]).then_some(Range::Between(from, to));
        }
        let is_ref = !text.is_empty() && text.starts_with(|c: char| c.is_ascii_alphabetic());
        numbers(text).map(Range::Prefix).or_else(|| is_ref.then(|| Range::Ref(text.to_owned())))
    }

    fn holds(&self, version: &str) -> bool {
        let numbers = Version::parse(version).ok().map(|version| [version.major, version.minor, version.patch]);
        match (self, numbers) {
            (Range::Ref(reference), _) => reference == version,
            (_, None) => false,
            (Range::Prefix(prefix), Some(numbers)) => numbers.starts_with(prefix),
            (Range::Between(from, to), Some(numbers)) => {
                numbers[..from.len()] >= from[..] && numbers[..to.len()] <= to[..]
            }
        }
    }
}

/// Cells that are left out: those for which all of it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    buildkit: Option<Range>,
    containerd: Option<Range>,
    runner: Option<String>,
    os: Option<Os>,
    above_build: Option<u32>,
    /// Why, for people: reads on after "because".
    pub reason: String,
}

impl Exclusion {
    /// Reads `buildkit=0.26..0.32,containerd=2.1,runner=windows-2025`: any of the three, and all that are given must hold.
    ///
    /// # Errors
    /// When it says something else.
    pub fn parse(text: &str) -> Result<Self> {
        let hint = "give one or more of buildkit=, containerd= and runner=, with commas between, as in buildkit=0.26..0.32,containerd=2.1";
        let refuse = |why: String| Error::usage(format!("`--exclude {text}`: {why}")).hint(hint);
        let mut exclusion = Self::because(format!("`--exclude {text}` says so"));
        for part in text.split(',') {
            let (name, value) =
                part.trim().split_once('=').ok_or_else(|| refuse(format!("`{part}` is no condition")))?;
            let range = || Range::parse(value).ok_or_else(|| refuse(format!("`{value}` names no versions")));
            let before = match name {
                "buildkit" => exclusion.buildkit.replace(range()?).is_some(),
                "containerd" => exclusion.containerd.replace(range()?).is_some(),
                "runner" => exclusion.runner.replace(value.to_owned()).is_some(),
                _ => return Err(refuse(format!("there is no `{name}` in a cell"))),
            };
            if before {
                return Err(refuse(format!("`{name}` can't be two things at once")));
            }
        }
        Ok(exclusion)
    }

    fn because(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { buildkit: None, containerd: None, runner: None, os: None, above_build: None, reason }
    }

    /// Whether a cell is left out by it.
    pub fn applies(&self, cell: &Cell, runner: &Runner) -> bool {
        self.buildkit.as_ref().is_none_or(|range| range.holds(&cell.buildkit))
            && self.containerd.as_ref().is_none_or(|range| range.holds(&cell.containerd))
            && self.runner.as_ref().is_none_or(|label| *label == cell.runner)
            && self.os.is_none_or(|os| os == runner.platform.os)
            && self.above_build.is_none_or(|build| runner.build.is_some_and(|known| known > build))
    }
}

/// What is known not to work together.
pub fn known() -> Vec<Exclusion> {
    // https://github.com/containerd/platforms: `platform_windows_compat.go` of v1.0.0-rc.2 to rc.4.
    let refuses = |what: &str| {
        format!(
            "{what} takes none but newer images on a Windows above build {NEWEST_FOR_OLD_PLATFORMS}, and there is none"
        )
    };
    let above = Some(NEWEST_FOR_OLD_PLATFORMS);
    vec![
        Exclusion {
            os: Some(Os::Windows),
            containerd: Some(Range::Between(vec![0], vec![1, 7, 6])),
            // https://github.com/moby/buildkit/blob/master/docs/windows.md
            ..Exclusion::because("BuildKit on Windows takes containerd 1.7.7 or newer")
        },
        Exclusion {
            above_build: above,
            buildkit: Some(Range::Between(vec![0, 26], vec![0, 32])),
            ..Exclusion::because(refuses("BuildKit 0.26 to 0.32"))
        },
        Exclusion {
            above_build: above,
            containerd: Some(Range::Between(vec![2, 1], vec![2, 3, 2])),
            ..Exclusion::because(refuses("containerd 2.1 to 2.3.2"))
        },
    ]
}
