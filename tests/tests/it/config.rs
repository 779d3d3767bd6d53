//! The daemons' configurations: real defaults of many versions, and what becomes of them.

use tests::insta;
use xtask::config;
use xtask::workspace::Workspace;

fn workspace(base: &str, platform: &str) -> Workspace {
    Workspace::new(base.into(), platform.parse().unwrap())
}

#[test]
fn buildkitd_on_windows_is_told_where_everything_is() {
    let written = config::buildkitd(&workspace(r"C:\ws", "windows-amd64"));
    // On another host the paths below the workspace have that one's slashes.
    let line = |line: &str| if line.contains(r"C:\ws") { line.replace('/', r"\") } else { line.to_owned() };
    let written: Vec<String> = written.lines().map(line).collect();
    insta::assert_snapshot!(written.join("\n"), @r#"
    root = 'C:\ws\buildkit\root'
    provenanceEnvDir = 'C:\ws\buildkit\provenance.d'

    [grpc]
    address = ["npipe:////./pipe/buildkit-windows-7710c21366c3-buildkitd"]

    [otel]
    socketPath = '\\.\pipe\buildkit-windows-7710c21366c3-otel'

    [cdi]
    disabled = true

    [worker.containerd]
    enabled = true
    address = '\\.\pipe\buildkit-windows-7710c21366c3-containerd'
    cniConfigPath = 'C:\ws\buildkit\cni\cni.json'
    cniBinaryPath = 'C:\ws\buildkit\cni\bin'
    "#);
}

/// Paths are joined with the host's own slashes, so these are only what they will be on a Unix host.
#[cfg(unix)]
mod linux {
    use super::{config, workspace};
    use std::fs;
    use std::path::{Path, PathBuf};
    use tests::{StandIn, TestContext, assert_outcome, context, insta};
    use xtask::component::Component::Containerd;
    use xtask::platform::Platform;
    use xtask::sample::difference;

    /// A path with a blank and a letter that is not in ASCII.
    const BASE: &str = "/work space/ü";

    /// Everything on Linux that containerd would share with other containerds.
    ///
    /// `xtask/src/config.rs` has the same list, and it is written out a second time on purpose: a test must not take
    /// its truth from the code under test. A folder that goes missing there is still looked for here.
    const GLOBAL: [&str; 12] = [
        "/var/lib/containerd",
        "/var/run/containerd",
        "/run/containerd",
        "/opt/containerd",
        "/etc/containerd",
        "/opt/cni",
        "/etc/cni",
        "/etc/cdi",
        "/var/run/cdi",
        "/opt/nri",
        "/etc/nri",
        "/var/run/nri",
    ];

    /// What `containerd config default` printed, by its version.
    fn defaults() -> Vec<(String, String)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/containerd-config");
        let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        files.sort();
        let version = |path: &Path| path.file_stem()?.to_str()?.strip_prefix("linux-").map(str::to_owned);
        let linux = files.iter().filter_map(|path| Some((version(path)?, fs::read_to_string(path).unwrap())));
        linux.collect()
    }

    fn patched(default: &str) -> String {
        config::patch_containerd(default, &workspace(BASE, "linux-amd64")).unwrap()
    }

    #[test]
    fn every_default_is_patched_as_its_snapshot_shows() {
        let defaults = defaults();
        assert!(defaults.len() >= 6, "{}", defaults.len());
        for (name, default) in defaults {
            let diff = difference(&default, &patched(&default)).unwrap();
            // What it is called there is of another use of it.
            let diff = diff.strip_prefix("--- expected\n+++ printed\n").unwrap();
            insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(name, diff) });
        }
    }

    #[test]
    fn no_global_folder_is_left_in_any_line() {
        for (name, default) in defaults() {
            let patched = patched(&default);
            for line in patched.lines() {
                for global in GLOBAL {
                    let own = format!("{BASE}/containerd{global}");
                    let is_own = |at: usize| line[..at + global.len()].ends_with(&own);
                    // `/run/containerd` is a part of `/var/run/containerd` and of the workspace's own `run/containerd.sock`.
                    let is_part = |at: usize| line[..at].ends_with("/var") || line[..at].ends_with(BASE);
                    let left = line.match_indices(global).find(|(at, _)| !is_own(*at) && !is_part(*at));
                    assert_eq!(left, None, "{name}: {line}");
                }
            }
            assert!(
                default.contains("/var/lib/containerd")
                    && !patched.contains("'/var/lib")
                    && !patched.contains("\"/var/lib")
            );
        }
    }

    #[test]
    fn only_paths_endpoints_and_disabled_plugins_change_and_each_keeps_its_quotes() {
        for (name, default) in defaults() {
            let patched = patched(&default);
            assert_eq!(default.lines().count(), patched.lines().count(), "{name}");
            for (before, after) in default.lines().zip(patched.lines()).filter(|(before, after)| before != after) {
                let key = |line: &str| line.split(" = ").next().unwrap().to_owned();
                assert_eq!(key(before), key(after), "{name}");
                let had_path = GLOBAL.iter().any(|global| before.contains(global));
                // An array that was empty had no quotes to keep.
                let is_disabled_plugins = key(before) == "disabled_plugins";
                assert!(
                    had_path || is_disabled_plugins || before.ends_with(" = ''") || before.ends_with(" = \"\""),
                    "{before}"
                );
                let count = |line: &str, quote: char| line.matches(quote).count();
                if !is_disabled_plugins {
                    let quotes = |line: &str| (count(line, '\''), count(line, '"'));
                    assert_eq!(quotes(before), quotes(after), "{name}: {before}");
                }
            }
            // Version 2 writes "double" quotes, and later ones 'single' ones: the added plugins follow.
            let plugins = patched.lines().find(|line| line.starts_with("disabled_plugins")).unwrap();
            let quote = if default.contains("root = '") { '\'' } else { '"' };
            for plugin in ["io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"] {
                assert!(plugins.contains(&format!("{quote}{plugin}{quote}")), "{name}: {plugins}");
            }
        }
    }

    #[test]
    fn comments_and_blank_lines_stay_where_they_are() {
        for (name, default) in defaults() {
            let noted = |text: &str| -> String {
                let lines = text.lines().enumerate();
                lines.map(|(number, line)| format!("# above {number}\n\n{line} # beside {number}\n")).collect()
            };
            assert_eq!(patched(&noted(&default)), noted(&patched(&default)), "{name}");
        }
    }

    #[test]
    fn what_is_patched_reads_as_toml_and_needs_no_more_patching() {
        for (name, default) in defaults() {
            let patched_once = patched(&default);
            assert_eq!(patched(&patched_once), patched_once, "{name}");
            // Nor is there anything in it that depends on where the workspace lies but the workspace's own path.
            let elsewhere = config::patch_containerd(&default, &workspace("/elsewhere", "linux-amd64")).unwrap();
            assert_eq!(elsewhere.replace("/elsewhere/", &format!("{BASE}/")), patched_once, "{name}");
        }
    }

    #[test]
    fn buildkitd_is_told_where_everything_is() {
        insta::assert_snapshot!(config::buildkitd(&workspace(BASE, "linux-amd64")), @r#"
        root = "/work space/ü/buildkit/root"
        provenanceEnvDir = "/work space/ü/buildkit/provenance.d"

        [grpc]
        address = ["unix:///work space/ü/run/buildkitd.sock"]

        [otel]
        socketPath = "/work space/ü/run/otel.sock"

        [cdi]
        disabled = true

        [worker.oci]
        enabled = false

        [worker.containerd]
        enabled = true
        address = "/work space/ü/run/containerd.sock"
        cniConfigPath = "/work space/ü/buildkit/cni/cni.json"
        cniBinaryPath = "/work space/ü/buildkit/cni/bin"
        defaultCgroupParent = "buildkit-windows-f9b510ed9138"
        "#);
    }

    /// The binary with a containerd that knows its default and nothing else.
    fn with_containerd(default: &str) -> TestContext {
        let context = context!().base_name("bäse dir");
        for program in Containerd.programs(Platform::host().unwrap().os) {
            let stand_in = StandIn::new(program, "2.4.2").answers("config default", default);
            context.write_program(format!("programs/{program}"), stand_in.script());
        }
        context
    }

    #[test]
    fn the_command_prints_what_would_be_written_and_the_difference() {
        let (_, default) = defaults().pop().unwrap();
        let context = with_containerd(&default);
        let base = context.base_dir().to_str().unwrap();
        let expected =
            config::patch_containerd(&default, &workspace(base, &Platform::host().unwrap().to_string())).unwrap();
        let config = |option: &str| {
            let line = format!("config --containerd ./programs {option}");
            context.xtask(line.split_whitespace()).run().success().stdout
        };
        assert_eq!(config(""), expected);
        let hunks = |diff: &str| diff.split_once("@@").unwrap().1.to_owned();
        let diff = config("--diff");
        assert!(diff.starts_with("--- config default\n+++ config.toml\n@@ "), "{diff}");
        assert_eq!(hunks(&diff), hunks(&difference(&default, &expected).unwrap()));
    }

    #[test]
    fn a_default_that_cannot_be_patched_is_named() {
        let default =
            "root = ''\nstate = ''\nnew = ['file:///etc/containerd/x']\ngrpc.address = ''\nttrpc.address = ''\n";
        let context = with_containerd(default);
        let outcome = context.xtask(["config", "--containerd", "./programs", "--quiet"]).run();
        assert_outcome!(outcome, @"
        exit code: 3
        ----- stdout -----
        ----- stderr -----
        error: failed to move every path of containerd's configuration into the workspace: `file:///etc/containerd/x` still lies under `/etc/containerd`

        hint: this containerd writes its configuration in a new way: take an older one with `--containerd VERSION`, and report it
        ");
        let context = with_containerd("{}");
        assert_outcome!(context.xtask(["config", "--containerd", "./programs", "--quiet"]).run(), @"
        exit code: 3
        ----- stdout -----
        ----- stderr -----
        error: failed to read containerd's default configuration: TOML parse error at line 1, column 1
          |
        1 | {}
          | ^
        invalid key-value pair, expected key

        hint: take another containerd with `--containerd VERSION`, and report this one
        ");
    }
}
