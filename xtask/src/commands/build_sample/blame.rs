//! Whose fault it was that a client failed, and what it failed of.

use super::showing::{Stage, is_help, last_word};
use crate::component::Component;
use crate::context::Context;
use crate::daemon::log::Marks;
use crate::daemon::{self, state};
use crate::error::{Class, Error};
use crate::failure::{self, Failure, Found, Speaker};
use crate::network::Network;
use crate::os;
use crate::platform::Os;

/// Whose logs are looked at, the one that is nearer to a build first.
const DAEMONS: [Component; 2] = [Component::Buildkit, Component::Containerd];

/// How many of a log's last lines an error shows.
const LAST_LINES: usize = 5;

/// How a client says that a step ended by itself: what that step printed tells why, and no log does.
const STEP_ENDED: &str = "did not complete successfully: exit code";

/// What messages that nobody knows speak of when state may be to blame: what BuildKit keeps in containerd.
const OF_STATE: [&str; 6] = ["snapshot", "content digest", "content store", "blob", "lease", "layer"];

/// What a failure is known to be.
#[derive(Debug)]
struct Reason {
    known: &'static Failure,
    /// Whether it says whose fault it was: the client's own last word does, and what a daemon logged. What a RUN or a container
    /// says, or is, may hold any words.
    is_verdict: bool,
}

/// Whose fault a client's failing is: the ground's, if one of the daemons that it needs no longer answers. Without `before`,
/// others have had the daemons too: what those logged may be of any of them, and is left alone.
pub fn blame(
    context: &Context,
    stage: Stage,
    daemons: &[Component],
    what: String,
    said: &str,
    before: Option<&Marks>,
) -> Error {
    // What containerd's library logs by the way, such as that cgroup v1 is on its way out, is never why.
    let is_word = |line: &&str| !is_help(line) && !line.starts_with("time=\"");
    let last = said.lines().rev().find(is_word).unwrap_or("it gave no reason").trim();
    let word = last_word(last, stage);
    let is_elsewhere = daemons.is_empty();
    let on = system(stage, is_elsewhere, context.workspace.platform().os);
    for component in daemons.iter().copied() {
        if let Err(reason) = daemon::answers(&context.workspace, component) {
            // This error has its own reason; the client's is shown as what else it said was.
            if word.is_some() {
                context.ui.passed_on(last);
            }
            let message = format!("{what}, and {} no longer answers ({reason})", component.main_program());
            let error = daemon::with_log(&context.workspace, component, message);
            // One that was killed logs nothing of it; then the client's word is what is known.
            let found = word.and_then(|_| failure::explain(last, Some(Speaker::Client), on));
            return match found.filter(|found| found.failure.class == failure::Class::Ground) {
                Some(found) if error.failure().is_none() => error.known(found.failure),
                _ => error,
            };
        }
    }
    let message = format!("{what}: {}", word.unwrap_or(last));
    let logged = DAEMONS.map(|daemon| {
        let before = before.filter(|_| daemons.contains(&daemon));
        (daemon, before.map(|before| before.complaints(&context.workspace, daemon)).unwrap_or_default())
    });
    let logs = format!("see `{}`", context.typed("logs"));
    match (reason(|known| is_so(context, known), on, stage, last, said, &logged), word) {
        (Some(reason), _) if is_stale(stage, last, on) => explained(context, message, &reason).blaming_state(),
        (Some(reason), _) => explained(context, message, &reason),
        (None, Some(word)) if !is_elsewhere && !is_of_step(word) => match before {
            Some(_) => unexplained(context, message, word, &logged),
            None => Error::failed(message).hint(logs).left_open(),
        },
        (None, word) => Error::failed(message).hint(match stage {
            Stage::Run => "see what the container has printed",
            Stage::Build if word.is_some_and(is_of_step) => "see what that step has printed",
            Stage::Build if is_elsewhere => "see what that buildkitd has logged",
            Stage::Build => &logs,
        }),
    }
}

/// Whether what is told is a step's end, of which that step has said more.
pub fn is_of_step(told: &str) -> bool {
    told.contains(STEP_ENDED)
}

/// The ground's fault: a client was ended because a daemon that it needs no longer runs, and it would have waited for ever; or
/// because of Ctrl-C, if no daemon has ended.
pub fn blame_ended(context: &Context, what: &str, ended: Option<Component>) -> Error {
    let Some(component) = ended else { return Error::ground(format!("{what}: it was interrupted")) };
    let message = format!("{what}, and {} no longer runs", component.main_program());
    let error = daemon::with_log(&context.workspace, component, message);
    // What was killed has logged nothing of it.
    if error.failure().is_some() { error } else { error.known(failure::DAEMON_ENDED) }
}

/// Which system the messages come from. What builds elsewhere may do so on any; containers are run here in any case.
fn system(stage: Stage, is_elsewhere: bool, here: Os) -> Option<Os> {
    (!is_elsewhere || stage == Stage::Run).then_some(here)
}

/// Whether what builds says itself that state is to blame. A container can print any words, and a log has those of others too.
fn is_stale(stage: Stage, last: &str, on: Option<Os>) -> bool {
    let said = last_word(last, stage).and_then(|_| failure::explain(last, Some(Speaker::Client), on));
    stage == Stage::Build && said.is_some_and(|found| found.failure.class == failure::Class::StaleState)
}

/// What a client failed of: as its last word says, else a step's or its other words, else what the daemons logged meanwhile.
fn reason(
    is_so: impl Fn(&Failure) -> bool,
    on: Option<Os>,
    stage: Stage,
    last: &str,
    said: &str,
    logged: &[(Component, Vec<String>); 2],
) -> Option<Reason> {
    let verdict = |found: Found| Reason { known: found.failure, is_verdict: true };
    let aside = |found: Found| Reason { known: found.failure, is_verdict: false };
    let by_client = |text: &str| failure::explain(text, Some(Speaker::Client), on);
    let word = last_word(last, stage);
    if let Some(found) = word.and_then(|_| by_client(last)) {
        return Some(verdict(found));
    }
    // ctr's other words are mixed with the container's.
    let is_builder = stage == Stage::Build && word.is_some();
    let of_step = || failure::explain_step(said, on).filter(|found| is_so(found.failure));
    let beside = of_step().or_else(|| by_client(said)).filter(|_| is_builder);
    let by_daemon =
        |(_, lines): &(Component, Vec<String>)| failure::explain(&lines.join("\n"), Some(Speaker::Daemon), on);
    let has_log = word.is_some_and(|word| !is_of_step(word));
    beside.map(aside).or_else(|| logged.iter().filter(|_| has_log).find_map(by_daemon).map(verdict))
}

fn explained(context: &Context, message: String, reason: &Reason) -> Error {
    let known = reason.known;
    let error = match known.class.fault() {
        Class::Ground if reason.is_verdict => Error::ground(message),
        _ => Error::failed(message),
    };
    let error = error.known(known);
    if known.class == failure::Class::StaleState {
        return error.hint(known.hint_with(&format!("run `{}`", context.typed("reset"))));
    }
    if known.id != failure::NO_CONTAINER_RUNTIME {
        return error.hint(known.hint());
    }
    match os::check_container_runtime() {
        Err(missing) => error.hint(known.hint_with(missing.hint_text().unwrap_or(known.remedy))),
        Ok(()) => error.hint(known.hint()),
    }
}

/// Nobody knows: what the daemon with something to tell told last, and where the whole of it is.
fn unexplained(context: &Context, message: String, word: &str, logged: &[(Component, Vec<String>); 2]) -> Error {
    let news = |lines: &[String]| -> Vec<String> {
        // A daemon logs what it tells its client: that has been said.
        lines
            .iter()
            .filter(|line| !failure::bare(line).contains(word.trim_start_matches("failed to solve: ")))
            .cloned()
            .collect()
    };
    let told = logged.iter().map(|(daemon, lines)| (*daemon, news(lines))).find(|(_, lines)| !lines.is_empty());
    let (daemon, lines) = told.unwrap_or((logged[0].0, Vec::new()));
    let name = daemon.main_program();
    let message = match &lines[lines.len().saturating_sub(LAST_LINES)..] {
        [] => message,
        last => format!("{message}; meanwhile {name} logged:\n  {}", last.join("\n  ")),
    };
    let reset = || format!("; `{}` if the state of an earlier run is to blame", context.typed("reset"));
    let advice = may_be_stale(word).then(reset).unwrap_or_default();
    let log = context.workspace.log(daemon);
    Error::failed(message).hint(format!("{name}'s whole log is in `{}`{advice}", log.display()))
}

/// Whether a message that nobody knows speaks of what an earlier run may have left.
fn may_be_stale(word: &str) -> bool {
    OF_STATE.iter().any(|thing| word.contains(thing))
}

/// Whether it can be what a step failed of: for want of a network only if what is up gives it none.
fn is_so(context: &Context, known: &Failure) -> bool {
    let has_none = || {
        let state = state::read(&context.workspace).ok().flatten();
        state.is_some_and(|state| state.request.network == Network::None)
    };
    known.id != failure::NO_NETWORK || has_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row that a failure is found to be, and whether that is a verdict.
    fn found(said: &str, logged: [&str; 2]) -> Option<(&'static str, bool)> {
        let last = said.lines().last().unwrap();
        let logged = [0, 1].map(|at| (DAEMONS[at], logged[at].lines().map(str::to_owned).collect()));
        let stage = if said.contains("error: ") { Stage::Build } else { Stage::Run };
        reason(|_| true, None, stage, last, said, &logged).map(|reason| (reason.known.id, reason.is_verdict))
    }

    const FULL: &str = r#"time="…" level=error msg="write /w/x: no space left on device""#;

    #[test]
    fn the_clients_last_word_comes_first_and_the_logs_last() {
        let stale = "error: failed to solve: parent snapshot sha256:1 does not exist: not found";
        assert_eq!(found(stale, [FULL, ""]), Some(("stale-snapshot", true)));
        for logged in [[FULL, ""], ["", FULL]] {
            assert_eq!(found("error: failed to solve: unexpected EOF", logged), Some(("disk-full", true)));
        }
        let beside = "#5 ERROR: toomanyrequests: x\nerror: failed to solve: unexpected EOF";
        assert_eq!(found(beside, [FULL, ""]), Some(("registry-rate-limit", false)));
        assert_eq!(found("error: failed to solve: unexpected EOF", ["", ""]), None);
    }

    #[test]
    fn a_step_that_ended_by_itself_tells_itself_what_it_failed_of() {
        let said = |printed: &str| {
            format!(
                "#5 x\n------\n > [2/2] RUN x:\n0.5 {printed}\n------\nerror: failed to solve: process \"x\" did not complete successfully: exit code: 1"
            )
        };
        assert_eq!(found(&said("Access is denied."), [FULL, ""]), Some(("container-user", false)));
        assert_eq!(found(&said("no space left on device"), [FULL, FULL]), None);
    }

    #[test]
    fn only_what_builds_can_blame_stale_state() {
        let words = "parent snapshot x does not exist: not found";
        for (stage, line, expected) in [
            (Stage::Build, format!("error: failed to solve: {words}"), true),
            (Stage::Build, format!("ERROR: failed to solve: {words}"), true),
            (Stage::Build, words.to_owned(), false),
            (Stage::Run, format!("error: {words}"), false),
            (Stage::Run, format!("ERROR: {words}"), false),
            (Stage::Run, format!("ctr: {words}"), false),
            (Stage::Run, format!("docker: {words}"), false),
        ] {
            assert_eq!(is_stale(stage, &line, None), expected, "{stage:?} {line}");
        }
    }

    #[test]
    fn another_systems_words_are_no_reason_unless_they_may_come_from_there() {
        let said = "error: failed to solve: hcs::CreateComputeSystem x: y. (0xc0370101)";
        let none = DAEMONS.map(|daemon| (daemon, Vec::new()));
        let logged = DAEMONS.map(|daemon| (daemon, vec![r"open \\.\pipe\x: Access is denied.".to_owned()]));
        let id = |said, logged, is_elsewhere, here| {
            let on = system(Stage::Build, is_elsewhere, here);
            reason(|_| true, on, Stage::Build, said, said, logged).map(|reason| reason.known.id)
        };
        let mismatch = Some("windows-build-mismatch");
        for (is_elsewhere, here, expected) in
            [(false, Os::Linux, None), (false, Os::Windows, mismatch), (true, Os::Linux, mismatch)]
        {
            assert_eq!(id(said, &none, is_elsewhere, here), expected, "{is_elsewhere} {here:?}");
        }
        let other = "error: failed to solve: unexpected EOF";
        assert_eq!(id(other, &logged, false, Os::Linux), None);
        assert_eq!(id(other, &logged, false, Os::Windows), Some("pipe-in-use"));
        assert_eq!(system(Stage::Run, true, Os::Linux), Some(Os::Linux));
    }

    #[test]
    fn a_reset_is_advised_only_where_state_may_be_to_blame() {
        for (word, expected) in [
            ("failed to solve: failed to mount /w/x: snapshot y is busy", true),
            ("failed to solve: failed to get reader from content store: z", true),
            ("failed to solve: dockerfile parse error on line 2: unknown instruction: RUNN", false),
            ("failed to solve: failed to compute cache key: \"/no\": not found", false),
            ("failed to solve: unexpected EOF", false),
        ] {
            assert_eq!(may_be_stale(word), expected, "{word}");
        }
    }

    #[test]
    fn what_a_container_says_means_nothing() {
        assert_eq!(found("no space left on device", [FULL, ""]), None);
        assert_eq!(found("parent snapshot x does not exist: not found\nctr: unexpected EOF", ["", ""]), None);
        assert_eq!(
            found("ctr: hcs::CreateComputeSystem x: y. (0xc0370101)", ["", ""]),
            Some(("windows-build-mismatch", true))
        );
    }
}
