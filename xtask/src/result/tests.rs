use super::*;
use crate::failure;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// A result with something in every field.
fn full() -> CellResult {
    let night = Night { began: "2026-11-23T02:17:00Z".into(), url: Some("https://example.com/runs/1".into()) };
    let cell = Cell { runner: "windows-2025".into(), buildkit: "0.34.2".into(), containerd: "2.4.2".into() };
    let host = Host {
        platform: "windows-amd64".parse().unwrap(),
        name: Some("Windows Server 2025".into()),
        build: Some("10.0.26100.1".into()),
    };
    let mut result = CellResult::new(night, cell, host);
    for component in Component::ALL {
        let digest = Some("sha256:0".into());
        result.versions.insert(component, Used { version: "1.2.3".into(), digest, source: "github".into() });
    }
    let states = [StepState::Running, StepState::Done, StepState::Failed, StepState::TimedOut, StepState::Killed];
    let known = failure::find("disk-full").unwrap();
    let error = Error::ground("failed to start").hint("try again").known(known);
    for state in states {
        result.begin(state.name(), UNIX_EPOCH);
        let step = result.running_mut().unwrap();
        step.state = state;
        step.took_ms = Some(12);
        step.exit = Some(Exit::of(error::Class::Ground));
        step.failure = Some(Why::from(&error));
    }
    let outcomes = [
        (Expected::Works, Outcome::Fails, Verdict::NewlyBroken),
        (Expected::Fails, Outcome::Works, Verdict::NewlyFixed),
        (Expected::Untested, Outcome::Skipped, Verdict::Skipped),
        (Expected::Works, Outcome::Works, Verdict::AsExpected),
    ];
    result.samples = outcomes
        .map(|(expected, outcome, verdict)| Sample {
            name: "hello".into(),
            title: "Hello".into(),
            expected,
            expected_failure: Some("copy-link".into()),
            upstream: Some("https://example.com/2".into()),
            outcome,
            verdict,
            reason: Some("because".into()),
            failure: Some(Why::from(&error)),
            took: Took { build_ms: Some(3), run_ms: Some(4) },
            healed: Some("prune".into()),
        })
        .into();
    result.logs = vec!["logs/buildkitd.log".into()];
    result.left_behind = vec!["process 1".into()];
    result.end(Exit::done());
    result
}

/// Holds a value against a part of the schema, as far as the schema goes: in a keyword that this doesn't know, it ends.
fn check(value: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fields = value.as_object().into_iter().flatten();
    for (keyword, said) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$ref" => return check(value, root.pointer(&said.as_str().unwrap()[1..]).unwrap(), root, at),
            "type" => said == kind || said.as_array().is_some_and(|kinds| kinds.contains(&kind.into())),
            "const" => said == value,
            "enum" => said.as_array().unwrap().contains(value),
            "minimum" => value.is_null() || value.as_i64() >= said.as_i64(),
            "format" => humantime::parse_rfc3339(value.as_str().unwrap_or_default()).is_ok(),
            "required" => {
                value.is_null()
                    || said.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "properties" => {
                for (name, value) in fields.clone() {
                    // A reader passes over what it doesn't know, but there must be nothing that the schema doesn't tell.
                    let schema = said.get(name).ok_or_else(|| format!("{at}/{name} is in no schema"))?;
                    check(value, schema, root, &format!("{at}/{name}"))?;
                }
                true
            }
            "additionalProperties" => {
                for (name, value) in fields.clone() {
                    check(value, said, root, &format!("{at}/{name}"))?;
                }
                true
            }
            "propertyNames" => {
                for (name, _) in fields.clone() {
                    check(&name.as_str().into(), said, root, &format!("{at}/{name}"))?;
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(value, said, root, &format!("{at}/{index}"))?;
                }
                true
            }
            "description" | "title" | "$schema" | "$defs" => true,
            other => panic!("{other} is not looked at here"),
        };
        if !holds {
            return Err(format!("{at}: {value} is against {keyword} {said}"));
        }
    }
    Ok(())
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/result.schema.json")).unwrap()
}

/// Every place of a value that can be taken out, as JSON pointers.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        found.push(format!("{at}/{name}"));
        places(value, format!("{at}/{name}"), found);
    }
    for (index, value) in value.as_array().into_iter().flatten().enumerate() {
        places(value, format!("{at}/{index}"), found);
    }
}

#[test]
fn the_schema_tells_every_field_and_the_model_reads_what_it_allows() {
    let (schema, full) = (schema(), serde_json::to_value(full()).unwrap());
    check(&full, &schema, &schema, "").unwrap();
    let mut found = Vec::new();
    places(&full, String::new(), &mut found);
    assert!(found.len() > 100, "{found:?}");
    for place in found {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let mut without = full.clone();
        without.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        let mut null = full.clone();
        *null.pointer_mut(&place).unwrap() = Value::Null;
        let mut wrong = full.clone();
        *wrong.pointer_mut(&place).unwrap() = json!(["nothing", "like", 1.5]);
        for changed in [without, null, wrong] {
            let (allowed, read) = (check(&changed, &schema, &schema, ""), parse(&changed.to_string(), "x.json"));
            // A list that may be missing is not for that null, and neither is an empty one.
            assert_eq!(allowed.is_ok(), read.is_ok(), "{place}: {allowed:?}, {read:?}\n{changed}");
        }
    }
}

#[test]
fn what_was_written_is_read_again() {
    let full = full();
    assert_eq!(parse(&full.to_json().unwrap(), "x.json").unwrap(), full);
}

#[test]
fn a_cell_that_was_killed_tells_where_it_died() {
    let mut result = CellResult { steps: Vec::new(), ..full() };
    result.state = State::Running;
    result.begin("up", UNIX_EPOCH);
    result.running_mut().unwrap().state = StepState::Done;
    result.begin("samples", UNIX_EPOCH + Duration::from_secs(61));
    let read = parse(&result.to_json().unwrap(), "x.json").unwrap();
    let running = read.running().map(|step| (step.name.as_str(), step.began.as_str()));
    assert_eq!((read.state, running), (State::Running, Some(("samples", "1970-01-01T00:01:01Z"))));
}

#[test]
fn what_is_no_result_is_told_by_its_name() {
    let whole = full().to_json().unwrap();
    let schema = |number: &str| whole.replacen("\"schema\": 1", &format!("\"schema\": {number}"), 1);
    let cases = [
        ("", "EOF while parsing"),
        (&whole[..whole.len() / 2], "EOF while parsing"),
        ("[]", "invalid length 0"),
        ("{}", "missing field `schema`"),
        (&schema("2"), "is of a newer harness (schema 2, and this one knows 1)"),
        (&schema("0"), "is of an older harness (schema 0, and this one knows 1)"),
        (&schema("-1"), "invalid value: integer `-1`"),
        (&whole.replace("newly broken", "odd"), "unknown variant `odd`, expected one of `newly broken`"),
        (&whole.replace("2026-11-23T02:17:00Z", "tonight"), "tells no time at which its night began: `tonight`"),
    ];
    for (text, said) in cases {
        let error = parse(text, "cells/a.json").unwrap_err();
        assert!(error.to_string().contains(said) && error.to_string().contains("`cells/a.json`"), "{error}");
        assert_eq!((error.class(), error.hint_text().is_some()), (error::Class::Usage, true), "{error}");
    }
}

#[test]
fn a_cell_s_id_is_a_file_s_name_on_every_system() {
    let cell =
        |buildkit: &str| Cell { runner: "windows-2025".into(), buildkit: buildkit.into(), containerd: "2.4.2".into() };
    assert_eq!(cell("0.34.2").file_name(), "windows-2025_buildkit-0.34.2_containerd-2.4.2.json");
    assert_eq!(cell("../a b\\c:\u{e9}").id(), "windows-2025_buildkit-..-a-b-c--_containerd-2.4.2");
    assert_eq!(cell(&"0".repeat(1000)).file_name().len(), 125);
    for (runner, begins) in [("../../x", "_.-..-x_"), (".x", "_x_"), ("-x", "_x_"), ("/x", "_x_"), ("_x", "_x_")] {
        let id = Cell { runner: runner.into(), ..cell("1") }.id();
        assert!(id.starts_with(begins), "neither hidden nor an option: {id}");
    }
}
