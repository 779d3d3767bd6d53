//! What `doctor` says: a list of checks, each with its verdict, what was found and what mends it. Pure.
//!
//! What is found is brought by [`crate::probe`]; here it is judged.

pub mod antivirus;
pub mod buildx;
pub mod docker;
pub mod linux;
pub mod machine;
pub mod mounts;
pub mod net;
pub mod proxies;
pub mod windows;

use crate::platform::Os;
use serde::Serialize;

/// How good what was found is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it must be.
    Ok,
    /// It may bite, or it can't be told.
    Warning,
    /// It will bite.
    Problem,
    /// Nobody looked, because of what was asked for or because another check tells it already.
    Skipped,
}

impl Verdict {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Problem => "problem",
            Verdict::Skipped => "skipped",
        }
    }
}

/// One prerequisite, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which.
    pub check: &'static str,
    /// How good it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it, where words are needed.
    pub advice: Option<String>,
    /// The one command that mends it: for PowerShell on Windows, for `sh` elsewhere.
    pub command: Option<String>,
}

impl Check {
    fn new(check: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self { check, verdict, found: found.into(), advice: None, command: None }
    }

    /// It is as it must be.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, found)
    }

    /// It may bite.
    pub fn warning(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Warning, found)
    }

    /// It will bite.
    pub fn problem(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Problem, found)
    }

    /// It can't be told, and why.
    pub fn untold(check: &'static str, why: impl std::fmt::Display) -> Self {
        Self::warning(check, format!("can't be told: {why}"))
    }

    /// Nobody looked, and why.
    pub fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Self::new(check, Verdict::Skipped, why)
    }

    /// Adds what to do.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Adds the command that mends it.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }
}

/// How many checks came out in a way.
pub fn count(checks: &[Check], verdict: Verdict) -> usize {
    checks.iter().filter(|check| check.verdict == verdict).count()
}

/// The list as people read it, with a line below each check that needs one.
pub fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.check.len()).max().unwrap_or_default();
    let mut text = String::new();
    for check in checks {
        text.push_str(&format!("{:<7}  {:<width$}  {}\n", check.verdict.as_str(), check.check, check.found));
        let below = " ".repeat(7 + 2 + width + 2);
        if let Some(advice) = &check.advice {
            text.push_str(&format!("{below}{advice}\n"));
        }
        if let Some(command) = &check.command {
            text.push_str(&format!("{below}mend it with: {command}\n"));
        }
    }
    text
}

/// The same for root, who needs no `sudo`, and in a container mostly has none.
pub fn for_root(checks: Vec<Check>) -> Vec<Check> {
    let without = |command: String| match command.strip_prefix("sudo ") {
        Some(command) => command.to_owned(),
        None => command,
    };
    checks.into_iter().map(|check| Check { command: check.command.map(without), ..check }).collect()
}

/// Why there is no command to print, where there is none.
pub fn why_no_commands(checks: &[Check]) -> Option<&'static str> {
    if checks.iter().any(|check| check.command.is_some()) {
        None
    } else if count(checks, Verdict::Problem) + count(checks, Verdict::Warning) > 0 {
        Some("no command mends what was found: without `--fix`, `doctor` tells what does")
    } else {
        Some("there is nothing to mend")
    }
}

/// The commands that mend what needs it, one a line, each once.
pub fn commands(checks: &[Check]) -> String {
    let mut commands: Vec<&str> = Vec::new();
    for command in checks.iter().filter_map(|check| check.command.as_deref()) {
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands.iter().map(|command| format!("{command}\n")).collect()
}

/// The list as scripts read it.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// Grows when a field changes its meaning.
    schema: u32,
    platform: String,
    problems: usize,
    warnings: usize,
    checks: &'a [Check],
}

impl<'a> Report<'a> {
    /// Of a host of a platform.
    pub fn new(platform: String, checks: &'a [Check]) -> Self {
        let (problems, warnings) = (count(checks, Verdict::Problem), count(checks, Verdict::Warning));
        Self { schema: 1, platform, problems, warnings, checks }
    }
}

/// Puts the workspace where little can be wrong with its place. Nothing is started there yet.
fn elsewhere(check: Check, os: Os) -> Check {
    let command = match os {
        Os::Windows => r"$Env:BUILDKIT_WINDOWS_BASE_DIR = 'C:\bw'".to_owned(),
        Os::Linux => elsewhere_on_linux("/var/tmp"),
    };
    advise_elsewhere(check, os).command(command)
}

fn elsewhere_on_linux(folder: &str) -> String {
    format!("export BUILDKIT_WINDOWS_BASE_DIR={folder}/buildkit-windows-test")
}

fn advise_elsewhere(check: Check, os: Os) -> Check {
    check.advise(match os {
        Os::Windows => "give each command `--base-dir DIR`, or set it for this shell",
        Os::Linux => "give each command `--base-dir DIR`, or set it for this shell (`sudo` takes variables away)",
    })
}

/// A text as one word of PowerShell's.
pub fn quoted_for_powershell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks() -> Vec<Check> {
        vec![
            Check::ok("system", "fine"),
            Check::warning("long-paths", "short").command("lengthen"),
            Check::problem("disk", "full").advise("free some").command("lengthen"),
            Check::skipped("github", "offline"),
        ]
    }

    #[test]
    fn text_and_json_are_of_one_list() {
        assert_eq!(
            text(&checks()),
            "ok       system      fine\n\
             warning  long-paths  short\n                     mend it with: lengthen\n\
             problem  disk        full\n                     free some\n                     mend it with: lengthen\n\
             skipped  github      offline\n"
        );
        let json = serde_json::to_value(Report::new("linux-amd64".into(), &checks())).unwrap();
        assert_eq!((&json["problems"], &json["warnings"]), (&1.into(), &1.into()));
        let expected = serde_json::json!({
            "check": "disk", "verdict": "problem", "found": "full", "advice": "free some", "command": "lengthen",
        });
        assert_eq!(json["checks"][2], expected);
    }

    #[test]
    fn a_command_is_listed_once() {
        assert_eq!(commands(&checks()), "lengthen\n");
        assert_eq!(commands(&[]), "");
    }

    #[test]
    fn that_there_is_no_command_is_told_with_the_reason() {
        assert_eq!(why_no_commands(&checks()), None);
        assert_eq!(why_no_commands(&[Check::ok("x", "fine")]), Some("there is nothing to mend"));
        let untold = why_no_commands(&[Check::untold("x", "dark")]);
        assert!(untold.unwrap().starts_with("no command mends what was found"));
    }

    #[test]
    fn root_needs_no_sudo() {
        let mended = |command: &str| for_root(vec![Check::ok("x", "").command(command)]).remove(0).command.unwrap();
        assert_eq!(mended("sudo modprobe overlay"), "modprobe overlay");
        assert_eq!(mended("export A=sudo x"), "export A=sudo x");
    }

    #[test]
    fn a_quoted_path_is_one_word() {
        assert_eq!(quoted_for_powershell(r"C:\it's mine"), r"'C:\it''s mine'");
    }
}
