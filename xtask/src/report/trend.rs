//! How long a step took, night by night, as numbers and as a drawing. Pure.

use super::markup::{Element, el};
use super::model::began;
use super::text::{count, duration, moment};
use crate::result::{CellResult, StepState};
use std::time::SystemTime;

/// A step's times on one runner.
#[derive(Debug)]
pub struct Trend {
    /// The step.
    pub step: String,
    /// The nights in which a cell came through it, the first one first.
    pub points: Vec<Point>,
}

/// A step's times in one night, in milliseconds.
#[derive(Debug, PartialEq, Eq)]
pub struct Point {
    /// When the night began.
    pub night: SystemTime,
    /// The same in words.
    pub when: String,
    /// The cell in the middle; of an even number, the upper one of the two.
    pub median: u64,
    /// The fastest cell.
    pub least: u64,
    /// The slowest cell.
    pub most: u64,
    /// How many there were.
    pub cells: usize,
}

impl Trend {
    /// Those of all steps of the last night, in its order, from the cells of some nights, that one first.
    pub fn all(nights: &[Vec<&CellResult>]) -> Vec<Self> {
        let mut steps: Vec<&str> = Vec::new();
        for step in nights.first().into_iter().flatten().flat_map(|result| &result.steps) {
            if step.state == StepState::Done && !steps.contains(&step.name.as_str()) {
                steps.push(&step.name);
            }
        }
        let trend = |step: &str| {
            let points = nights.iter().rev().filter_map(|night| Point::of(night, step)).collect();
            Self { step: step.to_owned(), points }
        };
        steps.into_iter().map(trend).collect()
    }

    /// What the drawing shows, for who can't see it.
    pub fn words(&self) -> String {
        let [.., last] = self.points.as_slice() else { return String::new() };
        let nights = count(self.points.len(), "night");
        let medians = || self.points.iter().map(|point| point.median);
        let (least, most) = (medians().min().unwrap_or_default(), medians().max().unwrap_or_default());
        let now = duration(last.median);
        format!("{}: {now} at last; over {nights} from {} to {}", self.step, duration(least), duration(most))
    }

    /// The drawing: a line through the medians, in a band from the fastest to the slowest cell. It begins at the fastest of
    /// all, not at nothing: what matters is what changes.
    pub fn drawing(&self) -> Element {
        const WIDTH: f64 = 320.0;
        const HEIGHT: f64 = 110.0;
        const EDGE: f64 = 20.0;
        let least = self.points.iter().map(|point| point.least).min().unwrap_or_default();
        let most = self.points.iter().map(|point| point.most).max().unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a drawing is no more exact than its pixels")]
        let part = |millis: u64| millis.saturating_sub(least) as f64 / most.saturating_sub(least).max(1) as f64;
        let y = |millis: u64| HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * part(millis);
        // Nights are as far apart as they were; one alone stands in the middle.
        let first = self.points.first();
        let seconds = |point: &Point| first.map_or(0.0, |first| since(first.night, point.night));
        let whole = self.points.last().map_or(0.0, seconds);
        let x = |point: &Point| match whole {
            0.0 => WIDTH / 2.0,
            whole => 4.0 + (WIDTH - 8.0) * seconds(point) / whole,
        };
        let place = |point: &Point, millis| format!("{:.1},{:.1}", x(point), y(millis));
        let line = |value: fn(&Point) -> u64| self.points.iter().map(move |point| place(point, value(point)));
        let medians: Vec<_> = line(|point| point.median).collect();
        let band: Vec<_> = line(|point| point.most).chain(line(|point| point.least).rev()).collect();
        let dot = |point: &Point| {
            let told = format!("{}: {}, {}", point.when, duration(point.median), count(point.cells, "cell"));
            let (x, y) = (format!("{:.1}", x(point)), format!("{:.1}", y(point.median)));
            el("circle").attr("cx", x).attr("cy", y).attr("r", "3").with(el("title").text(told))
        };
        let edge = |y: f64| el("path").class("axis").attr("d", format!("M0 {y}H{WIDTH}"));
        let label = |y: f64, millis| el("text").attr("x", "0").attr("y", y.to_string()).text(duration(millis));
        el("svg")
            .attr("viewBox", format!("0 0 {WIDTH} {HEIGHT}"))
            .attr("role", "img")
            .attr("aria-label", self.words())
            .with(edge(EDGE))
            .with(edge(HEIGHT - EDGE))
            .with(el("polygon").attr("points", band.join(" ")))
            .with(el("polyline").attr("points", medians.join(" ")))
            .all(self.points.iter().map(dot))
            .with(label(EDGE - 6.0, most))
            .with(label(HEIGHT - EDGE + 14.0, least))
    }
}

impl Point {
    /// The day of the night.
    pub fn day(&self) -> &str {
        self.when.split(' ').next().unwrap_or_default()
    }

    fn of(night: &[&CellResult], step: &str) -> Option<Self> {
        let steps = night.iter().flat_map(|result| &result.steps);
        let done = steps.filter(|found| found.name == step && found.state == StepState::Done);
        let mut took: Vec<u64> = done.filter_map(|step| step.took_ms).collect();
        took.sort_unstable();
        let when = moment(&night.first()?.night.began);
        let (least, most) = (*took.first()?, *took.last()?);
        let median = took[took.len() / 2];
        Some(Self { night: began(night.first()?), when, median, least, most, cells: took.len() })
    }
}

fn since(first: SystemTime, then: SystemTime) -> f64 {
    then.duration_since(first).map_or(0.0, |passed| passed.as_secs_f64())
}
