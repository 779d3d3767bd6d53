//! The ways in which programs write one and the same text, and finding it in any of them.

/// A value as it is, and as JSON, Go's quotes and addresses have it.
pub(super) fn of_value(value: &str) -> Vec<String> {
    let once = escaped(value);
    // Go's JSON spares HTML these three.
    let for_html = once.replace('&', r"\u0026").replace('<', r"\u003c").replace('>', r"\u003e");
    let spelt = [
        value.to_owned(),
        percent_decoded(value),
        percent_encoded(value),
        escaped(&for_html),
        escaped(&once),
        for_html,
        once,
    ];
    spelt.into()
}

/// A path with the slashes of either system, once or as JSON has them.
pub(super) fn of_path(path: &str) -> Vec<String> {
    let (back, slash) = (path.replace('/', r"\"), path.replace('\\', "/"));
    let verbatim = path.to_owned();
    let spelt = [escaped(&back), escaped(&escaped(&back)), percent_encoded(&slash), back, slash, verbatim];
    spelt.iter().flat_map(|spelt| of_name(spelt)).collect()
}

/// A name in other cases: the search is blind to that only for ASCII.
pub(super) fn of_name(name: &str) -> Vec<String> {
    if name.is_ascii() {
        vec![name.to_owned()]
    } else {
        vec![name.to_owned(), name.to_lowercase(), name.to_uppercase()]
    }
}

/// The short name that Windows gives a folder whose name is long, or has blanks in it, if it is the first to begin so.
pub(super) fn short_name(name: &str) -> Option<String> {
    let plain: String = name.chars().filter(|c| !" .".contains(*c)).collect();
    let needs_one = name.chars().count() > 8 || plain.len() < name.len();
    (needs_one && plain.is_ascii() && plain.len() >= 3)
        .then(|| format!("{}~1", plain[..plain.len().min(6)].to_ascii_uppercase()))
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"")
}

fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where something counts as found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bounds {
    /// Anywhere.
    Any,
    /// Where no word goes on before it or after it.
    Whole,
    /// The same; what follows behind dots is its domain.
    Host,
}

/// Replaces a text everywhere, in any case of letters.
pub(super) fn replaced(text: &str, what: &str, with: &str, bounds: Bounds) -> String {
    // ASCII keeps its length, so that places are the same in both.
    let (lower, wanted) = (text.to_ascii_lowercase(), what.to_ascii_lowercase());
    let goes_on = |after: &str| after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for (found, _) in lower.match_indices(&wanted) {
        let end = found + wanted.len();
        let is_whole = super::text::ends_before_word(&lower[..found]) && !goes_on(&lower[end..]);
        if found >= done && (bounds == Bounds::Any || is_whole) {
            result.push_str(&text[done..found]);
            result.push_str(with);
            done = if bounds == Bounds::Host { end + domain(&lower[end..]) } else { end };
        }
    }
    result.push_str(&text[done..]);
    result
}

/// How long the `.corp.example` at the beginning is.
fn domain(after: &str) -> usize {
    let label = |rest: &str| {
        let name = rest.strip_prefix('.')?;
        let length = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(name.len());
        (length > 0).then_some(length + 1)
    };
    let mut length = 0;
    while let Some(next) = label(&after[length..]) {
        length += next;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_spelt_in_many_ways() {
        let spelt = of_value(r#"a"\&<%40"#);
        for expected in
            [r#"a"\&<%40"#, r#"a\"\\&<%40"#, r"a\u0026", r#"a"\&<@"#, "a%22%5C%26%3C%2540", r#"a\\\"\\\\&<%40"#]
        {
            assert!(
                spelt.iter().any(|spelt| spelt.starts_with(&expected.replace(r"a\u0026", r#"a\"\\\u0026\u003c"#))),
                "{expected} of {spelt:?}"
            );
        }
        assert_eq!(percent_decoded("%4"), "%4");
        assert_eq!(percent_decoded("a%zz%c3%a9"), "a%zzé");
    }

    #[test]
    fn a_long_name_has_a_short_one() {
        assert_eq!(short_name("Jo Doe").as_deref(), Some("JODOE~1"));
        assert_eq!(short_name("administrator").as_deref(), Some("ADMINI~1"));
        assert_eq!(short_name("jo"), None);
        assert_eq!(short_name("Jörgensson"), None);
    }

    #[test]
    fn a_host_takes_its_domain_along() {
        let hidden = |text| replaced(text, "Box-7", "%", Bounds::Host);
        assert_eq!(hidden("on box-7.corp.example: x"), "on %: x");
        assert_eq!(hidden("on BOX-7. And box-77"), "on %. And box-77");
    }
}
