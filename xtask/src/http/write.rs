//! Calls that change something over there.

use super::headers::checked;
use super::retry::Fault;
use super::{Http, HttpError, HttpErrorKind};
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
    /// When no call may be made, or none succeeded; also when the server leads elsewhere, because on the way there a POST would
    /// become a GET.
    pub fn send_json(&self, write: Write, url: &str, token: Option<&str>, json: &str) -> Result<String, HttpError> {
        self.call(
            url,
            |client, parsed| {
                let request = client.request(write.method(), parsed.clone());
                let request = request.header(header::CONTENT_TYPE, "application/json").body(json.to_owned());
                let request = token.into_iter().fold(request, reqwest::blocking::RequestBuilder::bearer_auth);
                let response = checked(self.send(request, url)?, url)?;
                if *response.url() != parsed {
                    let moved = format!("it has moved to {}", response.url());
                    return Err(Fault::from(HttpError::new(url, HttpErrorKind::Invalid(moved))));
                }
                self.read_text(response, url)
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
        let http = Http::new(false, at_once());
        let (url, heads) =
            serve(vec![text("301 Moved Permanently", "Location: /there\r\n", ""), text("200 OK", "", "[]")]);
        let error = http.send_json(Write::Add, &format!("{url}/here"), None, "{}").unwrap_err();
        assert!(error.to_string().ends_with("/there"), "{error}");
        assert!(heads.recv().unwrap().starts_with("post /here") && heads.recv().unwrap().starts_with("get /there"));
    }
}
