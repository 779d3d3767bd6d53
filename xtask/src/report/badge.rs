//! Badges: small drawings that say how a night, a runner or a cell stands. Pure.

use super::markup::{Element, el};
use super::model::Report;
use super::standing::Standing;
use crate::result::Cell;

/// The badges as file names and what is in them: of the night, of each runner, of each cell.
pub fn all(report: &Report) -> Vec<(String, String)> {
    let worst = |runner: &str| {
        let of_runner = report.cells.iter().filter(|view| view.result.cell.runner == runner);
        of_runner.map(|view| view.standing).min().unwrap_or(Standing::Nothing)
    };
    let night = ("night.svg".into(), draw("BuildKit \u{d7} containerd", report.standing()));
    let runners = report.tables.iter().map(|table| {
        // A cell's id has more parts, so no cell has this name.
        (format!("on-{}.svg", slug(&table.runner)), draw(&table.runner, worst(&table.runner)))
    });
    let cells = report.cells.iter().map(|view| {
        let Cell { runner, buildkit, containerd } = &view.result.cell;
        let label = format!("BuildKit {buildkit} \u{d7} containerd {containerd} on {runner}");
        (format!("{}.svg", view.result.cell.id()), draw(&label, view.standing))
    });
    std::iter::once(night).chain(runners).chain(cells).collect()
}

/// A runner's name as part of a file's.
fn slug(runner: &str) -> String {
    let runner = Cell { runner: runner.into(), buildkit: String::new(), containerd: String::new() }.id();
    runner.trim_end_matches("_buildkit-_containerd-").to_owned()
}

/// The longest label; what is longer would be wider than any page.
const LONGEST: usize = 80;

fn draw(label: &str, standing: Standing) -> String {
    let label: String = label.chars().take(LONGEST).collect();
    let value = format!("{} {}", standing.sign(), standing.words());
    let (left, right) = (width(&label), width(&value));
    let all = left + right;
    // White on each of them has the contrast that reading takes.
    let colour = match standing {
        Standing::Broken => "#b42318",
        Standing::Died | Standing::Ground => "#8a5300",
        Standing::Fixed => "#1f5fa8",
        Standing::Nothing => "#5b6470",
        Standing::Fine => "#1a7040",
    };
    let area = |x: usize, width: usize, fill: &str| {
        el("rect").attr("x", x.to_string()).attr("width", width.to_string()).attr("height", "20").attr("fill", fill)
    };
    let words = |x: usize, width: usize, words: &str| -> Element {
        el("text")
            .attr("x", (x + PADDING).to_string())
            .attr("y", "14")
            .attr("textLength", (width - 2 * PADDING).to_string())
            .text(words)
    };
    let told = format!("{label}: {}", standing.words());
    el("svg")
        .attr("xmlns", "http://www.w3.org/2000/svg")
        .attr("width", all.to_string())
        .attr("height", "20")
        .attr("role", "img")
        .attr("aria-label", &*told)
        .with(el("title").text(told))
        .with(area(0, left, "#3d444d"))
        .with(area(left, right, colour))
        .with(
            el("g")
                .attr("fill", "#fff")
                .attr("font-family", "Verdana,DejaVu Sans,Geneva,sans-serif")
                .attr("font-size", "11")
                .with(words(0, left, &label))
                .with(words(left, right, &value)),
        )
        .document()
}

const PADDING: usize = 6;

/// About as wide as the text is in those fonts; the drawing makes it just that wide.
fn width(text: &str) -> usize {
    text.chars().count() * 7 + 2 * PADDING
}
