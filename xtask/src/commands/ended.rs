//! How a command ended, as `--json` tells it.

use crate::error::{Class, Error, Result};
use serde::Serialize;

/// Why a command failed.
#[derive(Debug, Serialize)]
pub struct Why {
    /// The name of what is known of it, as `explain` takes it; `null` where nothing is.
    id: Option<&'static str>,
    /// What kind of failure that is.
    class: Option<&'static str>,
    /// As people read it.
    message: String,
    /// What to do next.
    hint: Option<String>,
}

impl From<&Error> for Why {
    fn from(error: &Error) -> Self {
        let known = error.failure();
        Self {
            id: known.map(|known| known.id),
            class: known.map(|known| known.class.name()),
            message: error.to_string(),
            hint: error.hint_text().map(str::to_owned),
        }
    }
}

/// What a command ended with.
#[derive(Debug, Serialize)]
pub struct Exit {
    code: u8,
    /// The same in words: `done`, `failed`, `usage` or `ground`.
    class: &'static str,
}

/// How a command ended: part of its one JSON object, whatever else is in there.
#[derive(Debug, Serialize)]
pub struct Ended {
    /// Why it failed, if it did.
    failure: Option<Why>,
    exit: Exit,
}

impl<T> From<&Result<T>> for Ended {
    fn from(ended: &Result<T>) -> Self {
        let class = ended.as_ref().err().map(Error::class);
        Self {
            failure: ended.as_ref().err().map(Why::from),
            exit: Exit { code: class.map_or(0, Class::exit_code), class: name(class) },
        }
    }
}

fn name(class: Option<Class>) -> &'static str {
    match class {
        None => "done",
        Some(Class::Failed) => "failed",
        Some(Class::Usage) => "usage",
        Some(Class::Ground) => "ground",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure;
    use serde_json::json;

    #[test]
    fn a_failure_is_told_with_what_is_known_of_it() {
        let error = Error::ground("failed to build").hint("free some").known(failure::find("disk-full").unwrap());
        let told = |ended: &Result<()>| serde_json::to_value(Ended::from(ended)).unwrap();
        assert_eq!(
            told(&Err(error)),
            json!({
                "failure": { "id": "disk-full", "class": "ground", "message": "failed to build", "hint": "free some" },
                "exit": { "code": 3, "class": "ground" },
            })
        );
        assert_eq!(told(&Ok(())), json!({ "failure": null, "exit": { "code": 0, "class": "done" } }));
        let usage = told(&Err(Error::usage("no such sample")));
        assert_eq!(usage["exit"], json!({ "code": 2, "class": "usage" }));
        assert!(usage["failure"]["id"].is_null(), "{usage}");
    }
}
