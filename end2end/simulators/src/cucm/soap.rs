//! SOAP in and out, for the simulator only.

use quick_xml::XmlVersion;
use quick_xml::escape::escape;
use quick_xml::events::Event;
use std::fmt::Write;

/// A request element.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) nil: bool,
    pub(crate) text: String,
    pub(crate) children: Vec<Node>,
}

impl Node {
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|node| node.name == name)
    }

    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|node| node.text.trim()).filter(|text| !text.is_empty())
    }
}

/// What an HTTP body asks for.
pub(crate) struct Asked {
    pub(crate) operation: Node,
    pub(crate) version: String,
    /// The operation element as it came.
    pub(crate) source: String,
}

/// Takes the operation out of an envelope. `None` is no SOAP.
pub(crate) fn read(body: &str) -> Option<Asked> {
    let envelope = tree(body)?;
    let operation = envelope.child("Body")?.children.first()?.clone();
    let namespace = operation.namespace.clone()?;
    let version = namespace.rsplit('/').next()?.to_owned();
    let start = body.find("Body>")? + "Body>".len();
    let end = body.rfind("</")?;
    let end = body[..end].rfind("</")?;
    let source = body.get(start..end)?.trim().to_owned();
    Some(Asked { operation, version, source })
}

/// A document's root, with all that is in it.
pub(crate) fn tree(body: &str) -> Option<Node> {
    let mut reader = quick_xml::Reader::from_str(body);
    let mut open: Vec<Node> = vec![Node::default()];
    let mut prefixes: Vec<(String, String)> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => open.push(node(&start, &mut prefixes)?),
            Event::Empty(start) => {
                let node = node(&start, &mut prefixes)?;
                open.last_mut()?.children.push(node);
            }
            Event::End(_) => {
                let done = open.pop()?;
                open.last_mut()?.children.push(done);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
            Event::CData(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let text = match reference.resolve_char_ref().ok()? {
                    Some(c) => c.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&reference)?.to_owned(),
                };
                open.last_mut()?.text.push_str(&text);
            }
            Event::Eof => return open.pop()?.children.into_iter().next(),
            _ => {}
        }
    }
}

fn node(start: &quick_xml::events::BytesStart<'_>, prefixes: &mut Vec<(String, String)>) -> Option<Node> {
    let mut node = Node { name: start.local_name().as_ref().to_owned(), ..Node::default() };
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
        let key = attribute.key.as_ref().to_owned();
        match attribute.key.local_name().as_ref() {
            "nil" => node.nil = value == "true" || value == "1",
            "queueId" => node.queue = Some(value.clone()),
            _ => {}
        }
        if key == "xmlns" {
            prefixes.push((String::new(), value));
        } else if let Some(prefix) = key.strip_prefix("xmlns:") {
            prefixes.push((prefix.to_owned(), value));
        }
    }
    let name = start.name();
    let name: &str = name.as_ref();
    let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
    node.namespace = prefixes.iter().rev().find(|(p, _)| p == prefix).map(|(_, uri)| uri.clone());
    Some(node)
}

/// A value in an answer.
pub(crate) enum Value {
    Text(String),
    /// A reference to another object: name and uuid, or none.
    Ref(Option<(String, String)>),
    Flag(bool),
    Raw(String),
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn opt(text: Option<&String>) -> Self {
        Self::Text(text.cloned().unwrap_or_default())
    }
}

/// One row: the asked tags only, in the order given, which is the schema's.
pub(crate) fn row(name: &str, uuid: &str, fields: Vec<(&str, Value)>, asked: Option<&Node>, nils: bool) -> String {
    let wanted = |tag: &str| asked.is_none_or(|tags| tags.children.is_empty() || tags.child(tag).is_some());
    let mut out = format!(r#"<{name} uuid="{uuid}">"#);
    for (tag, value) in fields.into_iter().filter(|(tag, _)| wanted(tag)) {
        let _ = match value {
            Value::Text(text) if text.is_empty() && nils => write!(out, r#"<{tag} xsi:nil="true"/>"#),
            Value::Ref(None) if nils => write!(out, r#"<{tag} uuid="" xsi:nil="true"/>"#),
            Value::Text(text) if text.is_empty() => write!(out, "<{tag}/>"),
            Value::Ref(None) => write!(out, "<{tag}/>"),
            Value::Text(text) => write!(out, "<{tag}>{}</{tag}>", escape(text)),
            Value::Ref(Some((text, uuid))) => write!(out, r#"<{tag} uuid="{uuid}">{}</{tag}>"#, escape(text)),
            Value::Flag(flag) => write!(out, "<{tag}>{flag}</{tag}>"),
            Value::Raw(xml) => write!(out, "{xml}"),
        };
    }
    let _ = write!(out, "</{name}>");
    out
}

/// `<return>…</return>` in its response element, without the envelope.
pub(crate) fn response(operation: &str, version: &str, inner: &str) -> String {
    format!(
        r#"<ns:{operation}Response xmlns:ns="http://www.cisco.com/AXL/API/{version}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{inner}</ns:{operation}Response>"#
    )
}

pub(crate) fn envelope(body: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
}

pub(crate) fn fault(operation: &str, code: i32, message: &str) -> String {
    format!(
        "<soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>{0}</faultstring><detail><axlError><axlcode>{code}</axlcode><axlmessage>{0}</axlmessage><request>{operation}</request></axlError></detail></soapenv:Fault>",
        escape(message)
    )
}
