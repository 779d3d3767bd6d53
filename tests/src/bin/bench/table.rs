//! What was measured, as a table.

use std::time::Duration;

/// What figures are figures of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    CpuSeconds,
    Mebibytes,
}

impl Unit {
    fn shown(self, figure: f64) -> String {
        match self {
            Unit::Seconds => format!("{figure:.3} s"),
            Unit::CpuSeconds => format!("{figure:.1} CPU-s"),
            Unit::Mebibytes => format!("{figure:.1} MiB"),
        }
    }
}

/// What a figure should not exceed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    Ratio(f64),
    Figure(f64),
}

/// The same work done by hand.
struct Beside {
    what: String,
    median: f64,
    ratios: Vec<f64>,
}

/// A figure.
pub struct Row {
    what: String,
    unit: Unit,
    median: f64,
    beside: Option<Beside>,
    goal: Goal,
}

impl Row {
    /// Figures that stand alone.
    pub fn alone(what: &str, unit: Unit, figures: &[f64], goal: f64) -> Self {
        Self { what: what.to_owned(), unit, median: median(figures), beside: None, goal: Goal::Figure(goal) }
    }

    /// Times, and those of the same work done by hand, each right after its own.
    pub fn paired(what: &str, ours: &[Duration], beside: &str, theirs: &[Duration], goal: Goal) -> Self {
        let seconds = |times: &[Duration]| times.iter().map(Duration::as_secs_f64).collect::<Vec<_>>();
        let (ours, theirs) = (seconds(ours), seconds(theirs));
        let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
        let beside = Beside { what: beside.to_owned(), median: median(&theirs), ratios };
        Self { what: what.to_owned(), unit: Unit::Seconds, median: median(&ours), beside: Some(beside), goal }
    }

    fn is_met(&self) -> bool {
        match (self.goal, &self.beside) {
            (Goal::Figure(most), _) => self.median <= most,
            (Goal::Ratio(most), Some(beside)) => median(&beside.ratios) <= most,
            (Goal::Ratio(_), None) => false,
        }
    }

    fn cells(&self) -> [String; 7] {
        let (beside, theirs, ratio) = match &self.beside {
            Some(Beside { what, median: theirs, ratios }) => {
                let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
                let greatest = ratios.iter().copied().fold(0.0, f64::max);
                let ratio = format!("{:.2} ({least:.2}-{greatest:.2})", median(ratios));
                (what.clone(), self.unit.shown(*theirs), ratio)
            }
            None => ("-".to_owned(), String::new(), String::new()),
        };
        let goal = match self.goal {
            Goal::Ratio(most) => format!("<= {most}"),
            Goal::Figure(most) => {
                // A goal is a round number.
                let shown = self.unit.shown(most);
                let (_, unit) = shown.split_once(' ').unwrap_or_default();
                format!("<= {most} {unit}")
            }
        };
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        [self.what.clone(), self.unit.shown(self.median), beside, theirs, ratio, goal, verdict.to_owned()]
    }
}

/// The middle one; of two in the middle, what lies between them.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// All rows under their headings, in columns.
pub fn render(rows: &[Row]) -> String {
    let headings = ["measured", "median", "beside", "median", "ratio", "goal", ""].map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(headings).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().enumerate().map(|(column, cell)| {
            let width = widths[column];
            // Numbers end together, words begin together.
            if matches!(column, 1 | 3) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}
