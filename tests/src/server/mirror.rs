//! A flat folder of files with a listing as nginx's autoindex makes it.

use super::connection::Reply;
use super::{Request, State, encode, objects};
use std::fmt::Write as _;
use std::sync::Arc;

/// nginx cuts the names it shows at this length, so that only the links can be relied on.
const SHOWN: usize = 50;

/// Answers a request for what follows `/mirror`.
pub(super) fn answer(state: &mut State, request: &Request, rest: &[&str]) -> Reply {
    match rest {
        [] => Reply::new(301).header("Location", "/mirror/"),
        [""] if state.listing_forbidden => Reply::html(403, "<h1>403 Forbidden</h1>".to_owned()),
        [""] => Reply::html(200, listing(state)),
        [name] => match state.mirror.get(*name).map(Arc::clone) {
            Some(bytes) => objects::answer(state, request, &bytes),
            None => Reply::html(404, "<h1>404 Not Found</h1>".to_owned()),
        },
        _ => Reply::html(404, "<h1>404 Not Found</h1>".to_owned()),
    }
}

fn listing(state: &State) -> String {
    let head = "<head><title>Index of /mirror/</title></head>";
    let mut page =
        format!("<html>\r\n{head}\r\n<body>\r\n<h1>Index of /mirror/</h1><hr><pre><a href=\"../\">../</a>\r\n");
    for (name, bytes) in &state.mirror {
        let shown = if name.len() > SHOWN { format!("{}..&gt;", &name[..SHOWN - 3]) } else { name.clone() };
        let _ = write!(page, "<a href=\"{}\">{shown}</a>  02-Jan-2026 03:04  {:>12}\r\n", encode(name), bytes.len());
    }
    page + "</pre><hr></body>\r\n</html>\r\n"
}
