//! What the end of a step tells: its state, its class, why it failed, and what became of its samples.

use crate::apart::{self, Ended};
use crate::commands::samples::progress;
use crate::error::Class;
use crate::failure;
use crate::platform::Os;
use crate::result::{Exit, Outcome, Sample, StepState, Took, Verdict, Why};
use serde_json::Value;
use std::time::Duration;

/// What a step is after its end.
pub fn state(ended: &Ended) -> StepState {
    match ended {
        Ended::Exited(0) => StepState::Done,
        Ended::Exited(_) => StepState::Failed,
        Ended::TimedOut => StepState::TimedOut,
        Ended::Died(_) | Ended::Interrupted => StepState::Killed,
    }
}

/// What a step ended with, if it ended by itself.
pub fn exit(ended: &Ended) -> Option<Exit> {
    let Ended::Exited(code) = ended else { return None };
    Some(Exit { code: i64::from(*code), class: class(*code).map_or("done", Class::name).into() })
}

/// A code that the harness itself doesn't use is a crash of it, which says nothing of the releases.
fn class(code: i32) -> Option<Class> {
    match code {
        0 => None,
        1 => Some(Class::Failed),
        2 => Some(Class::Usage),
        _ => Some(Class::Ground),
    }
}

/// What a cell ends with: that it failed counts most. One that had to be ended tells nothing of the releases.
pub fn worst<'a>(steps: impl Iterator<Item = (StepState, Option<&'a Exit>)>) -> Option<Class> {
    let classes: Vec<Class> = steps
        .filter(|(state, _)| *state != StepState::Done)
        .map(|(_, exit)| {
            let class = exit.and_then(|exit| i32::try_from(exit.code).ok()).and_then(class);
            class.unwrap_or(Class::Ground)
        })
        .collect();
    [Class::Failed, Class::Usage, Class::Ground].into_iter().find(|class| classes.contains(class))
}

/// Why a step failed: as its JSON has it, else as its last `error:` line says it.
pub fn why(ended: &Ended, said: &str, report: &Value, timeout: Duration, on: Os) -> Option<Why> {
    let plain = |message: String| {
        let known = failure::explain(&message, None, Some(on)).map(|found| found.failure);
        Why {
            id: known.map(|known| known.id.to_owned()),
            class: known.map(|known| known.class.name().to_owned()),
            message,
            hint: None,
            upstream: known.map(|known| known.link.to_owned()),
        }
    };
    match ended {
        Ended::Exited(0) => None,
        Ended::TimedOut => {
            Some(plain(format!("the cell took longer than {}, so it was ended", humantime::format_duration(timeout))))
        }
        Ended::Died(_) | Ended::Interrupted => Some(plain(format!("it {}", apart::told(ended)))),
        Ended::Exited(_) => {
            let told: Option<Why> = serde_json::from_value(report["failure"].clone()).ok();
            let upstream = |why: &Why| failure::find(why.id.as_deref()?).map(|known| known.link.to_owned());
            Some(match told {
                Some(why) => Why { upstream: why.upstream.clone().or_else(|| upstream(&why)), ..why },
                None => {
                    let last = |start: &str| {
                        said.lines().rev().find_map(|line| line.strip_prefix(start)).map(|text| text.trim().to_owned())
                    };
                    let why = plain(last("error: ").unwrap_or_else(|| format!("it {}", apart::told(ended))));
                    Why { hint: last("hint: "), ..why }
                }
            })
        }
    }
}

/// What a step has printed at its end: one object, or the last of many lines. Nothing, if it was ended before.
pub fn report(printed: &str) -> Value {
    let last = printed.lines().last().unwrap_or_default();
    serde_json::from_str(printed).or_else(|_| serde_json::from_str(last)).unwrap_or_default()
}

/// What became of the samples that a step has tried: several, also of a step that was ended, or the one of `build-sample`.
pub fn samples(printed: &str, report: &Value, ended: &Ended, why: Option<&Why>) -> Vec<Sample> {
    if let Ok(samples) = serde_json::from_value(report["samples"].clone()) {
        return samples;
    }
    let Some(name) = report["sample"].as_str() else {
        return progress::read(printed, why.map_or("it did not end", |why| &why.message));
    };
    let (outcome, verdict) = match ended {
        Ended::Exited(0) => (Outcome::Works, Verdict::AsExpected),
        Ended::Exited(1) => (Outcome::Fails, Verdict::NewlyBroken),
        // Failed ground says nothing of these versions.
        _ => (Outcome::Skipped, Verdict::Skipped),
    };
    let took: Took = serde_json::from_value(report["took"].clone()).unwrap_or_default();
    vec![Sample {
        upstream: why.and_then(|why| why.upstream.clone()),
        outcome,
        verdict,
        failure: why.cloned(),
        took,
        healed: report["healed"].as_str().map(str::to_owned),
        ..Sample::as_expected(name, "Hello")
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TIMEOUT: Duration = Duration::from_secs(90);

    #[test]
    fn a_cells_class_is_its_worst_steps() {
        let failed = |code| (StepState::Failed, exit(&Ended::Exited(code)));
        let done = || (StepState::Done, exit(&Ended::Exited(0)));
        let of = |steps: Vec<(StepState, Option<Exit>)>| {
            worst(steps.iter().map(|(state, exit)| (*state, exit.as_ref()))).map(Class::name)
        };
        assert_eq!(of(vec![done(), done()]), None);
        assert_eq!(of(vec![done(), failed(1), failed(3)]), Some("failed"));
        assert_eq!(of(vec![failed(3), done()]), Some("ground"));
        assert_eq!(of(vec![failed(101)]), Some("ground"), "a crash of the harness");
        assert_eq!(of(vec![failed(2), failed(3)]), Some("usage"));
        assert_eq!(of(vec![(StepState::TimedOut, None), done()]), Some("ground"));
        assert_eq!(of(vec![(StepState::Running, None)]), Some("ground"));
    }

    #[test]
    fn why_a_step_failed_is_in_its_json_or_its_last_error() {
        let json = json!({
            "sample": "hello",
            "failure": { "id": "disk-full", "class": "ground", "message": "no space", "hint": "free some" },
            "took": { "build_ms": 5, "run_ms": null, "total_ms": 9 },
        });
        let told = why(&Ended::Exited(3), "error: something else", &json, TIMEOUT, Os::Linux).unwrap();
        assert_eq!((told.message.as_str(), told.id.as_deref()), ("no space", Some("disk-full")));
        assert!(told.upstream.is_some());
        let samples = samples("", &json, &Ended::Exited(3), Some(&told));
        assert_eq!((samples[0].outcome, samples[0].took.build_ms), (Outcome::Skipped, Some(5)));
        let said = "error: first\nwarning: x\nerror: it broke\n\nhint: mend it\n";
        let plain = why(&Ended::Exited(1), said, &Value::Null, TIMEOUT, Os::Linux).unwrap();
        assert_eq!((plain.message.as_str(), plain.hint.as_deref()), ("it broke", Some("mend it")));
        assert_eq!(why(&Ended::Exited(0), said, &Value::Null, TIMEOUT, Os::Linux), None);
        let late = why(&Ended::TimedOut, "", &Value::Null, TIMEOUT, Os::Linux).unwrap();
        assert_eq!(late.message, "the cell took longer than 1m 30s, so it was ended");
        let killed = why(&Ended::Died("signal: 9".into()), "", &Value::Null, TIMEOUT, Os::Linux).unwrap();
        assert_eq!(killed.message, "it was ended by something else (signal: 9)");
    }

    #[test]
    fn several_samples_are_taken_as_they_are_told() {
        let row = json!({
            "name": "copy", "title": "Copy", "expected": "works", "outcome": "fails", "verdict": "newly broken",
            "reason": null, "failure": null, "healed": null, "took": { "build_ms": 1, "run_ms": null },
        });
        let other = json!({
            "name": "tmpfs", "title": "tmpfs", "expected": "works", "outcome": "skipped", "verdict": "skipped",
            "reason": "it was being tried", "failure": null, "healed": null, "took": {},
        });
        let found = |printed: &str, ended: &Ended| {
            let report = report(printed);
            let why = why(ended, "", &report, TIMEOUT, Os::Linux);
            samples(printed, &report, ended, why.as_ref())
        };
        let lines = format!("{}\n{}\n", json!({ "ended": row, "at": 0 }), json!({ "began": other, "at": 1 }));
        let whole = json!({ "samples": [row] });
        for printed in [serde_json::to_string_pretty(&whole).unwrap(), format!("{lines}{whole}\n")] {
            let told = found(&printed, &Ended::Exited(1));
            assert_eq!((told.len(), told[0].verdict), (1, Verdict::NewlyBroken));
        }
        let told = found(&lines, &Ended::TimedOut);
        assert_eq!(told.len(), 2, "what was told before its time was up");
        assert_eq!(told[0].verdict, Verdict::NewlyBroken);
        let reason = told[1].reason.as_deref();
        assert_eq!(reason, Some("it was being tried: the cell took longer than 1m 30s, so it was ended"));
        assert!(found("", &Ended::TimedOut).is_empty());
    }
}
