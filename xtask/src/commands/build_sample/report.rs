//! What `build-sample --json` prints: one object, whatever the command came to.

use super::blame::Blamed;
use crate::commands::reset::Freed;
use crate::error::Class;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What is known when the command ends. What it never came to is `null`.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The versions of the programs, by component.
    pub versions: BTreeMap<&'static str, String>,
    /// The sample, as it was asked for.
    pub sample: String,
    /// What it was built on; `null` where its Dockerfile alone says so.
    pub base_image: Option<String>,
    /// What the container printed, also one that failed.
    pub printed: Option<String>,
    /// Whether that is what it must print; `null` where nothing says what it must.
    pub as_expected: Option<bool>,
    /// The level of `reset` after which it passed; `null` where none was needed, or none helped.
    pub healed: Option<&'static str>,
    /// Each level that was done, and what it freed.
    pub resets: Vec<Freed>,
    /// Why the command failed.
    pub failure: Option<Why>,
    /// What it ended with.
    pub exit: Exit,
    /// In milliseconds.
    pub took: Took,
}

/// Why the command failed.
#[derive(Debug, Serialize)]
pub struct Why {
    /// The name of what is known of it; `null` where nothing is.
    id: Option<&'static str>,
    /// What kind of failure that is.
    class: Option<&'static str>,
    /// As people read it.
    message: String,
    /// What to do next.
    hint: Option<String>,
}

/// What the command ended with.
#[derive(Debug, Serialize)]
pub struct Exit {
    code: u8,
    /// The same in words: `done`, `failed`, `usage` or `ground`.
    class: &'static str,
}

impl Default for Exit {
    fn default() -> Self {
        Self { code: 0, class: "done" }
    }
}

/// How long things took. Of several attempts at building and running, the last one counts.
#[derive(Debug, Default, Serialize)]
pub struct Took {
    /// The build.
    pub build_ms: Option<u64>,
    /// The container, from `ctr run` to its end.
    pub run_ms: Option<u64>,
    /// The command, with all that it had to fetch, start and reset.
    pub total_ms: u64,
}

impl Report {
    /// Nothing is known yet but the sample.
    pub fn new(sample: String) -> Self {
        Self { sample, ..Self::default() }
    }

    /// Takes note of how the command ended.
    pub fn end(&mut self, ended: &Result<(), Blamed>, took: Duration) {
        self.took.total_ms = millis(took);
        let Err(blamed) = ended else { return };
        let class = blamed.error.class();
        self.exit = Exit { code: class.exit_code(), class: exit_class(class) };
        self.failure = Some(Why {
            id: blamed.known.map(|known| known.id),
            class: blamed.known.map(|known| known.class.name()),
            message: blamed.error.to_string(),
            hint: blamed.error.hint_text().map(str::to_owned),
        });
    }
}

fn exit_class(class: Class) -> &'static str {
    match class {
        Class::Failed => "failed",
        Class::Usage => "usage",
        Class::Ground => "ground",
    }
}

/// A duration as reports have it.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::failure;

    #[test]
    fn a_failure_is_told_with_what_is_known_of_it() {
        let mut report = Report::new("hello".into());
        let known = failure::find("disk-full");
        let error = Error::ground("failed to build").hint("free some");
        report.end(&Err(Blamed { error, known, is_stale: false }), Duration::from_millis(1500));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            json["failure"],
            serde_json::json!({
                "id": "disk-full", "class": "ground", "message": "failed to build", "hint": "free some"
            })
        );
        assert_eq!(json["exit"], serde_json::json!({ "code": 3, "class": "ground" }));
        assert_eq!(json["took"]["total_ms"], 1500);
    }
}
