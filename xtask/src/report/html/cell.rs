//! A cell of the report: its samples with their failures explained, its steps, its versions, what changed. Pure.

use super::{link, mark, wide};
use crate::report::changes::Since;
use crate::report::known::Explained;
use crate::report::markup::{Element, el};
use crate::report::model::{View, host};
use crate::report::standing::Standing;
use crate::report::text::{duration, moment, web_page};
use crate::result::{Cell, CellResult, Expected, Sample, State, Step, StepState, Verdict, Why};

/// The cell, closed. What a link leads to is inside: that is what makes a browser open it, also without a script.
pub fn details(view: &View) -> Element {
    let result = &view.result;
    let Cell { runner, buildkit, containerd } = &result.cell;
    let id = result.cell.id();
    let title = format!("BuildKit {buildkit} with containerd {containerd} on {runner}");
    let heading = el("h3").text(title);
    let standing = el("span")
        .class(format!("standing {}", view.standing.slug()))
        .with(mark(view.standing))
        .text(format!(" {}, {}", view.standing.words(), view.gist()));
    let inside = el("div")
        .class("inside")
        .attr("id", &*id)
        .all(died(result))
        .all(samples(&result.samples, &id))
        .all(steps(&result.steps))
        .with(versions(result))
        .all(view.since.as_ref().map(changes))
        .all(list("Left behind, and taken away", &result.left_behind))
        .all(list("Logs", &result.logs))
        .with(el("p").class("back").with(el("a").attr("href", "#tables").text("Back to the tables")));
    el("details")
        .class("cell")
        .attr("data-cell", id)
        .attr("data-standing", view.standing.slug())
        .with(el("summary").with(heading).with(standing))
        .with(inside)
}

fn died(result: &CellResult) -> Option<Element> {
    if result.state == State::Ended {
        return None;
    }
    let told = match result.running() {
        Some(step) => format!("It was killed in {}, which began at {}.", step.name, moment(&step.began)),
        None if result.steps.is_empty() => "It has no result: it was killed before it began.".into(),
        None => "It was killed between two steps.".into(),
    };
    Some(el("p").class("note").text(told))
}

fn samples(samples: &[Sample], id: &str) -> Option<Element> {
    if samples.is_empty() {
        return None;
    }
    let mut samples: Vec<&Sample> = samples.iter().collect();
    samples.sort_by_key(|sample| sample.verdict);
    let rows = samples.into_iter().map(|sample| {
        let standing = Standing::of_sample(sample.verdict);
        let verdict = el("td")
            .class(format!("standing {}", standing.slug()))
            .with(mark(standing))
            .text(format!(" {}", sample.verdict.name()));
        let name = el("th")
            .attr("scope", "row")
            .with(el("code").text(&*sample.name))
            .with(el("span").class("title").text(&*sample.title));
        let took = |millis: Option<u64>| el("td").class("number").text(millis.map(duration).unwrap_or_default());
        el("tr")
            .with(name)
            .with(verdict)
            .with(el("td").text(sample.expected.name()))
            .with(el("td").text(sample.outcome.name()))
            .with(took(sample.took.build_ms))
            .with(took(sample.took.run_ms))
            .with(notes(sample))
    });
    let head = ["sample", "verdict", "expected", "outcome", "build", "run", "why"];
    Some(section("Samples", table(format!("Samples of {id}"), &head, rows.collect())))
}

/// Why a sample came out as it did, or is expected to.
fn notes(sample: &Sample) -> Element {
    let reason = sample.reason.iter().map(|reason| el("p").text(&**reason));
    let healed = sample.healed.iter().map(|level| el("p").text(format!("Healed by {level}.")));
    let failure = sample.failure.iter().map(|failure| {
        // What was foretold needs no reading.
        let is_news = sample.verdict != Verdict::AsExpected;
        let name = failure.id.as_deref().unwrap_or("what was said");
        el("details").flag("open", is_news).with(el("summary").text(name)).with(why(failure))
    });
    let foretold = sample.expected_failure.as_deref().filter(|_| sample.failure.is_none());
    let foretold = foretold.and_then(Explained::find);
    let told = foretold.as_ref().map(|known| known.link);
    let upstream = sample.upstream.as_deref().and_then(web_page).filter(|url| Some(*url) != told).map(|url| {
        let why = if sample.expected == Expected::Untested { "Untested: " } else { "Upstream: " };
        el("p").text(why).with(link(url, url))
    });
    el("td").class("notes").all(reason).all(healed).all(failure).all(foretold.as_ref().map(explanation)).all(upstream)
}

/// A failure: what was said, and what is known of it.
pub fn why(why: &Why) -> Element {
    let known = Explained::of(why);
    let hint = why.hint.as_deref().filter(|_| known.is_none());
    let upstream = why.upstream.as_deref().filter(|_| known.is_none()).and_then(web_page);
    el("div")
        .class("why")
        .with(el("pre").text(why.message.trim()))
        .all(hint.map(|hint| sentence("p", hint)))
        .all(upstream.map(|url| el("p").with(link(url, url))))
        .all(known.as_ref().map(explanation))
}

/// What the catalogue knows.
fn explanation(known: &Explained) -> Element {
    let row = |name: &str, inner: Element| el("div").with(el("dt").text(name)).with(inner);
    el("dl")
        .with(row("known as", el("dd").with(el("code").text(known.id)).text(format!(" ({})", known.class))))
        .with(row("cause", sentence("dd", known.cause)))
        .with(row("remedy", sentence("dd", known.remedy)))
        .with(row("upstream", el("dd").with(link(known.link, known.link))))
}

/// A sentence of the catalogue or a hint, which have their commands between backticks.
fn sentence(name: &'static str, text: &str) -> Element {
    let parts = text.split('`').enumerate();
    parts.fold(el(name), |sentence, (index, part)| match index % 2 {
        0 => sentence.text(part),
        _ => sentence.with(el("code").text(part)),
    })
}

fn steps(steps: &[Step]) -> Option<Element> {
    if steps.is_empty() {
        return None;
    }
    let rows = steps.iter().map(|step| {
        let standing = match step.state {
            StepState::Done => Standing::Fine,
            StepState::Failed => Standing::Ground,
            StepState::Running | StepState::TimedOut | StepState::Killed => Standing::Died,
        };
        let state = el("td")
            .class(format!("standing {}", standing.slug()))
            .with(mark(standing))
            .text(format!(" {}", step.state.name()));
        let exit = step.exit.as_ref().map(|exit| format!("{} ({})", exit.code, exit.class)).unwrap_or_default();
        el("tr")
            .with(el("th").attr("scope", "row").with(el("code").text(&*step.name)))
            .with(state)
            .with(el("td").class("when").text(moment(&step.began)))
            .with(el("td").class("number").text(step.took_ms.map(duration).unwrap_or_default()))
            .with(el("td").text(exit))
            .with(el("td").class("notes").all(step.failure.iter().map(why)))
    });
    let head = ["step", "state", "began", "took", "exit code", "why"];
    Some(section("Steps", table("Steps".into(), &head, rows.collect())))
}

fn versions(result: &CellResult) -> Element {
    let rows = result.versions.iter().map(|(component, used)| {
        let digest = used.digest.as_deref().unwrap_or("none");
        el("tr")
            .with(el("th").attr("scope", "row").text(component.name()))
            .with(el("td").text(&*used.version))
            .with(el("td").text(&*used.source))
            .with(el("td").class("digest").with(el("code").text(digest)))
    });
    let host = el("p").text(format!("On {}.", host(result)));
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return section("Versions", el("div").with(host).with(el("p").text("No version was resolved.")));
    }
    let table = table("Versions".into(), &["component", "version", "from", "digest"], rows);
    section("Versions", el("div").with(host).with(table))
}

fn changes(since: &Since) -> Element {
    let compared = match &since.other {
        Some(other) => format!(
            "Compared with BuildKit {} with containerd {} at {}.",
            other.buildkit,
            other.containerd,
            moment(&since.night)
        ),
        None => format!("Compared with the same cell at {}.", moment(&since.night)),
    };
    let compared = el("p").text(compared);
    if since.changes.is_empty() {
        return section("Since the night before", el("div").with(compared).with(el("p").text("Nothing changed.")));
    }
    let rows = since.changes.iter().map(|change| {
        el("tr")
            .with(el("th").attr("scope", "row").text(&*change.what))
            .with(el("td").text(&*change.was))
            .with(el("td").text(&*change.is))
    });
    let table = table("Changes".into(), &["what", "was", "is"], rows.collect());
    section("Since the night before", el("div").with(compared).with(table))
}

fn list(title: &str, items: &[String]) -> Option<Element> {
    let item = |item: &String| el("li").with(el("code").text(&**item));
    (!items.is_empty()).then(|| section(title, el("ul").class("plain").all(items.iter().map(item))))
}

fn section(title: &str, inner: Element) -> Element {
    el("section").with(el("h4").text(title)).with(inner)
}

fn table(name: String, head: &[&str], rows: Vec<Element>) -> Element {
    let head = head.iter().map(|name| el("th").attr("scope", "col").text(*name));
    let table = el("table")
        .class("list")
        .with(el("caption").class("unseen").text(&*name))
        .with(el("thead").with(el("tr").all(head)))
        .with(el("tbody").all(rows));
    wide(name, table)
}
