//! What the bot says: markdown that names nobody by accident, and cards with the same in plain words.

use serde_json::{Value, json};

/// Longest text of a message, in bytes. Source: the API's reference.
pub const LONGEST: usize = 7439;

/// One message: what everybody can read, and a card for those whose client shows one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    pub markdown: String,
    pub card: Option<Value>,
}

impl Say {
    pub fn plain(markdown: impl Into<String>) -> Self {
        Self { markdown: markdown.into(), card: None }
    }

    /// As the API takes it, for a room.
    pub fn body(&self, room: &str, parent: Option<&str>) -> Value {
        let mut body = json!({ "roomId": room, "markdown": clipped(&self.markdown, LONGEST) });
        if let Some(parent) = parent {
            body["parentId"] = json!(parent);
        }
        if let Some(card) = &self.card {
            body["attachments"] =
                json!([{ "contentType": "application/vnd.microsoft.card.adaptive", "content": card }]);
        }
        body
    }
}

/// A card of version 1.3, which Webex shows.
pub fn card(body: &[Value], actions: &[Value]) -> Value {
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard", "version": "1.3", "body": body, "actions": actions,
    })
}

/// Words in a card are markdown too: whoever's they are, they are made [`safe`].
pub fn heading(text: &str) -> Value {
    json!({ "type": "TextBlock", "text": safe(text), "size": "Large", "weight": "Bolder", "wrap": true })
}

pub fn line(text: &str) -> Value {
    json!({ "type": "TextBlock", "text": safe(text), "wrap": true })
}

pub fn facts(facts: &[(&str, &str)]) -> Value {
    let facts: Vec<Value> =
        facts.iter().map(|(title, value)| json!({ "title": safe(title), "value": safe(value) })).collect();
    json!({ "type": "FactSet", "facts": facts })
}

pub fn field(id: &str, label: &str, placeholder: &str) -> Value {
    json!({ "type": "Input.Text", "id": id, "label": safe(label), "placeholder": placeholder, "maxLength": 1000 })
}

/// `data` comes back with the inputs, from whoever presses: nothing in it is believed.
pub fn button(title: &str, data: &Value) -> Value {
    json!({ "type": "Action.Submit", "title": title, "data": data })
}

pub fn link(title: &str, url: &str) -> Value {
    json!({ "type": "Action.OpenUrl", "title": title, "url": url })
}

/// Somebody's words within markdown: they mention nobody, and are neither a link nor code.
pub fn safe(text: &str) -> String {
    let letter = |letter: char| match letter {
        '<' => '‹',
        '>' => '›',
        '`' => '\u{2019}',
        '[' => '(',
        ']' => ')',
        '*' | '_' | '~' => '\u{b7}',
        '#' => '\u{ff03}',
        letter if letter.is_control() => ' ',
        letter => letter,
    };
    text.chars().map(letter).collect()
}

/// Cut to so many bytes, between two letters.
pub fn clipped(text: &str, bytes: usize) -> String {
    const MORE: &str = " …";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut end = bytes - MORE.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MORE}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_write_mentions_nobody_and_is_no_markup() {
        let safe = safe("<@all> [click](http://x) `code` **bold** # head\n\u{7}");
        for forbidden in ["<@", "[", "`", "**", "# ", "\n"] {
            assert!(!safe.contains(forbidden), "{forbidden}: {safe}");
        }
    }

    proptest! {
        #[test]
        fn a_long_text_is_cut_between_letters(text in "\\PC{0,400}", bytes in 10_usize..200) {
            let cut = clipped(&text, bytes);
            prop_assert!(cut.len() <= bytes.max(text.len().min(bytes)));
            prop_assert!(text.len() > bytes || cut == text);
        }
    }
}
