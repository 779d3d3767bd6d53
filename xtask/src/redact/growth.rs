//! That the work grows as the text does: a log may be one line of megabytes, with a name at every turn.

use super::Redactor;
use std::time::{Duration, Instant};

/// What is repeated, and what closes each of it at the end.
const TURNS: [(&str, &str); 33] = [
    ("password=xyzzy ", ""),
    ("x_key=1 password=x ", ""),
    ("sig=2 ", ""),
    ("token=", ""),
    ("token: ", ""),
    ("?token=", ""),
    ("token=[", "]"),
    ("token=|", ""),
    ("token=| ", ""),
    ("token='", ""),
    ("token={\"", ""),
    ("token=[REDACTED]", ""),
    ("\"'token=['',", ""),
    ("%3Dtoken%3D", ""),
    (r"Authorization: a\n", ""),
    ("Authorization: a/", ".pem"),
    ("token=a/", ".pem"),
    ("ENV A_TOKEN ", ""),
    ("login me password ", ""),
    ("--password x ", ""),
    ("-", ""),
    (".-", ""),
    ("curl/-ux/", ""),
    ("a://", ""),
    ("a://b:c", ""),
    ("a:b@c", ""),
    ("hf_", ""),
    ("hf_.", ""),
    ("PRIVATE KEY", ""),
    ("-----BEGIN PRIVATE KEY-----", ""),
    ("-----BEGIN PRIVATE KEY-----\"", ""),
    ("a\n-----END PRIVATE KEY-----", ""),
    ("/home/x\"", ""),
];

/// How long it takes; the line goes on, so that none of them is gone with it.
fn takes(turn: &str, closing: &str, length: usize) -> Duration {
    let times = length / (turn.len() + closing.len());
    let text = format!("{}{} x\ny", turn.repeat(times), closing.repeat(times));
    let redactor = Redactor::new([("HOSTNAME".to_owned(), "box-7".to_owned())]);
    let since = Instant::now();
    drop(redactor.redact(&text));
    since.elapsed()
}

#[test]
fn the_work_grows_as_the_text_does() {
    for (turn, closing) in TURNS {
        // Four times the text would be sixteen times the work. Who is interrupted may try again.
        let grows = || takes(turn, closing, 128 << 10).as_secs_f64() / takes(turn, closing, 32 << 10).as_secs_f64();
        let best = (0..5).map(|_| grows()).find(|times| *times < 8.0);
        assert!(best.is_some(), "`{turn}` takes more and more");
    }
}
