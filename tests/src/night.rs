//! Nights that never were, for reports: everything that a result can tell is in them.

use serde_json::Value;
use std::time::{Duration, SystemTime};
use xtask::component::Component;
use xtask::error::{Class, Error};
use xtask::failure;
use xtask::result::{
    Cell, CellResult, Exit, Expected, Host, Night, Outcome, Sample, StepState, Took, Used, Verdict, Why, time,
};

/// When the last night began: 2026-11-23T02:17:00Z.
const BEGAN: Duration = Duration::from_secs(1_795_400_220);

/// Texts that want to be more than text.
pub const HOSTILE: [&str; 16] = [
    "<script>document.title='owned'</script>",
    "\"><img src=x onerror=\"document.title='owned'\">",
    "'onmouseover='document.title=1' x='",
    "</details></section></style></title><h1>owned</h1>",
    "javascript:document.title='owned'",
    "https://github.com@evil.example/",
    "a | b || c \\| d\n| e |",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png) <https://evil.example>",
    "@everyone #1 GH-2 :smile: www.evil.example https://evil.example a@evil.example",
    "`code` ``` *bold* _it_ ~~gone~~ # title\n# title\n- item\n> quote",
    "]]> <![CDATA[x]]> <!-- --> <?php ?> <!ENTITY x \"y\"> &x; &amp; &#0;",
    "\u{0}\u{1}\u{8}\u{b}\u{1b}[31mred\u{7f}\u{9b}\u{fffe}\u{ffff}",
    "\u{202e}txt.exe\u{2066} \u{200f}",
    "../../../etc/passwd C:\\Windows\\CON %2e%2e ${HOME} $(id) ;rm",
    " \t leading and trailing \r\n ",
    "\u{e9}\u{4e2d}\u{1f600} {{7*7}}",
];

/// Seven nights of two runners with three versions of each; the last one is what is told of.
pub fn nights() -> Vec<Vec<CellResult>> {
    let last = SystemTime::UNIX_EPOCH + BEGAN;
    (0..7)
        .map(|index| {
            let began = last - Duration::from_secs(86_400 * (6 - index));
            night(began, index)
        })
        .collect()
}

fn night(began: SystemTime, index: u64) -> Vec<CellResult> {
    let newest = if index == 6 { "0.34.2" } else { "0.34.1" };
    let mut cells = Vec::new();
    for runner in ["windows-2022", "windows-2025"] {
        for (row, buildkit) in [newest, "0.33.0", "0.32.2"].into_iter().enumerate() {
            for (column, containerd) in ["2.4.2", "2.3.7", "1.7.35"].into_iter().enumerate() {
                let cell = Cell { runner: runner.into(), buildkit: buildkit.into(), containerd: containerd.into() };
                let number = index * 31 + row as u64 * 7 + column as u64 * 3;
                cells.extend(become_of(began, index == 6, cell, (row, column), number));
            }
        }
    }
    cells
}

/// What becomes of a cell, by its place in the table.
fn become_of(began: SystemTime, tonight: bool, cell: Cell, place: (usize, usize), number: u64) -> Option<CellResult> {
    let is_2025 = cell.runner == "windows-2025";
    let night = Night { began: time(began), url: Some("https://github.com/example/nights/actions/runs/7".into()) };
    let (name, build) =
        if is_2025 { ("Windows Server 2025", "10.0.26100.4652") } else { ("Windows Server 2022", "10.0.20348.3807") };
    let host = Host { platform: "windows-amd64".parse().ok()?, name: Some(name.into()), build: Some(build.into()) };
    let mut result = CellResult::new(night, cell, host);
    for (component, version) in
        [(Component::Buildkit, &result.cell.buildkit), (Component::Containerd, &result.cell.containerd)]
    {
        let digest = format!("sha256:{:064x}", u128::from(version.len() as u64 * 7919 + version.as_bytes()[2] as u64));
        let used = Used { version: version.clone(), digest: Some(digest), source: "github".into() };
        result.versions.insert(component, used);
    }
    result.logs = ["containerd.log", "buildkitd.log"].map(|log| format!("{}/{log}", result.cell.id())).into();
    let step = |result: &mut CellResult, name: &str, took: u64, after: u64| {
        result.begin(name, began + Duration::from_secs(after));
        if let Some(step) = result.running_mut() {
            step.state = StepState::Done;
            step.took_ms = Some(took);
            step.exit = Some(Exit::done());
        }
    };
    step(&mut result, "resolve", 640 + number * 11 % 170, 2);
    if tonight && is_2025 && place == (2, 2) {
        result.begin("up", began + Duration::from_secs(3));
        let error = Error::ground("containerd gave no answer within 1m (open \\\\.\\pipe\\x: Access is denied.)")
            .hint("see `cargo xtask logs containerd`");
        if let Some(step) = result.running_mut() {
            step.state = StepState::Failed;
            step.took_ms = Some(60_120);
            step.exit = Some(Exit::of(Class::Ground));
            step.failure = Some(Why::from(&error));
        }
        result.end(Exit::of(Class::Ground));
        return Some(result);
    }
    step(&mut result, "up", 3900 + number * 97 % 2100, 3);
    result.samples = samples(tonight, is_2025, place, number);
    if tonight && is_2025 && place == (1, 2) {
        result.begin("samples", began + Duration::from_secs(9));
        result.samples.truncate(4);
        return Some(result);
    }
    if tonight && !is_2025 && place == (2, 0) {
        return None;
    }
    step(&mut result, "samples", 182_000 + number * 1871 % 41_000, 9);
    step(&mut result, "clean", 2300 + number * 53 % 900, 210);
    let is_broken = result.samples.iter().any(|sample| sample.verdict == Verdict::NewlyBroken);
    if is_broken {
        result.left_behind = vec!["process 4711 (containerd-shim-runhcs-v1.exe)".into()];
    }
    result.end(if is_broken { Exit::of(Class::Failed) } else { Exit::done() });
    Some(result)
}

fn samples(tonight: bool, is_2025: bool, place: (usize, usize), number: u64) -> Vec<Sample> {
    const NAMES: [(&str, &str); 9] = [
        ("multi-stage", "Two stages, and a copy between them"),
        ("build-args", "Build arguments, also before FROM"),
        ("cache-mount", "A cache mount kept between two builds"),
        ("copy-heredoc", "COPY of a heredoc"),
        ("copy-link", "COPY --link"),
        ("ssh-mount", "An ssh mount"),
        ("root-export", "Export of a root folder"),
        ("network", "RUN with a network"),
        ("large-context", "A large context: 1 GiB sparse, and many small files"),
    ];
    let sample = |(index, (name, title)): (usize, (&str, &str))| {
        let took = Took { build_ms: Some(1400 + number * 37 % 800 + index as u64 * 210), run_ms: Some(930) };
        let mut sample = Sample { took, ..Sample::as_expected(name, title) };
        let fails = |sample: &mut Sample, message: &str, id: &str| {
            sample.outcome = Outcome::Fails;
            sample.took.run_ms = None;
            let error = Error::failed(message).hint("read it");
            let error = failure::find(id).into_iter().fold(error, Error::known);
            sample.failure = Some(Why::from(&error));
        };
        match name {
            "copy-link" => {
                sample.expected = Expected::Fails;
                sample.expected_failure = Some("copy-link".into());
                sample.upstream = Some("https://github.com/moby/buildkit/issues/4927".into());
                if tonight && place.0 == 0 {
                    sample.verdict = Verdict::NewlyFixed;
                    sample.outcome = Outcome::Works;
                } else {
                    fails(&mut sample, "failed to build: diffApply not yet supported on windows", "copy-link");
                }
            }
            "root-export" if tonight && is_2025 && place.0 == 0 => {
                sample.verdict = Verdict::NewlyBroken;
                let said = "failed to build: failed to solve: failed to copy files: \
                            open C:\\System Volume Information: Access is denied.";
                fails(&mut sample, said, "system-volume-information");
            }
            "ssh-mount" => {
                sample.expected = Expected::Untested;
                sample.upstream = Some("https://github.com/moby/buildkit/issues/4926".into());
                sample.outcome = Outcome::Skipped;
                sample.verdict = Verdict::Skipped;
                sample.reason = Some("untested on Windows".into());
                sample.took = Took::default();
            }
            "cache-mount" if tonight && place == (1, 1) => sample.healed = Some("prune --all".into()),
            _ => {}
        }
        sample
    };
    NAMES.into_iter().enumerate().map(sample).collect()
}

/// A night whose every free text wants to be more than text: each cell has another one first, and in each field another.
pub fn hostile() -> Vec<CellResult> {
    let plain = nights().pop().unwrap_or_default();
    let cells = plain.into_iter().enumerate();
    cells
        .filter_map(|(index, result)| serde_json::from_value(spoil(serde_json::to_value(result).ok()?, index)).ok())
        .collect()
}

fn spoil(mut result: Value, start: usize) -> Value {
    let mut next = start;
    spoil_in(&mut result, "", &mut next);
    result
}

fn spoil_in(value: &mut Value, name: &str, next: &mut usize) {
    // What the model reads as something else than text, and by what nights are told apart.
    const KEPT: [&str; 7] = ["began", "platform", "state", "expected", "outcome", "verdict", "schema"];
    match value {
        Value::String(text) if !KEPT.contains(&name) => {
            *text = format!("{}{}", HOSTILE[*next % HOSTILE.len()], *next / HOSTILE.len());
            *next += 1;
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spoil_in(item, name, next)),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| spoil_in(field, name, next)),
        _ => {}
    }
}
