//! A headless Chromium, driven by its DevTools protocol through a pipe: no port, no driver, and none of the crates that bring a
//! thousand generated types along.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long an answer may take. What is asked takes moments, but a busy machine starts a browser slowly.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page, and nothing kept of it afterwards.
pub struct Chromium {
    browser: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    events: VecDeque<Value>,
    session: Option<String>,
    next: u64,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// Starts it with a page that is empty yet. It can reach no network: every name leads nowhere.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new",
            // Root, and most containers, can't have the sandbox. What is opened is the report alone.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--remote-debugging-pipe",
        ];
        // The pipe's ends are file descriptors 3 and 4, which a shell can give it without anything unsafe.
        let mut browser = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>&2", "chromium"])
            .args(arguments)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, output) = (browser.stdin.take().unwrap(), browser.stdout.take().unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0) {
                let Ok(message) = message.map(|bytes| serde_json::from_slice(&bytes)) else { break };
                if sender.send(message.unwrap()).is_err() {
                    break;
                }
            }
        });
        let (events, session) = (VecDeque::new(), None);
        let mut this = Self { browser, to, from, events, session, next: 0, _profile: profile };
        let target = this.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = this.call("Target.attachToTarget", attach);
        this.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            this.call(&format!("{domain}.enable"), json!({}));
        }
        this.width(1280);
        this
    }

    /// Calls a method of the protocol, and gives its answer.
    #[track_caller]
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let message = self.receive();
            if message["id"] == self.next {
                assert!(message.get("error").is_none(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push_back(message);
        }
    }

    fn receive(&mut self) -> Value {
        self.from
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("Chromium says nothing: {error}; it {:?}", self.browser.try_wait()))
    }

    /// Waits for an event.
    #[track_caller]
    fn wait_for(&mut self, name: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.events.iter().any(|event| event["method"] == name) {
            assert!(Instant::now() < until, "there was no {name}");
            let event = self.receive();
            self.events.push_back(event);
        }
    }

    /// Opens a file, at a place in it.
    #[track_caller]
    pub fn open(&mut self, path: &Path, place: &str) {
        // From one place of a page to another nothing is loaded.
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.events.clear();
        self.call("Page.navigate", json!({ "url": format!("file://{}{place}", path.display()) }));
        self.wait_for("Page.loadEventFired");
        // An empty page may have said that it was there only now.
        self.until("location.protocol === 'file:' && document.readyState === 'complete'");
    }

    /// What a script comes to in the page.
    #[track_caller]
    pub fn eval(&mut self, script: &str) -> Value {
        let parameters = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", parameters);
        assert!(answer.get("exceptionDetails").is_none(), "{script}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until a script comes to `true`.
    #[track_caller]
    pub fn until(&mut self, script: &str) {
        let until = Instant::now() + PATIENCE;
        while self.eval(script) != true {
            assert!(Instant::now() < until, "this never came true: {script}");
            // Whatever the browser says meanwhile is a reason to look again.
            self.events.extend(self.from.recv_timeout(Duration::from_millis(20)));
        }
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            other => panic!("no test presses {other}"),
        };
        let of =
            |kind: &str| json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
        self.call("Input.dispatchKeyEvent", of("keyDown"));
        self.call("Input.dispatchKeyEvent", of("keyUp"));
    }

    /// Types a text into what has the focus.
    pub fn type_in(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Shows pages as on a screen, light or dark, or as printed.
    pub fn media(&mut self, media: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": media, "features": features }));
    }

    /// How many pages it has on paper.
    pub fn pages(&mut self) -> usize {
        let answer = self.call("Page.printToPDF", json!({}));
        let pdf = decoded(answer["data"].as_str().unwrap());
        // Of each page, but not of the list of them, a letter ends the word.
        let is_page = |at: &&[u8]| at.starts_with(b"/Type /Page\n");
        pdf.windows(12).filter(is_page).count()
    }

    /// Makes the window so wide.
    pub fn width(&mut self, width: u32) {
        let window = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", window);
    }

    /// What the page asked any server for, and what it had to complain of, since it was opened.
    pub fn complaints(&mut self) -> Vec<String> {
        // What was said before this is heard before the answer to it.
        self.eval("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
        let is_bad = |event: &&Value| match event["method"].as_str().unwrap_or_default() {
            "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" => true,
            "Network.requestWillBeSent" => {
                let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
                !(event["params"]["type"] == "Document" && url.starts_with("file:"))
            }
            _ => false,
        };
        self.events.iter().filter(is_bad).map(Value::to_string).collect()
    }

    /// Keeps a picture of the whole page.
    pub fn screenshot(&mut self, path: &Path) {
        self.call("Page.bringToFront", json!({}));
        let size = self.eval("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]");
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let answer = self
            .call("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true, "clip": clip }));
        keep(path, answer["data"].as_str().unwrap());
    }
}

fn keep(path: &Path, base64: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, decoded(base64)).unwrap();
}

fn decoded(base64: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(base64).unwrap()
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Asked to, it ends its other processes too.
        drop(self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0"));
        let until = Instant::now() + Duration::from_secs(10);
        while !matches!(self.from.recv_timeout(Duration::from_millis(20)), Err(RecvTimeoutError::Disconnected)) {
            if Instant::now() > until {
                drop(self.browser.kill());
            }
        }
        drop(self.browser.wait());
    }
}
