//! Results whose every text wants to be more than text, as the browser takes the report made of them.

use super::{Chromium, report};
use comrak::Options;
use serde_json::{Value, json};
use std::fs;
use tests::{context, night};
use xtask::report::text::clean;

#[test]
fn the_page_takes_no_text_for_anything_else() {
    let context = context!();
    let page = report(&context, &[night::hostile()]);
    let mut chromium = Chromium::start();
    chromium.open(&page, "");
    assert_eq!(chromium.complaints(), Vec::<String>::new(), "nothing ran, nothing was fetched, nothing was refused");
    assert_eq!(chromium.eval("document.title"), "BuildKit \u{d7} containerd, 2026-11-23 02:17 UTC");
    let elements = "[...new Set([...document.querySelectorAll('*')].map((element) => element.localName))].sort()";
    let expected = chromium.eval(elements);
    assert!(
        ["img", "iframe", "object", "base"].iter().all(|name| !expected.as_array().unwrap().contains(&json!(name)))
    );
    let count = |of: &str| format!("document.querySelectorAll('{of}').length");
    for (of, number) in [("script", 1), ("style", 1), ("h1", 1), ("title", 1)] {
        assert_eq!(chromium.eval(&count(&format!("html > * > {of}, header > {of}"))), number, "{of}");
        assert_eq!(
            chromium.eval(&format!("[...document.querySelectorAll('{of}')].filter((it) => !it.closest('svg')).length")),
            number
        );
    }
    let handlers = "[...document.querySelectorAll('*')].flatMap((element) => element.getAttributeNames()).filter((name) => name.startsWith('on') || name === 'style' || name === 'src')";
    assert_eq!(chromium.eval(handlers), json!([]));
    // Links lead to the page itself and to what the catalogue has.
    let links = "[...new Set([...document.querySelectorAll('a')].map((link) => link.href.startsWith('file:') ? 'here' : new URL(link.href).host))]";
    assert_eq!(chromium.eval(links), json!(["here"]));
    // Every text is there to be read, letter by letter.
    let shown = chromium.eval("document.body.textContent").as_str().unwrap().to_owned();
    for text in night::HOSTILE {
        assert!(shown.contains(clean(text).trim()), "{text:?}");
    }
}

#[test]
fn xml_and_drawings_are_whole_and_say_what_they_were_given() {
    let context = context!();
    let page = report(&context, &[night::hostile()]);
    let folder = page.parent().unwrap();
    let mut chromium = Chromium::start();
    chromium.open(&page, "");
    let parse = |text: &str| format!("new DOMParser().parseFromString({}, 'application/xml')", json!(text));
    let badges: Vec<_> = fs::read_dir(folder.join("badges")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(badges.len() > 17, "{badges:?}");
    for path in badges {
        let badge = fs::read_to_string(&path).unwrap();
        let elements = "[...parsed.querySelectorAll('*')].map((element) => element.localName).join(' ')";
        let elements = chromium.eval(&format!("(() => {{ const parsed = {}; return {elements}; }})()", parse(&badge)));
        assert_eq!(elements, "svg title rect rect g text text", "{}", path.display());
    }
    let junit = fs::read_to_string(folder.join("junit.xml")).unwrap();
    let names = "[...parsed.querySelectorAll('*')].map((element) => element.localName)";
    let names = chromium
        .eval(&format!("(() => {{ const parsed = {}; return [...new Set({names})].sort(); }})()", parse(&junit)));
    assert_eq!(
        names,
        json!([
            "error",
            "failure",
            "properties",
            "property",
            "skipped",
            "system-out",
            "testcase",
            "testsuite",
            "testsuites"
        ])
    );
    let said = chromium.eval(&format!(
        "(() => {{ const parsed = {}; return [...parsed.querySelectorAll('*')].flatMap((element) => \
         [...element.attributes].map((attribute) => attribute.value)).join('\\n'); }})()",
        parse(&junit)
    ));
    for text in night::HOSTILE {
        assert!(said.as_str().unwrap().contains(clean(text).trim()), "{text:?}");
    }
}

/// As GitHub reads it: tables, links without brackets, HTML as it is.
fn github() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.render.r#unsafe = true;
    options
}

#[test]
fn markdown_is_no_more_than_what_the_report_wrote() {
    let context = context!();
    let page = report(&context, &[night::hostile()]);
    let text = fs::read_to_string(page.with_file_name("report.md")).unwrap();
    let html = comrak::markdown_to_html(&text, &github());
    let mut chromium = Chromium::start();
    chromium.open(&page, "");
    let look = format!(
        "(() => {{ const parsed = new DOMParser().parseFromString({}, 'text/html'); \
         const all = [...parsed.body.querySelectorAll('*')]; return {{ \
         elements: [...new Set(all.map((element) => element.localName))].sort(), \
         attributes: [...new Set(all.flatMap((element) => element.getAttributeNames()))].sort(), \
         links: [...new Set([...parsed.querySelectorAll('a')].map((link) => link.href))], \
         widths: [...parsed.querySelectorAll('table')].map((table) => \
         [...new Set([...table.rows].map((row) => row.cells.length))].length), \
         codes: [...parsed.querySelectorAll('code')].map((code) => code.textContent), \
         outside: all.filter((element) => !element.closest('code')).flatMap((element) => \
         [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data)).join('') }}; }})()",
        json!(html)
    );
    let found = chromium.eval(&look);
    let elements = ["br", "code", "h1", "h2", "li", "p", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"];
    assert_eq!(found["elements"], json!(elements));
    assert_eq!(found["attributes"], json!(["align"]));
    assert_eq!(found["links"], json!([]));
    assert!(found["widths"].as_array().unwrap().iter().all(|widths| *widths == 1), "{}", found["widths"]);
    let codes: Vec<&str> = found["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let outside = found["outside"].as_str().unwrap();
    for hostile in ["owned", "evil", "everyone", "GH-2", "javascript"] {
        assert!(!outside.contains(hostile), "{hostile} is nowhere but in code: {outside}");
    }
    for text in night::HOSTILE {
        // On one line, as it stands in a table.
        let words: Vec<_> = text.split_whitespace().collect();
        let line = clean(&words.join(" "));
        assert!(codes.iter().any(|code| code.contains(&line)), "{line:?} is not among {codes:#?}");
    }
    assert_ne!(found["codes"], Value::Null);
}
