//! Looking after the daemons while a client waits for them: buildkitd may wait for ever for a containerd that was killed in the
//! middle of a build, and its client with it.

use crate::component::Component;
use crate::daemon::state::{self, Daemon};
use crate::workspace::Workspace;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often a daemon is missed before its client is given up: meanwhile the client may end by itself, and its own words say
/// more.
const LOOKS: usize = 4;

/// The daemons that a client needs, as they were when it was started.
pub struct Watch {
    daemons: Vec<Daemon>,
    ended: Option<Component>,
    missed: usize,
    interrupted: Option<Arc<AtomicBool>>,
}

impl Watch {
    /// Of those of them that the workspace has on record; with the flag that Ctrl-C sets, where one is to be looked at.
    pub fn over(workspace: &Workspace, needed: &[Component], interrupted: Option<Arc<AtomicBool>>) -> Self {
        // Without a record there is nothing to look after. Why it can't be read, others have said.
        let state = state::read(workspace).ok().flatten();
        let daemons = state.map(|state| state.daemons).unwrap_or_default();
        Self {
            daemons: daemons.into_iter().filter(|daemon| needed.contains(&daemon.component)).collect(),
            ended: None,
            missed: 0,
            interrupted,
        }
    }

    /// Looks whether all of them still run and nobody has typed Ctrl-C, and so whether there is something to wait for.
    pub fn is_worth_it(&mut self) -> bool {
        let ended = self.daemons.iter().find(|daemon| daemon.process().is_none());
        self.ended = ended.map(|daemon| daemon.component);
        self.missed += usize::from(self.ended.is_some());
        self.missed < LOOKS && !self.is_interrupted()
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// The one that was missed, if that is why there is nothing to wait for.
    pub fn ended(&self) -> Option<Component> {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os;

    #[test]
    fn a_client_may_still_say_itself_that_its_daemon_has_ended() {
        let this = os::process(std::process::id()).unwrap();
        let daemon = |component, start_time| Daemon {
            component,
            version: "1.0.0".into(),
            pid: this.pid,
            start_time,
            executable: this.executable.clone(),
            endpoint: String::new(),
            since: String::new(),
        };
        let runs = daemon(Component::Buildkit, this.started);
        let another_since = daemon(Component::Containerd, this.started - 1);
        let looks = |daemons| {
            let mut watch = Watch { daemons, ended: None, missed: 0, interrupted: None };
            ([(); LOOKS].map(|()| watch.is_worth_it()), watch.ended())
        };
        assert_eq!(looks(vec![runs.clone()]), ([true; LOOKS], None));
        assert_eq!(looks(Vec::new()), ([true; LOOKS], None));
        assert_eq!(looks(vec![runs, another_since]), ([true, true, true, false], Some(Component::Containerd)));
        let flag = Arc::new(AtomicBool::new(false));
        let mut watch = Watch { daemons: Vec::new(), ended: None, missed: 0, interrupted: Some(Arc::clone(&flag)) };
        assert!(watch.is_worth_it());
        flag.store(true, Ordering::Relaxed);
        assert!(!watch.is_worth_it() && watch.ended().is_none(), "nobody waits after Ctrl-C");
    }
}
