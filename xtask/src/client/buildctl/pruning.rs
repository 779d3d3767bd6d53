//! Letting BuildKit forget what it has built. Argument vectors, and what the answers say.

use crate::process::Argv;
use crate::tools::buildctl;
use crate::workspace::Workspace;

/// A level of `reset` that BuildKit does itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// What no build uses.
    Unused,
    /// All of the build cache, internal records too.
    All,
    /// The records of past builds.
    Histories,
}

impl Prune {
    /// The levels, the mildest first.
    pub const LEVELS: [Prune; 3] = [Prune::Unused, Prune::All, Prune::Histories];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Prune::Unused => "prune",
            Prune::All => "prune --all",
            Prune::Histories => "prune-histories",
        }
    }
}

/// Frees what a level of `reset` frees. Sizes are asked for in bytes, a record a line: the table's total is rounded, and wrong
/// where BuildKit doesn't know a size.
pub fn prune(workspace: &Workspace, level: Prune) -> Argv {
    let argv = buildctl(workspace).args(level.name().split(' '));
    if level == Prune::Histories { argv } else { argv.args(["--format", "{{.Size}}"]) }
}

/// Frees what no build uses, of that whose description has these words; also what an image has, too.
pub fn forget(workspace: &Workspace, words: &str) -> Argv {
    buildctl(workspace).args(["prune", "--all", "--filter", &filter(words)])
}

/// Tells of what has these words in its description, used or not: an id a line.
pub fn remembered(workspace: &Workspace, words: &str) -> Argv {
    buildctl(workspace).args(["du", "--filter", &filter(words), "--format", "{{range .}}{{println .ID}}{{end}}"])
}

/// Whether there is anything that was asked for so.
pub fn is_remembered(answer: &str) -> bool {
    answer.lines().any(|line| !line.trim().is_empty())
}

fn filter(words: &str) -> String {
    format!("description~=/{}/", escaped(words))
}

/// Words as they are in a quoted regular expression of a filter: whatever may mean something in one or the other, or to
/// buildctl, which divides lists at commas, is told by its number.
///
/// Source of the syntax: <https://github.com/containerd/containerd/blob/main/pkg/filters/filter.go>, and
/// <https://pkg.go.dev/regexp/syntax>
fn escaped(words: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | ':' | '=');
    let told = |c: char| if is_plain(c) { c.to_string() } else { format!("\\\\x{{{:x}}}", u32::from(c)) };
    words.chars().map(told).collect()
}

/// What a level has freed, in bytes, of what is known: the size of a record that nobody has measured yet is -1.
pub fn freed(level: Prune, answer: &str) -> Option<u64> {
    let sizes = answer.lines().filter_map(|line| line.trim().parse::<u64>().ok());
    (level != Prune::Histories).then(|| sizes.sum())
}

/// How many leases are gone already, if that is all that `prune-histories` failed of: to get rid of them is what it was for.
pub fn missing_leases(said: &str) -> Option<usize> {
    let (missing, other): (Vec<&str>, Vec<&str>) = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .partition(|line| line.contains("lease \"") && line.contains("\": not found"));
    (!missing.is_empty() && other.is_empty()).then_some(missing.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(platform: &str) -> Workspace {
        Workspace::new("/w".into(), platform.parse().unwrap())
    }

    #[test]
    fn prune_tells_what_it_freed() {
        let all = prune(&workspace("linux-amd64"), Prune::All).shown();
        assert!(all.ends_with(" prune --all --format '{{.Size}}'"), "{all}");
        for (answer, expected) in [("20721\n-1\n8192\n", 28913), ("-1\n", 0), ("", 0)] {
            assert_eq!(freed(Prune::Unused, answer), Some(expected), "{answer:?}");
        }
        assert_eq!(freed(Prune::Histories, "TYPE\tREF\n"), None);
    }

    #[test]
    fn words_are_no_syntax() {
        assert_eq!(escaped("RUN a-b_c: x=y z"), "RUN a-b_c: x=y z");
        assert_eq!(escaped("a,b/c"), r"a\\x{2c}b\\x{2f}c");
        assert_eq!(escaped("\"(.*)\\\u{fc}\n"), r"\\x{22}\\x{28}\\x{2e}\\x{2a}\\x{29}\\x{5c}\\x{fc}\\x{a}");
        let argv = forget(&workspace("linux-amd64"), "no such step").shown();
        assert!(argv.ends_with(" prune --all --filter 'description~=/no such step/'"), "{argv}");
        let argv = remembered(&workspace("linux-amd64"), "a,b").shown();
        assert!(argv.contains(r" du --filter 'description~=/a\\x{2c}b/' --format "), "{argv}");
        assert!(is_remembered("x1\n\n") && !is_remembered("\n") && !is_remembered(""));
    }

    #[test]
    fn only_leases_that_are_gone_are_no_failure() {
        let one = "error: lease \"ref_x\": not found";
        for (said, expected) in [
            (one.to_owned(), Some(1)),
            (format!("{one}\nlease \"ref_y\": not found\n"), Some(2)),
            (format!("{one}\nconnection refused"), None),
            ("error: connection refused".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(missing_leases(&said), expected, "{said:?}");
        }
    }
}
