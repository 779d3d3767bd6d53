//! What to type to see again what came of a cell. Its hints were made in a folder that is deleted when it ends, so what they say
//! to type there would find nothing of it, and other versions.

use super::cell::Stage;
use crate::component::Component;
use crate::context::Context;
use crate::os;
use crate::process::Argv;
use crate::result::{Cell, Sample, Verdict, Why};
use crate::source::Source;
use crate::version::Spec;
use std::path::Path;

/// A cell, as it can be tried again.
pub struct Again<'a> {
    context: &'a Context<'a>,
    /// The samples that were asked for.
    samples: &'a [String],
    cell: Cell,
    /// What leads into its folder.
    option: String,
}

impl<'a> Again<'a> {
    /// Of a cell in a folder.
    pub fn new(stage: &'a Stage<'a>, cell: Cell, folder: &Path) -> Self {
        let option = Argv::new("--base-dir").arg(folder).shown();
        Self { context: stage.context, samples: &stage.samples, cell, option }
    }

    /// Has the hints of a step and of its samples lead to where the same can be seen again.
    pub fn lead(&self, step: &str, why: Option<&mut Why>, samples: &mut [Sample]) {
        // What the others were to take away may be there still.
        if !matches!(step, "up" | "build-sample" | "samples") {
            return;
        }
        // The hello sample has a step of its own, and needs no name.
        let named = |sample: &Sample| (step == "samples").then(|| self.asked(&sample.name));
        let broken = samples.iter().find(|sample| sample.verdict == Verdict::NewlyBroken).and_then(named);
        for sample in samples {
            let typed = self.typed(step, named(sample));
            sample.failure.iter_mut().for_each(|why| self.lead_one(why, &typed));
        }
        let typed = self.typed(step, broken);
        why.into_iter().for_each(|why| self.lead_one(why, &typed));
    }

    fn lead_one(&self, why: &mut Why, typed: &str) {
        let leads_there = |clause: &&str| clause.contains(&self.option);
        let Some(hint) = why.hint.as_ref().filter(|hint| leads_there(&hint.as_str())) else { return };
        let others = hint.split("; ").filter(|clause| !leads_there(clause)).map(str::to_owned);
        let again = format!("`{typed}` does the same again, and shows all of it");
        why.hint = Some(others.chain([again]).collect::<Vec<_>>().join("; "));
    }

    /// A step as it is typed, or one of its samples alone.
    fn typed(&self, step: &str, sample: Option<String>) -> String {
        let (words, which) = match (step, sample) {
            ("samples", Some(sample)) => ("build-sample --client buildctl --sample", vec![sample]),
            ("samples", None) => ("samples --client buildctl", self.samples.to_vec()),
            ("build-sample", _) => ("build-sample --client buildctl", Vec::new()),
            (other, _) => (other, Vec::new()),
        };
        let Cell { buildkit, containerd, .. } = &self.cell;
        let versions = ["--buildkit", buildkit, "--containerd", containerd].map(str::to_owned);
        self.context.typed_with(words, which.into_iter().chain(versions).chain(shared(self.context)))
    }

    /// A sample as it was asked for: its name may be that of a folder elsewhere.
    fn asked(&self, name: &str) -> String {
        let leads_to = |asked: &&String| {
            *asked == name || os::real_path(Path::new(asked)).is_ok_and(|path| path.file_name() == Some(name.as_ref()))
        };
        self.samples.iter().find(leads_to).map_or_else(|| name.to_owned(), Clone::clone)
    }
}

/// What a night was asked for beside the cells' versions, as it is typed.
fn shared(context: &Context) -> Vec<String> {
    let request = &context.request;
    let mut options: Vec<String> = Vec::new();
    let mut set = |name: &str, value: String| options.extend([format!("--{name}"), value]);
    if context.is_platform_asked {
        set("platform", request.platform.to_string());
    }
    if !matches!(request.source, Source::Auto) {
        set("source", request.source.to_string());
    }
    if !request.network.is_default() {
        set("network", request.network.name().to_owned());
    }
    let is_cells = |component| matches!(component, Component::Buildkit | Component::Containerd);
    for (component, spec) in request.specs.iter().filter(|(of, spec)| !is_cells(*of) && *spec != Spec::Latest) {
        set(component.name(), spec.to_string());
    }
    if let Some(group) = &request.group {
        set("group", group.clone());
    }
    if context.offline {
        options.push("--offline".to_owned());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::result::Outcome;
    use crate::ui::{Level, Ui};
    use clap::Parser;

    fn why(hint: &str) -> Why {
        Why { id: None, class: None, message: "x".into(), hint: Some(hint.into()), upstream: None }
    }

    fn sample(name: &str, verdict: Verdict, hint: &str) -> Sample {
        Sample { outcome: Outcome::Fails, verdict, failure: Some(why(hint)), ..Sample::as_expected(name, name) }
    }

    fn hint(why: Option<&Why>) -> &str {
        why.and_then(|why| why.hint.as_deref()).unwrap()
    }

    #[test]
    fn the_same_again_is_the_same_in_all() {
        let typed = |line: &[&str]| {
            let cli = Cli::try_parse_from(["cargo xtask", "night"].iter().chain(line)).unwrap();
            let ui = Ui::new(Level::Quiet);
            shared(&Context::wherever(&cli.shared, &ui).unwrap()).join(" ")
        };
        assert_eq!(typed(&[]), "");
        let line = "--platform windows-amd64 --source go --network nat --group g --offline";
        assert_eq!(typed(&line.split(' ').collect::<Vec<_>>()), line);
        assert_eq!(typed(&["--platform", "linux-amd64", "--runc", "1.5"]), "--platform linux-amd64 --runc 1.5");
    }

    #[test]
    fn no_hint_leads_into_a_folder_that_is_gone() {
        let cli = Cli::try_parse_from(["cargo xtask", "night", "--base-dir", "/my place"]).unwrap();
        let ui = Ui::new(Level::Quiet);
        let context = Context::wherever(&cli.shared, &ui).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let own = elsewhere.path().join("own");
        std::fs::create_dir(&own).unwrap();
        let asked = ["copy".to_owned(), own.display().to_string()];
        let cell = Cell { runner: "local".into(), buildkit: "0.33.1".into(), containerd: "2.3.4".into() };
        let folder = Path::new("/my place/night/cell-2");
        let option = Argv::new("--base-dir").arg(folder).shown();
        let again = Again { context: &context, samples: &asked, cell, option };
        let there = "--base-dir '/my place/night/cell-2'";
        let mut samples = [
            sample("copy", Verdict::AsExpected, "change it"),
            sample("own", Verdict::NewlyBroken, &format!("the log is in `x`; `cargo xtask reset {there}` may heal it")),
        ];
        let mut of_step = why(&format!("`cargo xtask build-sample --sample own {there}` shows all that it does"));
        again.lead("samples", Some(&mut of_step), &mut samples);
        let versions = "--buildkit 0.33.1 --containerd 2.3.4 --base-dir '/my place'";
        let own = format!(
            "`cargo xtask build-sample --client buildctl --sample {} {versions}` does the same again, and shows all of it",
            Argv::new(&own).shown()
        );
        assert_eq!(hint(samples[0].failure.as_ref()), "change it");
        assert_eq!(hint(samples[1].failure.as_ref()), format!("the log is in `x`; {own}"));
        assert_eq!(hint(Some(&of_step)), own);
        for (step, words) in [
            ("up", "up".to_owned()),
            ("build-sample", "build-sample --client buildctl".into()),
            ("samples", format!("samples --client buildctl copy {}", Argv::new(&asked[1]).shown())),
        ] {
            let mut of_step = why(&format!("see `cargo xtask logs {there}`"));
            again.lead(step, Some(&mut of_step), &mut []);
            let typed = format!("`cargo xtask {words} {versions}` does the same again, and shows all of it");
            assert_eq!(hint(Some(&of_step)), typed);
        }
    }
}
