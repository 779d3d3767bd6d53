//! Elements of HTML, SVG and XML, which escape whatever is put into them. Pure.
//!
//! Names are the program's own; all other text may be anybody's. So text can become neither an element nor an attribute,
//! and there is one place that has to be right. A template crate would do no more here and bring a second `syn` into
//! the first build of every `cargo xtask`; none of them knows which characters XML can't have.

use super::text::clean;

/// An element with what is in it.
#[derive(Debug, Clone)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Element(Element),
    Text(String),
    /// The program's own style and script, which are not escaped in HTML.
    Own(&'static str),
}

/// An empty element.
pub fn el(name: &'static str) -> Element {
    Element { name, attributes: Vec::new(), children: Vec::new() }
}

impl Element {
    /// Gives it an attribute.
    #[must_use]
    pub fn attr(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// Gives it an attribute that needs no value, if that is so.
    #[must_use]
    pub fn flag(self, name: &'static str, is_so: bool) -> Self {
        if is_so { self.attr(name, "") } else { self }
    }

    /// Gives it a class.
    #[must_use]
    pub fn class(self, class: impl Into<String>) -> Self {
        self.attr("class", class)
    }

    /// Puts text into it.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    /// Puts the program's own style or script into it, as it is.
    #[must_use]
    pub fn own(mut self, text: &'static str) -> Self {
        self.children.push(Node::Own(text));
        self
    }

    /// Puts an element into it.
    #[must_use]
    pub fn with(mut self, child: Element) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    /// Puts elements into it, be it none.
    #[must_use]
    pub fn all(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }

    /// As a whole page of HTML.
    pub fn page(&self) -> String {
        let mut page = String::from("<!DOCTYPE html>\n");
        self.write_html(&mut page);
        page
    }

    /// As a whole document of XML.
    pub fn document(&self) -> String {
        let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write_xml(&mut document, 0);
        document
    }

    fn write_html(&self, page: &mut String) {
        self.write_start(page);
        page.push('>');
        if VOID.contains(&self.name) {
            page.push('\n');
            return;
        }
        for child in &self.children {
            match child {
                Node::Element(element) => element.write_html(page),
                Node::Text(text) => page.push_str(&escape_text(text)),
                Node::Own(text) => page.push_str(text),
            }
        }
        page.push_str(&format!("</{}>", self.name));
        // Between these a line's end is no blank that anybody sees.
        if BLOCKS.contains(&self.name) {
            page.push('\n');
        }
    }

    fn write_xml(&self, document: &mut String, depth: usize) {
        document.push_str(&"  ".repeat(depth));
        self.write_start(document);
        if self.children.is_empty() {
            document.push_str("/>\n");
            return;
        }
        document.push('>');
        let has_elements = self.children.iter().any(|child| matches!(child, Node::Element(_)));
        if has_elements {
            document.push('\n');
        }
        for child in &self.children {
            match child {
                Node::Element(element) => element.write_xml(document, depth + 1),
                Node::Text(text) => document.push_str(&escape_text(text)),
                Node::Own(text) => document.push_str(&escape_text(text)),
            }
        }
        if has_elements {
            document.push_str(&"  ".repeat(depth));
        }
        document.push_str(&format!("</{}>\n", self.name));
    }

    fn write_start(&self, to: &mut String) {
        to.push_str(&format!("<{}", self.name));
        for (name, value) in &self.attributes {
            to.push_str(&format!(" {name}=\"{}\"", escape_value(value)));
        }
    }
}

/// The elements of HTML that have no end.
const VOID: [&str; 3] = ["br", "input", "meta"];

/// The elements of HTML that have a line of their own.
const BLOCKS: [&str; 35] = [
    "article", "body", "caption", "dd", "details", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3", "h4", "head",
    "header", "html", "li", "main", "nav", "option", "p", "pre", "script", "section", "select", "style", "summary",
    "svg", "table", "tbody", "thead", "title", "tr", "ul",
];

fn escape_text(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An XML parser takes the ends of lines in a value for blanks, unless they are written so.
fn escape_value(text: &str) -> String {
    let text = escape_text(text).replace('"', "&quot;").replace('\'', "&#39;");
    text.replace('\n', "&#10;").replace('\t', "&#9;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let hostile = "</style><script>alert(1)</script>\" onload='x' & \u{0}\u{1b}[31m\u{202e}\n";
        let element = el("p").attr("title", hostile).text(hostile).with(el("br"));
        assert_eq!(
            element.page(),
            "<!DOCTYPE html>\n<p title=\"&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39; &amp; \
             \u{2400}\u{241b}[31m\u{fffd}&#10;\">&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;\" onload='x' &amp; \
             \u{2400}\u{241b}[31m\u{fffd}\n<br>\n</p>\n"
        );
    }

    #[test]
    fn xml_is_indented_but_text_is_not() {
        let document = el("a").with(el("b").text(" x\n")).with(el("c").attr("d", "1"));
        assert_eq!(
            document.document(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>\n  <b> x\n</b>\n  <c d=\"1\"/>\n</a>\n"
        );
    }
}
