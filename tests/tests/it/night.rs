//! Cells that make no sense, or aren't for this machine. Running them is in the end-to-end tests.

use tests::{TestContext, Xtask, assert_outcome, context};

const PAIR: &str = r#""buildkit":"0.34.2","containerd":"2.4.2""#;

fn with_cells(context: &TestContext, text: &str) -> Xtask {
    context.write("cells.json", text);
    context.xtask(["night", "--cells", "cells.json", "--platform", "linux-arm64"])
}

#[test]
fn cells_that_make_no_sense_are_refused() {
    let context = context!();
    let refused = |text: &str| with_cells(&context, text).run();
    assert_outcome!(refused("{"), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `cells.json` holds no cells: EOF while parsing an object at line 1 column 1

    hint: give what `cargo xtask matrix` prints: `{"include":[{"runner":…,"platform":…,"buildkit":…,"containerd":…}]}`
    "#);
    assert_outcome!(refused(r#"{"include":[]}"#), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `cells.json` holds no cell

    hint: see `cargo xtask matrix --help`
    ");
    assert_outcome!(refused(r#"{"include":[{"runner":"local","platform":"linux-arm64"}]}"#), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `cells.json` holds no cells: missing field `buildkit` at line 1 column 55

    hint: give what `cargo xtask matrix` prints: `{"include":[{"runner":…,"platform":…,"buildkit":…,"containerd":…}]}`
    "#);
    assert_outcome!(refused(r#"[{"runner":"local","platform":"plan9-amd64","buildkit":"1","containerd":"2"}]"#), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `cells.json` holds no cells: `plan9-amd64` is no platform that containerd and BuildKit are released for at line 1 column 43

    hint: give what `cargo xtask matrix` prints: `{"include":[{"runner":…,"platform":…,"buildkit":…,"containerd":…}]}`
    "#);
    let cell = format!(r#"{{"runner":"local","platform":"linux-arm64",{PAIR}}}"#);
    assert_outcome!(refused(&format!("[{cell},{cell}]")), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `cells.json` has BuildKit 0.34.2 with containerd 2.4.2 on local twice, the second time as cell 2

    hint: take one of them out
    ");
    let of_path = cell.replace("0.34.2", "/etc");
    assert_outcome!(refused(&of_path), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `cells.json` has BuildKit /etc with containerd 2.4.2 on local, and `/etc` is a path

    hint: a cell has versions, series such as 2.3, or branches
    ");
    let other = cell.replace("local", "windows-2025").replace("linux-arm64", "windows-amd64");
    assert_outcome!(refused(&format!("[{other}]")), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    note: left out BuildKit 0.34.2 with containerd 2.4.2 on windows-2025: it is for windows-amd64, and this is linux-arm64
    error: none of the cells in `cells.json` can be run on this machine: of the last one, it is for windows-amd64, and this is linux-arm64

    hint: make some for it with `cargo xtask matrix --runner local`
    ");
    let nowhere = context.xtask(["night", "--cells", "nowhere.json"]).run().exited(2);
    assert!(nowhere.stderr.contains("failed to read the cells from `nowhere.json`: "), "{nowhere}");
    assert_outcome!(context.xtask(["night", "--cells", "-"]).stdin("").run(), @r#"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: stdin holds no cells: EOF while parsing a value at line 1 column 0

    hint: give what `cargo xtask matrix` prints: `{"include":[{"runner":…,"platform":…,"buildkit":…,"containerd":…}]}`
    "#);
    assert_outcome!(with_cells(&context, &cell).arg("--containerd").arg("2.3").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: `--cells` says which versions to take, and so do `--buildkit` and `--containerd`

    hint: give one or the other
    ");
    assert_outcome!(with_cells(&context, &cell).arg("--newest").arg("2").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: the argument '--cells <FILE|->' cannot be used with '--newest <N>'

    Usage: cargo xtask night --cells <FILE|-> --platform <OS-ARCH> --base-dir <DIR>

    For more information, try '--help'.
    ");
    assert_outcome!(with_cells(&context, &cell).arg("--began").arg("yesterday").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: invalid value 'yesterday' for '--began <TIME>': timestamp format is invalid

    For more information, try '--help'.
    ");
    assert_outcome!(with_cells(&context, &cell).arg("--jobs").arg("0").run(), @"
    exit code: 2
    ----- stdout -----
    ----- stderr -----
    error: invalid value '0' for '--jobs <N>': number would be zero for non-zero type

    For more information, try '--help'.
    ");
    assert!(!context.base_dir().exists());
}

#[test]
fn cells_are_read_as_each_powershell_writes_them() {
    let context = context!();
    let marked = format!("\u{feff}{{\"runner\":\"elsewhere\",\"platform\":\"windows-arm64\",{PAIR}}}\r\n");
    let utf16: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [marked.into_bytes(), utf16] {
        context.write("cells.json", bytes);
        let read = context.xtask(["night", "--cells", "cells.json", "--platform", "linux-arm64"]).run().exited(2);
        assert!(read.stderr.contains("on elsewhere: it is for windows-arm64, and this is linux-arm64"), "{read}");
    }
    context.write("cells.json", b"\xff{");
    let refused = context.xtask(["night", "--cells", "cells.json"]).run().exited(2);
    assert!(refused.stderr.contains("`cells.json` holds no cells: invalid utf-8"), "{refused}");
}
