//! `samples`: what a sample says of itself, and what is wrong with one. They are built in the end-to-end tests.

use std::path::Path;
use tests::{TestContext, assert_outcome, context, insta};
use xtask::sample::manifest::Manifest;

const PLAIN: &str = "title = \"T\"\nshows = \"S\"\n[linux]\nexpect = \"works\"\n[windows]\n";
const WORKS: &str = "expect = \"works\"\n";

#[test]
fn what_is_wrong_in_a_toml_is_told_with_its_line_and_what_was_expected() {
    let of_windows = |rest: &str| format!("{PLAIN}{rest}");
    let works_with = |rest: &str| format!("{PLAIN}{WORKS}{rest}");
    let texts = [
        "title = \"T\nshows".into(),
        "titel = \"T\"\n".into(),
        "shows = \"S\"\n".into(),
        "title = 3\n".into(),
        "title = \"T\"\nneeds = [\"gpu\"]\n".into(),
        of_windows("expect = \"maybe\"\n"),
        of_windows("expect = \"fails\"\n"),
        of_windows("expect = \"fails\"\nfailure = \"copy-lnk\"\n"),
        of_windows("expect = \"fails\"\nfailure = \"xyzzy\"\n"),
        of_windows("expect = \"works\"\nfailure = \"copy-link\"\n"),
        of_windows("expect = \"untested\"\n"),
        of_windows("expect = \"untested\"\nupstream = \"moby/buildkit#1\"\n"),
        of_windows("expect = \"works\"\nbuildkit = \"latest\"\n"),
        works_with("[[build]]\ntargt = \"x\"\n"),
        works_with("[[build]]\noutput = \"docker\"\n"),
        works_with("[[build]]\n[[build]]\ncontexts = { x = \"build:first\" }\n"),
        works_with("[[build]]\nname = \"x\"\n[[build]]\nname = \"x\"\n"),
        works_with("[[build]]\nname = \"x\"\n[[build]]\ncontext = \"build:x\"\n"),
        works_with("[[build]]\nshow = [\"x\"]\n"),
        works_with("[[build]]\noutput = \"local\"\nshow = [\"/etc/hostname\"]\n"),
        works_with("[[build]]\noutput = \"tar\"\nshow = [\"a\", \"../b\"]\n"),
        works_with("[[build]]\nforget = \"\"\n"),
        works_with("[[build]]\nname = \"x\"\n[[build]]\ncache-from = \"x\"\n"),
        works_with("[[build]]\ncontext = \"../x\"\n"),
        works_with("[[make]]\nfile = \"/x\"\nsize = \"1GiB\"\n"),
        works_with("[[make]]\nfile = \"x\"\nsize = \"1 furlong\"\n"),
        works_with("[[make]]\nfile = \"x\"\n"),
        format!("serve = \"../x\"\n{PLAIN}{WORKS}"),
    ];
    let refused = |text: &String| Manifest::parse(text, Path::new("sample.toml")).unwrap_err().to_string();
    insta::assert_snapshot!(texts.iter().map(refused).collect::<Vec<_>>().join("\n"));
}

#[test]
fn all_that_is_here_is_listed_with_what_is_expected_of_it() {
    let context = context!();
    let folders =
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-dockerfile")).unwrap().count();
    for platform in ["linux-amd64", "windows-amd64"] {
        let list = ["samples", "--list", "--platform", platform];
        let listed = context.xtask(list).run().success().stdout;
        let rows = context.xtask([&list[..], &["--json"]].concat()).run().success().json();
        let rows = rows.as_array().unwrap();
        assert_eq!((listed.lines().count(), rows.len()), (folders, folders));
        for (line, row) in listed.lines().zip(rows) {
            let columns = ["name", "expected", "shows"].map(|column| row[column].as_str().unwrap());
            assert_eq!(line.split_whitespace().take(2).collect::<Vec<_>>(), columns[..2], "{line}");
            assert!(line.ends_with(columns[2]), "{line}");
        }
    }
    let one = context.xtask(["samples", "--list", "copy-link", "--platform", "windows-amd64"]).run();
    assert_outcome!(one, @"
    exit code: 0
    ----- stdout -----
    copy-link  fails     A file is copied into a layer that needs nothing of those before it.
    ----- stderr -----
    ");
    assert!(!context.base_dir().exists(), "it needs no workspace");
}

/// Writes a sample, and returns its path.
fn sample(context: &TestContext, name: &str, files: &[(&str, &str)]) -> String {
    for (file, text) in files {
        context.write(format!("{name}/{file}"), text);
    }
    context.root().join(name).display().to_string()
}

#[test]
fn a_sample_that_lacks_something_is_a_usage_error() {
    let context = context!();
    let toml = format!("{PLAIN}{WORKS}");
    let nothing = toml.clone() + "[[build]]\nfails = \"x\"\n";
    let dockerfile = ("common/Dockerfile", "FROM base\n");
    let expected = ("common/expected.txt", "x\n");
    let mut samples = vec![
        sample(&context, "bare", &[dockerfile]),
        sample(&context, "context", &[("Dockerfile", "FROM base\n")]),
        sample(&context, "no-dockerfile", &[("sample.toml", &toml), expected]),
        sample(&context, "no-expected", &[("sample.toml", &toml), dockerfile]),
        sample(&context, "prints-nothing", &[("sample.toml", &nothing), dockerfile, expected]),
        sample(&context, "mistyped", &[("sample.toml", &toml.replace("shows", "show")), dockerfile, expected]),
        sample(&context, "Large_Letters", &[("sample.toml", &toml), dockerfile, expected]),
    ];
    let served = [
        toml.replace("[linux]", "serve = \"nowhere\"\n[linux]"),
        toml.clone() + "[[make]]\narchive = \"a.tar.gz\"\nof = \"none\"\n",
    ];
    for (name, toml) in ["no-served", "no-packed"].iter().zip(&served) {
        let path = sample(&context, name, &[("sample.toml", toml), dockerfile, expected]);
        let listed = context.xtask(["samples", "--list", "--platform", "linux-amd64", &path]).run().exited(2);
        assert_eq!(listed.stdout, "");
        samples.push(path);
    }
    for (name, toml_or_none) in [("no-text", Some(toml.as_str())), ("no-text-context", None)] {
        let (file, rest) = match toml_or_none {
            Some(toml) => ("linux/expected.txt", vec![("sample.toml", toml), dockerfile]),
            None => ("expected.txt", vec![("Dockerfile", "FROM base\n")]),
        };
        context.write(format!("{name}/{file}"), b"M\xfcnchen\n");
        samples.push(sample(&context, name, &rest));
    }
    let whole = [("sample.toml", toml.as_str()), dockerfile, expected];
    let twice = [sample(&context, "one/same", &whole), sample(&context, "two/same", &whole)];
    let lines: Vec<Vec<&str>> = samples
        .iter()
        .map(|path| vec![path.as_str()])
        .chain([
            twice.iter().map(String::as_str).collect(),
            vec!["copy-lnk"],
            vec!["xyzzy"],
            vec!["label", "--jobs", "0"],
        ])
        .collect();
    let mut said = String::new();
    for line in lines {
        let refused = context.xtask(["samples", "--platform", "linux-amd64"].into_iter().chain(line)).run().exited(2);
        assert_eq!(refused.stdout, "", "{refused}");
        said += &refused.stderr;
        said += "\n";
    }
    assert!(!context.base_dir().exists(), "nothing was changed");
    let _filters = tests::filters::bind(&context);
    insta::assert_snapshot!(said);
}

#[test]
fn what_lies_between_the_samples_stops_nobody() {
    let context = context!();
    let toml = format!("{PLAIN}{WORKS}");
    let folder = "repository/sample-dockerfile";
    sample(
        &context,
        &format!("{folder}/only"),
        &[("sample.toml", &toml), ("common/Dockerfile", ""), ("common/expected.txt", "")],
    );
    context.write(format!("{folder}/README.md"), "");
    context.write(format!("{folder}/.idea/workspace.xml"), "");
    let list = || {
        let list = context.xtask(["samples", "--list", "--platform", "linux-amd64"]);
        list.env("CARGO_MANIFEST_DIR", context.root().join("repository/xtask")).run()
    };
    assert_eq!(list().success().stdout, "only  works     S\n");
    // A folder is a sample, be it half of one.
    context.write(format!("{folder}/half/linux/Dockerfile"), "");
    let refused = list().exited(2);
    assert!(refused.stderr.contains("half` has no sample.toml, nor a Dockerfile\n"), "{refused}");
}

#[test]
fn a_path_is_no_name() {
    let context = context!();
    let toml = format!("{PLAIN}{WORKS}");
    let path =
        sample(&context, "own", &[("sample.toml", &toml), ("common/Dockerfile", ""), ("common/expected.txt", "")]);
    let here = context.xtask(["samples", "--list", "--platform", "linux-amd64", "."]).current_dir(path).run();
    assert_eq!(here.success().stdout, "own  works     S\n");
}

#[test]
fn a_first_sample_may_say_nothing_of_another_system() {
    let context = context!();
    let files = [
        ("sample.toml", "title = \"T\"\nshows = \"S\"\nlinux.expect = \"works\"\n"),
        ("linux/Dockerfile", ""),
        ("linux/expected.txt", ""),
    ];
    let path = sample(&context, "first", &files);
    for (platform, expected) in [("linux-amd64", "works"), ("windows-amd64", "untested")] {
        let listed = context.xtask(["samples", "--list", "--platform", platform, &path]).run().success();
        assert_eq!(listed.stdout.split_whitespace().collect::<Vec<_>>(), ["first", expected, "S"], "{listed}");
    }
}
