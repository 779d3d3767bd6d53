//! Looking after the daemons while a client waits for them: buildkitd may wait for ever for a containerd that was killed in the
//! middle of a build, and its client with it.

use crate::component::Component;
use crate::daemon::state::{self, Daemon};
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

/// How often a daemon is missed before its client is given up: meanwhile the client may end by itself, and its own words say
/// more.
const LOOKS: usize = 4;

/// The daemons that a client needs, as they were when it was started.
pub struct Watch {
    daemons: Vec<Daemon>,
    ended: Option<Component>,
    missed: usize,
    interrupt: Interrupt,
}

impl Watch {
    /// Of those of them that the workspace has on record.
    pub fn over(workspace: &Workspace, needed: &[Component], interrupt: Interrupt) -> Self {
        // Without a record there is nothing to look after. Why it can't be read, others have said.
        let state = state::read(workspace).ok().flatten();
        let daemons = state.map(|state| state.daemons).unwrap_or_default();
        Self {
            daemons: daemons.into_iter().filter(|daemon| needed.contains(&daemon.component)).collect(),
            ended: None,
            missed: 0,
            interrupt,
        }
    }

    /// Looks whether all of them still run and nobody has typed Ctrl-C, and so whether there is something to wait for.
    pub fn is_worth_it(&mut self) -> bool {
        let ended = self.daemons.iter().find(|daemon| daemon.process().is_none());
        self.ended = ended.map(|daemon| daemon.component);
        self.missed += usize::from(self.ended.is_some());
        self.missed < LOOKS && !self.interrupt.is_heard()
    }

    /// The one that was missed, if that is why there is nothing to wait for.
    pub fn ended(&self) -> Option<Component> {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interrupt::testing;
    use crate::os;
    use std::sync::atomic::Ordering;

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
            let mut watch = Watch { daemons, ended: None, missed: 0, interrupt: Interrupt::never() };
            ([(); LOOKS].map(|()| watch.is_worth_it()), watch.ended())
        };
        assert_eq!(looks(vec![runs.clone()]), ([true; LOOKS], None));
        assert_eq!(looks(Vec::new()), ([true; LOOKS], None));
        assert_eq!(looks(vec![runs, another_since]), ([true, true, true, false], Some(Component::Containerd)));
        let (interrupt, flag) = testing::by_flag();
        let mut watch = Watch { daemons: Vec::new(), ended: None, missed: 0, interrupt };
        assert!(watch.is_worth_it());
        flag.store(true, Ordering::Relaxed);
        assert!(!watch.is_worth_it() && watch.ended().is_none(), "nobody waits after Ctrl-C");
    }
}
