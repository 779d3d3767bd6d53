//! What a harness that runs apart is asked for: as options, or as variables for one that a user's command calls.

use crate::component::Component;
use crate::context::Context;
use crate::process::Argv;
use crate::source::Source;
use crate::version::Spec;
use crate::workspace::Workspace;
use std::ffi::OsString;

/// How the names of the harness's variables begin.
const PREFIX: &str = "BUILDKIT_WINDOWS_";

/// The shared options by their names; a switch has no value.
pub struct Asked(Vec<(&'static str, Option<OsString>)>);

impl Asked {
    /// All that decides what is up in a workspace. What is not said here is as the command was asked that runs it.
    pub fn new(context: &Context, source: &Source, workspace: &Workspace, versions: &[(Component, Spec)]) -> Self {
        let request = &context.request;
        let mut options: Vec<(&'static str, Option<OsString>)> = Vec::new();
        let mut set = |name, value: OsString| options.push((name, Some(value)));
        set("base-dir", workspace.base().into());
        set("cache-dir", workspace.cache().into());
        set("platform", request.platform.to_string().into());
        set("source", source.to_string().into());
        set("network", request.network.name().into());
        for (component, spec) in &request.specs {
            let spec = versions.iter().find(|(of, _)| of == component).map_or(spec, |(_, spec)| spec);
            set(component.name(), spec.to_string().into());
        }
        if let Some(group) = &request.group {
            set("group", group.into());
        }
        if context.offline {
            options.push(("offline", None));
        }
        Self(options)
    }

    /// Asks for it by options.
    pub fn as_options(&self, argv: Argv) -> Argv {
        self.0.iter().fold(argv, |argv, (name, value)| argv.arg(format!("--{name}")).args(value.clone()))
    }

    /// Asks for it by variables: a harness in there takes what is up, whatever it is to do with it.
    pub fn as_variables(&self, argv: Argv) -> Argv {
        let value = |value: &Option<OsString>| value.clone().unwrap_or_else(|| "true".into());
        self.0.iter().fold(argv, |argv, (name, given)| argv.env(variable(name), value(given)))
    }
}

/// The variable that an option can be given by.
pub fn variable(option: &str) -> String {
    PREFIX.to_owned() + &option.to_uppercase().replace('-', "_")
}

/// Takes the harness's own variables away, of those that are set: what a user has set for the command that they typed is not
/// meant for what runs apart.
pub fn without_variables(argv: Argv, set: impl IntoIterator<Item = OsString>) -> Argv {
    // Windows has them in any case of letters.
    let is_ours = |name: &OsString| name.to_string_lossy().to_uppercase().starts_with(PREFIX);
    set.into_iter().filter(is_ours).fold(argv, Argv::without_env)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::ui::{Level, Ui};
    use clap::Parser;
    use std::collections::BTreeMap;

    fn asked(line: &[&str]) -> Asked {
        let cli = Cli::try_parse_from(["cargo xtask", "status", "--platform", "windows-amd64"].iter().chain(line));
        let ui = Ui::new(Level::Quiet);
        let context = Context::wherever(&cli.unwrap().shared, &ui).unwrap();
        let workspace = Workspace::new("/w".into(), context.request.platform).with_shared_cache(Some("/c".into()));
        Asked::new(&context, &Source::Go, &workspace, &[(Component::Buildkit, "0.33.1".parse().unwrap())])
    }

    /// What a program would see: what is set, and by `None` what is taken away.
    fn environment(argv: &Argv) -> BTreeMap<String, Option<String>> {
        let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
        argv.command().get_envs().map(|(name, value)| (text(name), value.map(text))).collect()
    }

    #[test]
    fn a_user_s_command_and_a_step_are_asked_the_same() {
        let asked = asked(&["--containerd", "2.3", "--group", "g", "--network", "nat", "--offline"]);
        let line = asked.as_options(Argv::new("x")).shown();
        assert_eq!(
            line,
            "x --base-dir /w --cache-dir /c --platform windows-amd64 --source go --network nat --containerd 2.3 \
             --buildkit 0.33.1 --cni latest --group g --offline"
        );
        let environment = environment(&asked.as_variables(Argv::new("x")));
        let shown = environment.iter().map(|(name, value)| format!("{name}={}", value.as_deref().unwrap()));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                "BUILDKIT_WINDOWS_BASE_DIR=/w",
                "BUILDKIT_WINDOWS_BUILDKIT=0.33.1",
                "BUILDKIT_WINDOWS_CACHE_DIR=/c",
                "BUILDKIT_WINDOWS_CNI=latest",
                "BUILDKIT_WINDOWS_CONTAINERD=2.3",
                "BUILDKIT_WINDOWS_GROUP=g",
                "BUILDKIT_WINDOWS_NETWORK=nat",
                "BUILDKIT_WINDOWS_OFFLINE=true",
                "BUILDKIT_WINDOWS_PLATFORM=windows-amd64",
                "BUILDKIT_WINDOWS_SOURCE=go",
            ]
        );
    }

    #[test]
    fn nothing_of_the_users_own_is_left() {
        let set = ["BUILDKIT_WINDOWS_HEAL", "buildkit_windows_locked", "BUILDKIT_HOST", "PATH"].map(OsString::from);
        let left = environment(&without_variables(Argv::new("x"), set));
        let names: Vec<_> = left.keys().map(String::as_str).collect();
        assert_eq!(names, ["BUILDKIT_WINDOWS_HEAL", "buildkit_windows_locked"]);
        assert!(left.values().all(Option::is_none));
    }
}
