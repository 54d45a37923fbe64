//! What is on the screen, as text and as a picture.

use super::object::Object;
use super::{Phone, Shown};
use crate::webex::model::escaped;

/// Lines an 8800's screen has room for.
const LINES: usize = 8;

/// Characters of a line.
const WIDE: usize = 44;

impl Phone {
    /// Title, prompt, lines and soft keys, as somebody would read them out.
    pub fn text(&self) -> String {
        let (title, prompt, lines, keys) = self.parts();
        let all = [vec![title, prompt], lines, vec![format!("[{}]", keys.join("] ["))]].concat();
        all.into_iter().filter(|line| !line.is_empty() && line != "[]").collect::<Vec<_>>().join("\n")
    }

    fn parts(&self) -> (String, String, Vec<String>, Vec<String>) {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        match &self.shown {
            None => ("4711".into(), String::new(), vec![], names(&["Services"])),
            Some(Shown { object: Object::Menu { title, prompt, items }, .. }) => {
                let lines = items.iter().zip(1..).map(|((name, _), number)| format!("{number}  {name}")).collect();
                (title.clone(), prompt.clone(), lines, names(&["Select", "Exit"]))
            }
            Some(Shown { object: Object::Text { title, prompt, text, keys }, .. }) => {
                let own: Vec<String> = keys.iter().map(|key| key.name.clone()).collect();
                let keys = if own.is_empty() { names(&["Update", "Exit"]) } else { own };
                (title.clone(), prompt.clone(), text.lines().flat_map(wrapped).collect(), keys)
            }
            Some(Shown { object: Object::Input { title, prompt, fields, .. }, .. }) => {
                let lines = fields.iter().zip(&self.typed).enumerate().map(|(at, (field, typed))| {
                    let shown = if field.flags.contains('P') { "*".repeat(typed.len()) } else { typed.clone() };
                    let mark = if at == self.field { ">" } else { " " };
                    format!("{mark} {}: {shown}", field.name)
                });
                (title.clone(), prompt.clone(), lines.collect(), names(&["Submit", "Cancel"]))
            }
            Some(Shown { object: Object::Execute { .. } | Object::Status { .. }, .. }) => {
                (String::new(), String::new(), vec![], vec![])
            }
        }
    }

    /// The same as a picture of the screen.
    pub fn svg(&self) -> String {
        let (title, prompt, lines, keys) = self.parts();
        let line = |(at, text): (usize, &String)| {
            format!("<text x=\"20\" y=\"{}\" font-size=\"19\" fill=\"#e8eef4\">{}</text>", 92 + at * 25, escaped(text))
        };
        let lines: String = lines.iter().take(LINES).enumerate().map(line).collect();
        let key = |(at, name): (usize, &String)| {
            let x = 8 + at * 138;
            format!(
                "<rect x=\"{x}\" y=\"318\" width=\"130\" height=\"34\" rx=\"6\" fill=\"#2c4158\"/><text x=\"{}\" y=\"341\" font-size=\"17\" fill=\"#fff\" text-anchor=\"middle\">{}</text>",
                x + 65,
                escaped(name)
            )
        };
        let keys: String = keys.iter().take(4).enumerate().map(key).collect();
        let banner = self.banner.as_ref().map_or_else(String::new, |text| {
            format!("<rect x=\"0\" y=\"286\" width=\"560\" height=\"26\" fill=\"#f2b100\"/><text x=\"12\" y=\"305\" font-size=\"17\" fill=\"#241a00\">{}</text>", escaped(text))
        });
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 560 360\" role=\"img\" aria-label=\"Screen of the phone\" font-family=\"sans-serif\"><rect width=\"560\" height=\"360\" fill=\"#101a24\"/><rect width=\"560\" height=\"38\" fill=\"#1f3a56\"/><text x=\"16\" y=\"26\" font-size=\"20\" fill=\"#fff\">{}</text><text x=\"20\" y=\"62\" font-size=\"16\" fill=\"#9fb4c8\">{}</text>{lines}{banner}{keys}</svg>",
            escaped(&title),
            escaped(&prompt)
        )
    }
}

/// In pieces that fit a line, between words.
fn wrapped(line: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let last = lines.last_mut().expect("there is a line");
        if !last.is_empty() && last.len() + word.len() + 1 > WIDE {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}
