//! Texts as HTML.

/// The text, for HTML to show as it is.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// The paragraphs and lists of a description, with the little Markdown that descriptions have: `code` and bold.
pub(super) fn marked_up(text: &str) -> String {
    let blocks = text.split("\n\n").filter(|block| !block.is_empty());
    let html = blocks.map(|block| {
        let items: Option<Vec<_>> = block.lines().map(|line| line.strip_prefix("- ")).collect();
        match items {
            Some(items) => {
                let items = items
                    .into_iter()
                    .map(|item| format!("<li>{}</li>", inline(item)));
                format!("<ul>{}</ul>\n", items.collect::<String>())
            }
            None => format!("<p>{}</p>\n", inline(block)),
        }
    });
    html.collect()
}

fn inline(text: &str) -> String {
    between(text, "`", "code", |text| between(text, "**", "b", escaped))
}

/// The text with every second piece between marks in an element, and the others as they are made by `rest`.
fn between(text: &str, mark: &str, element: &str, rest: impl Fn(&str) -> String) -> String {
    let pieces = text.split(mark).enumerate();
    let html = pieces.map(|(index, piece)| match index % 2 {
        0 => rest(piece),
        _ => format!("<{element}>{}</{element}>", escaped(piece)),
    });
    html.collect()
}
