//! Whose fault it is that a command fails, and so its exit code.

/// Where the cause lies, and so the exit code: a script that looks for the version that broke something goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// In containerd or BuildKit, in the sample or in what the container does: 1.
    Failed,
    /// In the command line: 2.
    Usage,
    /// In the machine or the net, so that nothing was put to the test: 3.
    Ground,
}

impl Class {
    /// The process exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Class::Failed => 1,
            Class::Usage => 2,
            Class::Ground => 3,
        }
    }

    /// Its name, as people and scripts read it.
    pub fn name(self) -> &'static str {
        match self {
            Class::Failed => "failed",
            Class::Usage => "usage",
            Class::Ground => "ground",
        }
    }
}
