//! Calls that change something over there.

use super::headers::{checked, header_text};
use super::retry::Fault;
use super::{Http, HttpError, HttpErrorKind, shown};
use reqwest::{Method, header};

/// What is done with what a URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// Something new is added to it. Done twice, it is there twice.
    Add,
    /// It is made what is sent. Done twice, it is still that.
    Change,
}

impl Write {
    fn method(self) -> Method {
        match self {
            Write::Add => Method::POST,
            Write::Change => Method::PATCH,
        }
    }
}

impl Http {
    /// Sends JSON, and returns what is answered. Where a call failed, only what may be done twice is tried again: whoever gets no
    /// answer can't know what was done.
    ///
    /// The token goes where it does in [`Http::get_text`].
    ///
    /// # Errors
    /// When no call may be made, or none succeeded; also when the server leads elsewhere. It is not followed: some of those
    /// answers make a GET of a POST, and of the others nobody could tell afterwards how often something was added, and where.
    pub fn send_json(&self, write: Write, url: &str, token: Option<&str>, json: &str) -> Result<String, HttpError> {
        self.call(
            &self.writing,
            url,
            |client, parsed| {
                let request = client.request(write.method(), parsed.clone());
                let request = request.header(header::CONTENT_TYPE, "application/json").body(json.to_owned());
                let request = token.into_iter().fold(request, reqwest::blocking::RequestBuilder::bearer_auth);
                let response = self.send(request, url)?;
                if response.status().is_redirection() {
                    let there = header_text(response.headers(), header::LOCATION);
                    let there = there.and_then(|there| parsed.join(&there).ok());
                    let there = there.map(|there| shown(there.as_str()));
                    return Err(Fault::from(HttpError::new(url, HttpErrorKind::Moved(there))));
                }
                self.read_text(checked(response, url)?, url)
            },
            |fault, failures| match write {
                Write::Add => None,
                Write::Change => self.retry.pause_after(fault, failures),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Play, at_once, serve, text};
    use super::*;

    #[test]
    fn only_what_may_be_done_twice_is_tried_again() {
        let busy = || text("503 Service Unavailable", "Retry-After: 0\r\n", "busy");
        let http = Http::new(false, at_once());
        let (url, heads) = serve(vec![busy(), text("200 OK", "", "done")]);
        assert_eq!(http.send_json(Write::Change, &url, Some("secret"), "{}").unwrap(), "done");
        let head = heads.recv().unwrap();
        assert!(head.starts_with("patch /") && head.contains("authorization: bearer secret"), "{head}");
        assert!(head.contains("content-type: application/json") && head.contains("content-length: 2"), "{head}");

        for fails in [busy(), Play::Send(Vec::new()), text("429 Too Many Requests", "Retry-After: 0\r\n", "")] {
            let (url, _heads) = serve(vec![fails, text("201 Created", "", "twice")]);
            let http = Http::new(false, at_once());
            http.send_json(Write::Add, &url, None, "{}").unwrap_err();
            assert_eq!(http.calls(), 1);
        }
    }

    #[test]
    fn nothing_is_written_where_a_server_leads_elsewhere() {
        // The first two make a GET of it, the others repeat it; GitHub answers the first or the third for a renamed repository.
        for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
            for write in [Write::Add, Write::Change] {
                let http = Http::new(false, at_once());
                let (url, heads) =
                    serve(vec![text(status, "Location: /there\r\n", ""), text("201 Created", "", "written")]);
                let error = http.send_json(write, &format!("{url}/here"), Some("secret"), "{}").unwrap_err();
                assert_eq!(error.to_string(), format!("{url}/here has moved to {url}/there, and nothing was written"));
                assert_eq!((http.calls(), heads.try_iter().count()), (1, 1), "{status}");
            }
        }
        let (url, _heads) = serve(vec![text("301 Moved Permanently", "", "")]);
        let error = Http::new(false, at_once()).send_json(Write::Add, &url, None, "{}").unwrap_err();
        assert_eq!(error.to_string(), format!("{url} has moved, and nothing was written"));
    }
}
