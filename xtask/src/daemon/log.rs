//! What the daemons have logged since some moment.

use super::without_stack;
use crate::component::Component;
use crate::workspace::Workspace;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};

/// How long the daemons' logs were at some moment.
#[derive(Debug)]
pub struct Marks([(Component, u64); 2]);

impl Marks {
    /// Looks at both.
    pub fn now(workspace: &Workspace) -> Self {
        let length = |component| fs::metadata(workspace.log(component)).map_or(0, |metadata| metadata.len());
        Self([Component::Containerd, Component::Buildkit].map(|component| (component, length(component))))
    }

    /// What a daemon has complained of since, a line each: nothing below a warning, and no stack.
    pub fn complaints(&self, workspace: &Workspace, component: Component) -> Vec<String> {
        let mark = self.0.iter().find(|(of, _)| *of == component).map_or(0, |(_, length)| *length);
        let text = read_from(workspace, component, mark).unwrap_or_default();
        without_stack(&text).into_iter().filter(|line| is_complaint(line)).map(str::to_owned).collect()
    }
}

/// Reads a log from a place on; one that is shorter than that has been begun anew since.
fn read_from(workspace: &Workspace, component: Component, at: u64) -> std::io::Result<String> {
    let mut log = File::open(workspace.log(component))?;
    let at = if log.metadata()?.len() < at { 0 } else { at };
    log.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_complaint(line: &str) -> bool {
    !["trace", "debug", "info"].iter().any(|level| line.contains(&format!(" level={level} ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_what_came_since_and_is_no_mere_news() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(folder.path().to_owned(), "linux-amd64".parse().unwrap());
        let log = workspace.log(Component::Containerd);
        fs::create_dir_all(log.parent().unwrap()).unwrap();
        let [news, before, since] =
            ["time=\"…\" level=info msg=x\n", "level=error before\n", "time=\"…\" level=error msg=y\n"];
        fs::write(&log, before).unwrap();
        let marks = Marks::now(&workspace);
        assert_eq!(marks.complaints(&workspace, Component::Containerd), Vec::<String>::new());
        fs::write(&log, format!("{before}{news}{since}panic: z\nmain.main()\n\tmain.go:1\n")).unwrap();
        let complaints = marks.complaints(&workspace, Component::Containerd);
        assert_eq!(complaints, [since.trim_end(), "panic: z"]);
        // A daemon that was started again begins its log anew.
        fs::write(&log, "panic: z\n").unwrap();
        assert_eq!(marks.complaints(&workspace, Component::Containerd), ["panic: z"]);
        assert_eq!(marks.complaints(&workspace, Component::Buildkit), Vec::<String>::new());
    }
}
