//! What a desk phone shows: Cisco's XML objects, within the limits a phone's parser has.
//!
//! *Source*: Cisco, Phone Services Application Development Notes, XML objects and HTTP headers; `CiscoIPPhone.xsd`.
//! Not a full XML parser: known tags only, in Cisco's order, always declared as UTF-8.

use quick_xml::escape::escape;

/// Characters a title, a prompt, a field's name have room for.
pub const LINE: usize = 32;

/// Of one line of a menu.
const NAME: usize = 64;

/// Of a text.
const TEXT: usize = 4000;

/// Lines of a menu, and fields of an input.
const LINES: usize = 100;
const FIELDS: usize = 5;

/// One object, with the headers that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    Menu {
        title: String,
        prompt: String,
        items: Vec<Item>,
    },
    Text {
        title: String,
        prompt: String,
        text: String,
        keys: Vec<Key>,
        /// Asked for again after so many seconds, there.
        refresh: Option<(u32, String)>,
    },
    Input {
        title: String,
        prompt: String,
        url: String,
        /// Sent in a body, where the model can: what is typed is in no address.
        post: bool,
        fields: Vec<Field>,
    },
}

/// A line of a menu; the digit of its place chooses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    pub url: String,
}

/// What is typed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub parameter: &'static str,
    pub flags: Flags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flags {
    /// Digits.
    Number,
    /// Digits nobody reads along.
    Pin,
    /// A telephone number.
    Telephone,
    Letters,
}

/// A soft key. Any of ours takes away all the phone's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub name: &'static str,
    pub url: String,
}

impl Flags {
    fn word(self) -> &'static str {
        match self {
            Self::Number => "N",
            Self::Pin => "NP",
            Self::Telephone => "T",
            Self::Letters => "A",
        }
    }
}

impl Screen {
    pub fn xml(&self) -> String {
        match self {
            Self::Menu { title, prompt, items } => {
                let items: String = items.iter().take(LINES).map(Item::xml).collect();
                object("CiscoIPPhoneMenu", &format!("{}{items}", head(title, prompt)))
            }
            Self::Text { title, prompt, text, keys, .. } => {
                let keys: String = keys.iter().zip(1..).map(|(key, place)| key.xml(place)).collect();
                let text = element("Text", &cut(text, TEXT));
                object("CiscoIPPhoneText", &format!("{}{text}{keys}", head(title, prompt)))
            }
            Self::Input { title, prompt, url, post, fields } => {
                let how = if *post { " method=\"post\"" } else { "" };
                let fields: String = fields.iter().take(FIELDS).map(Field::xml).collect();
                let url = format!("<URL{how}>{}</URL>", escape(url));
                object("CiscoIPPhoneInput", &format!("{}{url}{fields}", head(title, prompt)))
            }
        }
    }

    /// For the header `Refresh`.
    pub fn refresh(&self) -> Option<String> {
        match self {
            Self::Text { refresh: Some((seconds, url)), .. } => Some(format!("{seconds}; url={url}")),
            _ => None,
        }
    }

    /// A page one comes back to. Every other one is not shown a second time.
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::Menu { .. })
    }
}

impl Item {
    fn xml(&self) -> String {
        let inner = format!("{}{}", element("Name", &cut(&self.name, NAME)), element("URL", &self.url));
        format!("<MenuItem>{inner}</MenuItem>")
    }
}

impl Key {
    fn xml(&self, place: usize) -> String {
        format!(
            "<SoftKeyItem>{}{}<Position>{place}</Position></SoftKeyItem>",
            element("Name", self.name),
            element("URL", &self.url)
        )
    }
}

impl Field {
    fn xml(&self) -> String {
        format!(
            "<InputItem>{}{}<DefaultValue></DefaultValue>{}</InputItem>",
            element("DisplayName", self.name),
            element("QueryStringParam", self.parameter),
            element("InputFlags", self.flags.word())
        )
    }
}

/// A line that stays over everything else on the phone until it is taken away. Pushed, never asked for.
pub fn banner(text: &str) -> String {
    // A picture is obligatory: one dark point.
    let inner = "<LocationX>-1</LocationX><LocationY>-1</LocationY><Width>1</Width><Height>1</Height><Depth>1</Depth><Data>00</Data>";
    object("CiscoIPPhoneStatus", &format!("{}{inner}", element("Text", &cut(text, LINE))))
}

/// Takes the banner away.
pub fn no_banner() -> String {
    object("CiscoIPPhoneExecute", "<ExecuteItem Priority=\"0\" URL=\"Init:AppStatus\"/>")
}

fn object(name: &str, inner: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name}>{inner}</{name}>")
}

fn head(title: &str, prompt: &str) -> String {
    format!("{}{}", element("Title", &cut(title, LINE)), element("Prompt", &cut(prompt, LINE)))
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(plain(text).as_str()))
}

/// Without what old models show as a box, and without controls but line ends.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '…' => plain.push_str("..."),
            '’' | '‘' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            '–' | '—' | '·' => plain.push('-'),
            '\n' => plain.push('\n'),
            other if other.is_control() => {}
            other => plain.push(other),
        }
    }
    plain
}

fn cut(text: &str, longest: usize) -> String {
    plain(text).chars().take(longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_plain_and_escaped() {
        let menu = Screen::Menu {
            title: "T".repeat(50),
            prompt: "Locking… 3 of 16 & more".into(),
            items: vec![Item { name: "<b>".into(), url: "http://x/?a=1&b=2".into() }],
        };
        let xml = menu.xml();
        assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CiscoIPPhoneMenu><Title>"));
        assert!(xml.contains(&format!("<Title>{}</Title>", "T".repeat(32))));
        assert!(xml.contains("<Prompt>Locking... 3 of 16 &amp; more</Prompt>"));
        assert!(xml.contains("<Name>&lt;b&gt;</Name><URL>http://x/?a=1&amp;b=2</URL>"), "{xml}");
    }
}
