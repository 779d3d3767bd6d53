//! The one place that says what differs from run to run, and what stands for it in snapshots.

use crate::TestContext;
use crate::run::Filters;
use insta::Settings;
use insta::internals::SettingsBindDropGuard;
use std::path::Path;

/// The filters for what a context's runs print, in the order in which they are applied.
pub fn filters(context: &TestContext) -> Filters {
    let paths = [
        (context.base_dir(), "[BASE]"),
        (&context.home(), "[HOME]"),
        (&context.temp(), "[TMP]"),
        (context.root(), "[ROOT]"),
        (context.program(), "[XTASK]"),
    ];
    let mut filters: Filters = paths.into_iter().map(|(path, name)| (path_pattern(path), name)).collect();
    filters.extend(GENERAL.iter().map(|(pattern, name)| ((*pattern).to_owned(), *name)));
    filters
}

/// What needs no context. Earlier ones win: a time is no row of numbers, and a digest no file name.
const GENERAL: &[(&str, &str)] = &[
    // What the same failure is called, and its number, on each system.
    (r"Connection refused \(os error 111\)|[^:\s][^:\n]* \(os error 10061\)", "Connection refused [OS ERROR]"),
    // Where a daemon listens, on each system.
    (r"\\{2,4}\.\\{1,2}pipe\\{1,2}buildkit-windows-[0-9a-f]{12}-(\w+)", "[ENDPOINT of $1]"),
    (r"\[BASE\]/run/(containerd|buildkitd)\.sock", "[ENDPOINT of $1]"),
    // Paths below the named folders, and relative ones, as Windows writes them and as JSON escapes them.
    (r"\\{1,2}([\w.\[])", "/$1"),
    (r"\b([\w-]+)\.exe\b", "$1"),
    (r"\bxtask-under-test\b", "xtask"),
    (r"\b(127\.0\.0\.1|localhost):\d+\b", "[SERVER]"),
    (r"\[::1\]:\d+\b", "[SERVER]"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?UTC|Z|[+-]\d\d:\d\d)", "[TIME]"),
    (r"\b[0-9a-f]{64}\b", "[SHA256]"),
    (r#"("(?:pid|size|bytes|[a-z]+_ms)": ?)\d+"#, r#"$1"[NUMBER]""#),
    (r"\b(pid|PID|process) \d+\b", "$1 [PID]"),
    (r"\b\d+(\.\d+)? ?([KMGT]i?B|kB|B|bytes?)\b", "[SIZE]"),
    // `1.2s`, `340ms` and humantime's `1m 2s`.
    (r"\b\d+(\.\d+)?(ns|us|µs|ms|s|m|h|min|days?)( \d+(ns|us|µs|ms|s|m|h))*\b", "[DURATION]"),
];

/// A path in any of the ways in which a program writes it: with either slash, escaped, verbatim.
fn path_pattern(path: &Path) -> String {
    let text = path.to_string_lossy();
    let parts: Vec<String> = text.split(['/', '\\']).map(escape).collect();
    format!(r"(?:\\\\\?\\)?{}", parts.join(r"(?:/|\\{1,2})"))
}

/// A text as a pattern that finds just it.
fn escape(text: &str) -> String {
    let is_special = |c: char| !c.is_alphanumeric() && !c.is_whitespace() && c != '_' && c.is_ascii();
    text.chars().flat_map(|c| is_special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// insta's settings with these filters.
pub(crate) fn settings(filters: &Filters) -> Settings {
    let mut settings = Settings::clone_current();
    for (pattern, name) in filters {
        settings.add_filter(pattern, *name);
    }
    // The command is the test's; the snapshot shows what a person sees.
    settings.set_omit_expression(true);
    settings
}

/// Applies a context's filters to plain `insta::assert_snapshot!` calls for as long as the guard lives.
pub fn bind(context: &TestContext) -> SettingsBindDropGuard {
    settings(&filters(context)).bind_to_scope()
}
