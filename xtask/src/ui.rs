//! What people see. Everything here goes to stderr: stdout belongs to data.

use crate::error::Error;
use console::Term;
use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Warnings and errors only.
    Quiet,
    /// What is being done.
    Normal,
    /// Every command run, and more.
    Verbose,
}

/// Where and how to speak.
pub struct Ui {
    level: Level,
    colour: bool,
    terminal: bool,
    /// On GitHub Actions: groups and annotations.
    actions: bool,
    bars: MultiProgress,
}

/// Whether what is said is read by GitHub Actions.
pub fn on_actions() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| !value.is_empty())
}

impl Ui {
    /// Looks at the terminal and the environment once.
    pub fn new(level: Level) -> Self {
        let terminal = std::io::stderr().is_terminal();
        // Looks at `NO_COLOR` and `TERM` too, and on Windows tells the console to take the sequences, which an old one can't.
        let colour = Term::stderr().features().colors_supported();
        let bars = MultiProgress::with_draw_target(if terminal && level > Level::Quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        Self { level, colour, terminal, actions: on_actions(), bars }
    }

    /// Whether stderr is a terminal that a program may draw on.
    pub fn is_terminal(&self) -> bool {
        self.terminal && self.level > Level::Quiet
    }

    /// A line as cargo writes them: what is being done, to what.
    pub fn step(&self, verb: &str, what: &str) {
        if self.level > Level::Quiet {
            self.line(&format!("{} {what}", self.paint(&format!("{verb:>12}"), "1;32")));
        }
    }

    /// Something worth knowing that is no step.
    pub fn note(&self, text: &str) {
        if self.level > Level::Quiet {
            self.line(&format!("{} {text}", self.paint("note:", "1;36")));
        }
    }

    /// Something that may bite later.
    pub fn warn(&self, text: &str) {
        if self.actions {
            self.order("warning", text);
        } else {
            self.line(&format!("{} {text}", self.paint("warning:", "1;33")));
        }
    }

    /// A detail that only `-v` shows.
    pub fn detail(&self, text: &str) {
        if self.level == Level::Verbose {
            self.line(text);
        }
    }

    /// A line of another program's, as it is.
    pub fn passed_on(&self, line: &str) {
        if self.level > Level::Quiet {
            self.line(line);
        }
    }

    /// What another program told of why it failed, where its lines have not been passed on; and what shows all of them.
    pub fn kept_quiet(&self, lines: &[impl AsRef<str>], remedy: &str) {
        if self.level == Level::Quiet && !lines.is_empty() {
            lines.iter().for_each(|line| self.line(line.as_ref()));
            self.line(&format!("({remedy})"));
        }
    }

    /// The error that ends a command.
    pub fn error(&self, error: &Error) {
        if self.actions {
            self.order("error", &error.to_string());
        }
        self.line(&format!("{} {error}", self.paint("error:", "1;31")));
        if let Some(hint) = error.hint_text() {
            self.line("");
            self.line(&format!("{} {hint}", self.paint("hint:", "1;36")));
        }
    }

    /// Lines until the returned value is dropped fold away on GitHub Actions.
    pub fn group(&self, title: &str) -> Group<'_> {
        if self.actions && self.level > Level::Quiet {
            self.order("group", title);
        }
        Group { ui: self }
    }

    /// A bar on a terminal; elsewhere one line at the start and one at the end.
    pub fn progress(&self, verb: &str, what: &str) -> Progress<'_> {
        let bar = self.bars.add(ProgressBar::no_length());
        bar.set_style(style("{prefix} {msg} {bytes} {bytes_per_sec}"));
        bar.set_prefix(self.paint(&format!("{verb:>12}"), "1;32"));
        bar.set_message(what.to_owned());
        if !self.is_terminal() {
            self.step(verb, what);
        }
        Progress { ui: self, bar }
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A workflow command to GitHub Actions.
    fn order(&self, command: &str, text: &str) {
        self.written(&format!("::{command}::{}", escape_for_actions(text)));
    }

    fn line(&self, text: &str) {
        if self.actions { self.written(&tamed(text)) } else { self.written(text) }
    }

    fn written(&self, text: &str) {
        // A closed stderr is no reason to fail: whoever closed it does not want to read.
        self.bars.suspend(|| drop(writeln!(std::io::stderr(), "{text}")));
    }
}

/// See [`Ui::group`].
pub struct Group<'a> {
    ui: &'a Ui,
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if self.ui.actions && self.ui.level > Level::Quiet {
            self.ui.order("endgroup", "");
        }
    }
}

/// Something under way, with or without a known length in bytes.
pub struct Progress<'a> {
    ui: &'a Ui,
    bar: ProgressBar,
}

impl Progress<'_> {
    /// The number of bytes to come.
    pub fn length(&self, bytes: u64) {
        self.bar.set_length(bytes);
        self.bar.set_style(style("{prefix} {msg} [{wide_bar}] {bytes}/{total_bytes}"));
    }

    /// The bytes so far.
    pub fn at(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    /// What is being done now, where bytes tell nothing.
    pub fn doing(&self, what: &str) {
        self.bar.set_style(style("{prefix} {msg} {elapsed}"));
        self.bar.set_message(what.to_owned());
    }

    /// Ends it, saying what came of it.
    pub fn done(self, verb: &str, what: &str) {
        self.bar.finish_and_clear();
        self.ui.step(verb, what);
    }

    /// Something worth knowing on the way.
    pub fn note(&self, text: &str) {
        self.ui.note(text);
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

/// Newlines and percent signs would end or garble a workflow command.
fn escape_for_actions(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text that GitHub Actions takes for text only: a runner reads commands from stderr too. It obeys a line that begins with `::`,
/// whatever is blank before it, and `##[` wherever that stands.
/// Source: <https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>
fn tamed(text: &str) -> String {
    let line = |line: &str| {
        let rest = line.trim_start();
        let blank = &line[..line.len() - rest.len()];
        match rest.strip_prefix("::") {
            Some(rest) => format!("{blank}: :{rest}"),
            None => line.to_owned(),
        }
    };
    text.split_inclusive(['\n', '\r']).map(line).collect::<String>().replace("##[", "# #[")
}

/// A number of bytes as people read it: `1.50 MiB`.
pub fn bytes(count: u64) -> String {
    HumanBytes(count).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_command_stays_on_one_line() {
        assert_eq!(escape_for_actions("50%\nnext"), "50%25%0Anext");
    }

    #[test]
    fn what_is_only_told_is_no_workflow_command() {
        assert_eq!(tamed("x\n::error::y\r\n \t::add-mask::z"), "x\n: :error::y\r\n \t: :add-mask::z");
        assert_eq!(tamed("x\r:::error::y ##[error]z"), "x\r: ::error::y # #[error]z");
        assert_eq!(tamed("a::b\n: :c\n"), "a::b\n: :c\n");
    }
}
