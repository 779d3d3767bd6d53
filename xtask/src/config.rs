//! The daemons' configurations, as documents: containerd's own default with every global path moved, and buildkitd's.
//!
//! Nothing here edits text. Replacing path prefixes by text was how the scripts before this harness failed in
//! silence, when containerd 2.0 began to print `'literal'` strings instead of `"escaped"` ones.

use crate::component::Component;
use crate::error::{Context, Error, Result};
use crate::network::Network;
use crate::platform::Os;
use crate::workspace::{Endpoint, Workspace};
use std::path::Path;
use toml_edit::{Array, DocumentMut, Formatted, Item, Table, TableLike, Value, value};

/// Plugins that a build has no use for, and that reach for global paths on Linux.
const DISABLED_PLUGINS: [&str; 2] = ["io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"];

/// The folders that containerd's default configurations point to.
fn global_prefixes(os: Os) -> &'static [&'static str] {
    match os {
        Os::Windows => &[r"C:\ProgramData\containerd", r"C:\Program Files\containerd"],
        Os::Linux => &[
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
        ],
    }
}

/// Turns `containerd config default` into the workspace's configuration, keeping comments, order and quoting.
///
/// `default` is a document of config version 2, 3 or 4.
///
/// # Errors
/// When the document is no TOML, says nowhere where containerd listens, or a path could not be moved.
pub fn patch_containerd(default: &str, workspace: &Workspace) -> Result<String> {
    let mut document: DocumentMut =
        default.parse().trying(|| "read containerd's default configuration".into()).map_err(|error: Error| {
            error.hint("take another containerd with `--containerd VERSION`, and report this one")
        })?;
    let os = workspace.platform().os;
    let written = |path: &Path| as_daemons_write(path, os);
    let folder = written(&workspace.component(Component::Containerd));

    walk(document.as_table_mut(), &mut |text| Ok(move_paths(text, os, &folder)))?;
    set(document.as_table_mut(), "root", &written(&workspace.root(Component::Containerd)))?;
    set(document.as_table_mut(), "state", &written(&workspace.state(Component::Containerd)))?;
    set_addresses(&mut document, &workspace.endpoint(Component::Containerd), &workspace.ttrpc_endpoint())?;
    disable_plugins(&mut document)?;

    walk(document.as_table_mut(), &mut |text| {
        match left_behind(text, workspace) {
        Some(prefix) => Err(Error::ground(format!(
            "failed to move every path of containerd's configuration into the workspace: `{text}` still lies under `{prefix}`"
        ))
        .hint("this containerd writes its configuration in a new way: take an older one with `--containerd VERSION`, and report it")),
        None => Ok(None),
    }
    })?;
    Ok(document.to_string())
}

/// buildkitd's configuration: whatever its flags don't say, and would else be global.
pub fn buildkitd(workspace: &Workspace, network: Network) -> String {
    let mut document = DocumentMut::new();
    let os = workspace.platform().os;
    let written = |path: &Path| value(as_daemons_write(path, os));
    document["root"] = written(&workspace.root(Component::Buildkit));
    // Nothing but the workspace's own folder: the default is a global one.
    document["provenanceEnvDir"] = written(&workspace.component(Component::Buildkit).join("provenance.d"));

    let mut grpc = Table::new();
    grpc["address"] = value(Array::from_iter([workspace.endpoint(Component::Buildkit).buildkit_address()]));
    document["grpc"] = Item::Table(grpc);

    let mut otel = Table::new();
    otel["socketPath"] = value(workspace.otel_endpoint().containerd_address());
    document["otel"] = Item::Table(otel);

    let mut cdi = Table::new();
    cdi["disabled"] = value(true);
    document["cdi"] = Item::Table(cdi);

    let mut oci = Table::new();
    oci["enabled"] = value(false);
    let mut containerd = Table::new();
    containerd["enabled"] = value(true);
    containerd["address"] = value(workspace.endpoint(Component::Containerd).containerd_address());
    if network == Network::Nat {
        containerd["networkMode"] = value("cni");
    }
    containerd["cniConfigPath"] = written(&workspace.cni_config());
    containerd["cniBinaryPath"] = written(&workspace.bin(Component::Cni));
    if os == Os::Linux {
        containerd["defaultCgroupParent"] = value(workspace.cgroup_parent());
    }
    let mut worker = Table::new();
    worker.set_implicit(true);
    if os == Os::Linux {
        worker["oci"] = Item::Table(oci);
    }
    worker["containerd"] = Item::Table(containerd);
    document["worker"] = Item::Table(worker);
    document.to_string()
}

/// A path as the daemons' own defaults have it: a configuration for Windows reads the same, whatever host it is made on.
fn as_daemons_write(path: &Path, os: Os) -> String {
    let path = path.display().to_string();
    match os {
        Os::Linux => path,
        // No file name on Windows has a slash of either kind.
        Os::Windows => path.replace('/', r"\"),
    }
}

/// Shows every string value to `change`, and replaces those for which it answers with another.
fn walk(table: &mut dyn TableLike, change: &mut dyn FnMut(&str) -> Result<Option<String>>) -> Result<()> {
    for (_, item) in table.iter_mut() {
        match item {
            Item::None => {}
            Item::Value(value) => walk_value(value, change)?,
            Item::Table(table) => walk(table, change)?,
            Item::ArrayOfTables(tables) => {
                for table in tables.iter_mut() {
                    walk(table, change)?;
                }
            }
        }
    }
    Ok(())
}

fn walk_value(value: &mut Value, change: &mut dyn FnMut(&str) -> Result<Option<String>>) -> Result<()> {
    match value {
        Value::String(text) => {
            if let Some(new) = change(text.value())? {
                *value = requote(text, &new);
            }
        }
        Value::Array(array) => {
            for value in array.iter_mut() {
                walk_value(value, change)?;
            }
        }
        Value::InlineTable(table) => walk(table, change)?,
        _ => {}
    }
    Ok(())
}

/// A new string in the quotes, and between the comments and blanks, of the old one.
fn requote(old: &Formatted<String>, new: &str) -> Value {
    let was_literal = old.as_repr().and_then(|repr| repr.as_raw().as_str()).is_some_and(|raw| raw.starts_with('\''));
    let can_be_literal = !new.contains(['\'', '\n', '\r']) && !new.contains(|c: char| c.is_control());
    let quoted = if was_literal && can_be_literal { format!("'{new}'") } else { basic_string(new) };
    let mut value: Value = quoted.parse().unwrap_or_else(|_| Value::from(new));
    *value.decor_mut() = old.decor().clone();
    value
}

/// A TOML basic string, as containerd 1.x writes them.
fn basic_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Every global path in a text, moved below the workspace's containerd folder; `None` when there is none.
///
/// A path need not stand at the start: stream processors get `NAME=/etc/containerd/…` in their environment.
fn move_paths(text: &str, os: Os, folder: &str) -> Option<String> {
    let mut moved = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some((start, prefix)) = first_global(rest, os) {
        found = true;
        moved.push_str(&rest[..start]);
        moved.push_str(folder);
        // On Windows the two folders become one, as their layouts don't overlap. Linux has a dozen: keep them apart.
        if os == Os::Linux {
            moved.push_str(prefix);
        }
        rest = &rest[start + prefix.len()..];
    }
    found.then(|| moved + rest)
}

/// Where the first global path begins, and which it is.
fn first_global(text: &str, os: Os) -> Option<(usize, &'static str)> {
    let prefixes = global_prefixes(os);
    text.char_indices().find_map(|(at, _)| {
        let before = text[..at].chars().next_back();
        let starts = before.is_none_or(|c| !is_path_char(c, os));
        let prefix = prefixes.iter().find(|prefix| starts && starts_with_path(&text[at..], prefix, os))?;
        Some((at, *prefix))
    })
}

/// Whether a text begins with a folder's path, and not with a sibling's such as `/opt/containerd-2`.
fn starts_with_path(text: &str, folder: &str, os: Os) -> bool {
    let same = match os {
        Os::Linux => text.starts_with(folder),
        Os::Windows => text.get(..folder.len()).is_some_and(|start| start.eq_ignore_ascii_case(folder)),
    };
    same && text[folder.len()..].chars().next().is_none_or(|c| is_separator(c, os) || !is_path_char(c, os))
}

fn is_separator(c: char, os: Os) -> bool {
    c == '/' || (os == Os::Windows && c == '\\')
}

fn is_path_char(c: char, os: Os) -> bool {
    c.is_alphanumeric() || is_separator(c, os) || "-_.~".contains(c) || (os == Os::Windows && c == ':')
}

/// The global folder that a text still mentions outside the workspace.
///
/// A wider net than [`move_paths`] on purpose: whatever the position, the drive, the case and the slashes.
fn left_behind(text: &str, workspace: &Workspace) -> Option<&'static str> {
    let os = workspace.platform().os;
    let normal = |text: &str| match os {
        Os::Linux => text.to_owned(),
        Os::Windows => text.replace('/', r"\").replace(r"\\", r"\").to_ascii_lowercase(),
    };
    let base = normal(&workspace.base().display().to_string());
    let text = without_paths_below(&normal(text), &base, os);
    global_prefixes(os).iter().copied().find(|prefix| {
        let prefix = normal(prefix.trim_start_matches("C:"));
        text.match_indices(&prefix).any(|(at, _)| starts_with_path(&text[at..], &prefix, os))
    })
}

/// A text with every path that begins with `base` cut out.
fn without_paths_below(text: &str, base: &str, os: Os) -> String {
    let mut pieces = text.split(base);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |kept, piece| kept + " " + piece.trim_start_matches(|c| is_path_char(c, os)))
}

/// Sets a string of a table, in the quotes and between the comments of the one it replaces.
fn set(table: &mut dyn TableLike, key: &str, new: &str) -> Result<()> {
    let value = table.get_mut(key).and_then(Item::as_value_mut);
    if let Some(value) = value
        && let Value::String(old) = value
    {
        let requoted = requote(old, new);
        *value = requoted;
        return Ok(());
    }
    Err(Error::ground(format!("containerd's default configuration has no `{key}` to move"))
        .hint("take another containerd with `--containerd VERSION`, and report this one"))
}

/// Gives containerd its private endpoints, where this config version keeps them.
fn set_addresses(document: &mut DocumentMut, grpc: &Endpoint, ttrpc: &Endpoint) -> Result<()> {
    for (service, endpoint) in [("grpc", grpc), ("ttrpc", ttrpc)] {
        // Config version 4 made the servers plugins; versions 2 and 3 have them at the top level.
        let plugin = format!("io.containerd.server.v1.{service}");
        let root = document.as_table_mut();
        let is_plugin =
            root.get("plugins").and_then(Item::as_table_like).is_some_and(|plugins| plugins.contains_key(&plugin));
        let table = if is_plugin {
            root.get_mut("plugins").and_then(|plugins| plugins.get_mut(&plugin))
        } else {
            root.get_mut(service)
        };
        let table = table.and_then(Item::as_table_like_mut).ok_or_else(|| {
            Error::ground(format!("containerd's default configuration doesn't say where its {service} server listens"))
                .hint("take another containerd with `--containerd VERSION`, and report this one")
        })?;
        set(table, "address", &endpoint.containerd_address())?;
    }
    Ok(())
}

/// Adds to `disabled_plugins` what a build doesn't need.
fn disable_plugins(document: &mut DocumentMut) -> Result<()> {
    let quotes_are_literal =
        document.get("root").and_then(Item::as_value).is_some_and(|root| root.to_string().trim().starts_with('\''));
    let plugins = document.entry("disabled_plugins").or_insert_with(|| value(Array::new()));
    let plugins = plugins.as_array_mut().ok_or_else(|| {
        Error::ground("`disabled_plugins` in containerd's default configuration is no list")
            .hint("take another containerd with `--containerd VERSION`, and report this one")
    })?;
    for name in DISABLED_PLUGINS {
        if !plugins.iter().any(|plugin| plugin.as_str() == Some(name)) {
            let quoted = if quotes_are_literal { format!("'{name}'") } else { format!("\"{name}\"") };
            plugins.push(quoted.parse::<Value>().unwrap_or_else(|_| Value::from(name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(base: &str, platform: &str) -> Workspace {
        Workspace::new(base.into(), platform.parse().unwrap())
    }

    const WINDOWS_FOLDER: &str = r"D:\ws\containerd";

    fn moved(text: &str, os: Os) -> Option<String> {
        move_paths(text, os, if os == Os::Windows { WINDOWS_FOLDER } else { "/ws/containerd" })
    }

    #[test]
    fn paths_move_wherever_they_stand() {
        assert_eq!(moved(r"C:\ProgramData\containerd\root", Os::Windows).unwrap(), r"D:\ws\containerd\root");
        assert_eq!(moved(r"c:\program files\CONTAINERD", Os::Windows).unwrap(), r"D:\ws\containerd");
        assert_eq!(
            moved(r"KEY=C:\Program Files\containerd\x.conf", Os::Windows).unwrap(),
            r"KEY=D:\ws\containerd\x.conf"
        );
        assert_eq!(moved("KEY=/etc/containerd/x", Os::Linux).unwrap(), "KEY=/ws/containerd/etc/containerd/x");
        assert_eq!(
            moved("/opt/cni/bin:/opt/containerd/bin", Os::Linux).unwrap(),
            "/ws/containerd/opt/cni/bin:/ws/containerd/opt/containerd/bin"
        );
    }

    #[test]
    fn neighbours_stay() {
        for text in ["/opt/containerd-2/bin", "/srv/run/containerd", "containerd", "runc", ""] {
            assert_eq!(moved(text, Os::Linux), None, "{text}");
        }
        assert_eq!(moved(r"C:\ProgramData\containerd2", Os::Windows), None);
        assert_eq!(moved(r"C:\ProgramData\docker", Os::Windows), None);
    }

    #[test]
    fn the_check_sees_what_the_move_does_not_know() {
        let windows = workspace(r"D:\ws", "windows-amd64");
        for text in [
            "C:/ProgramData/containerd/root",
            r"E:\ProgramData\containerd",
            r"C:\\Program Files\\containerd\\bin",
            r"xC:\ProgramData\containerd",
        ] {
            assert!(left_behind(text, &windows).is_some(), "{text}");
        }
        let linux = workspace("/srv/ws", "linux-amd64");
        assert!(left_behind("file:///etc/containerd/x", &linux).is_some());
        for text in [
            "/srv/ws/containerd/etc/containerd/x",
            "/srv/ws/run/containerd.sock",
            "A=/srv/ws/containerd/opt/cni/bin",
            "/etc/containerd2",
        ] {
            assert_eq!(left_behind(text, &linux), None, "{text}");
        }
    }

    #[test]
    fn a_path_that_cannot_be_moved_is_an_error() {
        let default = "version = 2\nroot = '/var/lib/containerd'\nstate = '/run/containerd'\nx = 'file:///etc/containerd/y'\n[grpc]\naddress = ''\n[ttrpc]\naddress = ''\n";
        let error = patch_containerd(default, &workspace("/srv/ws", "linux-amd64")).unwrap_err();
        assert!(
            error.to_string().ends_with("`file:///etc/containerd/y` still lies under `/etc/containerd`"),
            "{error}"
        );
    }

    /// Paths of Linux daemons have its slashes on Linux only.
    #[cfg(unix)]
    #[test]
    fn quotes_and_comments_stay() {
        let default = "# head\nroot = \"/var/lib/containerd\" # tail\nstate = '/run/containerd'\n[grpc]\n  address = \"\"\n[ttrpc]\n  address = ''\n";
        let patched = patch_containerd(default, &workspace("/srv/it's ü", "linux-amd64")).unwrap();
        assert!(patched.starts_with("# head\nroot = \"/srv/it's ü/containerd/root\" # tail\n"), "{patched}");
        // A literal string can't hold an apostrophe.
        assert!(patched.contains("state = \"/srv/it's ü/containerd/state\""), "{patched}");
        let reread: DocumentMut = patched.parse().unwrap();
        assert_eq!(reread["ttrpc"]["address"].as_str(), Some("/srv/it's ü/run/containerd.sock.ttrpc"));
    }

    #[test]
    fn a_document_without_servers_is_refused() {
        let error = patch_containerd("root = ''\nstate = ''\n", &workspace("/srv/ws", "linux-amd64")).unwrap_err();
        assert!(error.to_string().contains("grpc server listens"), "{error}");
    }
}
