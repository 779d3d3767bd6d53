//! The report as one page of HTML that needs nothing else: no network, no other file. Pure.
//!
//! It reads without its script and prints; the script only filters, and opens the cell that a link leads to.

mod cell;
mod findings;

use super::markup::{Element, el};
use super::model::{Report, Table, View};
use super::standing::Standing;
use super::text::{count, duration, moment, web_page};
use super::trend::Trend;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What the page's head says that it was made by. By this a page of our own is told from anybody else's.
pub const GENERATOR: &str = "buildkit-windows";

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// The page.
pub fn page(report: &Report) -> String {
    let title = format!("BuildKit \u{d7} containerd, {}", moment(&report.night.began));
    // Should a text ever get out of its place, the browser runs nothing but this style and this script.
    let allowed = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        allowed(STYLE),
        allowed(SCRIPT)
    );
    let meta = |name: &str, content: &str| el("meta").attr("name", name).attr("content", content);
    let head = el("head")
        .with(el("meta").attr("charset", "utf-8"))
        .with(meta("generator", GENERATOR))
        .with(el("meta").attr("http-equiv", "Content-Security-Policy").attr("content", policy))
        .with(meta("viewport", "width=device-width, initial-scale=1"))
        .with(meta("color-scheme", "light dark"))
        .with(meta("referrer", "no-referrer"))
        .with(el("title").text(&*title))
        .with(el("style").own(STYLE));
    let skip = el("a").class("skip").attr("href", "#tables").text("Skip to the tables");
    let main = el("main").with(tables(report)).with(findings::section(report)).with(cells(report)).with(trends(report));
    let body = el("body").with(skip).with(header(report)).with(main).with(footer()).with(el("script").own(SCRIPT));
    el("html").attr("lang", "en").with(head).with(body).page()
}

fn header(report: &Report) -> Element {
    let time = el("time").attr("datetime", &*report.night.began).text(moment(&report.night.began));
    let night = el("p").class("night").text("The night of ").with(time);
    let run = report.night.url.as_deref().and_then(web_page);
    let night = run.into_iter().fold(night, |night, url| night.text(" \u{b7} ").with(link(url, "its run")));
    let tallies = Standing::ALL.into_iter().map(|standing| (standing, report.tally(standing)));
    let parts = tallies.filter(|(_, number)| *number > 0).map(|(standing, number)| {
        el("li")
            .class(standing.slug())
            .with(mark(standing))
            .text(" ")
            .with(el("b").text(number.to_string()))
            .text(format!(" {}", standing.words()))
    });
    let all = el("li").text(count(report.cells.len(), "cell"));
    el("header")
        .with(el("h1").text("BuildKit \u{d7} containerd"))
        .with(night)
        .with(el("ul").class("tally").with(all).all(parts))
}

fn footer() -> Element {
    let legend = Standing::ALL.into_iter().map(|standing| {
        let meaning = match standing {
            Standing::Broken => "a sample that should work doesn't",
            Standing::Died => "killed, or out of time: nobody knows what else it would have found",
            Standing::Ground => "network, disk, rights or a daemon: it says nothing of these versions",
            Standing::Fixed => "a sample that was said to fail works",
            Standing::Nothing => "every sample was skipped, or there was none",
            Standing::Fine => "what was said to work works, and what was said to fail fails",
        };
        el("div")
            .with(el("dt").with(mark(standing)).text(format!(" {}", standing.words())))
            .with(el("dd").text(meaning))
    });
    el("footer").with(el("h2").text("What the words mean")).with(el("dl").class("legend").all(legend))
}

/// A standing's sign, for the eye alone: the words are beside it.
fn mark(standing: Standing) -> Element {
    el("span").class(format!("mark {}", standing.slug())).attr("aria-hidden", "true").text(standing.sign())
}

/// A link to another site, which is told nothing of this page.
fn link(url: &str, text: &str) -> Element {
    el("a").attr("href", url).attr("rel", "noopener noreferrer").text(text)
}

/// Something that may be wider than the screen.
fn wide(name: String, inner: Element) -> Element {
    el("div").class("wide").attr("role", "group").attr("aria-label", name).with(inner)
}

fn tables(report: &Report) -> Element {
    el("section")
        .attr("id", "tables")
        .attr("tabindex", "-1")
        .attr("aria-labelledby", "tables-title")
        .with(el("h2").attr("id", "tables-title").text("What works with what"))
        .with(filter(report))
        .with(el("div").class("runners").all(report.tables.iter().map(|table| self::table(report, table))))
}

/// Nothing without the script, which shows it.
fn filter(report: &Report) -> Element {
    let option = |value: &str, text: String| el("option").attr("value", value).text(text);
    let options = Standing::ALL
        .into_iter()
        .map(|standing| option(standing.slug(), format!("{} ({})", standing.words(), report.tally(standing))));
    let verdict =
        el("select").attr("id", "verdict").with(option("", format!("all ({})", report.cells.len()))).all(options);
    let text = el("input")
        .attr("id", "text")
        .attr("type", "search")
        .attr("autocomplete", "off")
        .attr("placeholder", "version, sample, message");
    let label = |of: &str, text: &str| el("label").attr("for", of).text(text);
    el("form")
        .class("filter")
        .attr("role", "search")
        .attr("aria-label", "Cells")
        .flag("hidden", true)
        .with(el("div").with(label("verdict", "Cells that are")).with(verdict))
        .with(el("div").with(label("text", "and tell of")).with(text))
        .with(el("button").attr("type", "reset").text("Show all"))
        .with(el("p").attr("id", "shown").attr("role", "status"))
}

fn table(report: &Report, table: &Table) -> Element {
    let heading = el("h3").text(&*table.runner);
    let hosts = el("p").class("hosts").text(table.hosts.join("; "));
    let caption =
        el("caption").class("unseen").text(format!("BuildKit (rows) with containerd (columns) on {}", table.runner));

    let columns = table
        .containerds
        .iter()
        .map(|label| el("th").attr("scope", "col").with(el("span").class("of").text("containerd ")).text(&**label));
    let corner = el("td").class("corner");
    let rows = table.buildkits.iter().map(|buildkit| {
        let head = el("th").attr("scope", "row").with(el("span").class("of").text("BuildKit ")).text(&**buildkit);
        let cells = table.containerds.iter().map(|containerd| match report.at(&table.runner, buildkit, containerd) {
            Some(view) => place(view),
            None => el("td").class("none").text("no result"),
        });
        el("tr").with(head).all(cells)
    });
    let matrix = el("table")
        .class("matrix")
        .with(caption)
        .with(el("thead").with(el("tr").with(corner).all(columns)))
        .with(el("tbody").all(rows));
    el("div").class("runner").with(heading).with(hosts).with(wide(format!("Table of {}", table.runner), matrix))
}

/// A place of a table: a link to the cell.
fn place(view: &View) -> Element {
    let cell = &view.result.cell;
    let id = cell.id();
    let whose = format!("BuildKit {} with containerd {}: ", cell.buildkit, cell.containerd);
    let link = el("a")
        .attr("href", format!("#{id}"))
        .attr("data-cell", &*id)
        .with(el("span").class("unseen").text(whose))
        .with(el("span").class("words").with(mark(view.standing)).text(format!(" {}", view.standing.words())))
        .with(el("span").class("gist").text(view.gist()))
        .all(changed(view));
    el("td").class(view.standing.slug()).with(link)
}

/// How much is not as it was the night before.
fn changed(view: &View) -> Option<Element> {
    let number = view.since.as_ref().map_or(0, |since| since.changes.len());
    (number > 0).then(|| el("span").class("changed").text(count(number, "change")))
}

fn cells(report: &Report) -> Element {
    el("section")
        .attr("aria-labelledby", "cells-title")
        .with(el("h2").attr("id", "cells-title").text("Cell by cell"))
        .all(report.cells.iter().map(cell::details))
}

fn trends(report: &Report) -> Element {
    let runners = report.tables.iter().filter(|table| !table.trends.is_empty()).map(|table| {
        let charts = el("div").class("charts").all(table.trends.iter().map(chart));
        el("div").class("runner").with(el("h3").text(&*table.runner)).with(charts).with(numbers(table))
    });
    let told = match report.earlier.len() {
        0 => "Of this night alone: with --previous there is a line through the nights.".to_owned(),
        nights => format!(
            "The middle cell of each runner, over this night and {} before it; the band goes from the fastest to the \
             slowest.",
            count(nights, "night")
        ),
    };
    el("section")
        .attr("aria-labelledby", "trends-title")
        .with(el("h2").attr("id", "trends-title").text("How long the steps took"))
        .with(el("p").text(told))
        .all(runners)
}

fn chart(trend: &Trend) -> Element {
    let last = trend.points.last().map(|point| duration(point.median)).unwrap_or_default();
    let span = match trend.points.as_slice() {
        [first, .., last] => format!("{} to {}", first.day(), last.day()),
        points => points.first().map(|point| point.day().to_owned()).unwrap_or_default(),
    };
    let caption = el("figcaption")
        .with(el("b").text(&*trend.step))
        .with(el("span").class("last").text(last))
        .with(el("span").class("span").text(span));
    el("figure").with(caption).with(trend.drawing())
}

/// The same as numbers.
fn numbers(table: &Table) -> Element {
    let head =
        ["step", "night", "middle", "fastest", "slowest", "cells"].map(|name| el("th").attr("scope", "col").text(name));
    let rows = table.trends.iter().flat_map(|trend| {
        trend.points.iter().rev().map(|point| {
            let cells = [
                point.when.clone(),
                duration(point.median),
                duration(point.least),
                duration(point.most),
                point.cells.to_string(),
            ];
            el("tr").with(el("th").attr("scope", "row").text(&*trend.step)).all(cells.map(|cell| el("td").text(cell)))
        })
    });
    let caption = format!("How long the steps took on {}", table.runner);
    let numbers = el("table")
        .class("list")
        .with(el("caption").class("unseen").text(&*caption))
        .with(el("thead").with(el("tr").all(head)))
        .with(el("tbody").all(rows));
    el("details").class("numbers").with(el("summary").text("As numbers")).with(wide(caption, numbers))
}
