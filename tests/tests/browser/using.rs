//! What a person does with the page: filters it, follows its links, goes through it by keyboard, prints it.

use super::{BROKEN, Chromium, report};
use serde_json::json;
use tests::{TestContext, context, night};

/// The page, opened at a place.
fn opened(context: &TestContext, place: &str) -> Chromium {
    let page = report(context, &night::nights());
    let mut chromium = Chromium::start();
    chromium.open(&page, place);
    chromium
}

/// The cells that are open.
const OPEN: &str = "[...document.querySelectorAll('details.cell[open]')].map((cell) => cell.dataset.cell)";

/// How many cells there are to see, in the list and in the tables.
const SEEN: &str = "[[...document.querySelectorAll('details.cell')].filter((cell) => cell.checkVisibility()).length, \
    [...document.querySelectorAll('.matrix a')].filter((link) => link.checkVisibility({ visibilityProperty: true })).length, \
    document.getElementById('shown').textContent]";

#[test]
fn it_filters_by_verdict_and_by_text() {
    let context = context!();
    let mut chromium = opened(&context, "");
    assert_eq!(chromium.eval(SEEN), json!([17, 17, "17 of 17 shown"]));
    let choose = |standing: &str| {
        format!("verdict.value = '{standing}'; verdict.dispatchEvent(new Event('change', {{ bubbles: true }}))")
    };
    chromium.eval(&choose("broken"));
    assert_eq!(chromium.eval(SEEN), json!([3, 3, "3 of 17 shown"]));
    chromium.eval("document.getElementById('text').focus()");
    chromium.type_in("2.3.7 System VOLUME");
    assert_eq!(chromium.eval(SEEN), json!([1, 1, "1 of 17 shown"]));
    chromium.eval(&choose("died"));
    assert_eq!(chromium.eval(SEEN), json!([0, 0, "0 of 17 shown"]));
    chromium.eval("document.querySelector('button[type=reset]').click()");
    chromium.until("document.getElementById('shown').textContent === '17 of 17 shown'");
    assert_eq!(chromium.eval(SEEN), json!([17, 17, "17 of 17 shown"]));
    assert_eq!(chromium.complaints(), Vec::<String>::new());
}

#[test]
fn an_address_that_cannot_be_decoded_leads_nowhere() {
    let context = context!();
    let mut chromium = opened(&context, "#%");
    assert_eq!(chromium.eval(OPEN), json!([]));
    assert_eq!(chromium.eval(SEEN), json!([17, 17, "17 of 17 shown"]));
    assert_eq!(chromium.complaints(), Vec::<String>::new());
}

#[test]
fn a_link_leads_to_its_cell_and_opens_it() {
    let context = context!();
    let mut chromium = opened(&context, &format!("#{BROKEN}"));
    let seen = format!(
        "(() => {{ const at = document.querySelector('[data-cell=\"{BROKEN}\"] > summary').getBoundingClientRect(); \
         return at.top >= 0 && at.bottom <= innerHeight; }})()"
    );
    assert_eq!(chromium.eval(OPEN), json!([BROKEN]));
    chromium.until(&seen);
    // A cell that is filtered out is shown again when a link leads to it.
    chromium.eval("verdict.value = 'fine'; verdict.dispatchEvent(new Event('change'))");
    assert_eq!(chromium.eval(SEEN), json!([9, 9, "9 of 17 shown"]));
    let other = "windows-2025_buildkit-0.34.2_containerd-2.3.7";
    chromium.eval(&format!("document.querySelector('.where a[href=\"#{other}\"]').click()"));
    chromium.until(&format!("({OPEN}).length === 2"));
    assert_eq!(chromium.eval(OPEN), json!([BROKEN, other]));
    chromium.until("document.getElementById('shown').textContent === '17 of 17 shown'");
    // Closed by hand, the same link opens it again, though the address stays the same.
    chromium.eval(&format!("document.querySelector('details[data-cell=\"{other}\"]').open = false"));
    chromium.eval(&format!("document.querySelector('.where a[href=\"#{other}\"]').click()"));
    assert_eq!(chromium.eval(OPEN), json!([BROKEN, other]));
    assert_eq!(chromium.complaints(), Vec::<String>::new());
}

#[test]
fn without_its_script_a_link_opens_its_cell_all_the_same() {
    let context = context!();
    let page = report(&context, &night::nights());
    let mut chromium = Chromium::start();
    chromium.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    chromium.open(&page, &format!("#{BROKEN}"));
    assert_eq!(chromium.eval("document.querySelector('.filter').checkVisibility()"), false, "it could do nothing");
    // Not before the page is laid out, which may be after it is loaded.
    chromium.until(&format!("({OPEN}).length > 0"));
    assert_eq!(chromium.eval(OPEN), json!([BROKEN]));
}

#[test]
fn every_cell_is_reached_and_opened_by_keyboard() {
    let context = context!();
    let mut chromium = opened(&context, "");
    let focus = "(() => { const at = document.activeElement; return at.dataset.cell || at.getAttribute('href') || at.id || at.type; })()";
    chromium.press("Tab");
    assert_eq!(chromium.eval(focus), "#tables", "the first stop skips what is before the tables");
    assert_eq!(chromium.eval("document.activeElement.getBoundingClientRect().left >= 0"), true, "and is seen");
    chromium.press("Enter");
    chromium.until("document.activeElement.id === 'tables'");
    let mut stops = Vec::new();
    while stops.len() < 3 + 17 {
        chromium.press("Tab");
        stops.push(chromium.eval(focus).as_str().unwrap().to_owned());
    }
    assert_eq!(stops[..3], ["verdict", "text", "reset"]);
    let cells = chromium.eval("[...document.querySelectorAll('.matrix a')].map((link) => link.dataset.cell)");
    assert_eq!(json!(stops[3..]), cells);
    let outline = "getComputedStyle(document.activeElement, '::after').outlineStyle";
    assert_eq!(chromium.eval(outline), "solid", "where one is can be seen");
    let last = stops[stops.len() - 1].clone();
    chromium.press("Enter");
    // The browser opens it by itself, and only then tells the page, which moves the focus.
    chromium.until("document.activeElement.matches('details.cell[open] > summary')");
    assert_eq!(chromium.eval(OPEN), json!([last]));
    chromium.press("Enter");
    chromium.until(&format!("({OPEN}).length === 0"));
}

#[test]
fn on_a_narrow_screen_each_row_is_named_and_two_columns_are_seen() {
    let context = context!();
    let mut chromium = opened(&context, "");
    chromium.width(400);
    let whole = "[...document.querySelectorAll('.matrix')].map((table) => { \
                 const [, second] = table.querySelectorAll('tbody tr:first-child > td'); \
                 return second.getBoundingClientRect().right <= innerWidth; })";
    assert_eq!(chromium.eval(whole), json!([true, true]));
    chromium.eval("document.querySelectorAll('.wide').forEach((box) => box.scrollLeft = 10000)");
    assert_eq!(chromium.eval("document.querySelector('.wide').scrollLeft > 0"), true, "there is more than one sees");
    let named = "[...document.querySelectorAll('.matrix tbody th')].map((head) => { const at = head.getBoundingClientRect(); \
                 head.scrollIntoView({ block: 'center', behavior: 'instant' }); const middle = head.getBoundingClientRect(); \
                 const seen = document.elementFromPoint(at.left + 5, middle.top + middle.height / 2); \
                 return at.left >= 0 && head.contains(seen) && getComputedStyle(head).backgroundColor !== 'rgba(0, 0, 0, 0)'; })";
    assert_eq!(chromium.eval(named), json!([true, true, true, true, true, true]));
}

#[test]
fn a_screen_reader_is_told_what_belongs_together() {
    let context = context!();
    let mut chromium = opened(&context, "");
    let tree = chromium.call("Accessibility.getFullAXTree", json!({}));
    let nodes: Vec<(&str, &str)> = tree["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| node["ignored"] == false)
        .map(|node| (node["role"]["value"].as_str().unwrap(), node["name"]["value"].as_str().unwrap_or_default()))
        .collect();
    for expected in [
        ("banner", ""),
        ("main", ""),
        ("contentinfo", ""),
        ("search", "Cells"),
        ("combobox", "Cells that are"),
        ("searchbox", "and tell of"),
        ("status", ""),
        ("heading", "BuildKit \u{d7} containerd"),
        ("region", "What works with what"),
        ("table", "BuildKit (rows) with containerd (columns) on windows-2025"),
        ("columnheader", "containerd 1.7.35"),
        ("rowheader", "BuildKit 0.34.2"),
        ("link", "BuildKit 0.34.2 with containerd 2.4.2: newly broken 1 of 9 samples 4 changes"),
        ("image", "up: 5.1 s at last; over 7 nights from 4.6 s to 5.1 s"),
    ] {
        assert!(nodes.contains(&expected), "{expected:?} is not among {nodes:#?}");
    }
}

#[test]
fn on_paper_is_open_what_is_not_as_expected_but_what_is_filtered_out() {
    let context = context!();
    let mut chromium = opened(&context, "");
    let shown = "[...document.querySelectorAll('.inside')].filter((part) => part.checkVisibility() && part.offsetHeight > 100).length";
    assert_eq!(chromium.eval(shown), 0);
    chromium.media("print", "dark");
    assert_eq!(chromium.eval(SEEN)[0], 17, "each has its line");
    assert_eq!(chromium.eval(shown), 8);
    let wrapped = "[...document.querySelectorAll('details:not([data-standing=fine]) .when')].filter((cell) => { \
                   const all = document.createRange(); all.selectNodeContents(cell); return all.getClientRects().length > 1; })";
    chromium.width(700);
    assert_eq!(chromium.eval(&format!("{wrapped}.length")), 0, "times stay on their line");
    let pages = chromium.pages();
    assert!((8..=20).contains(&pages), "{pages} pages");
    // Whoever opens one wants it on paper, too.
    chromium.eval("document.querySelector('details[data-standing=fine]').open = true");
    assert_eq!(chromium.eval(shown), 9);
    chromium.media("screen", "dark");
    chromium.eval("document.querySelectorAll('details[open]').forEach((cell) => cell.open = false)");
    chromium.eval("verdict.value = 'broken'; verdict.dispatchEvent(new Event('change'))");
    chromium.media("print", "dark");
    assert_eq!(chromium.eval(shown), 3);
    let gone = "['.filter', '.skip', '.back'].filter((part) => document.querySelector(part).checkVisibility())";
    assert_eq!(chromium.eval(gone), json!([]));
    let light = "getComputedStyle(document.body).color";
    assert_eq!(chromium.eval(light), "rgb(29, 33, 39)", "dark on white, whatever the screen is");
}
