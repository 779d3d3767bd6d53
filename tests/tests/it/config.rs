//! The daemons' configurations: real defaults of many versions, and what becomes of them.

use std::fs;
use std::path::{Path, PathBuf};
use tests::insta;
use xtask::config;
use xtask::network::Network;
use xtask::sample::difference;
use xtask::workspace::Workspace;

fn workspace(base: &str, platform: &str) -> Workspace {
    Workspace::new(base.into(), platform.parse().unwrap())
}

/// What `containerd config default` printed on an operating system, by its version.
fn defaults(os: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/containerd-config");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let version = |path: &Path| path.file_stem()?.to_str()?.strip_prefix(os)?.strip_prefix('-').map(str::to_owned);
    files.iter().filter_map(|path| Some((version(path)?, fs::read_to_string(path).unwrap()))).collect()
}

/// What a snapshot shows: the hunks.
fn hunks(default: &str, patched: &str) -> String {
    let diff = difference(default, patched).unwrap();
    // What it is called there is of another use of it.
    diff.strip_prefix("--- expected\n+++ printed\n").unwrap().to_owned()
}

/// The lines that patching changed: their key, and how they were and are.
///
/// No line may come, go, get another key or get other quotes.
fn changes<'a>(name: &str, default: &'a str, patched: &'a str) -> Vec<(&'a str, &'a str, &'a str)> {
    assert_eq!(default.lines().count(), patched.lines().count(), "{name}");
    let key = |line: &'a str| line.split(" = ").next().unwrap().trim_start();
    let quotes = |line: &str| (line.matches('\'').count(), line.matches('"').count());
    let lines = default.lines().zip(patched.lines()).filter(|(before, after)| before != after);
    let changes: Vec<_> = lines.map(|(before, after)| (key(before), before, after)).collect();
    for (name_of_value, before, after) in &changes {
        assert_eq!(*name_of_value, key(after), "{name}");
        // An array that was empty had no quotes to keep.
        if *name_of_value != "disabled_plugins" {
            assert_eq!(quotes(before), quotes(after), "{name}: {before}");
        }
    }
    // Version 2 writes "double" quotes, and later ones 'single' ones: the added plugins follow.
    let (_, _, plugins) = changes.iter().find(|(key, ..)| *key == "disabled_plugins").unwrap();
    let quote = if default.contains("root = '") { '\'' } else { '"' };
    for plugin in ["io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"] {
        assert!(plugins.contains(&format!("{quote}{plugin}{quote}")), "{name}: {plugins}");
    }
    changes
}

#[test]
fn buildkitd_on_windows_is_told_where_everything_is() {
    insta::assert_snapshot!(config::buildkitd(&workspace(r"C:\ws", "windows-amd64"), Network::None), @r#"
    root = 'C:\ws\buildkit\root'
    provenanceEnvDir = 'C:\ws\buildkit\provenance.d'

    [grpc]
    address = ["npipe:////./pipe/buildkit-windows-0799e4701f64-buildkitd"]

    [otel]
    socketPath = '\\.\pipe\buildkit-windows-0799e4701f64-otel'

    [cdi]
    disabled = true

    [worker.containerd]
    enabled = true
    address = '\\.\pipe\buildkit-windows-0799e4701f64-containerd'
    cniConfigPath = 'C:\ws\buildkit\cni.json'
    cniBinaryPath = 'C:\ws\cni\installed\bin'
    "#);
}

#[test]
fn buildkitd_is_told_of_a_network_only_when_there_is_to_be_one() {
    let workspace = workspace(r"C:\ws", "windows-amd64");
    let [none, nat] = [Network::None, Network::Nat].map(|network| config::buildkitd(&workspace, network));
    assert_eq!(difference(&none, &nat).unwrap().lines().filter(|line| line.starts_with(['+', '-'])).count(), 3);
    insta::assert_snapshot!(nat.split_once("[worker.containerd]").unwrap().1, @r#"
    enabled = true
    address = '\\.\pipe\buildkit-windows-0799e4701f64-containerd'
    networkMode = "cni"
    cniConfigPath = 'C:\ws\buildkit\cni.json'
    cniBinaryPath = 'C:\ws\cni\installed\bin'
    "#);
}

/// These are what they are on Windows, whatever host the tests run on.
mod windows {
    use super::{changes, config, defaults, hunks, insta, workspace};
    use std::collections::BTreeSet;

    /// A path with a blank and a letter that is not in ASCII.
    const BASE: &str = r"C:\work space\ü";

    /// The pipes of a workspace there.
    const PIPE: &str = r"\\.\pipe\buildkit-windows-6af3b8f818c0-containerd";

    fn patched(default: &str) -> String {
        config::patch_containerd(default, &workspace(BASE, "windows-amd64")).unwrap()
    }

    /// A line as it reads without the escapes of double-quoted strings.
    fn unescaped(line: &str) -> String {
        if line.contains('"') { line.replace(r"\\", r"\") } else { line.to_owned() }
    }

    #[test]
    fn every_default_is_patched_as_its_snapshot_shows() {
        for (name, default) in defaults("windows") {
            let hunks = hunks(&default, &patched(&default));
            insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(name, hunks) });
        }
    }

    #[test]
    fn every_series_config_version_and_quoting_style_is_among_the_defaults() {
        let defaults = defaults("windows");
        let found = |of: &dyn Fn(&str, &str) -> String| -> BTreeSet<String> {
            defaults.iter().map(|(name, default)| of(name, default)).collect()
        };
        let series = found(&|name, _| name.split('.').take(2).collect::<Vec<_>>().join("."));
        for wanted in ["1.6", "1.7", "2.0", "2.1", "2.2", "2.3", "2.4"] {
            assert!(series.contains(wanted), "{wanted}: {series:?}");
        }
        let style = |_: &str, default: &str| {
            let version = default.lines().find(|line| line.starts_with("version = ")).unwrap();
            let root = default.lines().find(|line| line.starts_with("root = ")).unwrap();
            format!("{version}, {root}")
        };
        assert_eq!(
            found(&style).into_iter().collect::<Vec<_>>(),
            [
                r#"version = 2, root = "C:\\ProgramData\\containerd\\root""#,
                r"version = 3, root = 'C:\ProgramData\containerd\root'",
                r"version = 4, root = 'C:\ProgramData\containerd\root'",
            ]
        );
    }

    #[test]
    fn no_global_folder_or_pipe_is_left() {
        // Not the folders of containerd alone, which `xtask/src/config.rs` knows: whatever lies beside them.
        let globals = [r"\programdata", r"\program files", r"\pipe\containerd"];
        for (name, default) in defaults("windows") {
            let mentions =
                |text: &str, global: &str| unescaped(text).replace('/', r"\").to_lowercase().contains(global);
            for global in globals {
                assert!(default.lines().any(|line| mentions(line, global)), "{name} has no {global}");
                assert_eq!(patched(&default).lines().find(|line| mentions(line, global)), None, "{name}");
            }
        }
    }

    #[test]
    fn only_paths_endpoints_and_disabled_plugins_change_and_each_keeps_its_quotes() {
        for (name, default) in defaults("windows") {
            let patched = patched(&default);
            let changes = changes(&name, &default, &patched);
            assert_eq!(changes.iter().filter(|(key, ..)| *key == "address").count(), 2, "{name}");
            for (_, before, after) in changes.iter().filter(|(key, ..)| !["address", "disabled_plugins"].contains(key))
            {
                // Both folders become one, and what is below them stays as it was.
                let own = format!(r"{BASE}\containerd");
                let moved = unescaped(before).replace(r"C:\ProgramData\containerd", &own);
                assert_eq!(moved.replace(r"C:\Program Files\containerd", &own), unescaped(after), "{name}");
            }
        }
    }

    #[test]
    fn each_server_gets_its_own_pipe() {
        for (name, default) in defaults("windows") {
            let patched = patched(&default);
            for (service, pipe) in [("grpc", PIPE.to_owned()), ("ttrpc", format!("{PIPE}.ttrpc"))] {
                let headers = [format!("[{service}]"), format!("[plugins.'io.containerd.server.v1.{service}']")];
                let mut lines = patched.lines().map(str::trim);
                assert!(lines.any(|line| headers.iter().any(|header| header == line)), "{name}: {service}");
                let address = lines.find_map(|line| line.strip_prefix("address = ")).unwrap();
                assert_eq!(unescaped(address).trim_matches(['\'', '"']), pipe, "{name}: {service}");
            }
        }
    }

    #[test]
    fn what_is_patched_reads_as_toml_and_needs_no_more_patching() {
        for (name, default) in defaults("windows") {
            let patched_once = patched(&default);
            assert_eq!(patched(&patched_once), patched_once, "{name}");
        }
    }

    #[test]
    fn slashes_in_the_base_folder_are_turned() {
        for (name, default) in defaults("windows") {
            let typed = config::patch_containerd(&default, &workspace("C:/work space/ü", "windows-amd64")).unwrap();
            let without_pipes = |text: &str| -> Vec<String> {
                text.lines().filter(|line| !line.contains("buildkit-windows-")).map(str::to_owned).collect()
            };
            assert_eq!(without_pipes(&typed), without_pipes(&patched(&default)), "{name}");
        }
    }
}

/// Paths are joined with the host's own slashes, so these are only what they will be on a Unix host.
#[cfg(unix)]
mod linux {
    use super::{Network, changes, config, defaults, hunks, workspace};
    use tests::{StandIn, TestContext, assert_outcome, context, insta};
    use xtask::component::Component::Containerd;
    use xtask::platform::Platform;

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

    fn patched(default: &str) -> String {
        config::patch_containerd(default, &workspace(BASE, "linux-amd64")).unwrap()
    }

    #[test]
    fn every_default_is_patched_as_its_snapshot_shows() {
        let defaults = defaults("linux");
        assert!(defaults.len() >= 6, "{}", defaults.len());
        for (name, default) in defaults {
            let hunks = hunks(&default, &patched(&default));
            insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(name, hunks) });
        }
    }

    #[test]
    fn no_global_folder_is_left_in_any_line() {
        for (name, default) in defaults("linux") {
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
        for (name, default) in defaults("linux") {
            for (key, before, _) in changes(&name, &default, &patched(&default)) {
                let had_path = GLOBAL.iter().any(|global| before.contains(global));
                let was_empty = before.ends_with(" = ''") || before.ends_with(" = \"\"");
                assert!(had_path || key == "disabled_plugins" || was_empty, "{name}: {before}");
            }
        }
    }

    #[test]
    fn comments_and_blank_lines_stay_where_they_are() {
        for (name, default) in defaults("linux") {
            let noted = |text: &str| -> String {
                let lines = text.lines().enumerate();
                lines.map(|(number, line)| format!("# above {number}\n\n{line} # beside {number}\n")).collect()
            };
            assert_eq!(patched(&noted(&default)), noted(&patched(&default)), "{name}");
        }
    }

    #[test]
    fn what_is_patched_reads_as_toml_and_needs_no_more_patching() {
        for (name, default) in defaults("linux") {
            let patched_once = patched(&default);
            assert_eq!(patched(&patched_once), patched_once, "{name}");
            // Nor is there anything in it that depends on where the workspace lies but the workspace's own path.
            let elsewhere = config::patch_containerd(&default, &workspace("/elsewhere", "linux-amd64")).unwrap();
            assert_eq!(elsewhere.replace("/elsewhere/", &format!("{BASE}/")), patched_once, "{name}");
        }
    }

    #[test]
    fn buildkitd_is_told_where_everything_is() {
        insta::assert_snapshot!(config::buildkitd(&workspace(BASE, "linux-amd64"), Network::None), @r#"
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
        cniConfigPath = "/work space/ü/buildkit/cni.json"
        cniBinaryPath = "/work space/ü/cni/installed/bin"
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
        let (_, default) = defaults("linux").pop().unwrap();
        let context = with_containerd(&default);
        let base = context.base_dir().to_str().unwrap();
        let expected =
            config::patch_containerd(&default, &workspace(base, &Platform::host().unwrap().to_string())).unwrap();
        let config = |option: &str| {
            let line = format!("config --containerd ./programs {option}");
            context.xtask(line.split_whitespace()).run().success().stdout
        };
        assert_eq!(config(""), expected);
        let diff = config("--diff");
        assert_eq!(diff.strip_prefix("--- config default\n+++ config.toml\n").unwrap(), hunks(&default, &expected));
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
