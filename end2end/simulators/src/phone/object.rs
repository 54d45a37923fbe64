//! A phone's parser: known tags in known places, within their limits, declared as UTF-8. What it does not take, a
//! phone does not show.
//!
//! *Source*: Cisco, Phone Services Application Development Notes, XML objects; limits of `CiscoIPPhone.xsd`.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;

const LINE: usize = 32;
const ADDRESS: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    Menu { title: String, prompt: String, items: Vec<(String, String)> },
    Text { title: String, prompt: String, text: String, keys: Vec<SoftKey> },
    Input { title: String, prompt: String, url: String, post: bool, fields: Vec<Field> },
    Execute { urls: Vec<String> },
    Status { text: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftKey {
    pub name: String,
    pub url: String,
    pub position: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub parameter: String,
    pub flags: String,
}

/// An element with what is in it.
#[derive(Debug, Default)]
struct Node {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Node>,
}

impl Node {
    fn only(&self, known: &[&str]) -> Result<(), String> {
        match self.children.iter().find(|child| !known.contains(&child.name.as_str())) {
            Some(odd) => Err(format!("<{}> has no <{}>", self.name, odd.name)),
            None => Ok(()),
        }
    }

    fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the one child of this name, no longer than that; empty where there is none.
    fn text_of(&self, name: &str, longest: usize) -> Result<String, String> {
        let mut found = self.all(name);
        let text = found.next().map(|child| child.text.clone()).unwrap_or_default();
        if found.next().is_some() {
            return Err(format!("two <{name}>"));
        }
        if text.chars().count() > longest {
            return Err(format!("<{name}> is longer than {longest}"));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\r' | '\n' | '\t')) {
            return Err(format!("<{name}> holds a control character"));
        }
        Ok(text)
    }

    fn needed(&self, name: &str, longest: usize) -> Result<String, String> {
        self.text_of(name, longest)?
            .split_at_checked(0)
            .map(|(_, text)| text.to_owned())
            .filter(|text| !text.is_empty())
            .ok_or_else(|| format!("<{}> needs <{name}>", self.name))
    }
}

impl Object {
    /// Reads what a server answered.
    ///
    /// # Errors
    /// What a phone would not take.
    pub fn read(content_type: &str, body: &str) -> Result<Self, String> {
        if !content_type.to_ascii_lowercase().starts_with("text/xml") || !content_type.contains("UTF-8") {
            return Err(format!("the type must be text/xml; charset=UTF-8, not {content_type}"));
        }
        if !body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>") {
            return Err("UTF-8 must be declared first".into());
        }
        let root = tree(body)?;
        let title = root.text_of("Title", LINE)?;
        let prompt = root.text_of("Prompt", LINE)?;
        match root.name.as_str() {
            "CiscoIPPhoneMenu" => {
                root.only(&["Title", "Prompt", "MenuItem", "SoftKeyItem"])?;
                let items = root.all("MenuItem").map(|item| {
                    item.only(&["Name", "URL"])?;
                    Ok((item.needed("Name", 64)?, item.needed("URL", ADDRESS)?))
                });
                let items: Vec<_> = items.collect::<Result<_, String>>()?;
                if items.is_empty() || items.len() > 100 {
                    return Err("a menu has 1 to 100 lines".into());
                }
                Ok(Self::Menu { title, prompt, items })
            }
            "CiscoIPPhoneText" => {
                root.only(&["Title", "Prompt", "Text", "SoftKeyItem"])?;
                Ok(Self::Text { title, prompt, text: root.needed("Text", 4000)?, keys: keys(&root)? })
            }
            "CiscoIPPhoneInput" => input(&root, title, prompt),
            "CiscoIPPhoneExecute" => {
                root.only(&["ExecuteItem"])?;
                let url =
                    |item: &Node| item.attributes.iter().find(|(name, _)| name == "URL").map(|(_, url)| url.clone());
                let urls: Option<Vec<String>> = root.all("ExecuteItem").map(url).collect();
                let urls = urls.filter(|all| (1..=3).contains(&all.len())).ok_or("1 to 3 <ExecuteItem URL=…>")?;
                if urls.iter().filter(|url| url.starts_with("http")).count() > 1 {
                    return Err("at most one address may be executed".into());
                }
                Ok(Self::Execute { urls })
            }
            "CiscoIPPhoneStatus" => {
                root.only(&["Text", "Timer", "LocationX", "LocationY", "Width", "Height", "Depth", "Data"])?;
                for name in ["Width", "Height", "Depth", "Data"] {
                    root.needed(name, 1114)?;
                }
                Ok(Self::Status { text: root.needed("Text", LINE)? })
            }
            other => Err(format!("<{other}> is no object a phone knows")),
        }
    }
}

fn input(root: &Node, title: String, prompt: String) -> Result<Object, String> {
    root.only(&["Title", "Prompt", "URL", "InputItem", "SoftKeyItem"])?;
    let method = root.all("URL").next().and_then(|url| url.attributes.first()).cloned();
    let post = match method {
        None => false,
        Some((name, value)) if name == "method" && value == "post" => true,
        Some(odd) => return Err(format!("<URL> has no {odd:?}")),
    };
    let fields = root.all("InputItem").map(|item| {
        item.only(&["DisplayName", "QueryStringParam", "DefaultValue", "InputFlags"])?;
        let flags = item.needed("InputFlags", 2)?;
        let kinds = ["A", "T", "N", "E", "U", "L"];
        let kind = flags.trim_start_matches('P').trim_end_matches('P');
        if !kinds.contains(&kind) {
            return Err(format!("InputFlags {flags} are none"));
        }
        if flags.contains('P') && !item.text_of("DefaultValue", LINE)?.is_empty() {
            return Err("a PIN has no default".into());
        }
        Ok(Field { name: item.needed("DisplayName", LINE)?, parameter: item.needed("QueryStringParam", LINE)?, flags })
    });
    let fields: Vec<Field> = fields.collect::<Result<_, String>>()?;
    if fields.is_empty() || fields.len() > 5 {
        return Err("an input has 1 to 5 fields".into());
    }
    Ok(Object::Input { title, prompt, url: root.needed("URL", ADDRESS)?, post, fields })
}

fn keys(root: &Node) -> Result<Vec<SoftKey>, String> {
    let keys = root.all("SoftKeyItem").map(|item| {
        item.only(&["Name", "URL", "Position"])?;
        let position: u8 = item.needed("Position", 2)?.parse().map_err(|_| "Position is a number".to_owned())?;
        if !(1..=8).contains(&position) {
            return Err("Position is 1 to 8".to_owned());
        }
        Ok(SoftKey { name: item.needed("Name", LINE)?, url: item.needed("URL", ADDRESS)?, position })
    });
    keys.collect()
}

fn tree(body: &str) -> Result<Node, String> {
    let mut reader = Reader::from_str(body);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => open.push(named(&tag)?),
            Event::Empty(tag) => {
                let node = named(&tag)?;
                open.last_mut().ok_or("no element")?.children.push(node);
            }
            Event::Text(text) => {
                let plain = unescape(&text).map_err(|error| error.to_string())?.into_owned();
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&plain);
                }
            }
            Event::GeneralRef(reference) => {
                let plain = unescape(&format!("&{};", &*reference)).map_err(|error| error.to_string())?.into_owned();
                if let Some(node) = open.last_mut() {
                    node.text.push_str(&plain);
                }
            }
            Event::End(_) => {
                let node = open.pop().ok_or("nothing is open")?;
                open.last_mut().ok_or("nothing is open")?.children.push(node);
            }
            Event::Decl(_) => {}
            Event::Eof => break,
            odd => return Err(format!("a phone's parser knows no {odd:?}")),
        }
    }
    let mut root = open.pop().filter(|_| open.is_empty()).ok_or("an element is not closed")?;
    if root.children.len() == 1 { Ok(root.children.remove(0)) } else { Err("there must be one object".into()) }
}

fn named(tag: &quick_xml::events::BytesStart<'_>) -> Result<Node, String> {
    let mut node = Node { name: tag.name().as_ref().to_owned(), ..Node::default() };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = unescape(&attribute.value).map_err(|error| error.to_string())?.into_owned();
        node.attributes.push((attribute.key.as_ref().to_owned(), value));
    }
    Ok(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    const TYPE: &str = "text/xml; charset=UTF-8";

    #[test]
    fn a_phone_takes_what_the_notes_show_and_nothing_else() {
        let text = |inner: &str| format!("{XML}<CiscoIPPhoneText>{inner}</CiscoIPPhoneText>");
        let good = text("<Title>A &amp; B</Title><Prompt></Prompt><Text>x\ny</Text>");
        let read = Object::read(TYPE, &good).unwrap();
        assert!(matches!(&read, Object::Text { title, text, .. } if title == "A & B" && text == "x\ny"), "{read:?}");
        for (kind, bad) in [
            ("text/html", good.clone()),
            ("text/xml", good.clone()),
            (TYPE, good.replace(XML, "")),
            (TYPE, text(&format!("<Title>{}</Title><Text>x</Text>", "t".repeat(33)))),
            (TYPE, text("<Text></Text>")),
            (TYPE, text("<Text>x</Text><Text>y</Text>")),
            (TYPE, text("<text>x</text>")),
            (TYPE, text(&format!("<Text>{}</Text>", "x".repeat(4001)))),
            (TYPE, text("<Text>x</Text><SoftKeyItem><Name>Exit</Name><URL>SoftKey:Exit</URL></SoftKeyItem>")),
            (TYPE, text("<Text>\u{7}</Text>")),
            (TYPE, format!("{XML}<CiscoIPPhoneMenu><Title>T</Title></CiscoIPPhoneMenu>")),
            (
                TYPE,
                format!(
                    "{XML}<CiscoIPPhoneExecute><ExecuteItem URL=\"http://a\"/><ExecuteItem URL=\"http://b\"/></CiscoIPPhoneExecute>"
                ),
            ),
            (
                TYPE,
                format!(
                    "{XML}<CiscoIPPhoneInput><URL>http://a</URL><InputItem><DisplayName>P</DisplayName><QueryStringParam>p</QueryStringParam><DefaultValue>1</DefaultValue><InputFlags>NP</InputFlags></InputItem></CiscoIPPhoneInput>"
                ),
            ),
            (TYPE, format!("{XML}<!-- x --><CiscoIPPhoneText><Text>x</Text></CiscoIPPhoneText>")),
        ] {
            assert!(Object::read(kind, &bad).is_err(), "{bad}");
        }
    }
}
