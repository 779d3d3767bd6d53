//! Whether a sample ended as was expected of it. Pure.

use super::manifest::{Expectation, Expected};
use crate::failure::Failure;
use crate::result::{self, Verdict};

/// How a sample ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All was built and printed what it must.
    Works,
    /// Something failed, and this is what is known of it.
    Fails(Option<&'static Failure>),
    /// It was not put to the test, or the ground failed under it: why.
    Skipped(String),
}

impl Outcome {
    /// As reports have it.
    pub fn kind(&self) -> result::Outcome {
        match self {
            Outcome::Works => result::Outcome::Works,
            Outcome::Fails(_) => result::Outcome::Fails,
            Outcome::Skipped(_) => result::Outcome::Skipped,
        }
    }
}

/// Judges a sample, with the reason where there is one to give.
pub fn judge(expectation: &Expectation, outcome: &Outcome) -> (Verdict, Option<String>) {
    let of = |found: Option<&Failure>| found.map_or("something that is not known".to_owned(), |row| row.id.to_owned());
    match (&expectation.expected, outcome) {
        (_, Outcome::Skipped(reason)) => (Verdict::Skipped, Some(reason.clone())),
        (Expected::Works, Outcome::Works) => (Verdict::AsExpected, None),
        (Expected::Works, Outcome::Fails(_)) => (Verdict::NewlyBroken, None),
        (Expected::Fails(row), Outcome::Works) => {
            (Verdict::NewlyFixed, Some(format!("it was expected to fail of {}", row.id)))
        }
        (Expected::Fails(row), Outcome::Fails(found)) if found.is_some_and(|found| found.id == row.id) => {
            (Verdict::AsExpected, Some(format!("it fails of {}", row.id)))
        }
        (Expected::Fails(row), Outcome::Fails(found)) => {
            (Verdict::NewlyBroken, Some(format!("it was expected to fail of {}, and fails of {}", row.id, of(*found))))
        }
        (Expected::Untested, Outcome::Works) => (Verdict::NewlyFixed, Some("nobody knew whether it works".into())),
        (Expected::Untested, Outcome::Fails(found)) => {
            (Verdict::AsExpected, Some(format!("nobody knew whether it works; it fails of {}", of(*found))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure;
    use crate::platform::Os;
    use crate::sample::manifest::Manifest;
    use std::path::Path;

    #[test]
    fn only_what_was_expected_to_work_or_to_fail_otherwise_is_newly_broken() {
        let of = |windows: &str, outcome: &Outcome| {
            let text = format!("title = \"\"\nshows = \"\"\nlinux.expect = \"works\"\n[windows]\n{windows}");
            let manifest = Manifest::parse(&text, Path::new("sample.toml")).unwrap();
            let (verdict, reason) = judge(manifest.on(Os::Windows), outcome);
            (verdict, reason.unwrap_or_default())
        };
        let works = "expect = \"works\"";
        let fails = "expect = \"fails\"\nfailure = \"copy-link\"";
        let untested = "expect = \"untested\"\nupstream = \"https://x\"";
        let (linked, other) = (Outcome::Fails(failure::find("copy-link")), Outcome::Fails(None));
        for (windows, outcome, verdict, reason) in [
            (works, &Outcome::Works, Verdict::AsExpected, ""),
            (works, &linked, Verdict::NewlyBroken, ""),
            (fails, &Outcome::Works, Verdict::NewlyFixed, "expected to fail of copy-link"),
            (fails, &linked, Verdict::AsExpected, "it fails of copy-link"),
            (fails, &other, Verdict::NewlyBroken, "and fails of something that is not known"),
            (untested, &Outcome::Works, Verdict::NewlyFixed, "nobody knew"),
            (untested, &linked, Verdict::AsExpected, "it fails of copy-link"),
            (works, &Outcome::Skipped("why".into()), Verdict::Skipped, "why"),
        ] {
            let (found, said) = of(windows, outcome);
            assert_eq!(found, verdict, "{windows} {outcome:?}");
            assert!(said.contains(reason), "{said}");
        }
    }
}
