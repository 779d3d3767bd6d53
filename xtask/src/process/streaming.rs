//! Running a program while handing over what it prints, for as long as it may take, and as long as that makes sense.

use super::Argv;
use crate::error::{Context, Result};
use crate::os;
use std::io::Read;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How many chunks may wait for whoever takes them; a program that says more waits too.
const WAITING_CHUNKS: usize = 64;

/// Whose output a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Data.
    Stdout,
    /// The rest.
    Stderr,
}

/// How a streamed program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Exited(ExitStatus),
    /// Killed when its time was up.
    TimedOut,
    /// Killed because there was nothing left to wait for.
    InVain,
}

/// How often somebody looks whether there is still something to wait for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Runs a program, handing over what it prints as it comes, and kills it when `patience` is used up.
///
/// # Errors
/// When it can't be started.
pub fn stream(argv: &Argv, patience: Duration, take: impl FnMut(Stream, &[u8])) -> Result<Ending> {
    stream_while(argv, patience, take, || true)
}

/// The same, and kills it also when waiting for it no longer `makes_sense`, which is asked about twice a second.
///
/// # Errors
/// When it can't be started.
pub fn stream_while(
    argv: &Argv,
    patience: Duration,
    mut take: impl FnMut(Stream, &[u8]),
    mut makes_sense: impl FnMut() -> bool,
) -> Result<Ending> {
    let mut command = argv.command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().trying(|| format!("run `{}`", argv.shown()))?;
    let (sender, receiver) = sync_channel(WAITING_CHUNKS);
    if let Some(stdout) = child.stdout.take() {
        pump(stdout, Stream::Stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        pump(stderr, Stream::Stderr, sender.clone());
    }
    drop(sender);
    let why = match drain(&receiver, Instant::now() + patience, &mut take, &mut makes_sense) {
        Drained::All => {
            let status = child.wait().trying(|| format!("wait for `{}`", argv.name()))?;
            return Ok(Ending::Exited(status));
        }
        Drained::UntilTimeWasUp => Ending::TimedOut,
        Drained::InVain => Ending::InVain,
    };
    // It may have ended by itself while something that it started still holds its output.
    if let Ok(Some(status)) = child.try_wait() {
        return Ok(Ending::Exited(status));
    }
    end(child);
    Ok(why)
}

/// Kills a program and what it has started: `docker` has its plugins do the work, which would go on without it.
///
/// A process group of its own would be simpler to kill, but Ctrl-C in a terminal would no longer reach it.
pub fn end(mut child: Child) {
    // Nothing leads from a dead parent to its children.
    let family = os::family(child.id());
    drop(child.kill());
    drop(child.wait());
    family.iter().for_each(os::kill);
}

/// Why there are no more chunks to hand over.
#[derive(Debug, PartialEq, Eq)]
enum Drained {
    /// Both streams have ended.
    All,
    /// The deadline has passed.
    UntilTimeWasUp,
    /// It no longer makes sense to wait for more.
    InVain,
}

/// Hands over chunks as long as there are any to wait for.
fn drain(
    receiver: &Receiver<(Stream, Vec<u8>)>,
    deadline: Instant,
    take: &mut impl FnMut(Stream, &[u8]),
    makes_sense: &mut impl FnMut() -> bool,
) -> Drained {
    let mut next_look = Instant::now() + BETWEEN_LOOKS;
    loop {
        // A program that never stops talking must not keep the time from being looked at.
        let now = Instant::now();
        if now >= deadline {
            return Drained::UntilTimeWasUp;
        }
        if now >= next_look {
            if !makes_sense() {
                return Drained::InVain;
            }
            next_look = Instant::now() + BETWEEN_LOOKS;
        }
        match receiver.recv_timeout(deadline.min(next_look).saturating_duration_since(now)) {
            Ok((stream, chunk)) => take(stream, &chunk),
            Err(RecvTimeoutError::Disconnected) => return Drained::All,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn pump(mut from: impl Read + Send + 'static, stream: Stream, to: SyncSender<(Stream, Vec<u8>)>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if to.send((stream, buffer[..read].to_vec())).is_err() {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_waited_for_as_long_as_that_makes_sense() {
        let (sender, receiver) = sync_channel(1);
        sender.send((Stream::Stdout, b"x".to_vec())).unwrap();
        let hour = Instant::now() + Duration::from_secs(3600);
        let (mut taken, mut looks) = (Vec::new(), 0);
        let mut makes_sense = || {
            looks += 1;
            looks < 2
        };
        let mut take = |_, chunk: &[u8]| taken.extend_from_slice(chunk);
        assert_eq!(drain(&receiver, hour, &mut take, &mut makes_sense), Drained::InVain);
        assert_eq!((taken, looks), (b"x".to_vec(), 2));
        assert_eq!(drain(&receiver, Instant::now(), &mut |_, _| {}, &mut || true), Drained::UntilTimeWasUp);
        drop(sender);
        assert_eq!(drain(&receiver, hour, &mut |_, _| {}, &mut || true), Drained::All);
    }
}
