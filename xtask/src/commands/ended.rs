//! How a command ended, as `--json` tells it.

use crate::error::Result;
use crate::result::{Exit, Why};
use serde::Serialize;

/// How a command ended: part of its one JSON object, whatever else is in there.
#[derive(Debug, Serialize)]
pub struct Ended {
    /// Why it failed, if it did.
    failure: Option<Why>,
    exit: Exit,
}

impl<T> From<&Result<T>> for Ended {
    fn from(ended: &Result<T>) -> Self {
        Self { failure: ended.as_ref().err().map(Why::from), exit: Exit::from(ended) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::failure;
    use serde_json::json;

    #[test]
    fn a_failure_is_told_with_what_is_known_of_it() {
        let known = failure::find("disk-full").unwrap();
        let error = Error::ground("failed to build").hint("free some").known(known);
        let told = |ended: &Result<()>| serde_json::to_value(Ended::from(ended)).unwrap();
        assert_eq!(
            told(&Err(error)),
            json!({
                "failure": {
                    "id": "disk-full", "class": "ground", "message": "failed to build", "hint": "free some",
                    "upstream": known.link,
                },
                "exit": { "code": 3, "class": "ground" },
            })
        );
        assert_eq!(told(&Ok(())), json!({ "failure": null, "exit": { "code": 0, "class": "done" } }));
        let usage = told(&Err(Error::usage("no such sample")));
        assert_eq!(usage["exit"], json!({ "code": 2, "class": "usage" }));
        assert!(usage["failure"]["id"].is_null(), "{usage}");
    }
}
