//! Text that may be anybody's, made harmless: what is shown of it, where it may lead, how Markdown takes it. Pure.

/// What is shown at most of one text; whole logs have no place in a report.
const LONGEST: usize = 8000;

/// A text without what could hide or turn around what is beside it, or what XML can't have: control characters become
/// the signs that stand for them, and the marks that turn the direction of writing one that stands for anything.
pub fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut cleaned: String = text.chars().take(LONGEST).map(harmless).collect();
    let left = text.chars().count().saturating_sub(LONGEST);
    if left > 0 {
        cleaned.push_str(&format!("\u{2026} ({} more)", count(left, "character")));
    }
    cleaned
}

fn harmless(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => c,
    }
}

/// The same text, if it leads to a web page and nowhere else: not `javascript:`, not a file, and not a host that is
/// written to be taken for another one.
pub fn web_page(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let is_of_host = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == ':';
    let is_of_path = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    (!host.is_empty() && host.chars().all(is_of_host) && path.chars().all(is_of_path)).then_some(url)
}

/// A text as Markdown shows it as code: on one line, in a table's cell as elsewhere, and naming nobody.
///
/// Code between backticks would do, but for a table, where a bar ends the cell in them too. So this is HTML's element with
/// every sign that could mean something written as a number; GitHub makes no links and no mentions in it.
pub fn code(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let mut code = String::from("<code>");
    for c in clean(&words.join(" ")).chars() {
        // A dot between `www` and a name makes a link.
        if c.is_alphanumeric() || " -,()/'".contains(c) || (c == '.' && !code.ends_with(['w', 'W'])) {
            code.push(c);
        } else {
            code.push_str(&format!("&#{};", u32::from(c)));
        }
        // GitHub looks for addresses of mail when the numbers are signs again, but in no more than one stretch of text.
        if c == '@' {
            code.push_str("<!-- -->");
        }
    }
    code + "</code>"
}

/// The first line of a text that has something in it.
pub fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// `1 sample`, `2 samples`.
pub fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// How long something took, as people read it.
pub fn duration(millis: u64) -> String {
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", millis / 60_000, millis / 1000 % 60),
        _ => format!("{} h {:02} min", millis / 3_600_000, millis / 60_000 % 60),
    }
}

/// A time of RFC 3339 as people read it; another text as it is.
pub fn moment(time: &str) -> String {
    match humantime::parse_rfc3339(time) {
        Ok(at) => {
            let time = humantime::format_rfc3339_seconds(at).to_string();
            format!("{} {} UTC", &time[..10], &time[11..16])
        }
        Err(_) => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_pages_are_led_to() {
        let good = ["https://github.com/moby/buildkit/issues/4024", "https://example.com:8080/a?b=c#d", "https://x"];
        for url in good {
            assert_eq!(web_page(url), Some(url));
        }
        let bad = [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            " https://x",
            "http://x",
            "data:text/html,x",
            "file:///etc/passwd",
            "//x",
            "https://",
            "https://github.com@evil.example/",
            "https://evil.example\\@github.com/",
            "https://x/\"onclick=\"y",
            "https://x/ y",
            "https://x/\ny",
            "https://\u{0440}aypal.example/",
        ];
        for url in bad {
            assert_eq!(web_page(url), None, "{url}");
        }
    }

    #[test]
    fn a_text_is_no_longer_than_anybody_reads() {
        let cleaned = clean(&"\u{e9}".repeat(LONGEST + 5));
        assert!(cleaned.ends_with("\u{e9}\u{2026} (5 characters more)"), "{cleaned}");
        assert!(clean(&"x".repeat(LONGEST + 1)).ends_with("x\u{2026} (1 character more)"));
        assert_eq!(clean("a\r\nb\rc\u{9b}"), "a\nb\u{240d}c\u{fffd}");
    }

    #[test]
    fn code_has_no_sign_that_means_something() {
        assert_eq!(code("a|b\n`c` www.d.e"), "<code>a&#124;b &#96;c&#96; www&#46;d.e</code>");
        assert_eq!(code("@all #1"), "<code>&#64;<!-- -->all &#35;1</code>");
    }

    #[test]
    fn durations_are_as_long_as_they_need_to_be() {
        let durations =
            [(0, "0 ms"), (999, "999 ms"), (12_345, "12.3 s"), (65_000, "1 min 05 s"), (3_660_000, "1 h 01 min")];
        for (millis, text) in durations {
            assert_eq!(duration(millis), text);
        }
        assert_eq!(moment("2026-11-23T02:17:00Z"), "2026-11-23 02:17 UTC");
        assert_eq!(moment("tonight"), "tonight");
    }
}
